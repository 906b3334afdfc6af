// Walks a bank login with Plaid's official SDK for Node: link token → public token → access token → accounts → Stripe's
// bank token → a signed webhook and its key, and the errors that Plaid's sandbox gives by user name.
//
//   QUITTANCE_ENDPOINTS=D/endpoints.json node tests/clients/node/plaid.mjs
//
// It looks only at items that it made itself, so that it can run beside other traffic.
import assert from 'node:assert/strict';
import { createHash, createPublicKey, randomUUID, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

import { Configuration, PlaidApi } from 'plaid';

const file = process.env.QUITTANCE_ENDPOINTS;
if (!file) {
    console.error('QUITTANCE_ENDPOINTS must name the endpoints.json of a running sandbox.');
    process.exit(2);
}
const { plaid: endpoints, stripe } = JSON.parse(readFileSync(file, 'utf8'));
const asked = (secret) => new PlaidApi(new Configuration({
    basePath: endpoints.api_url,
    baseOptions: { headers: { 'PLAID-CLIENT-ID': endpoints.client_id, 'PLAID-SECRET': secret, 'Plaid-Version': '2020-09-14' } },
}));
const plaid = asked(endpoints.secret);

const step = async (name, work) => {
    await work();
    console.log(`ok - ${name}`);
};
const refused = async (call, kind, code, status = 400) => {
    await assert.rejects(call, (error) => {
        const { error_type, error_code, error_message, request_id } = error.response.data;
        assert.deepEqual([error.response.status, error_type, error_code], [status, kind, code]);
        assert.ok(error_message.length > 10 && request_id.length > 10);
        return true;
    });
};
const FIRST_PLATYPUS = 'ins_109508';
const publicToken = async (user, password, options = {}) => (await plaid.sandboxPublicTokenCreate({
    institution_id: FIRST_PLATYPUS,
    initial_products: ['auth'],
    options: { override_username: user, override_password: password, ...options },
})).data.public_token;

// Where Plaid's webhooks go.
const heard = [];
const receiver = createServer((request, answer) => {
    let body = '';
    request.on('data', (chunk) => (body += chunk));
    request.on('end', () => {
        heard.push({ body, verification: request.headers['plaid-verification'] });
        answer.end();
    });
});
await new Promise((ready) => receiver.listen(0, '127.0.0.1', ready));
const webhook = `http://127.0.0.1:${receiver.address().port}/`;
const told = async (code) => {
    for (let tries = 0; tries < 200; tries += 1) {
        const hit = heard.find(({ body }) => JSON.parse(body).webhook_code === code);
        if (hit) return hit;
        await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`no webhook ${code} came`);
};

const LINK = {
    client_name: 'Larkspur Supply',
    language: 'en',
    country_codes: ['US'],
    user: { client_user_id: randomUUID() },
    products: ['auth'],
    account_filters: { depository: { account_subtypes: ['checking', 'savings'] } },
};
let access;
let item;
let accounts;

await step('a link token says what it is for and until when', async () => {
    const { link_token: token, expiration } = (await plaid.linkTokenCreate(LINK)).data;
    assert.match(token, /^link-sandbox-/);
    const hours = (Date.parse(expiration) - Date.now()) / 3_600_000;
    assert.ok(hours > 3.9 && hours < 24 * 366, `good for ${hours} hours`);
    const { metadata } = (await plaid.linkTokenGet({ link_token: token })).data;
    assert.deepEqual([metadata.client_name, metadata.initial_products, metadata.language], ['Larkspur Supply', ['auth'], 'en']);
    await refused(plaid.linkTokenCreate({ ...LINK, products: [] }), 'INVALID_REQUEST', 'MISSING_FIELDS');
    await refused(plaid.linkTokenCreate({ ...LINK, products: ['shoes'] }), 'INVALID_INPUT', 'INVALID_PRODUCT');
    await refused(plaid.linkTokenCreate({ ...LINK, colour: 'red' }), 'INVALID_REQUEST', 'UNKNOWN_FIELDS');
});

await step('a public token is exchanged once', async () => {
    const token = await publicToken('user_good', 'pass_good', { webhook });
    ({ access_token: access, item_id: item } = (await plaid.itemPublicTokenExchange({ public_token: token })).data);
    assert.match(access, /^access-sandbox-/);
    await refused(plaid.itemPublicTokenExchange({ public_token: token }), 'INVALID_INPUT', 'INVALID_PUBLIC_TOKEN');
    await refused(plaid.itemPublicTokenExchange({ public_token: 'public-sandbox-none' }), 'INVALID_INPUT', 'INVALID_PUBLIC_TOKEN');
});

await step('the accounts have name, mask and kind, and their numbers where asked', async () => {
    const read = (await plaid.accountsGet({ access_token: access })).data;
    accounts = read.accounts;
    assert.deepEqual(accounts.map(({ mask, type, subtype }) => [mask, type, subtype]), [
        ['0000', 'depository', 'checking'], ['1111', 'depository', 'savings'], ['3333', 'credit', 'credit card'],
    ]);
    assert.deepEqual([read.item.item_id, read.item.institution_name, read.item.error], [item, 'First Platypus Bank', null]);
    assert.ok(!JSON.stringify(read).includes('000123456789'), 'no account number where none was asked for');
    const { numbers } = (await plaid.authGet({ access_token: access })).data;
    assert.deepEqual(numbers.ach.map(({ account, routing, account_id }) => [account, routing, account_id]), [
        ['000123456789', '011401533', accounts[0].account_id], ['000123456789', '011401533', accounts[1].account_id],
    ]);
    const bank = (await plaid.institutionsGetById({ institution_id: FIRST_PLATYPUS, country_codes: ['US'] })).data.institution;
    assert.deepEqual([bank.name, bank.oauth, bank.products.includes('auth')], ['First Platypus Bank', false, true]);
});

await step("Stripe's bank token is made of a checking account, anew at each call, and is taken by Stripe once", async () => {
    const make = (account) => plaid.processorStripeBankAccountTokenCreate({ access_token: access, account_id: account });
    const [first, second] = [await make(accounts[0].account_id), await make(accounts[0].account_id)].map(({ data }) => data.stripe_bank_account_token);
    assert.match(first, /^btok_/);
    assert.notEqual(first, second);
    await refused(make(accounts[2].account_id), 'INVALID_INPUT', 'INVALID_ACCOUNT_ID');
    await refused(make('none'), 'INVALID_INPUT', 'INVALID_ACCOUNT_ID');
    const post = async (path, body) => (await fetch(`${stripe.api_url}${path}`, {
        method: 'POST', headers: { authorization: `Bearer ${stripe.secret_key}` }, body: new URLSearchParams(body),
    })).json();
    const customer = await post('/v1/customers', { name: 'Ada' });
    const account = await post(`/v1/customers/${customer.id}/sources`, { source: first });
    assert.deepEqual([account.object, account.status, account.last4], ['bank_account', 'verified', '6789']);
    assert.equal((await post(`/v1/customers/${customer.id}/sources`, { source: first })).error.code, 'token_already_used');
});

await step('a user name or password asks for its error', async () => {
    for (const [user, password, kind, code] of [
        ['user_good', 'error_ITEM_LOCKED', 'ITEM_ERROR', 'ITEM_LOCKED'],
        ['user_good', 'error_USER_SETUP_REQUIRED', 'ITEM_ERROR', 'USER_SETUP_REQUIRED'],
        ['user_good', 'error_INSTITUTION_DOWN', 'INSTITUTION_ERROR', 'INSTITUTION_DOWN'],
        ['user_good', 'error_INVALID_CREDENTIALS', 'ITEM_ERROR', 'INVALID_CREDENTIALS'],
        ['user_good', 'wrong', 'ITEM_ERROR', 'INVALID_CREDENTIALS'],
        ['nobody', 'pass_good', 'ITEM_ERROR', 'INVALID_CREDENTIALS'],
    ]) await refused(publicToken(user, password), kind, code);
    await refused(publicToken('user_good', 'error_INTERNAL_SERVER_ERROR'), 'API_ERROR', 'INTERNAL_SERVER_ERROR', 500);
    const pending = (await plaid.itemPublicTokenExchange({ public_token: await publicToken('user_pending', 'pass_good') })).data.access_token;
    const [account] = (await plaid.accountsGet({ access_token: pending })).data.accounts;
    assert.equal(account.verification_status, 'pending_automatic_verification');
    await refused(plaid.processorStripeBankAccountTokenCreate({ access_token: pending, account_id: account.account_id }), 'ITEM_ERROR', 'PRODUCT_NOT_READY');
});

await step('wrong keys are refused', async () => {
    await refused(asked('wrong').accountsGet({ access_token: access }), 'INVALID_INPUT', 'INVALID_API_KEYS');
    await refused(plaid.accountsGet({ access_token: 'access-sandbox-none' }), 'INVALID_INPUT', 'INVALID_ACCESS_TOKEN');
});

await step('a webhook is signed by a key that Plaid hands out, over the body as it came', async () => {
    await plaid.sandboxItemFireWebhook({ access_token: access, webhook_type: 'AUTH', webhook_code: 'DEFAULT_UPDATE' });
    const { body, verification } = await told('DEFAULT_UPDATE');
    const [header, claims, signature] = verification.split('.');
    const { alg, kid } = JSON.parse(Buffer.from(header, 'base64url'));
    assert.equal(alg, 'ES256');
    const { key } = (await plaid.webhookVerificationKeyGet({ key_id: kid })).data;
    assert.deepEqual([key.kid, key.expired_at, key.use], [kid, null, 'sig']);
    const { kty, crv, x, y } = key;
    const publicKey = createPublicKey({ key: { kty, crv, x, y }, format: 'jwk' });
    const signed = (payload) => verify('sha256', payload, { key: publicKey, dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64url'));
    assert.ok(signed(Buffer.from(`${header}.${claims}`)), 'the signature is the key’s');
    assert.ok(!signed(Buffer.from(`${header}.${claims}x`)), 'and of nothing else');
    const { iat, request_body_sha256: digest } = JSON.parse(Buffer.from(claims, 'base64url'));
    assert.equal(digest, createHash('sha256').update(body).digest('hex'));
    assert.ok(Math.abs(Date.now() / 1000 - iat) < 60);
    assert.equal(JSON.parse(body).item_id, item);
    await refused(plaid.webhookVerificationKeyGet({ key_id: 'none' }), 'INVALID_INPUT', 'INVALID_WEBHOOK_VERIFICATION_KEY_ID');
});

await step('a bank that wants a new sign-in says so, in answer and webhook, and update mode takes no products', async () => {
    await plaid.sandboxItemResetLogin({ access_token: access });
    const { error } = JSON.parse((await told('ERROR')).body);
    assert.equal(error.error_code, 'ITEM_LOGIN_REQUIRED');
    await refused(plaid.accountsGet({ access_token: access }), 'ITEM_ERROR', 'ITEM_LOGIN_REQUIRED');
    const { products, account_filters, ...update } = { ...LINK, access_token: access };
    assert.match((await plaid.linkTokenCreate(update)).data.link_token, /^link-sandbox-/);
});

await step('an item that is removed is gone', async () => {
    await plaid.itemRemove({ access_token: access });
    await refused(plaid.accountsGet({ access_token: access }), 'ITEM_ERROR', 'ITEM_NOT_FOUND');
});
receiver.close();
