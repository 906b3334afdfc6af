// However somebody presses, reloads, goes back or looks: one payment, and a page that can be used.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { CARDS, choosePart, fillCard, payButton, payWith, received, said } from './card.mjs';
import { accessible, eventually, looked, shots, startSandbox } from './house.mjs';

let house;
before(async () => (house = await startSandbox('--no-seed')));
after(() => house?.close());

test('Pay pressed twice, a reload while it works, and the way back are one payment', async () => {
    const twice = await house.invoice();
    const page = await house.at(twice);
    await fillCard(page, CARDS.good);
    await page.locator('#pay-button:not([aria-disabled])').dblclick();
    await received(page);
    assert.deepEqual(await house.taken(twice), [5000]);
    await page.reload();
    await said(page, 'paid-reloaded', 'Payment received');
    await page.goBack();
    await page.getByRole('heading', { level: 1, name: /is paid|Invoice/ }).waitFor();
    assert.deepEqual(await house.taken(twice), [5000]);
    await page.context().close();

    const reloaded = await house.invoice();
    const other = await house.at(reloaded);
    await fillCard(other, CARDS.good);
    const confirmed = other.waitForRequest('**/v1/payment_intents/*/confirm');
    await payButton(other).click();
    await confirmed;
    await other.reload();
    await eventually('the payment to be booked', 20, async () => (await house.row(reloaded, 'Status__c')).Status__c === 'Paid');
    await other.reload();
    // Where the reload found the page decides which of the two it shows.
    await said(other, 'reloaded-while-paying', /This invoice is paid|Payment received/);
    assert.deepEqual(await house.taken(reloaded), [5000]);
    await other.context().close();
});

test('replies of Stripe and Salesforce that get lost end in one payment', async () => {
    const invoices = [await house.invoice(), await house.invoice(), await house.invoice()];
    const links = [];
    for (const invoice of invoices) links.push(await house.link(invoice));
    await house.fault('lost_reply', 0.5);
    try {
        for (const [at, invoice] of invoices.entries()) {
            const page = await house.page('phone');
            await eventually('the page', 60, async () => {
                if ((await page.goto(links[at])).status() !== 200) return false;
                await page.getByRole('button', { name: 'Continue' }).click();
                await fillCard(page, CARDS.good);
                return true;
            });
            for (let press = 0; press < 6; press++) {
                const paid = page.getByRole('heading', { name: /Payment received|is paid|just paid|We are checking/ });
                if (await paid.count()) break;
                await page.locator('#pay-button:not([aria-disabled])').click().catch(() => {});
                await paid.or(page.locator('#summary:not([hidden])')).first().waitFor({ timeout: 45_000 });
            }
            await page.context().close();
        }
    } finally {
        await house.fault('lost_reply', 0);
    }
    for (const invoice of invoices) {
        await eventually(`${invoice.name} to be paid once`, 40, async () => (await house.row(invoice, 'Status__c')).Status__c === 'Paid');
        assert.deepEqual(await house.taken(invoice), [5000]);
    }
});

test('the whole way by keyboard', async () => {
    const invoice = await house.invoice();
    const page = await house.page('desktop');
    await page.goto(await house.link(invoice));
    const on = () => page.evaluate(() => {
        const at = document.activeElement;
        return at?.tagName === 'IFRAME' ? 'frame' : at?.id || at?.getAttribute('value') || at?.textContent?.trim() || at?.tagName;
    });
    const tabTo = async (wanted) => {
        const seen = [];
        for (let presses = 0; presses < 25; presses++) {
            await page.keyboard.press('Tab');
            seen.push(await on());
            if (seen.at(-1) === wanted) return;
        }
        throw new Error(`Tab never reached ${wanted}; it went ${seen.join(' → ')}`);
    };
    await tabTo('Continue');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: `Pay invoice ${invoice.name}` }).waitFor();
    await page.locator('#pay-button:not([aria-disabled])').waitFor();
    await tabTo('full');
    const before = page.url();
    await page.keyboard.press('ArrowDown');
    assert.equal(page.url(), before, 'a choice moves nobody');
    await tabTo('amount');
    await page.keyboard.type('70');
    await page.keyboard.press('Enter');
    // Card fields are empty as well: the first fault is said, and typing goes on.
    await page.locator('#progress').getByText(/card number/i).or(page.locator('#summary:not([hidden])')).first().waitFor();
    await page.getByLabel('Amount in').focus();
    await page.keyboard.press('Control+A');
    await page.keyboard.type('20');
    await tabTo('frame');
    await page.keyboard.type('4242424242424242');
    await page.keyboard.press('Tab');
    await page.keyboard.type('1234');
    await page.keyboard.press('Tab');
    await page.keyboard.type('123');
    await tabTo('pay-button');
    await looked(page, 'keyboard-before-pay');
    await page.keyboard.press('Enter');
    await received(page);
    await tabTo('Download receipt (PDF)');
    await tabTo('Pay the rest');
    assert.deepEqual(await house.taken(invoice), [2000]);
    await page.context().close();
});

test('names of any script and length, and names that look like HTML', async () => {
    const long = 'Bjørk-Åsgårdsøyravegen'.repeat(9);
    for (const [name, fields, account] of [
        ['arabic', { Description__c: 'خدمات صيانة – أكتوبر' }, { Name: 'شركة الأفق للتجارة والمقاولات' }],
        ['html', { Description__c: '"><img src=x onerror=alert(1)> & <b>bold</b>' }, { Name: '<script>alert(1)</script> & Co' }],
        ['long', { Name: `INV-${'9'.repeat(60)}`, Description__c: 'W'.repeat(250), Total__c: 999999.99 }, { Name: long }],
    ]) {
        const invoice = await house.invoice(fields, account);
        const page = await house.at(invoice);
        let alerted = false;
        page.on('dialog', (dialog) => { alerted = true; void dialog.dismiss(); });
        await payButton(page).waitFor();
        await said(page, `names-${name}`, /Pay invoice/);
        assert.equal(alerted, false);
        assert.ok((await page.locator('main').innerText()).includes(account.Name.slice(0, 20)));
        await page.context().close();
    }
});

test('dark, forced colours, twice the text, and more space between letters', async () => {
    const invoice = await house.invoice();
    for (const [name, options] of [['dark', { colorScheme: 'dark' }], ['forced-colours', { forcedColors: 'active' }]]) {
        const page = await house.at(invoice, 'phone', options);
        await page.locator('#pay-button:not([aria-disabled])').waitFor();
        await looked(page, `look-${name}`);
        await choosePart(page, '99');
        await payWith(page, CARDS.good);
        await page.locator('#summary:not([hidden])').waitFor();
        await looked(page, `look-${name}-refused`);
        await page.context().close();
    }
    const page = await house.at(invoice);
    await page.locator('#pay-button:not([aria-disabled])').waitFor();
    // As a person's own style sheet, which a page's policy does not bind.
    const style = async (text) => page.evaluate((text) => {
        const sheet = new CSSStyleSheet();
        sheet.replaceSync(text);
        document.adoptedStyleSheets = [sheet];
    }, text);
    for (const [name, text] of [
        ['large-text', 'html{font-size:200%}'],
        ['wide-text', '*{line-height:1.5!important;letter-spacing:.12em!important;word-spacing:.16em!important}p{margin-block-end:2em!important}'],
    ]) {
        await style(text);
        await page.screenshot({ path: join(shots, `look-${name}.png`), fullPage: true });
        const clipped = await page.evaluate(() => [...document.querySelectorAll('main *')]
            .filter((part) => !part.classList.contains('hidden-text') && getComputedStyle(part).overflow === 'hidden' && part.scrollHeight > part.clientHeight).map((part) => part.outerHTML.slice(0, 80)));
        assert.deepEqual(clipped, [], name);
        const sideways = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        assert.equal(sideways, 0, name);
        await accessible(page, name);
    }
    const small = await page.evaluate(() => [...document.querySelectorAll('a,button,input:not([type=hidden])')].filter((part) => part.checkVisibility() && !part.closest('p')).map((part) => [part.outerHTML.slice(0, 60), part.getBoundingClientRect()]).filter(([, box]) => box.height < 20 || box.width < 20).map(([html]) => html));
    assert.deepEqual(small, [], 'targets are big enough for a finger');
    await page.context().close();
});
