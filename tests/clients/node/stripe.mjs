// Walks a payment with Stripe's official SDK for Node: create → confirm → 3-D Secure → refund, an idempotency conflict,
// automatic paging, declines, a webhook's signature.
//
//   QUITTANCE_ENDPOINTS=D/endpoints.json node tests/clients/node/stripe.mjs
//
// It looks only at objects that it made itself, so that it can run beside other traffic.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';

import Stripe from 'stripe';

const file = process.env.QUITTANCE_ENDPOINTS;
if (!file) {
    console.error('QUITTANCE_ENDPOINTS must name the endpoints.json of a running sandbox.');
    process.exit(2);
}
const endpoints = JSON.parse(readFileSync(file, 'utf8')).stripe;
const address = new URL(endpoints.api_url);
// The test key's limit is 25 requests a second, shared with whoever else uses the sandbox: the SDK waits and repeats.
const stripe = new Stripe(endpoints.secret_key, {
    host: address.hostname,
    port: Number(address.port),
    protocol: 'http',
    apiVersion: '2026-10-28.endive',
    maxNetworkRetries: 5,
    telemetry: false,
});

const step = async (name, work) => {
    await work();
    console.log(`ok - ${name}`);
};
const run = randomUUID().slice(0, 8);
let customer;
let paid;

await step('the account and its balance are there', async () => {
    const account = await stripe.accounts.retrieveCurrent();
    assert.match(account.id, /^acct_/);
    assert.equal(account.default_currency, 'usd');
    const balance = await stripe.balance.retrieve();
    assert.equal(balance.livemode, false);
});

await step('a customer is made, changed, found and searched', async () => {
    const email = `node-${run}@example.com`;
    customer = await stripe.customers.create({ name: 'Zoë Ünal', email, metadata: { run, gone: 'x' } });
    assert.equal(customer.object, 'customer');
    assert.equal(customer.lastResponse.apiVersion, '2026-10-28.endive');
    const changed = await stripe.customers.update(customer.id, { phone: '+1 555 0100', metadata: { gone: '' } });
    assert.equal(changed.name, 'Zoë Ünal');
    assert.deepEqual(changed.metadata, { run });
    const listed = await stripe.customers.list({ email });
    assert.deepEqual(listed.data.map(({ id }) => id), [customer.id]);
    // The index lags, so that nobody comes to read what was just written.
    let found = [];
    for (let tries = 0; found.length === 0 && tries < 40; tries += 1) {
        found = (await stripe.customers.search({ query: `metadata['run']:'${run}'` })).data;
        if (found.length === 0) await new Promise((resolve) => setTimeout(resolve, 500));
    }
    assert.deepEqual(found.map(({ id }) => id), [customer.id]);
});

await step('a payment is created unconfirmed, then confirmed by its id', async () => {
    const intent = await stripe.paymentIntents.create({
        amount: 12_345,
        currency: 'usd',
        customer: customer.id,
        allowed_payment_method_types: ['card'],
        setup_future_usage: 'off_session',
        metadata: { run },
    });
    assert.equal(intent.status, 'requires_payment_method');
    assert.deepEqual(intent.payment_method_types, ['card']);
    assert.equal(intent.latest_charge, null);
    paid = await stripe.paymentIntents.confirm(intent.id, {
        payment_method: 'pm_card_mastercard',
        expand: ['latest_charge.balance_transaction', 'payment_method'],
    });
    assert.equal(paid.status, 'succeeded');
    assert.equal(paid.amount_received, 12_345);
    assert.equal(paid.payment_method.card.brand, 'mastercard');
    assert.equal(paid.payment_method.customer, customer.id);
    assert.equal(paid.latest_charge.metadata.run, run);
    const { amount, fee, net, type } = paid.latest_charge.balance_transaction;
    assert.deepEqual([amount, fee, net, type], [12_345, 388, 11_957, 'charge']);
    const stored = await stripe.customers.listPaymentMethods(customer.id, { type: 'card' });
    assert.deepEqual(stored.data.map(({ card }) => card.last4), ['4444']);
});

await step('3-D Secure asks, and goes on when the customer answers', async () => {
    const asking = async () => stripe.paymentIntents.create({
        amount: 500,
        currency: 'usd',
        payment_method: 'pm_card_threeDSecure2Required',
        return_url: 'https://shop.example/back?order=7',
        confirm: true,
    });
    for (const [outcome, status] of [['complete', 'succeeded'], ['fail', 'requires_payment_method']]) {
        const intent = await asking();
        assert.equal(intent.status, 'requires_action');
        assert.equal(intent.next_action.type, 'redirect_to_url');
        const page = await fetch(intent.next_action.redirect_to_url.url);
        assert.match(await page.text(), /<button name="outcome" value="complete">/);
        const answer = await fetch(intent.next_action.redirect_to_url.url, {
            method: 'POST',
            body: new URLSearchParams({ outcome }),
            redirect: 'manual',
            headers: { 'sec-fetch-mode': 'navigate' },
        });
        if (answer.status === 303) {
            const back = new URL(answer.headers.get('location'));
            assert.equal(back.searchParams.get('payment_intent'), intent.id);
            assert.equal(back.searchParams.get('order'), '7');
        }
        const now = await stripe.paymentIntents.retrieve(intent.id);
        assert.equal(now.status, status);
        assert.equal(now.last_payment_error?.code, outcome === 'fail' ? 'payment_intent_authentication_failure' : undefined);
    }
});

await step('a decline is a card error that names its reason', async () => {
    const declined = stripe.paymentIntents.create({
        amount: 500,
        currency: 'usd',
        payment_method: 'pm_card_chargeDeclinedInsufficientFunds',
        confirm: true,
    });
    await assert.rejects(declined, (error) => {
        assert.ok(error instanceof Stripe.errors.StripeCardError);
        assert.deepEqual([error.statusCode, error.code, error.decline_code], [402, 'card_declined', 'insufficient_funds']);
        assert.equal(error.payment_intent.status, 'requires_payment_method');
        return true;
    });
});

await step('refunds add up to the payment and no further', async () => {
    const part = await stripe.refunds.create({ payment_intent: paid.id, amount: 2_345 });
    assert.deepEqual([part.status, part.amount], ['succeeded', 2_345]);
    await assert.rejects(stripe.refunds.create({ payment_intent: paid.id, amount: 10_001 }), { type: 'StripeInvalidRequestError', param: 'amount' });
    const rest = await stripe.refunds.create({ payment_intent: paid.id, reason: 'requested_by_customer' });
    assert.equal(rest.amount, 10_000);
    const charge = await stripe.charges.retrieve(paid.latest_charge.id, { expand: ['refunds'] });
    assert.deepEqual([charge.amount_refunded, charge.refunded], [12_345, true]);
    assert.equal(charge.refunds.data.length, 2);
    await assert.rejects(stripe.refunds.create({ payment_intent: paid.id }), { code: 'charge_already_refunded' });
});

await step('a key gives its first answer again and refuses another request', async () => {
    const idempotencyKey = `node-${run}`;
    const first = await stripe.customers.create({ name: 'Once' }, { idempotencyKey });
    const second = await stripe.customers.create({ name: 'Once' }, { idempotencyKey });
    assert.equal(second.id, first.id);
    assert.equal(second.lastResponse.headers['idempotent-replayed'], 'true');
    await assert.rejects(stripe.customers.create({ name: 'Twice' }, { idempotencyKey }), (error) => {
        assert.ok(error instanceof Stripe.errors.StripeIdempotencyError);
        return error.statusCode === 400;
    });
});

await step('paging sees each object once', async () => {
    const made = new Set();
    for (let count = 0; count < 7; count += 1) {
        const { id } = await stripe.paymentIntents.create({ amount: 1_000 + count, currency: 'eur', customer: customer.id });
        made.add(id);
    }
    const seen = [];
    for await (const intent of stripe.paymentIntents.list({ customer: customer.id, limit: 3 })) seen.push(intent.id);
    assert.equal(new Set(seen).size, seen.length);
    assert.equal(seen.filter((id) => made.has(id)).length, 7);
    assert.equal(seen.at(-1), paid.id);
});

await step('unknown parameters and the retired one are refused', async () => {
    const create = (more) => stripe.paymentIntents.create({ amount: 500, currency: 'usd', ...more });
    await assert.rejects(create({ colour: 'red' }), { code: 'parameter_unknown', param: 'colour' });
    await assert.rejects(create({ payment_method_types: ['card'] }), { code: 'payment_method_types_no_longer_supported' });
    await assert.rejects(stripe.customers.retrieve('cus_none'), { code: 'resource_missing', statusCode: 404 });
});

await step('events tell what happened, and their signature is the one the SDK checks', async () => {
    const types = [];
    const filter = { types: ['payment_intent.succeeded', 'charge.refunded'], limit: 100 };
    for await (const event of stripe.events.list(filter)) {
        const of = event.data.object;
        if (of.id === paid.id || of.payment_intent === paid.id) types.push(event.type);
    }
    assert.deepEqual(types, ['charge.refunded', 'charge.refunded', 'payment_intent.succeeded']);
    const payload = JSON.stringify({ id: 'evt_1', object: 'event', type: 'charge.succeeded' });
    const header = stripe.webhooks.generateTestHeaderString({ payload, secret: endpoints.webhook_secret });
    assert.equal(stripe.webhooks.constructEvent(payload, header, endpoints.webhook_secret).id, 'evt_1');
});

await step('a deleted customer says so', async () => {
    assert.equal((await stripe.customers.del(customer.id)).deleted, true);
    assert.equal((await stripe.customers.retrieve(customer.id)).deleted, true);
});
