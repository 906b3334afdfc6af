// Take Payment by a new bank account: a clerk types it in while the customer is on the phone, days pass at the bank, and the
// payment goes on by itself. No number of it reaches the daemon.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { eventually, looked, startSandbox } from './house.mjs';

const ACCOUNT = '000123456789';
let house;
before(async () => (house = await startSandbox('--clock')));
after(() => house?.close());

/** The clerk presses Take Payment and Continue. */
const desk = async (invoice, screen = 'desktop') => {
    const { url } = await house.press('TakePaymentController', 'open', { invoiceId: invoice.id });
    const page = await house.page(screen);
    await page.goto(url);
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByRole('heading', { name: /Take a payment for/ }).waitFor();
    return page;
};
const days = (days) => house.stripe('clock', { advance_days: days });
const request = async (invoice, state, words) =>
    eventually(`the request to be ${state}`, 30, async () => {
        const rows = await house.query(`SELECT State__c, Sentence__c FROM Payment_Request__c WHERE Kind__c = 'Take Payment' AND Invoice__c = '${invoice.id}'`);
        return rows.some((row) => row.State__c === state && row.Sentence__c.includes(words));
    });
const type = async (page, values) => {
    for (const [name, value] of Object.entries(values)) await page.getByLabel(name, { exact: true }).fill(value);
};
const GOOD = { 'Name on the account': 'Larkspur Holdings', 'Routing number': '110000000', 'Account number': ACCOUNT, 'Account number once more': ACCOUNT };
const go = (page) => page.getByRole('button', { name: 'Go on to the authorisation' }).click();

test('a company gives its account on the phone, reads out the code days later, and pays', async () => {
    const invoice = await house.invoice({ Total__c: 65 });
    const page = await desk(invoice);
    await looked(page, 'account-desk');
    await page.getByRole('link', { name: 'Take a new bank account' }).click();
    await page.getByRole('heading', { name: /A new bank account for/ }).waitFor();
    await looked(page, 'account-form');

    // Each wrong number is told at its field, and Stripe hears of none.
    const summary = page.locator('#numbers-summary');
    for (const [change, words] of [
        [{ 'Routing number': '110000001' }, 'No bank has this routing number'],
        [{ 'Routing number': '11000000a' }, 'A routing number has nine digits'],
        [{ 'Account number': '4242 4242 4242 4242', 'Account number once more': '4242424242424242' }, 'This is a card number'],
        [{ 'Account number': '0001234x6789' }, 'An account number has 4 to 17 digits'],
        [{ 'Account number once more': '000123456780' }, 'The two account numbers differ'],
        [{ 'Name on the account': '' }, 'Enter the name on the account'],
    ]) {
        await type(page, { ...GOOD, ...change });
        await go(page);
        await summary.getByText(words).waitFor();
    }
    await type(page, { ...GOOD, 'Routing number': '110000001' });
    await go(page);
    await summary.getByText('No bank has this routing number').waitFor();
    await looked(page, 'account-wrong');
    const before = (await house.stripe('state')).payment_methods.length;
    assert.equal(before, 0, 'nothing that is wrong goes to Stripe');

    await page.getByLabel('Another amount').check();
    await page.getByRole('textbox', { name: 'Amount in USD' }).fill('25');
    await type(page, GOOD);
    // The radios have no name, and are moved by keyboard like others.
    await page.getByLabel(/A company's/).focus();
    await page.keyboard.press('ArrowDown');
    assert.equal(await page.getByLabel(/A private person's/).isChecked(), true);
    await page.keyboard.press('ArrowDown');
    assert.equal(await page.getByLabel(/A company's/).isChecked(), true);
    await page.getByLabel('Account number once more', { exact: true }).press('Enter');
    await page.getByRole('heading', { name: 'Read this out' }).waitFor();
    assert.match(await page.locator('#mandate').innerText(), /Larkspur Holdings.*\$25\.00.*ending 6789/);
    await looked(page, 'account-read-out');
    await page.getByRole('button', { name: 'The customer agreed: verify the account' }).click();
    await page.getByRole('heading', { name: 'The account is being verified' }).waitFor();
    await looked(page, 'account-verifying');
    await request(invoice, 'Verifying', '$25.00 USD from STRIPE TEST BANK ending 6789 waits');

    await days(2);
    const later = await desk(invoice, 'phone');
    await later.getByRole('heading', { name: 'Being verified' }).waitFor();
    await looked(later, 'account-listed');
    await later.getByRole('link', { name: /STRIPE TEST BANK ending 6789/ }).click();
    await later.getByLabel('Code beside the deposit of $0.01').fill('SM00ZZ');
    await later.getByRole('button', { name: 'Verify the account' }).click();
    await later.locator('#summary').getByText('9 tries are left.').waitFor();
    await looked(later, 'account-wrong-code');
    await later.getByLabel('Code beside the deposit of $0.01').fill('sm11aa');
    await later.getByRole('button', { name: 'Verify the account' }).click();
    await later.getByRole('heading', { name: 'The account is verified' }).waitFor();
    await looked(later, 'account-verified');
    await request(invoice, 'Working', 'is on its way');
    await days(9);
    await request(invoice, 'Done', '$25.00 USD was paid');
    await page.context().close();
    await later.context().close();
});

test('two amounts, wrong until the last try, and the clerk reads why', async () => {
    const invoice = await house.invoice({ Total__c: 40 });
    const page = await desk(invoice, 'phone');
    await page.getByRole('link', { name: 'Take a new bank account' }).click();
    await page.getByLabel('Savings').check();
    await type(page, GOOD);
    await go(page);
    await page.getByRole('button', { name: 'The customer agreed: verify the account' }).click();
    for (let tries = 0; tries < 3; tries += 1) {
        await page.getByLabel('First deposit').fill('0.01');
        await page.getByLabel('Second deposit').fill('0.02');
        await page.getByRole('button', { name: 'Verify the account' }).click();
        if (tries === 0) {
            await page.locator('#summary').getByText('2 tries are left.').waitFor();
            await looked(page, 'account-wrong-amounts');
        } else if (tries === 1) {
            await page.locator('#summary').getByText('1 try is left.').waitFor();
        }
    }
    await page.getByRole('heading', { name: 'The account could not be verified' }).waitFor();
    await looked(page, 'account-failed');
    await request(invoice, 'Failed', 'Too many wrong values');
    await page.context().close();
});
