// What a link says when it does not pay: run out, switched off, replaced, unknown, or paid already.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { CARDS, choosePart, fillCard, payButton, payWith, received, refused, said } from './card.mjs';
import { eventually, looked, startSandbox } from './house.mjs';

let house;
before(async () => (house = await startSandbox('--no-seed')));
after(() => house?.close());

const linkOf = async (invoice, state) => (await house.query(`SELECT Id, Link_Id__c, State__c FROM Payment_Link__c WHERE Invoice__c = '${invoice.id}' AND State__c = '${state}'`))[0];

async function visited(page, link, name, heading, status) {
    const answer = await page.goto(link);
    assert.equal(answer.status(), status, name);
    await said(page, name, heading);
}

test('a link that ran out pays nothing more, and gives the receipt of what was paid', async () => {
    const invoice = await house.invoice();
    const page = await house.at(invoice);
    const own = page.url();
    await fillCard(page, CARDS.good);
    const link = await eventually('the link in the org', 20, () => linkOf(invoice, 'Open'));
    house.sql(`UPDATE links SET expires_ms = 1790000000000 WHERE link_id = '${link.Link_Id__c}'`);
    await payButton(page).click();
    await refused(page, 'expired-at-pay', 'This link has run out');
    await visited(page, invoice.link, 'expired', 'This link has run out', 410);
    assert.doesNotMatch(await page.locator('main').innerText(), /\$/, 'no sums on a link that ran out');
    assert.deepEqual(await house.taken(invoice), []);

    house.sql(`UPDATE links SET expires_ms = NULL WHERE link_id = '${link.Link_Id__c}'`);
    await page.goto(own);
    await payWith(page, CARDS.good);
    await received(page);
    house.sql(`UPDATE links SET expires_ms = 1790000000000 WHERE link_id = '${link.Link_Id__c}'`);
    await page.goto(invoice.link);
    await looked(page, 'expired-paid-link');
    await page.getByRole('button', { name: 'Continue' }).click();
    await said(page, 'already-paid', 'This invoice is paid');
    const download = page.waitForEvent('download');
    await page.getByRole('link', { name: /Receipt .* \(PDF/ }).click();
    assert.match((await download).suggestedFilename(), /^Receipt-.*\.pdf$/);
    await page.context().close();
});

test('a link that the clerk switched off, and one that a newer mail replaced', async () => {
    const revoked = await house.invoice();
    const page = await house.at(revoked);
    await fillCard(page, CARDS.good);
    const link = await eventually('the link in the org', 20, () => linkOf(revoked, 'Open'));
    await house.press('SendPaymentLinkController', 'revoke', { linkId: link.Id });
    await eventually('the link to be revoked', 20, () => linkOf(revoked, 'Revoked'));
    await payButton(page).click();
    await refused(page, 'revoked-at-pay', 'This link no longer works');
    await visited(page, revoked.link, 'revoked', 'This link no longer works', 410);
    await page.context().close();

    const replaced = await house.invoice();
    const first = await house.link(replaced);
    const second = await house.link(replaced, `other-${replaced.email}`);
    assert.notEqual(first, second);
    const reader = await house.page('phone');
    await visited(reader, first, 'replaced', 'Larkspur Supply replaced this link', 410);
    assert.equal((await reader.goto(second)).status(), 200);
    await reader.context().close();
});

test('an address that was never a link, and one cut short, are answered alike', async () => {
    const page = await house.page('phone');
    const base = house.endpoints.page_url;
    const never = await (await page.request.get(`${base}/p/${'x'.repeat(43)}`)).text();
    const short = await (await page.request.get(`${base}/p/abc`)).text();
    const nowhere = await (await page.request.get(`${base}/elsewhere`)).text();
    assert.equal(never, short);
    assert.equal(never, nowhere);
    await visited(page, `${base}/p/abc`, 'unknown', 'Page not found', 404);
    await page.context().close();
});

test('opening a link changes nothing, however often a machine does it', async () => {
    const invoice = await house.invoice();
    const link = await house.link(invoice);
    for (const method of ['HEAD', 'GET', 'GET']) {
        const answer = await fetch(link, { method });
        assert.equal(answer.status, 200);
        assert.equal(answer.headers.get('set-cookie'), null);
        assert.equal(answer.headers.get('cache-control'), 'no-store');
    }
    const page = await house.page('phone');
    await page.goto(link);
    await page.getByRole('button', { name: 'Continue' }).click();
    await choosePart(page, '10');
    await payWith(page, CARDS.good);
    await received(page);
    await page.getByRole('link', { name: 'Pay the rest' }).click();
    await said(page, 'rest-after-part', '$40.00 USD left to pay');
    await page.context().close();
});
