// What the pay page says when an amount, the invoice or the world outside is not as it should be.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { CARDS, choosePart, fillCard, payButton, payWith, received, refused, said } from './card.mjs';
import { eventually, holdsFocus, looked, startSandbox } from './house.mjs';

let house;
before(async () => (house = await startSandbox('--no-seed')));
after(() => house?.close());

test('an amount that can not be paid is said at its field, and what can be paid is one press away', async () => {
    const invoice = await house.invoice();
    const page = await house.at(invoice);
    await fillCard(page, CARDS.good);
    for (const [name, typed, todo, offers] of [
        ['missing', '', 'Enter the amount you want to pay', []],
        ['unreadable', 'ten', 'Enter the amount in figures, like 250 or 250.50', []],
        ['too-small', '0.10', 'The smallest card payment is $0.50', ['0.50']],
        ['too-large', '50.01', '$50.00 USD is left to pay. Enter that or less', ['50.00']],
        ['too-fine', '10.005', 'USD has 2 decimals', ['10.00', '10.01']],
        ['rest-too-small', '49.80', 'too little to pay by card', ['49.50', '50.00']],
    ]) {
        await choosePart(page, typed);
        await payButton(page).click();
        await refused(page, `amount-${name}`, /amount|rest/i, { todo });
        const field = page.getByLabel('Amount in');
        assert.equal(await field.getAttribute('aria-invalid'), 'true');
        assert.match(await field.getAttribute('aria-describedby'), /amount-error/);
        assert.equal(await field.inputValue(), typed, 'what was typed stays');
        const use = page.locator('#amount-offers button');
        assert.equal(await use.count(), offers.length);
        await page.locator('#summary-todo a').click();
        await holdsFocus(page, 'amount', name);
        if (offers.length) {
            await use.first().click();
            assert.equal(await field.inputValue(), offers[0]);
            await holdsFocus(page, 'pay-button', name);
            assert.match(await payButton(page).innerText(), new RegExp(`\\$${offers[0].replace('.', '\\.')}`));
        }
    }
    assert.deepEqual(await house.taken(invoice), []);
    await page.context().close();
});

test('currencies without and with three decimals', async () => {
    const yen = await house.at(await house.invoice({ Currency_Code__c: 'JPY', Total__c: 128000 }));
    await choosePart(yen, '1.5');
    await fillCard(yen, CARDS.good);
    await payButton(yen).click();
    await refused(yen, 'amount-yen', 'Check the amount', { todo: 'JPY has no decimals' });
    await choosePart(yen, '28,000');
    await yen.getByText('¥100,000 JPY stays due').waitFor();
    await payButton(yen).click();
    await received(yen);
    await looked(yen, 'paid-yen');
    await yen.context().close();

    const dinar = await house.at(await house.invoice({ Currency_Code__c: 'KWD', Total__c: 12.34 }));
    await looked(dinar, 'open-dinar');
    await payWith(dinar, CARDS.good);
    await received(dinar);
    await dinar.context().close();
});

test('3-D Secure: completed, failed, and left', async () => {
    const invoice = await house.invoice();
    const page = await house.at(invoice);
    const bank = page.frameLocator('dialog iframe');
    await payWith(page, CARDS.threeDs);
    await bank.getByRole('button', { name: 'Fail' }).waitFor();
    await looked(page, 'bank-asks');
    await bank.getByRole('button', { name: 'Fail' }).click();
    await refused(page, 'bank-not-confirmed', /could not confirm it was you/);
    await page.locator('#pay-button:not([aria-disabled])').click();
    await bank.getByRole('button', { name: 'Complete' }).waitFor();
    await page.keyboard.press('Escape');
    await refused(page, 'bank-left', /could not confirm it was you|left your bank/);
    assert.deepEqual(await house.taken(invoice), []);
    await page.locator('#pay-button:not([aria-disabled])').click();
    await bank.getByRole('button', { name: 'Complete' }).click();
    await received(page);
    assert.deepEqual(await house.taken(invoice), [5000]);
    await page.context().close();
});

test('an invoice that changes under the payer: amount, currency, withdrawn, credit, paid elsewhere', async () => {
    const changed = await house.invoice();
    const page = await house.at(changed);
    await fillCard(page, CARDS.good);
    await house.update('Invoice__c', changed.id, { Total__c: 80 });
    await payButton(page).click();
    await refused(page, 'changed-amount', 'The invoice changed while you were here', { todo: 'Look at the new amount' });
    await page.locator('#summary-todo a').click();
    await page.getByRole('button', { name: 'Pay $80.00' }).waitFor();

    await fillCard(page, CARDS.good);
    await house.update('Invoice__c', changed.id, { Currency_Code__c: 'EUR' });
    await payButton(page).click();
    await refused(page, 'changed-currency', 'The invoice changed while you were here');
    await page.locator('#summary-todo a').click();
    await page.getByRole('button', { name: 'Pay €80.00' }).waitFor();

    await fillCard(page, CARDS.good);
    await house.update('Invoice__c', changed.id, { Status__c: 'Cancelled' });
    await payButton(page).click();
    await refused(page, 'withdrawn-at-pay', 'Nothing to pay');
    await page.goto(changed.link);
    await looked(page, 'withdrawn-link');
    await page.getByRole('button', { name: 'Continue' }).click();
    await said(page, 'withdrawn', 'Nothing to pay');
    assert.deepEqual(await house.taken(changed), []);
    await page.context().close();

    const credit = await house.invoice();
    const payer = await house.at(credit);
    await choosePart(payer, '30');
    await payWith(payer, CARDS.good);
    await received(payer);
    await house.becomes(credit, { Settled__c: 30 });
    await house.update('Invoice__c', credit.id, { Total__c: 20 });
    await payer.goto(credit.link);
    await looked(payer, 'credit-link');
    await payer.getByRole('button', { name: 'Continue' }).click();
    await said(payer, 'credit', 'Nothing to pay');
    await payer.getByText('$10.00 USD').waitFor();
    await payer.context().close();

    const elsewhere = await house.invoice();
    const late = await house.at(elsewhere);
    await fillCard(late, CARDS.good);
    await house.insert('Payment__c', { Invoice__c: elsewhere.id, Account__c: elsewhere.accountId, Method__c: 'Cheque', Currency_Code__c: 'USD', Amount__c: 50, Settled_Amount__c: 50, State__c: 'Settled', Source__c: 'By Hand', Received_At__c: new Date().toISOString() });
    await house.becomes(elsewhere, { Status__c: 'Paid' });
    await payButton(late).click();
    await refused(late, 'paid-elsewhere', 'This invoice was just paid');
    assert.deepEqual(await house.taken(elsewhere), []);
    await late.locator('#summary-todo a').click();
    await said(late, 'paid-elsewhere-after', 'This invoice is paid');
    await late.context().close();
});

test('two tabs: the second knows, and can take over', async () => {
    const invoice = await house.invoice();
    const first = await house.at(invoice);
    await payWith(first, CARDS.threeDs);
    await first.frameLocator('dialog iframe').getByRole('button', { name: 'Complete' }).waitFor();
    const second = await house.at(invoice, 'desktop');
    await payWith(second, CARDS.good);
    await refused(second, 'two-tabs', 'A payment is already under way');
    await second.getByRole('button', { name: 'Use this window instead' }).click();
    await received(second);
    await first.frameLocator('dialog iframe').getByRole('button', { name: 'Complete' }).click();
    await first.getByRole('heading', { name: /not finished|just paid|left your bank|is paid|could not/ }).first().waitFor();
    await looked(first, 'two-tabs-loser');
    assert.deepEqual(await house.taken(invoice), [5000]);
    await first.context().close();
    await second.context().close();
});

test('Stripe and Salesforce do not answer', async () => {
    // A failure of Stripe's may come after the effect, and then its retry finds the intent made: that payer is asked on.
    let invoice;
    let page;
    for (let tries = 0; ; tries++) {
        invoice = await house.invoice();
        page = await house.at(invoice);
        await fillCard(page, CARDS.good);
        await house.fault('server_error', 1);
        const begun = page.waitForResponse('**/attempts');
        await payButton(page).click();
        if ((await begun).status() === 503) break;
        await house.fault('server_error', 0);
        await page.context().close();
        assert.ok(tries < 8, 'Stripe was never down');
    }
    try {
        await refused(page, 'stripe-down', 'Card payments are not available right now');
        await page.goto(page.url());
        await page.getByText('Amounts as of').waitFor();
        await said(page, 'salesforce-down-copy', `Pay invoice ${invoice.name}`);
        house.sql(`UPDATE invoices SET read_ms = read_ms - 1000000 WHERE invoice_id = '${invoice.id}'`);
        const answer = await page.goto(page.url());
        assert.equal(answer.status(), 503);
        await said(page, 'salesforce-down', "We can't check this invoice right now");
    } finally {
        await house.fault('server_error', 0);
    }
    assert.deepEqual(await house.taken(invoice), []);
    await eventually('payments to be open again', 20, async () => (await page.goto(page.url())).status() === 200);
    await payWith(page, CARDS.good);
    await received(page);
    await page.context().close();
});

test('a result that is late is said to be unknown, and the page finds it out by itself', async () => {
    const invoice = await house.invoice();
    const page = await house.at(invoice);
    await page.route('**/v1/payment_intents/*/confirm', async (route) => {
        const answer = await route.fetch();
        await house.fault('server_error', 1);
        await route.fulfill({ response: answer });
    });
    try {
        // Before the confirmation: its event is on its way as soon as Stripe has answered.
        await house.fault('lost_webhook', 1);
        await payWith(page, CARDS.good);
        await page.getByRole('heading', { level: 1, name: 'We are checking your payment' }).waitFor({ timeout: 90_000 });
        await said(page, 'late', 'We are checking your payment');
        assert.doesNotMatch(await page.locator('main').innerText(), /nothing was charged/i);
    } finally {
        await house.fault('server_error', 0);
        await house.fault('lost_webhook', 0);
    }
    await page.getByRole('heading', { level: 1, name: 'Payment received' }).waitFor({ timeout: 60_000 });
    assert.deepEqual(await house.taken(invoice), [5000]);
    await page.context().close();
});

test('without JavaScript, without the cookie, with an old form, too often', async () => {
    const invoice = await house.invoice();
    const plain = await house.at(invoice, 'phone', { javaScriptEnabled: false });
    await plain.getByRole('heading', { name: 'Card payment needs JavaScript' }).waitFor();
    await plain.screenshot({ path: new URL('../../test-output/screenshots/no-script-phone.png', import.meta.url).pathname, fullPage: true });
    await plain.getByLabel('Another amount').check();
    await plain.getByLabel('Amount in').fill('99');
    await plain.locator('#pay-button').click();
    await plain.getByRole('heading', { name: 'Amount too large' }).or(plain.getByRole('heading', { name: 'Card payment needs JavaScript' })).first().waitFor();
    await plain.screenshot({ path: new URL('../../test-output/screenshots/no-script-refused-phone.png', import.meta.url).pathname, fullPage: true });
    await plain.context().close();

    const page = await house.at(invoice);
    const own = page.url();
    await choosePart(page, '20');
    await fillCard(page, CARDS.good);
    await page.locator('input[name=csrf]').first().evaluate((input) => (input.value = 'old'));
    await payButton(page).click();
    await refused(page, 'form-too-old', "Let's continue where you were");
    await payButton(page).click();
    await received(page);
    assert.deepEqual(await house.taken(invoice), [2000]);

    await page.goto(own);
    await fillCard(page, CARDS.good);
    await page.context().clearCookies();
    await payButton(page).click();
    await refused(page, 'cookie-gone', 'Open the link from your e-mail again');
    await page.goto(own);
    await said(page, 'cookie-gone-page', 'Open the link from your e-mail again');
    await page.context().close();

    const eager = await house.at(invoice);
    await choosePart(eager, '0.01');
    await fillCard(eager, CARDS.good);
    const many = await eager.evaluate(async () => {
        const form = document.getElementById('pay');
        const statuses = [];
        for (let press = 0; press < 25; press++) {
            const answer = await fetch(form.action, { method: 'POST', headers: { accept: 'application/json' }, body: new URLSearchParams([...new FormData(form)].map(([name, value]) => [name, String(value)])) });
            statuses.push(answer.status);
        }
        return statuses;
    });
    assert.ok(many.includes(429), String(many));
    await payButton(eager).click();
    await refused(eager, 'too-often', 'Too many tries in a short time');
    await eager.context().close();
});

test('the same amount again within minutes is asked about, and paid where it is meant', async () => {
    const invoice = await house.invoice();
    const page = await house.at(invoice);
    const own = page.url();
    await choosePart(page, '20');
    await payWith(page, CARDS.good);
    await received(page);
    await page.goto(own);
    await choosePart(page, '20');
    await payWith(page, CARDS.good);
    await refused(page, 'duplicate-suspected', 'A payment of the same amount was just made');
    assert.deepEqual(await house.taken(invoice), [2000]);
    // Another amount is no question.
    await page.getByRole('button', { name: 'Pay the same amount again' }).waitFor();
    await page.getByLabel('Amount in').fill('20.00');
    await payButton(page).click();
    await refused(page, 'duplicate-suspected-again', 'A payment of the same amount was just made');
    await page.getByRole('button', { name: 'Pay the same amount again' }).click();
    await received(page);
    assert.deepEqual(await house.taken(invoice), [2000, 2000]);
    await page.context().close();
});

test('money that went back: refunded in part and in full, under review, taken back by the bank', async () => {
    const intentOf = async (invoice) => (await house.stripe('state')).payment_intents.find((intent) => intent.metadata.sf_invoice_id === invoice.id);
    const paid = async () => {
        const invoice = await house.invoice();
        const page = await house.at(invoice);
        const own = page.url();
        await payWith(page, CARDS.good);
        await received(page);
        return { invoice, page, own, status: page.url(), intent: await intentOf(invoice) };
    };
    const refunded = await paid();
    await house.stripe('refunds', { payment_intent: refunded.intent.id, amount: 2000 });
    await house.becomes(refunded.invoice, { Settled__c: 30 });
    await refunded.page.goto(refunded.own);
    await refunded.page.getByRole('heading', { level: 2, name: '$20.00 USD was refunded' }).waitFor();
    await said(refunded.page, 'refunded-in-part', '$20.00 USD left to pay');
    await refunded.page.goto(refunded.status);
    await said(refunded.page, 'refunded-in-part-payment', '$20.00 USD was refunded');
    await house.stripe('refunds', { payment_intent: refunded.intent.id, amount: 3000 });
    await house.becomes(refunded.invoice, { Settled__c: 0 });
    await refunded.page.goto(refunded.own);
    await said(refunded.page, 'refunded', '$50.00 USD was refunded');
    await refunded.page.getByRole('link', { name: /Receipt .* \(PDF/ }).waitFor();
    await refunded.page.getByRole('link', { name: `Pay invoice ${refunded.invoice.name} again` }).click();
    await said(refunded.page, 'refunded-pay-again', `Pay invoice ${refunded.invoice.name}`);
    await house.update('Invoice__c', refunded.invoice.id, { Status__c: 'Cancelled' });
    await refunded.page.goto(refunded.own);
    await said(refunded.page, 'refunded-withdrawn', '$50.00 USD was refunded');
    await refunded.page.context().close();

    const disputed = await paid();
    const dispute = await house.stripe('disputes', { charge: disputed.intent.latest_charge });
    await eventually('the page to know of the dispute', 20, async () => {
        await disputed.page.goto(disputed.own);
        return disputed.page.getByRole('heading', { level: 1, name: 'This payment is being reviewed by your bank' }).isVisible();
    });
    await said(disputed.page, 'disputed', 'This payment is being reviewed by your bank');
    assert.equal((await house.row(disputed.invoice, 'Status__c')).Status__c, 'Paid', 'it counts until it is lost');
    await disputed.page.goto(disputed.status);
    await said(disputed.page, 'disputed-payment', 'This payment is being reviewed by your bank');
    await house.stripe(`disputes/${dispute.id}/close`, { outcome: 'lost' });
    await house.becomes(disputed.invoice, { Settled__c: 0 });
    await disputed.page.goto(disputed.own);
    await disputed.page.getByRole('heading', { level: 2, name: 'Your bank took $50.00 USD back' }).waitFor();
    await said(disputed.page, 'dispute-lost', `Pay invoice ${disputed.invoice.name}`);
    await disputed.page.context().close();
});
