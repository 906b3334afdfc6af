// The package's Lightning components on live data: a clerk's day, an administrator's first day, a viewer who may not, and
// the payment service down and back.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { dirname, join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { CARDS, payWith, received } from './card.mjs';
import { eventually, looked, startSandbox } from './house.mjs';
import { seen } from './lightning.mjs';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
let house;
before(async () => {
    execFileSync(join(root, 'tests/lightning/build'), { stdio: 'inherit' });
    house = await startSandbox();
});
after(() => house?.close());

const at = async (who, path, screen = 'desktop') => {
    const page = await house.page(screen);
    await page.goto(`${house.endpoints.console_url}/lightning/${who}/${path}`);
    await page.locator('body[data-ready]').waitFor();
    return page;
};
/** The page that an act opens in a new tab, in a browser of its own that watches it. Looking at it twice changes nothing. */
const opened = async (page, act, screen = 'desktop') => {
    const opens = page.context().waitForEvent('page');
    await act();
    const tab = await opens;
    await tab.waitForLoadState();
    const watched = await house.page(screen);
    await watched.goto(tab.url());
    await tab.close();
    return watched;
};
const invoiceId = async (name) => (await house.query(`SELECT Id FROM Invoice__c WHERE Name = '${name}'`))[0].Id;
const subscriptions = (page) => page.evaluate(() => window.__subscriptions ?? 0);
const daemon = async (act) => {
    const answer = await fetch(`${house.endpoints.console_url}/sidecar/${act}`, { method: 'POST', redirect: 'manual' });
    assert.equal(answer.status, 303, `the daemon: ${act}`);
};

test('a clerk sends a link, the payer pays, and the panel shows it by itself', async () => {
    const id = await invoiceId('INV-1042');
    const page = await at('clerk', `r/Invoice__c/${id}/view`);
    const panel = page.locator('c-payment-panel');
    await panel.getByText('No payments yet.').waitFor();
    assert.equal(await subscriptions(page), 0, 'nothing is open, so no delivery is spent');
    await seen(page, 'panel-empty');

    await page.getByRole('button', { name: 'Send Payment Link' }).focus();
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', { name: 'Send Link' }).waitFor();
    assert.equal(await dialog.getByLabel('Email').inputValue(), 'accounts@birchwood.example');
    await seen(page, 'send-form');
    await dialog.getByRole('button', { name: 'Send Link' }).click();
    await dialog.getByRole('button', { name: 'Send Again' }).waitFor({ timeout: 40_000 });
    await seen(page, 'send-done');
    await page.keyboard.press('Escape');
    await panel.getByText('Updates by itself').waitFor();
    await panel.getByText('Open', { exact: true }).waitFor();
    await eventually('the subscription', 10, async () => (await subscriptions(page)) === 1);
    await seen(page, 'panel-link-open');

    const payer = await house.page('phone');
    const mail = await house.mailTo('accounts@birchwood.example', 'INV-1042');
    await payer.goto(mail.text.split(/\s+/).find((word) => word.startsWith(`${house.endpoints.page_url}/p/`)));
    await payer.getByRole('button', { name: 'Continue' }).click();
    await payer.getByLabel(/Store this card with Stripe/).check();
    await payWith(payer, CARDS.good);
    await received(payer);
    await payer.context().close();

    await panel.getByRole('cell', { name: 'Visa ending 4242' }).waitFor();
    await eventually('the balance', 10, async () => (await panel.locator('.balance').innerText()) === '$0.00');
    await panel.getByRole('button', { name: /Open receipt/ }).waitFor({ timeout: 60_000 });
    await eventually('the subscription to end', 10, async () => (await subscriptions(page)) === 0);
    const stored = panel.locator('c-stored-method-rows');
    await eventually('the stored card', 20, async () => {
        await panel.getByRole('button', { name: 'Refresh' }).click();
        return (await stored.getByRole('button', { name: 'Visa ending 4242' }).count()) === 1;
    });
    assert.match(await stored.innerText(), /Ready.*Expires \d\d\/\d{4}/s);
    await seen(page, 'panel-paid');
    const opens = page.context().waitForEvent('page');
    await panel.getByRole('button', { name: /Open receipt/ }).click();
    await opens;
    await page.context().close();
});

test('a notice is on the panel within two seconds', async () => {
    const invoice = await house.invoice({ Total__c: 80 });
    const link = await house.link(invoice);
    const page = await at('clerk', `r/Invoice__c/${invoice.id}/view`);
    await eventually('the subscription', 10, async () => (await subscriptions(page)) === 1);
    const payer = await house.page('phone');
    await payer.goto(link);
    await payer.getByRole('button', { name: 'Continue' }).click();
    await payWith(payer, CARDS.good);
    // From the moment at which the org holds the payment, which is before the notice goes.
    const shown = page.locator('c-payment-panel').getByText('Visa ending 4242').waitFor({ timeout: 30_000 }).then(() => Date.now());
    let booked;
    await eventually('the payment in the org', 30, async () => {
        booked = Date.now();
        return (await house.query(`SELECT Id FROM Payment__c WHERE Invoice__c = '${invoice.id}'`)).length > 0;
    });
    const late = (await shown) - booked;
    assert.ok(late < 2_000, `the panel showed it ${late} ms after it was booked`);
    await payer.context().close();
    await page.context().close();
});

test('copy, revoke, send again; on a phone without a subscription', async () => {
    const invoice = await house.invoice({ Total__c: 120 });
    await house.link(invoice);
    const page = await at('clerk', `r/Invoice__c/${invoice.id}/view`, 'phone');
    const panel = page.locator('c-payment-panel');
    await panel.getByText('Open', { exact: true }).waitFor();
    await page.waitForTimeout(500);
    assert.equal(await subscriptions(page), 0, 'a phone takes no deliveries');
    await panel.getByRole('button', { name: 'Copy Link' }).click();
    await panel.locator('lightning-input').waitFor();
    assert.match(await panel.locator('lightning-input input').inputValue(), /\/p\/[\w-]{43}$/);
    await seen(page, 'panel-phone');
    await panel.getByRole('group', { name: invoice.email }).getByRole('button', { name: 'Revoke' }).click();
    await panel.getByText('Revoked', { exact: true }).waitFor({ timeout: 30_000 });
    await panel.getByRole('group', { name: invoice.email }).getByRole('button', { name: 'Send Again' }).first().click();
    await eventually('a second letter', 20, async () => (await house.mails()).filter((mail) => JSON.stringify(mail.to).includes(invoice.email)).length >= 2);
    await page.context().close();
});

test('a clerk takes a payment by a card on file, part now and the rest declined', async () => {
    const invoice = await house.invoice({ Total__c: 65 });
    await house.cardOnFile(invoice, 'pm_card_visa');
    await house.cardOnFile(invoice, 'pm_card_chargeCustomerFail');
    const page = await at('clerk', `r/Invoice__c/${invoice.id}/view`);
    await page.getByRole('button', { name: 'Take Payment' }).focus();
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', { name: 'Open payment page' }).waitFor();
    await seen(page, 'take-offer');
    const desk = await opened(page, () => dialog.getByRole('button', { name: 'Open payment page' }).click());
    await desk.getByRole('heading', { name: 'Take a payment' }).waitFor();
    await eventually('the request to be ready', 20, async () => (await dialog.innerText()).includes('The payment page is ready'));
    await seen(page, 'take-open');
    await looked(desk, 'desk-before');
    await desk.getByRole('button', { name: 'Continue' }).click();
    await desk.getByText('$65.00').first().waitFor();
    await looked(desk, 'desk-page');
    await desk.getByLabel('Another amount').check();
    await desk.getByRole('textbox').fill('25');
    await desk.getByLabel(/Visa ending 4242/).check();
    await desk.getByRole('button', { name: 'Take the payment' }).click();
    await desk.getByRole('heading', { name: 'Payment taken' }).waitFor();
    await looked(desk, 'desk-taken');
    await dialog.getByText('$25.00 USD was paid with Visa ending 4242.').waitFor({ timeout: 30_000 });
    await seen(page, 'take-done');
    await page.keyboard.press('Escape');
    await page.locator('c-payment-panel').getByRole('cell', { name: 'Visa ending 4242' }).waitFor();

    await page.getByRole('button', { name: 'Take Payment' }).click();
    const second = await opened(page, () => dialog.getByRole('button', { name: 'Open payment page' }).click(), 'phone');
    await second.getByRole('button', { name: 'Continue' }).click();
    await second.getByLabel(/Visa ending 0341/).check();
    await second.getByRole('button', { name: 'Take the payment' }).click();
    await second.locator('#summary').waitFor();
    assert.match(await second.locator('#summary').innerText(), /declined/);
    await looked(second, 'desk-declined-phone');
    await dialog.getByText('was declined, nothing was charged').waitFor({ timeout: 30_000 });
    await page.context().close();
});

test('a viewer sees the payments and no button, and reads a sentence where they may not be', async () => {
    const id = await invoiceId('INV-1042');
    const page = await at('viewer', `r/Invoice__c/${id}/view`);
    const panel = page.locator('c-payment-panel');
    await panel.getByText('$50.00').first().waitFor();
    assert.equal(await panel.getByRole('button', { name: /Copy|Revoke|Send/ }).count(), 0);
    await seen(page, 'panel-viewer');
    await page.getByRole('button', { name: 'Send Payment Link' }).click();
    await page.getByText('You need the permission set Quittance Clerk').waitFor();
    await seen(page, 'send-viewer');
    await page.context().close();
    const setup = await at('clerk', 'n/Quittance_Setup');
    await setup.getByText(/Quittance Admin/).waitFor();
    await seen(setup, 'setup-clerk');
    await setup.context().close();
});

test("an administrator's first day: the service, the batch, the mapping, an error", async () => {
    await eventually('a sign of life', 60, async () => (await house.query('SELECT Id FROM Sidecar_Status__c')).length === 1);
    const page = await at('admin', 'n/Quittance_Setup');
    await page.getByText('The payment service is connected.').waitFor();
    await page.getByText('The hourly batch is not scheduled.').waitFor();
    await page.getByText('The mapping fits your invoice object.').waitFor();
    await page.getByText('Nothing waits for you.').waitFor();
    await seen(page, 'setup-first-day');
    await page.getByRole('button', { name: 'Start Hourly Batch' }).click();
    await page.getByText('The hourly batch is scheduled.').waitFor();
    await page.locator('c-sync-payments').getByRole('button', { name: /Sync/ }).click();
    await eventually('the sweep', 30, async () => (await house.query("SELECT State__c FROM Payment_Request__c WHERE Kind__c = 'Sync Now'"))[0]?.State__c === 'Done');

    await house.insert('Payment_Error__c', {
        Command_Id__c: 'send:walk', State__c: 'Open', Code__c: 'email_invalid', Happened_At__c: new Date().toISOString(),
        Sentence__c: 'Stripe refused the e-mail address of Birchwood Dental Group.', Remedy__c: 'Correct Billing Email on the account, then press Retry.',
    });
    await page.getByRole('button', { name: 'Refresh' }).click();
    await page.getByText('Stripe refused the e-mail address').waitFor();
    await seen(page, 'setup-error');
    await page.getByRole('button', { name: 'Discard' }).click();
    await page.getByText('Discarded. Nothing is tried again.').waitFor();
    await page.getByText('Nothing waits for you.').waitFor();
    await page.context().close();
});

test('500 invoices in bulk, the tab closed half-way', async () => {
    const account = await house.insert('Account', { Name: 'Bulk Customer', Billing_Email__c: 'bulk@customers.example' });
    const nobody = await house.insert('Account', { Name: 'Bulk Without Address' });
    const records = Array.from({ length: 500 }, (_, at) => ({
        attributes: { type: 'Invoice__c' }, Name: `BULK-${String(at).padStart(4, '0')}`, Account__c: at < 497 ? account : nobody,
        Currency_Code__c: 'USD', Total__c: 100 + at, Status__c: 'Open', Due_Date__c: '2026-12-31',
    }));
    for (let at = 0; at < records.length; at += 200) {
        await house.org('POST', '/services/data/v66.0/composite/sobjects', { allOrNone: true, records: records.slice(at, at + 200) });
    }
    const page = await at('clerk', 'n/Bulk_Send');
    await page.getByLabel("Customer's name contains").fill('Bulk');
    await page.getByRole('button', { name: 'Find Invoices' }).click();
    await page.getByText('497 can be sent').waitFor({ timeout: 60_000 });
    await page.getByText("3 can't be sent").waitFor();
    await page.getByText('BULK-0499').waitFor();
    await seen(page, 'bulk-preflight');
    await page.getByRole('checkbox', { name: 'BULK-0000' }).focus();
    await page.keyboard.press('Space');
    await page.getByRole('button', { name: 'Send 496 Links' }).click();
    await page.getByRole('progressbar').waitFor({ timeout: 60_000 });
    await page.context().close();

    const again = await at('clerk', 'n/Bulk_Send');
    await again.getByRole('progressbar').or(again.getByRole('button', { name: /^Show BS-/ })).first().waitFor();
    const show = again.getByRole('button', { name: /^Show BS-/ });
    if (await show.count()) await show.first().click();
    await again.getByText('496 of 496 asked for, 0 refused').waitFor({ timeout: 90_000 });
    await again.getByText('All links were asked for.').waitFor();
    await seen(again, 'bulk-done');
    const [{ made }] = await house.query("SELECT COUNT(Id) made FROM Payment_Request__c WHERE Bulk_Send__c != null");
    assert.equal(made, 496, 'one request for each, and none for the one that was left out');
    await again.context().close();

    // The same invoices by a list view: all are there, and those with a link say so.
    const listed = await at('clerk', 'n/Bulk_Send');
    await listed.getByRole('combobox', { name: 'List View' }).click();
    await listed.getByRole('option', { name: 'Open Invoices' }).click();
    await listed.getByRole('button', { name: 'Find Invoices' }).click();
    await listed.getByText(/\d+ can't be sent/).waitFor({ timeout: 60_000 });
    await listed.getByText('BULK-0000').waitFor();
    await seen(listed, 'bulk-list-view');
    await listed.context().close();

    // Rows that were ticked in the list lead to Bulk Send by the list button's Flow.
    const list = await at('clerk', 'o/Invoice__c/list');
    await list.getByRole('checkbox', { name: 'Select BULK-0000' }).check();
    await list.getByRole('checkbox', { name: 'Select BULK-0001' }).check();
    await seen(list, 'list-ticked');
    await list.getByRole('button', { name: 'Send Payment Links' }).click();
    await list.getByText('1 can be sent').waitFor();
    await list.getByText("1 can't be sent").waitFor();
    await seen(list, 'bulk-ticked');
    await list.getByRole('button', { name: 'Send 1 Link' }).click();
    await list.getByText('1 of 1 asked for, 0 refused').waitFor({ timeout: 60_000 });
    await list.context().close();

    // One that is half-way, with nothing behind it that could end it before the press.
    const [clerk] = await house.query('SELECT OwnerId FROM Bulk_Send__c LIMIT 1');
    await house.insert('Bulk_Send__c', {
        Key__c: 'half-way', OwnerId: clerk.OwnerId, State__c: 'Running', Total__c: 500, Made__c: 200, Refused__c: 3, Invoice_Ids__c: account,
    });
    const half = await at('clerk', 'n/Bulk_Send');
    await half.getByText('200 of 500 asked for, 3 refused').waitFor();
    await seen(half, 'bulk-running');
    await half.getByRole('button', { name: 'Stop' }).focus();
    await half.keyboard.press('Enter');
    await half.getByText('Stopped. 297 invoices were not reached').waitFor();
    assert.equal(await half.getByRole('button', { name: 'Stop' }).count(), 0, 'what is stopped offers no stop');
    await seen(half, 'bulk-stopped');
    await half.context().close();
    const viewer = await at('viewer', 'n/Bulk_Send');
    await viewer.getByText(/permission set Quittance Clerk|do not have access/).waitFor();
    await viewer.context().close();
});

test('the payment service is down: a send waits and says so; it is back: the link goes', async () => {
    const invoice = await house.invoice({ Total__c: 75 });
    await daemon('kill');
    const row = (await house.query('SELECT Id FROM Sidecar_Status__c'))[0];
    await house.update('Sidecar_Status__c', row.Id, { Seen_At__c: new Date(Date.now() - 30 * 60_000).toISOString() });
    const setup = await at('admin', 'n/Quittance_Setup');
    await setup.getByText('gave its last sign of life').waitFor();
    await seen(setup, 'setup-silent');

    const page = await at('clerk', `r/Invoice__c/${invoice.id}/view`);
    await page.getByRole('button', { name: 'Send Payment Link' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Send Link' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Close', exact: true }).click();
    await page.locator('c-payment-panel .news p').first().waitFor();
    await seen(page, 'panel-waiting');

    await daemon('start');
    await page.locator('c-payment-panel').getByText('Open', { exact: true }).waitFor({ timeout: 40_000 });
    await eventually('the next sign of life', 60, async () => {
        const [status] = await house.query('SELECT Seen_At__c FROM Sidecar_Status__c');
        return Date.parse(status.Seen_At__c.replace('+0000', 'Z')) > Date.now() - 5 * 60_000;
    });
    await setup.getByRole('button', { name: 'Refresh' }).click();
    await setup.getByText('The payment service is connected.').waitFor();
    await seen(setup, 'setup-back');
    await setup.context().close();
    await page.context().close();
});
