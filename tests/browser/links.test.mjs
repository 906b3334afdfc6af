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
    // "Send it again" mails the newer link to the newer address, and never brings the old one back.
    await reader.goto(first);
    const letters = async (to) => (await house.mails()).filter((mail) => JSON.stringify(mail.to).includes(to) && mail.subject.includes(replaced.name)).length;
    const [wrong, right] = [await letters(`"${replaced.email}`), await letters(`other-${replaced.email}`)];
    await reader.getByRole('button', { name: 'Send it again' }).click();
    await said(reader, 'replaced-sent-again', 'Look into your mailbox');
    await eventually('the newer link to be mailed again', 20, async () => (await letters(`other-${replaced.email}`)) === right + 1);
    assert.equal(await letters(`"${replaced.email}`), wrong);
    assert.equal((await reader.goto(second)).status(), 200);
    await reader.context().close();
});

test('a link that ran out sends a new one to the address of the old one, once, and the org sees it', async () => {
    const invoice = await house.invoice();
    const page = await house.at(invoice);
    const link = await eventually('the link in the org', 20, () => linkOf(invoice, 'Open'));
    house.sql(`UPDATE links SET expires_ms = ${Date.now() - 60_000}, made_ms = ${Date.now() - 86_400_000 * 20} WHERE link_id = '${link.Link_Id__c}'`);
    // On the page behind the cookie as on the one from the mail.
    await page.goto(page.url());
    await said(page, 'expired-renew-visitor', 'This link has run out');
    await page.getByRole('button', { name: 'Send a new link' }).waitFor();
    await visited(page, invoice.link, 'expired-renew', 'This link has run out', 410);
    assert.ok(!(await page.content()).includes(invoice.email), 'no address on the page');
    const letters = async () => (await house.mails()).filter((mail) => JSON.stringify(mail.to).includes(invoice.email) && mail.subject.includes(invoice.name));
    const before = (await letters()).length;
    await page.locator('main').getByRole('button').focus();
    await page.keyboard.press('Enter');
    await said(page, 'renewed', 'Look into your mailbox');
    assert.ok(!(await page.content()).includes(invoice.email), 'nor here');
    const mail = await eventually('the new link', 20, async () => {
        const now = await letters();
        return now.length > before && (await fetch(`${house.endpoints.smtp.mailbox_url}/api/messages/${now.at(-1).id}`)).json();
    });
    const fresh = mail.text.split(/\s+/).find((word) => word.startsWith(`${house.endpoints.page_url}/p/`));
    assert.notEqual(fresh, invoice.link);
    // Pressed again from the old page, nothing more goes out for a while, and the words are the same.
    await page.goto(invoice.link);
    await said(page, 'expired-then-replaced', 'Larkspur Supply replaced this link');
    await page.getByRole('button', { name: 'Send it again' }).click();
    await said(page, 'renewed-again', 'Look into your mailbox');
    const rows = await eventually('the links in the org', 20, async () => {
        const found = await house.query(`SELECT State__c, Sent_To__c, Sent_At__c FROM Payment_Link__c WHERE Invoice__c = '${invoice.id}' ORDER BY State__c`);
        return found.length === 2 && found.every((row) => row.Sent_At__c) && found;
    });
    assert.deepEqual(rows.map((row) => [row.State__c, row.Sent_To__c]), [['Open', invoice.email], ['Replaced', invoice.email]]);
    await page.goto(fresh);
    await page.getByRole('button', { name: 'Continue' }).click();
    await payWith(page, CARDS.good);
    await received(page);
    assert.equal((await letters()).length, before + 1);
    // Paid: the old link has nothing to send any more, and shows the receipt.
    await page.goto(invoice.link);
    await page.getByRole('button', { name: 'Continue' }).waitFor();
    await page.context().close();
});

test('a copied link that ran out has nobody to be mailed to', async () => {
    const invoice = await house.invoice();
    const copied = JSON.stringify(await house.press('SendPaymentLinkController', 'copyLink', { invoiceId: invoice.id }));
    const address = copied.slice(copied.indexOf('http')).split('"')[0];
    const page = await house.page('phone');
    await eventually('the copied link', 20, async () => (await page.goto(address)).status() === 200);
    const link = await eventually('the link in the org', 20, () => linkOf(invoice, 'Open'));
    house.sql(`UPDATE links SET expires_ms = ${Date.now() - 60_000} WHERE link_id = '${link.Link_Id__c}'`);
    await visited(page, address, 'expired-copied', 'This link has run out', 410);
    assert.equal(await page.locator('main form').count(), 0);
    await page.context().close();
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
