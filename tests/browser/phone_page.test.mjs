// Take Payment by a private person's bank account: the clerk has it on the phone, the customer authorises the debit on a mailed
// page, tells the deposits there days later, and the clerk's page shows each step by itself. No number reaches the daemon.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { eventually, looked, startSandbox } from './house.mjs';

const ACCOUNT = '000123456789';
let house;
before(async () => (house = await startSandbox('--clock')));
after(() => house?.close());

/** The clerk presses Take Payment and Continue, and enters the account of a private person. */
const account = async (invoice, screen = 'desktop') => {
    const { url } = await house.press('TakePaymentController', 'open', { invoiceId: invoice.id });
    const page = await house.page(screen);
    await page.goto(url);
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByRole('link', { name: 'Take a new bank account' }).click();
    await page.getByLabel(/A private person's/).check();
    const values = { 'Name on the account': 'June Larkspur', 'Routing number': '110000000', 'Account number': ACCOUNT, 'Account number once more': ACCOUNT };
    for (const [name, value] of Object.entries(values)) await page.getByLabel(name, { exact: true }).fill(value);
    await page.getByRole('button', { name: 'Go on to the authorisation' }).click();
    await page.getByRole('heading', { name: 'A private person agrees in writing' }).waitFor();
    return page;
};
const heading = (page, name) => page.getByRole('heading', { level: 1, name }).waitFor();
const mail = (page) => page.getByRole('button', { name: 'Mail the authorisation to the customer' });
const days = (days) => house.stripe('clock', { advance_days: days });
const request = async (invoice, state, words) =>
    eventually(`the request to be ${state}`, 30, async () => {
        const rows = await house.query(`SELECT State__c, Sentence__c FROM Payment_Request__c WHERE Kind__c = 'Take Payment' AND Invoice__c = '${invoice.id}'`);
        return rows.some((row) => row.State__c === state && row.Sentence__c.includes(words));
    });
/** The address in the mail. */
const mailed = async (invoice, subject) => {
    const { text } = await house.mailTo(invoice.email, subject);
    return text.split(/\s+/).find((word) => word.startsWith(`${house.endpoints.page_url}/m/`));
};
/** The customer opens the mail on a phone, and presses Continue. */
const customer = async (link) => {
    const page = await house.page('phone');
    await page.goto(link);
    await looked(page, 'mandate-open');
    await page.getByRole('button', { name: 'Continue' }).click();
    return page;
};

test('the customer authorises on the phone, tells the code days later, and the invoice is paid', async () => {
    const invoice = await house.invoice({ Total__c: 40 });
    const clerk = await account(invoice);
    await clerk.getByText(invoice.email, { exact: true }).waitFor();
    await looked(clerk, 'mandate-review');
    await mail(clerk).click();
    await heading(clerk, 'Waiting for the customer');
    await clerk.getByText('has the authorisation by e-mail').waitFor();
    await looked(clerk, 'mandate-waiting');
    await request(invoice, 'Verifying', 'has not accepted it yet');

    const link = await mailed(invoice, 'Authorise $40.00');
    const page = await customer(link);
    await heading(page, /Authorise a payment of \$40\.00/);
    assert.match(await page.locator('#mandate').innerText(), /I authorise .* to debit \$40\.00.*June Larkspur.*ending 6789.*110000000/);
    await looked(page, 'mandate-authorise');
    // By keyboard: the button is the first thing after the text.
    await page.locator('#authorise').focus();
    await page.keyboard.press('Enter');
    await heading(page, 'Verify your bank account');
    await looked(page, 'mandate-deposits');
    // The clerk is still on the phone, and touches nothing.
    await heading(clerk, 'The account is being verified');
    await clerk.getByLabel('Code beside the deposit of $0.01').waitFor();
    await looked(clerk, 'mandate-clerk-verifying');
    await request(invoice, 'Verifying', 'on the mailed page');
    assert.equal(await mailed(invoice, 'Verify your bank account'), link);

    await days(2);
    const later = await customer(link);
    await heading(later, 'Verify your bank account');
    await later.getByLabel('Code beside the deposit of $0.01').fill('SM00ZZ');
    await later.getByRole('button', { name: 'Verify the account' }).click();
    await later.locator('#summary').getByText('9 tries are left.').waitFor();
    await looked(later, 'mandate-wrong-code');
    await later.getByLabel('Code beside the deposit of $0.01').fill('sm11aa');
    await later.getByRole('button', { name: 'Verify the account' }).click();
    await heading(later, 'Your bank payment is on its way');
    await looked(later, 'mandate-on-its-way');
    await request(invoice, 'Working', 'is on its way');
    await days(9);
    await request(invoice, 'Done', '$40.00 USD was paid');
    await house.becomes(invoice, { Status__c: 'Paid' });
    await later.reload();
    await heading(later, 'Payment received');
    await looked(later, 'mandate-paid');
    for (const one of [clerk, page, later]) await one.context().close();
});

test('a customer who does not agree is not debited, and the clerk sees it', async () => {
    const invoice = await house.invoice({ Total__c: 40 });
    const clerk = await account(invoice, 'phone');
    await mail(clerk).click();
    await heading(clerk, 'Waiting for the customer');
    const page = await customer(await mailed(invoice, 'Authorise $40.00'));
    await page.getByRole('button', { name: "I don't agree" }).click();
    await heading(page, 'You did not authorise this payment');
    await looked(page, 'mandate-declined');
    await heading(clerk, 'The verification was stopped');
    await clerk.getByText('The customer did not authorise').waitFor();
    await looked(clerk, 'mandate-clerk-declined');
    await request(invoice, 'Failed', 'The customer did not authorise');
    await page.context().close();
    await clerk.context().close();
});

test('without an address nothing is mailed, and an authorisation runs out after a day', async () => {
    const nowhere = await house.invoice({ Total__c: 40 }, { Billing_Email__c: null });
    const clerk = await account(nowhere, 'phone');
    await clerk.getByText('There is no e-mail address for this customer').waitFor();
    assert.equal(await mail(clerk).count(), 0);
    await looked(clerk, 'mandate-no-address');
    await house.update('Account', nowhere.accountId, { Billing_Email__c: 'june@customers.example' });
    await clerk.getByRole('link', { name: 'Look again' }).click();
    await clerk.getByText('june@customers.example', { exact: true }).waitFor();
    await mail(clerk).click();
    await heading(clerk, 'Waiting for the customer');
    const page = await customer(await mailed({ email: 'june@customers.example' }, 'Authorise $40.00'));
    await page.locator('#authorise').waitFor();
    house.sql(`UPDATE verifications SET made_ms = made_ms - 86400001 WHERE invoice_number = '${nowhere.name}'`);
    await page.locator('#authorise').click();
    await heading(page, 'This authorisation has run out');
    await looked(page, 'mandate-ran-out');
    await heading(clerk, 'The verification was stopped');
    await request(nowhere, 'Failed', 'within a day');
    await page.context().close();
    await clerk.context().close();
});
