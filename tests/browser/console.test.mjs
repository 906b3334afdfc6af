// The sandbox's console as a newcomer walks it: console, link, mail, payment, and the invoice turns Paid by itself.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { CARDS, payWith, received } from './card.mjs';
import { eventually, looked, shots, startSandbox } from './house.mjs';

let house;
before(async () => (house = await startSandbox()));
after(() => house?.close());

const console_ = (path = '') => `${house.endpoints.console_url}${path}`;
const state = (page) => page.locator('#summary .state').innerText();

test('the first minute', async () => {
    const page = await house.page('desktop');
    await page.goto(console_());
    await page.getByText('5 of 5 accounts at Stripe').waitFor();
    await looked(page, 'console-home');
    await page.getByRole('link', { name: /^Send a payment link/ }).click();
    await page.getByRole('heading', { level: 1, name: /INV-/ }).waitFor();
    await page.goto(console_('/org/invoices'));
    await looked(page, 'console-invoices');
    await page.getByRole('link', { name: 'INV-1042' }).click();
    await page.getByLabel('E-mail for this send').waitFor();
    assert.equal(await page.getByLabel('E-mail for this send').inputValue(), 'accounts@birchwood.example');
    await looked(page, 'console-invoice');
    await page.getByRole('button', { name: 'Send Payment Link' }).click();
    await page.getByText('The link is on its way').waitFor();
    await page.locator('#record .state').getByText('Sent').or(page.locator('#record').getByText('Sent', { exact: true })).first().waitFor();
    await looked(page, 'console-invoice-sent');

    const mail = await page.context().newPage();
    mail.problems = [];
    mail.own = new Map();
    await mail.goto(console_('/mailbox'));
    await looked(mail, 'console-mailbox');
    await mail.getByRole('link', { name: /Invoice INV-1042/ }).click();
    const letter = mail.frameLocator('iframe');
    await letter.getByRole('link', { name: /Pay|View/ }).first().waitFor();
    await looked(mail, 'console-mail');
    for (const view of ['On a phone', 'Text part', 'Headers', 'Source']) {
        await mail.getByRole('link', { name: view }).click();
        await mail.getByRole('heading', { level: 1 }).waitFor();
        await looked(mail, `console-mail-${view.toLowerCase().replaceAll(' ', '-')}`);
    }
    await mail.getByRole('link', { name: 'As the customer sees it' }).click();
    const opens = page.context().waitForEvent('page');
    await letter.getByRole('link', { name: /Pay|View/ }).first().click();
    const pay = await opens;
    await pay.getByRole('button', { name: 'Continue' }).click();
    await payWith(pay, CARDS.good);
    await received(pay);
    await pay.close();

    await eventually('the invoice on the open page to turn Paid', 20, async () => (await state(page)) === 'Paid');
    await eventually('the payment to be listed', 20, async () => (await page.locator('#record').innerText()).includes('Visa ending 4242'));
    await looked(page, 'console-invoice-paid');
    await page.goto(console_('/org/payments'));
    await page.locator('#rows').getByRole('link').first().click();
    await eventually('the receipt', 20, async () => {
        await page.reload();
        return (await page.getByRole('link', { name: /Receipt/ }).count()) > 0;
    });
    await looked(page, 'console-payment');
    await page.goto(console_());
    await eventually('all steps to be ticked', 20, async () => (await page.locator('.steps .done').count()) === 4);
    await looked(page, 'console-home-done');
    await page.context().close();
});

test('Copy Link, Revoke, Sync now', async () => {
    const page = await house.page('phone');
    await page.goto(console_('/org/invoices'));
    await page.getByRole('link', { name: 'INV-1051' }).click();
    const invoice = page.url();
    await page.getByRole('button', { name: 'Copy Link' }).click();
    await page.getByRole('heading', { level: 1, name: 'The link, this once' }).waitFor();
    await looked(page, 'console-copied');
    const link = await page.locator('code.link').innerText();
    assert.ok(link.startsWith(`${house.endpoints.page_url}/p/`), link);
    const payer = await house.page('phone');
    await eventually('the copied link to work', 20, async () => (await payer.goto(link)).status() === 200);
    await payer.getByText('$1,240.00').waitFor();
    await payer.context().close();

    await page.goto(invoice);
    await page.getByLabel('E-mail for this send').fill('someone@birchwood.example');
    await page.getByLabel(/Note/).fill('Thank you, شكرا & <b>more</b>');
    await page.getByRole('button', { name: 'Send Payment Link' }).click();
    await page.getByRole('button', { name: /Revoke/ }).first().waitFor();
    await looked(page, 'console-open-link');
    await page.locator('form.line', { hasText: 'someone@' }).getByRole('button').click();
    await page.getByText('The link is being switched off').waitFor();
    await page.locator('#record').getByText('Revoked', { exact: true }).first().waitFor();
    await page.getByRole('button', { name: 'Sync now' }).click();
    await page.getByText('The sidecar was asked to look at Stripe again').waitFor();
    await looked(page, 'console-requests');
    await eventually('the sweep to be done', 20, async () => /Sync Now[\s\S]*Done/.test(await page.locator('#rows').innerText()));
    await page.context().close();
});

test('every other page of the console, and the sidecar killed and started', async () => {
    const page = await house.page('desktop');
    for (const path of ['/org/accounts', '/org/links', '/org/errors', '/org/payments', '/stripe/payment_intents', '/stripe/customers', '/stripe/events', '/stripe/requests', '/stripe/deliveries', '/faults', '/nowhere']) {
        const answer = await page.goto(console_(path));
        if (answer.status() === 404 && path !== '/nowhere') continue;
        await looked(page, `console${path.replaceAll('/', '-')}`);
    }
    await page.goto(console_('/org/accounts'));
    await page.getByRole('link', { name: 'Birchwood Dental Group' }).click();
    await looked(page, 'console-account');
    await page.goto(console_('/faults'));
    await page.getByRole('group', { name: /slow/ }).getByRole('button').nth(1).click();
    await page.locator('[aria-pressed=true]').first().waitFor();
    await house.fault('slow', 0);
    await page.getByRole('button', { name: /Kill/ }).click();
    await page.getByRole('button', { name: 'Start the sidecar' }).waitFor();
    await looked(page, 'console-killed');
    await page.getByRole('button', { name: 'Start the sidecar' }).click();
    await page.getByRole('button', { name: /Kill/ }).waitFor();
    await page.context().close();
});

test('the letters as a browser shows them, light and dark', async () => {
    const mails = await house.mails();
    assert.ok(mails.length >= 2);
    for (const [at, mail] of mails.entries()) {
        for (const colorScheme of ['light', 'dark']) {
            const page = await house.page('phone', { colorScheme });
            await page.goto(`${house.endpoints.smtp.mailbox_url}/api/messages/${mail.id}/html`);
            await page.screenshot({ path: join(shots, `mail-${at}-${colorScheme}.png`), fullPage: true });
            const sideways = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
            assert.equal(sideways, 0, mail.subject);
            await page.context().close();
        }
    }
});
