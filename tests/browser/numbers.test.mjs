// The search for card and bank numbers finds one in each place where it could be, and a page refuses one unread.
import assert from 'node:assert/strict';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { CARDS } from './card.mjs';
import { eventually, startSandbox } from './house.mjs';
import { numberIn } from './numbers.mjs';

let house;
before(async () => {
    house = await startSandbox();
    house.mayLeak = true;
});
after(() => house?.close());

const places = () => house.numbers().map((one) => one.split(' holds ')[0]);

test('a number is seen in each of its forms, and nothing else is', () => {
    const number = CARDS.good;
    const spaced = number.replace(/(.{4})(?=.)/g, '$1 ');
    for (const text of [
        `x${number}x`, spaced, spaced.replaceAll(' ', '-'), Buffer.from(number).toString('hex'),
        ...[0, 1, 2].flatMap((before) => [number, spaced].map((one) => Buffer.from(`${'ab'.slice(0, before)}${one}cd`).toString('base64'))),
        Buffer.from(`note: ${number} please`).toString('base64').replace(/(.{11})/g, '$1\r\n'),
        `${number.slice(0, 9)}=\r\n${number.slice(9)}`,
    ]) assert.equal(numberIn(text), number, text);
    for (const text of ['4242', 'Visa ending 4242', '4242424242424241', 'STRIPE TEST BANK 6789', Buffer.from('nothing here').toString('base64')])
        assert.equal(numberIn(text), undefined, text);
});

test('nothing is found where customers paid as they do', async () => {
    assert.deepEqual(house.numbers(), []);
});

test('a number typed where none belongs is refused unread, on the page and without its script', async () => {
    const invoice = await house.invoice({ Total__c: 60 });
    const link = await house.link(invoice);
    for (const javaScriptEnabled of [true, false]) {
        const page = await house.page('phone', { javaScriptEnabled });
        await page.goto(link);
        await page.getByRole('button', { name: 'Continue' }).click();
        const answer = await page.context().request.post(`${page.url()}/attempts`, {
            form: { choice: 'part', amount: '4242 4242 4242 4242' },
            headers: javaScriptEnabled ? { accept: 'application/json' } : {},
        });
        assert.equal(answer.status(), 422);
        assert.match(await answer.text(), /card number does not belong there/i);
        await page.context().close();
    }
    assert.deepEqual(house.numbers(), [], 'neither the database nor the log has it');
});

test('one planted in each place is found there', async () => {
    const spaced = '4242 4242 4242 4242';
    const invoice = await house.invoice({ Total__c: 70, Description__c: `Paid with ${spaced}` });
    await house.press('SendPaymentLinkController', 'send', { invoiceId: invoice.id, email: invoice.email, note: `Card ${spaced}`, expiresOn: null });
    await house.mailTo(invoice.email, invoice.name);
    appendFileSync(join(house.dir, 'daemon.log'), `\nbody ${CARDS.declined}\n`);
    const page = await house.page('desktop');
    await page.goto(`${house.endpoints.page_url}/robots.txt?number=${CARDS.good}`);
    await eventually('all of them', 20, async () => {
        const found = places();
        return [/^daemon\.log$/, /^quittance\.db/, /^org\//, /^mail\//, /^GET \/robots/].every((place) => found.some((one) => place.test(one)));
    });
    await page.context().close();
});
