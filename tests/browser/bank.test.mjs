// Paying by bank: Plaid Link opens, the debit is authorised word for word, the money comes days later; and a stored bank again.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { CARDS, choosePart, payWith, received, refused, said } from './card.mjs';
import { SCREENS, eventually, focused, looked, shots, startSandbox } from './house.mjs';

let house;
before(async () => (house = await startSandbox('--no-seed', '--clock')));
after(() => house?.close());

const plaid = (page) => page.frameLocator('iframe[title*="Plaid" i]');

/** Signs in at the stand-in's bank and picks an account. */
async function signIn(page, { bank = 'First Platypus Bank', user = 'user_ach', account = /ending 6789/ } = {}) {
    const link = plaid(page);
    await link.getByRole('button', { name: 'Continue' }).click();
    await link.getByRole('button', { name: bank }).first().click();
    await link.getByLabel('User name').fill(user);
    await link.getByLabel('Password').fill('pass_good');
    await link.getByRole('button', { name: 'Sign in' }).click();
    await link.getByLabel(account).check();
    await link.getByRole('button', { name: 'Continue' }).click();
}

const days = (count) => house.stripe('clock', { advance_days: count });

for (const screen of Object.keys(SCREENS)) {
    test(`on a ${screen}, an invoice of $50 is paid as 25 by card and 25 by bank`, async () => {
        const invoice = await house.invoice();
        const page = await house.at(invoice, screen);
        await choosePart(page, '25');
        await payWith(page, CARDS.good);
        await received(page);
        await page.getByRole('link', { name: 'Pay the rest' }).click();
        await page.getByRole('heading', { level: 1, name: '$25.00 USD left to pay' }).waitFor();
        await page.getByLabel('Bank account (ACH)').check();
        assert.ok(await page.locator('#new-card').isHidden(), 'a bank needs no card fields');
        await looked(page, `bank-${screen}-1-picked`);

        // Closed half way: nothing happened, and the card is still there.
        await page.getByRole('button', { name: 'Choose your bank to pay $25.00' }).click();
        await plaid(page).getByRole('heading', { name: /uses Plaid/ }).waitFor();
        await page.screenshot({ path: `${shots}/bank-${screen}-2-link.png` });
        await plaid(page).getByRole('button', { name: /Close/ }).click();
        await refused(page, `bank-${screen}-3-closed`, 'You closed the window of your bank');

        await page.getByRole('button', { name: 'Choose your bank to pay $25.00' }).click();
        await signIn(page);
        await said(page, `bank-${screen}-4-authorise`, 'Pay $25.00 USD from your bank');
        await page.getByText('I authorise Larkspur Supply Company, Inc. to debit $25.00 USD').waitFor();
        await page.keyboard.press('Tab');
        while ((await focused(page)) !== 'authorise') await page.keyboard.press('Tab');
        await page.keyboard.press('Enter');
        await said(page, `bank-${screen}-5-on-its-way`, 'Your bank payment is on its way');
        await house.becomes(invoice, { Status__c: 'Partly Paid', Settled__c: 25, In_Flight__c: 25, Balance__c: 25 });
        const started = await house.mailTo(invoice.email, 'has started');
        assert.match(started.text, /I authorise Larkspur Supply Company, Inc\. to debit/);
        const mail = await house.page(screen);
        await mail.setContent(started.html);
        await mail.screenshot({ path: `${shots}/bank-${screen}-6-mail.png`, fullPage: true });
        await mail.context().close();
        await page.getByRole('link', { name: 'Back to the invoice' }).click();
        await said(page, `bank-${screen}-7-covered`, 'A payment is on its way');

        await days(9);
        await house.becomes(invoice, { Status__c: 'Paid', Settled__c: 50, In_Flight__c: 0 });
        await page.reload();
        await said(page, `bank-${screen}-8-paid`, 'This invoice is paid');
        const payments = await house.query(`SELECT Amount__c, State__c, Method__c, Method_Detail__c FROM Payment__c WHERE Invoice__c = '${invoice.id}' ORDER BY Method__c`);
        assert.deepEqual(payments.map((one) => [one.Amount__c, one.State__c, one.Method_Detail__c]), [[25, 'Settled', 'Visa ending 4242'], [25, 'Settled', 'First Platypus Bank ending 6789']]);
        await page.context().close();
    });

    test(`on a ${screen}, a stored bank is used again without typing, and removed`, async () => {
        const invoice = await house.invoice({ Total__c: 80 });
        const page = await house.at(invoice, screen);
        await choosePart(page, '30');
        await page.getByLabel('Bank account (ACH)').check();
        assert.equal(await page.getByLabel(/Keep this bank account/).isChecked(), false, 'nobody consents by default');
        await page.getByLabel(/Keep this bank account/).check();
        await page.getByRole('button', { name: 'Choose your bank' }).click();
        await signIn(page);
        await page.getByText('later payments').waitFor();
        await looked(page, `bank-${screen}-9-standing`);
        await page.getByRole('button', { name: 'Authorise and pay $30.00' }).click();
        await page.getByRole('heading', { level: 1, name: 'Your bank payment is on its way' }).waitFor();
        await days(9);
        await house.becomes(invoice, { Status__c: 'Partly Paid', Settled__c: 30 });
        await page.context().close();

        const back = await house.at(invoice, screen);
        await back.getByRole('button', { name: 'Use a card or bank you stored before' }).click();
        const code = /\b(\d{6})\b/.exec((await house.mailTo(invoice.email, 'code')).subject)[1];
        await back.getByLabel('Six-digit code').fill(code);
        await back.getByRole('button', { name: 'Continue' }).click();
        await back.getByLabel('First Platypus Bank ending 6789').check();
        await looked(back, `bank-${screen}-10-stored`);
        await back.getByRole('button', { name: 'Continue to pay $50.00' }).click();
        await back.getByText('you authorised').waitFor();
        await said(back, `bank-${screen}-11-order`, 'Pay $50.00 USD from your bank');
        await back.getByRole('button', { name: 'Pay $50.00' }).click();
        await back.getByRole('heading', { level: 1, name: 'Your bank payment is on its way' }).waitFor();
        await days(9);
        await house.becomes(invoice, { Status__c: 'Paid', Settled__c: 80 });
        await back.context().close();

        const next = await house.invoice({ Account__c: invoice.accountId });
        next.email = invoice.email;
        const later = await house.at(next, screen);
        await later.getByRole('button', { name: 'Use a card or bank you stored before' }).click();
        const again = await eventually('a second code', 20, async () => {
            const codes = (await house.mails()).filter((mail) => JSON.stringify(mail.to).includes(invoice.email) && mail.subject.includes(`code for ${next.name}`));
            return codes.length && /\b(\d{6})\b/.exec(codes.at(-1).subject)[1];
        });
        await later.getByLabel('Six-digit code').fill(again);
        await later.getByRole('button', { name: 'Continue' }).click();
        await later.getByText('Remove a stored card or bank').click();
        await later.getByRole('button', { name: 'Remove First Platypus Bank ending 6789' }).click();
        await later.getByText('No card or bank is stored for this account.').waitFor();
        await later.context().close();
    });
}

test('a bank that leads to its own page and back goes on where it was', async () => {
    const invoice = await house.invoice();
    const page = await house.at(invoice, 'phone');
    await choosePart(page, '12.50');
    await page.getByLabel('Bank account (ACH)').check();
    await page.getByRole('button', { name: 'Choose your bank' }).click();
    await plaid(page).getByRole('button', { name: 'Continue' }).click();
    await plaid(page).getByRole('button', { name: 'Platypus OAuth Bank' }).first().click();
    await plaid(page).getByRole('button', { name: /Continue to Platypus OAuth Bank/ }).click();
    await page.getByLabel('User name').fill('user_good');
    await page.getByLabel('Password').fill('pass_good');
    await page.getByRole('button', { name: 'Sign in and allow' }).click();
    await plaid(page).getByRole('radio').first().check();
    await plaid(page).getByRole('button', { name: 'Continue' }).click();
    await said(page, 'bank-oauth-authorise', 'Pay $12.50 USD from your bank');
    await page.context().close();
});

test('while Plaid is down the page says so and the card works', async () => {
    const invoice = await house.invoice();
    await house.fault('plaid_down', 1);
    const page = await house.at(invoice, 'phone');
    await page.getByLabel('Bank account (ACH)').check();
    await page.getByRole('button', { name: 'Choose your bank' }).click();
    await refused(page, 'bank-plaid-down', "Banks can't be reached right now");
    await house.fault('plaid_down', 0);
    await page.getByLabel('Card', { exact: true }).check();
    await payWith(page, CARDS.good);
    await received(page);
    await house.becomes(invoice, { Status__c: 'Paid', Settled__c: 50 });
    await page.context().close();
});
