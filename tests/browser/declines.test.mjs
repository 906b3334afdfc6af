// Each family of declines has its own words; lost, stolen and blocked cards are told nothing more than any other.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { CARDS, choosePart, fillCard, payWith, received, refused, said } from './card.mjs';
import { eventually, startSandbox } from './house.mjs';

let house;
before(async () => (house = await startSandbox('--no-seed')));
after(() => house?.close());

const words = (page) => page.locator('#summary').innerText();

test('each decline says what happened, that nothing was charged, and what to do; the form keeps what was typed', async () => {
    const invoice = await house.invoice();
    const page = await house.at(invoice);
    await choosePart(page, '20');
    await page.getByLabel(/Store this card/).check();
    for (const [card, heading, todo] of [
        ['funds', 'Your bank declined: not enough available', 'Pay a smaller amount, or use another card.'],
        ['code', 'Check the security code', 'Correct it and pay again.'],
        ['expired', 'This card has expired', 'Use another card.'],
        ['limit', "Your card's limit was reached", 'or try tomorrow'],
        ['passing', 'The bank could not be reached', 'Try again in a minute.'],
    ]) {
        await payWith(page, CARDS[card]);
        await refused(page, `declined-${card}`, heading, { todo });
        assert.match(await words(page), /[Nn]othing was charged/);
        assert.equal(await page.getByLabel('Amount in').inputValue(), '20');
        assert.ok(await page.getByLabel(/Store this card/).isChecked());
    }
    assert.deepEqual(await house.taken(invoice), []);
    await payWith(page, CARDS.good);
    await received(page);
    assert.deepEqual(await house.taken(invoice), [2000]);
    await page.context().close();
});

test('lost, stolen and blocked cards read like any other decline', async () => {
    const invoice = await house.invoice();
    const page = await house.at(invoice, 'desktop');
    const told = [];
    for (const card of ['declined', 'lost', 'stolen', 'fraud']) {
        await payWith(page, CARDS[card]);
        await refused(page, `declined-${card}`, 'Your bank declined the payment');
        told.push(await words(page));
    }
    assert.equal(new Set(told).size, 1, told.join('\n'));
    await page.context().close();
});

test('the bank declines after its own question', async () => {
    const page = await house.at(await house.invoice());
    await payWith(page, CARDS.threeDsDeclined);
    await page.frameLocator('dialog iframe').getByRole('button', { name: 'Complete' }).click();
    await refused(page, 'declined-after-question', 'Your bank declined the payment');
    await page.context().close();
});

test('ten declines pause the link, and say until when', async () => {
    const invoice = await house.invoice();
    const page = await house.at(invoice);
    await fillCard(page, CARDS.declined);
    for (let press = 1; press <= 10; press++) {
        await page.locator('#pay-button:not([aria-disabled])').click();
        await page.waitForFunction(() => document.getElementById('pay')?.getAttribute('aria-busy') === null);
        await page.locator('#summary').getByRole('heading').waitFor();
    }
    await page.locator('#pay-button:not([aria-disabled])').click();
    await refused(page, 'locked-at-pay', /is paused until/);
    const answer = await eventually('the page to say so', 10, async () => {
        const answer = await page.goto(page.url());
        return answer.status() === 429 && answer;
    });
    assert.ok(Number(answer.headers()['retry-after']) > 3600);
    await said(page, 'locked', /Paying by this link is paused until/);
    assert.deepEqual(await house.taken(invoice), []);
    await page.context().close();
});
