// The whole story: a clerk sends a link, the customer pays half, gets the receipt, pays the rest, and the invoice is Paid.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { CARDS, fillCard } from './card.mjs';
import { SCREENS, eventually, looked, startSandbox } from './house.mjs';

let house;
before(async () => (house = await startSandbox('--no-seed')));
after(() => house?.close());

for (const screen of Object.keys(SCREENS)) {
    test(`on a ${screen}, an invoice of $50 is paid as 25 + 25`, async () => {
        const invoice = await house.invoice();
        const page = await house.page(screen);
        await page.goto(await house.link(invoice));
        await looked(page, `story-${screen}-1-mailed-link`);
        await page.getByRole('button', { name: 'Continue' }).click();
        await page.getByRole('heading', { level: 1, name: new RegExp(invoice.name) }).waitFor();
        await looked(page, `story-${screen}-2-open`);

        await page.getByLabel('Another amount').check();
        await page.getByLabel(/^Amount/).fill('25');
        await fillCard(page, CARDS.good);
        await page.getByRole('button', { name: 'Pay $25.00' }).click();
        await page.getByRole('heading', { level: 1, name: 'Payment received' }).waitFor();
        await looked(page, `story-${screen}-3-part-paid`);
        const first = await house.mailTo(invoice.email, 'Receipt');
        assert.match(first.subject, /\$25\.00/);
        assert.equal(first.attachments.length, 1, 'the receipt is attached');
        await eventually('the invoice to be partly paid', 20, async () => {
            const [row] = await house.query(`SELECT Status__c, Settled__c, Balance__c FROM Invoice__c WHERE Id = '${invoice.id}'`);
            return row.Status__c === 'Partly Paid' && row.Settled__c === 25 && row.Balance__c === 25;
        });

        await page.goto(await house.link(invoice));
        await page.getByRole('button', { name: 'Continue' }).click();
        await page.getByRole('heading', { level: 1, name: '$25.00 left to pay' }).waitFor();
        await looked(page, `story-${screen}-4-rest`);
        await fillCard(page, CARDS.good);
        await page.getByRole('button', { name: 'Pay $25.00' }).click();
        await page.getByRole('heading', { level: 1, name: 'Payment received' }).waitFor();
        await page.getByText('Nothing is left to pay').first().waitFor();
        await looked(page, `story-${screen}-5-paid`);
        await eventually('the invoice to be paid', 20, async () => {
            const [row] = await house.query(`SELECT Status__c, Settled__c FROM Invoice__c WHERE Id = '${invoice.id}'`);
            return row.Status__c === 'Paid' && row.Settled__c === 50;
        });
        const payments = await house.query(`SELECT Amount__c, State__c, Method_Detail__c, Receipt_Number__c FROM Payment__c WHERE Invoice__c = '${invoice.id}'`);
        assert.deepEqual(payments.map((payment) => [payment.Amount__c, payment.State__c, payment.Method_Detail__c]), [[25, 'Settled', 'Visa ending 4242'], [25, 'Settled', 'Visa ending 4242']]);
        const files = await house.query(`SELECT Title FROM ContentVersion`);
        assert.ok(files.length >= 2, 'each receipt is kept as a File');
        await page.context().close();
    });
}
