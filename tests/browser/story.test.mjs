// The whole story: a clerk sends a link, the customer pays half, gets the receipt, pays the rest, and the invoice is Paid.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { CARDS, choosePart, fillCard, received, said } from './card.mjs';
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
        await said(page, `story-${screen}-2-open`, `Pay invoice ${invoice.name}`);

        await choosePart(page, '25');
        await page.getByText('$25.00 USD stays due').waitFor();
        await fillCard(page, CARDS.good);
        await looked(page, `story-${screen}-3-filled`);
        await page.getByRole('button', { name: 'Pay $25.00' }).click();
        await received(page);
        // The browser's own PDF viewer tells nobody when it has drawn.
        await page.waitForTimeout(1500);
        await said(page, `story-${screen}-4-part-paid`, 'Payment received');
        const first = await house.mailTo(invoice.email, 'Receipt');
        assert.match(first.subject, /\$25\.00/);
        assert.equal(first.attachments.length, 1, 'the receipt is attached');
        const pdf = await page.request.get(await page.locator('iframe.receipt').evaluate((frame) => frame.src.replace(/#.*/, '')));
        const attached = await fetch(`${house.endpoints.smtp.mailbox_url}/api/messages/${first.id}/attachments/0`);
        assert.deepEqual(await pdf.body(), Buffer.from(await attached.arrayBuffer()), 'the page shows the bytes that the mail carries');
        await house.becomes(invoice, { Status__c: 'Partly Paid', Settled__c: 25, Balance__c: 25 });

        await page.goto(await house.link(invoice));
        await page.getByRole('button', { name: 'Continue' }).click();
        await said(page, `story-${screen}-5-rest`, '$25.00 USD left to pay');
        await fillCard(page, CARDS.good);
        await page.getByRole('button', { name: 'Pay $25.00' }).click();
        await received(page);
        await page.getByText('Nothing is left to pay').first().waitFor();
        await said(page, `story-${screen}-6-paid`, 'Payment received');
        await house.becomes(invoice, { Status__c: 'Paid', Settled__c: 50 });
        const payments = await house.query(`SELECT Id, Amount__c, State__c, Method_Detail__c, Receipt_Number__c FROM Payment__c WHERE Invoice__c = '${invoice.id}'`);
        assert.deepEqual(payments.map((payment) => [payment.Amount__c, payment.State__c, payment.Method_Detail__c]), [[25, 'Settled', 'Visa ending 4242'], [25, 'Settled', 'Visa ending 4242']]);
        for (const payment of payments) {
            await eventually('the receipt to be a File on the payment', 20, async () =>
                (await house.query(`SELECT ContentDocument.Title FROM ContentDocumentLink WHERE LinkedEntityId = '${payment.Id}'`)).length === 1);
        }

        await page.context().close();
    });
}
