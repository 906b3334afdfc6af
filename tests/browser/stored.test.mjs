// A stored card: kept with consent, shown only after a code from the mail, paid with, and removed.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { CARDS, choosePart, payButton, payWith, received, said } from './card.mjs';
import { holdsFocus, looked, startSandbox } from './house.mjs';

let house;
before(async () => (house = await startSandbox('--no-seed')));
after(() => house?.close());

test('a card is stored with consent, used after a code, and removed', async () => {
    const invoice = await house.invoice({ Total__c: 100 });
    const page = await house.at(invoice);
    await choosePart(page, '40');
    assert.equal(await page.getByLabel(/Store this card/).isChecked(), false, 'nobody consents by default');
    await page.getByLabel(/Store this card/).check();
    await payWith(page, CARDS.good);
    await received(page);
    await page.context().close();

    const back = await house.at(invoice);
    await back.getByRole('heading', { level: 1, name: '$60.00 USD left to pay' }).waitFor();
    assert.doesNotMatch(await back.content(), /4242, expires/, 'no card shows without a code');
    await back.getByRole('button', { name: 'Use a card or bank you stored before' }).click();
    const field = back.getByLabel('Six-digit code');
    await field.waitFor();
    await holdsFocus(back, 'code', 'the page of the code');
    await looked(back, 'code');
    const mail = await house.mailTo(invoice.email, 'code');
    const code = /\b(\d{6})\b/.exec(mail.subject)[1];
    assert.doesNotMatch(mail.text, /https?:\/\//, 'no link in a mail with a code');

    await field.fill('12');
    await back.getByRole('button', { name: 'Continue' }).click();
    await back.getByText('Enter all six digits.').waitFor();
    await looked(back, 'code-short');
    await field.fill(code === '111111' ? '222222' : '111111');
    await back.getByRole('button', { name: 'Continue' }).click();
    await back.getByText('That code is not right.').waitFor();
    assert.match(await back.title(), /^Error: /);
    await looked(back, 'code-wrong');
    await field.fill(`${code.slice(0, 3)} ${code.slice(3)}`);
    await back.getByRole('button', { name: 'Continue' }).click();

    const stored = back.getByLabel(/Visa ending 4242/);
    await stored.check();
    assert.ok(await back.locator('#new-card').isHidden(), 'a stored card needs no card fields');
    await looked(back, 'stored-card');
    await choosePart(back, '25');
    await back.locator('#pay-button:not([aria-disabled])').click();
    await received(back);
    assert.deepEqual((await house.taken(invoice)).sort(), [2500, 4000]);

    await back.getByRole('link', { name: 'Pay the rest' }).click();
    await back.getByText(/Remove a stored card/).click();
    await looked(back, 'stored-card-remove');
    await back.getByRole('button', { name: 'Remove Visa ending 4242' }).click();
    await back.getByText('No card or bank is stored for this account.').waitFor();
    await said(back, 'stored-card-removed', '$35.00 USD left to pay');
    assert.equal(await back.getByLabel(/Visa ending 4242/).count(), 0);
    await payWith(back, CARDS.good);
    await received(back);
    await house.becomes(invoice, { Status__c: 'Paid', Settled__c: 100 });
    await back.context().close();
});

test('a stored card whose bank wants to ask goes to the bank and comes back', async () => {
    const invoice = await house.invoice();
    const page = await house.at(invoice);
    await choosePart(page, '20');
    await page.getByLabel(/Store this card/).check();
    await payWith(page, CARDS.threeDs);
    await page.frameLocator('dialog iframe').getByRole('button', { name: 'Complete' }).click();
    await received(page);
    await page.getByRole('link', { name: 'Pay the rest' }).click();
    await page.getByRole('button', { name: 'Use a card or bank you stored before' }).click();
    const code = /\b(\d{6})\b/.exec((await house.mailTo(invoice.email, 'code')).subject)[1];
    await page.getByLabel('Six-digit code').fill(code);
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByLabel(/Visa ending 3184/).check();
    await payButton(page).click();
    await page.getByRole('button', { name: 'Complete' }).click();
    await received(page);
    assert.deepEqual((await house.taken(invoice)).sort(), [2000, 3000]);
    await page.context().close();
});
