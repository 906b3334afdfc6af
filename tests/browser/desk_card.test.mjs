// Take Payment by a card that the customer reads out, and by a bank account on file: typed by a clerk into Stripe's fields, where
// an administrator has turned that on. No number of it reaches the daemon.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { CARDS, cardFrame, choosePart, fillCard } from './card.mjs';
import { SCREENS, eventually, holdsFocus, looked, startSandbox } from './house.mjs';

let house;
before(async () => {
    process.env.QUITTANCE_DESK__TAKE_CARDS = 'true';
    house = await startSandbox('--no-seed', '--clock');
});
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
const request = async (invoice, state, words) =>
    eventually(`the request to be ${state}`, 30, async () => {
        const rows = await house.query(`SELECT State__c, Sentence__c FROM Payment_Request__c WHERE Kind__c = 'Take Payment' AND Invoice__c = '${invoice.id}'`);
        return rows.some((row) => row.State__c === state && row.Sentence__c.includes(words));
    });
const newCard = async (page) => {
    await page.getByRole('link', { name: 'Take a new card' }).click();
    await page.getByRole('heading', { level: 1, name: /A new card for/ }).waitFor();
    await page.locator('#card-button:not([aria-disabled])').waitFor();
};
const take = (page) => page.locator('#card-button:not([aria-disabled])').click();
const taken = (page) => page.getByRole('heading', { level: 1, name: 'Payment taken' }).waitFor();

for (const screen of Object.keys(SCREENS)) {
    test(`on a ${screen}, a clerk types a card that is incomplete, then declined, then good`, async () => {
        const invoice = await house.invoice({ Total__c: 65 });
        const page = await desk(invoice, screen);
        await looked(page, `desk-card-${screen}-1-desk`);
        await newCard(page);
        await holdsFocus(page, 'h1', 'the page of a new card');
        await looked(page, `desk-card-${screen}-2-form`);

        await take(page);
        await page.locator('#card-summary').getByRole('heading', { name: 'Check the card' }).waitFor();
        await holdsFocus(page, 'card-summary', 'the summary');
        assert.match(await page.title(), /^Error: Check the card/);
        await looked(page, `desk-card-${screen}-3-incomplete`);
        assert.equal(await house.taken(invoice).then((all) => all.length), 0);

        await fillCard(page, CARDS.declined);
        await take(page);
        await page.locator('#summary').getByRole('heading', { name: /declined/ }).waitFor();
        await holdsFocus(page, 'summary', 'what the bank said');
        await looked(page, `desk-card-${screen}-4-declined`);
        await page.locator('#card-button:not([aria-disabled])').waitFor();
        assert.equal(await cardFrame(page).getByLabel('Card number').inputValue(), '', 'no number comes back');

        // An amount that is too much leaves the card as it was typed.
        await choosePart(page, '99');
        await fillCard(page, CARDS.good);
        await take(page);
        await page.locator('#summary').getByText('Enter that or less').waitFor();
        await page.getByText('Visa ending 4242, expires 12/2034, as you typed it').waitFor();
        await looked(page, `desk-card-${screen}-5-kept`);
        await page.getByRole('textbox', { name: 'Amount in USD' }).fill('25');
        await page.locator('#card-button').dblclick();
        await taken(page);
        await looked(page, `desk-card-${screen}-6-taken`);
        await request(invoice, 'Done', '$25.00 USD was paid with Visa ending 4242.');
        await house.becomes(invoice, { Status__c: 'Partly Paid', Settled__c: 25, Balance__c: 40 });
        assert.deepEqual(await house.taken(invoice), [2500], 'pressed twice, taken once');
        await page.context().close();
    });

    test(`on a ${screen}, a card whose bank asks for its holder becomes a link, and the customer pays while the call goes on`, async () => {
        const invoice = await house.invoice({ Total__c: 40 });
        const page = await desk(invoice, screen);
        await newCard(page);
        await fillCard(page, CARDS.threeDs);
        await take(page);
        await page.locator('#summary').getByRole('heading', { name: "The card's bank wants to hear from the customer" }).waitFor();
        await page.locator('#summary-todo').getByText(invoice.email).waitFor();
        await looked(page, `desk-card-${screen}-7-asks`);
        await request(invoice, 'Sent', 'A payment link was mailed to');

        const mail = await house.mailTo(invoice.email, invoice.name);
        const link = mail.text.split(/\s+/).find((word) => word.startsWith(`${house.endpoints.page_url}/p/`));
        const customer = await house.page('phone');
        await customer.goto(link);
        await customer.getByRole('button', { name: 'Continue' }).click();
        await fillCard(customer, CARDS.good);
        await customer.locator('#pay-button:not([aria-disabled])').click();
        await customer.getByRole('heading', { level: 1, name: 'Payment received' }).waitFor();
        await house.becomes(invoice, { Status__c: 'Paid', Settled__c: 40 });
        await page.reload();
        await customer.context().close();
        await page.context().close();
    });
}

test('by keyboard alone, and the customer gets a link by a press', async () => {
    const invoice = await house.invoice({ Total__c: 30 });
    const page = await desk(invoice);
    const on = () => page.evaluate(() => (document.activeElement?.tagName === 'IFRAME' ? 'frame' : document.activeElement?.id || document.activeElement?.textContent?.trim()));
    const tabTo = async (wanted) => {
        const seen = [];
        for (let presses = 0; presses < 25; presses++) {
            await page.keyboard.press('Tab');
            seen.push(await on());
            if (seen.at(-1) === wanted) return;
        }
        throw new Error(`Tab never reached ${wanted}; it went ${seen.join(' → ')}`);
    };
    await tabTo('Take a new card');
    await page.keyboard.press('Enter');
    await page.locator('#card-button:not([aria-disabled])').waitFor();
    await page.getByLabel('All of it').focus();
    await tabTo('frame');
    await page.keyboard.type(CARDS.good);
    await page.keyboard.press('Tab');
    await page.keyboard.type('1234');
    await page.keyboard.press('Tab');
    await page.keyboard.type('123');
    await tabTo('card-button');
    await page.keyboard.press('Enter');
    await taken(page);
    await page.context().close();

    const bill = await house.invoice({ Total__c: 35 });
    const other = await desk(bill, 'phone');
    await other.getByRole('button', { name: 'Send the customer a link' }).click();
    await other.getByRole('heading', { level: 1, name: 'The customer gets a link' }).waitFor();
    await looked(other, 'desk-card-sent');
    await request(bill, 'Sent', 'The customer pays alone.');
    await house.mailTo(bill.email, bill.name);
    await other.context().close();
});

test('a bank account on file is debited on the phone, and one that came back says why it is not', async () => {
    const invoice = await house.invoice({ Total__c: 20 });
    const customer = await house.at(invoice);
    await customer.getByLabel('Bank account (ACH)').check();
    await customer.getByLabel(/Keep this bank account/).check();
    await customer.getByRole('button', { name: 'Choose your bank' }).click();
    const plaid = customer.frameLocator('iframe[title*="Plaid" i]');
    await plaid.getByRole('button', { name: 'Continue' }).click();
    await plaid.getByRole('button', { name: 'First Platypus Bank' }).first().click();
    await plaid.getByLabel('User name').fill('user_ach');
    await plaid.getByLabel('Password').fill('pass_good');
    await plaid.getByRole('button', { name: 'Sign in' }).click();
    await plaid.getByLabel(/ending 6789/).check();
    await plaid.getByRole('button', { name: 'Continue' }).click();
    await customer.getByRole('button', { name: 'Authorise and pay $20.00' }).click();
    await customer.getByRole('heading', { level: 1, name: 'Your bank payment is on its way' }).waitFor();
    await customer.context().close();

    const bill = await house.insert('Invoice__c', { Name: `${invoice.name}-2`, Account__c: invoice.accountId, Currency_Code__c: 'USD', Total__c: 50, Status__c: 'Open' });
    const page = await desk({ id: bill }, 'phone');
    await page.getByLabel(/First Platypus Bank ending 6789/).check();
    await looked(page, 'desk-bank-1-chosen');
    await page.getByRole('button', { name: 'Take the payment' }).click();
    await page.getByRole('heading', { level: 1, name: 'The bank payment is on its way' }).waitFor();
    await page.getByText('usually takes 4 business days').waitFor();
    await looked(page, 'desk-bank-2-on-its-way');
    await request({ id: bill }, 'Working', 'is on its way');
    await house.stripe('clock', { advance_days: 9 });
    await request({ id: bill }, 'Done', '$50.00 USD was paid with First Platypus Bank ending 6789.');
    const { payment_intents: intents } = await house.stripe('state');
    const debit = intents.find((intent) => intent.metadata.sf_invoice_id === bill);
    await house.stripe(`intents/${debit.id}/return`, { code: 'R10' });
    await request({ id: bill }, 'Failed', 'was paid and went back');
    const later = await desk({ id: bill });
    await later.getByText('the customer has to authorise it again').waitFor();
    assert.equal(await later.getByLabel(/First Platypus Bank ending 6789/).isDisabled(), true);
    await looked(later, 'desk-bank-3-came-back');
    await page.context().close();
    await later.context().close();
});
