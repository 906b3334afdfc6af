// Walks bank debits with Stripe's official SDK for Node: a bank token becomes an account of the customer, a mandate, the
// days until the money is there, a return after it was, a failure, refunds, and micro-deposits of both kinds.
//
//   QUITTANCE_ENDPOINTS=D/endpoints.json node tests/clients/node/stripe_bank.mjs
//
// The sandbox must have been started with --clock. It looks only at objects that it made itself, but moves the time of all.
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
const as = (key) => new Stripe(key, {
    host: address.hostname, port: Number(address.port), protocol: 'http', apiVersion: '2026-10-28.endive', maxNetworkRetries: 5, telemetry: false,
});
const stripe = as(endpoints.secret_key);
// What stands in a browser, where alone account numbers are typed.
const browser = as(endpoints.publishable_key);

const step = async (name, work) => {
    await work();
    console.log(`ok - ${name}`);
};
const control = async (path, body) => (await fetch(`${endpoints.control_url}/${path}`, {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body),
})).json();
const days = (count) => control('clock', { advance_days: count });
const run = randomUUID().slice(0, 8);
const ONLINE = { customer_acceptance: { type: 'online', online: { ip_address: '203.0.113.9', user_agent: `stripe_bank.mjs ${run}` } } };
const OFFLINE = { customer_acceptance: { type: 'offline', accepted_at: 1_800_000_000, offline: {} } };
const BANK = ['us_bank_account'];

const customer = await stripe.customers.create({ name: 'Grace Hopper', email: `bank-${run}@example.com`, metadata: { run } });
const token = async (number) => (await control('bank-tokens', { account_number: number })).id;
const account = async (number) => {
    const owner = await stripe.customers.create({ name: `Owner of ${number}` });
    return [owner.id, (await stripe.customers.createSource(owner.id, { source: await token(number) })).id];
};
const intent = (owner, method, amount, more = {}) => stripe.paymentIntents.create({
    amount, currency: 'usd', customer: owner, payment_method: method, allowed_payment_method_types: BANK, metadata: { run }, ...more,
});
const confirmed = async (owner, method, amount, mandate = ONLINE) =>
    stripe.paymentIntents.confirm((await intent(owner, method, amount)).id, { ...(mandate && { mandate_data: mandate }), expand: ['latest_charge'] });
const events = async (id) => {
    const types = [];
    for await (const event of stripe.events.list({ limit: 100 })) {
        const of = event.data.object;
        if (of.id === id || of.payment_intent === id) types.push(event.type);
    }
    return types.reverse();
};
let bank;
let paid;

await step('a bank token becomes one verified account, read as a payment method under the same id', async () => {
    const once = await token('000123456789');
    bank = await stripe.customers.createSource(customer.id, { source: once });
    assert.deepEqual([bank.object, bank.status, bank.last4, bank.country, bank.currency], ['bank_account', 'verified', '6789', 'US', 'usd']);
    await assert.rejects(stripe.customers.createSource(customer.id, { source: once }), { code: 'token_already_used' });
    await assert.rejects(stripe.customers.createSource(customer.id, { source: await token('000123456789') }), { code: 'bank_account_exists' });
    const listed = await stripe.customers.listPaymentMethods(customer.id, { type: 'us_bank_account' });
    assert.deepEqual(listed.data.map(({ id }) => id), [bank.id]);
    const method = await stripe.customers.retrievePaymentMethod(customer.id, bank.id);
    assert.deepEqual([method.type, method.customer, method.us_bank_account.last4, method.us_bank_account.fingerprint], ['us_bank_account', customer.id, '6789', bank.fingerprint]);
});

await step('without a mandate nothing is debited', async () => {
    const unconfirmed = await intent(customer.id, bank.id, 2_500);
    assert.deepEqual([unconfirmed.status, unconfirmed.payment_method_types], ['requires_confirmation', BANK]);
    await assert.rejects(stripe.paymentIntents.confirm(unconfirmed.id), { code: 'payment_intent_mandate_invalid', statusCode: 400 });
    assert.equal((await stripe.paymentIntents.retrieve(unconfirmed.id)).latest_charge, null);
    assert.equal((await stripe.paymentIntents.cancel(unconfirmed.id)).status, 'canceled');
});

await step('a debit is processing for four business days, then the money is there', async () => {
    paid = await confirmed(customer.id, bank.id, 7_000);
    assert.deepEqual([paid.status, paid.amount_received, paid.latest_charge.status], ['processing', 0, 'pending']);
    const details = paid.latest_charge.payment_method_details;
    assert.deepEqual([details.type, details.us_bank_account.last4], ['us_bank_account', '6789']);
    const mandate = await stripe.mandates.retrieve(details.us_bank_account.mandate);
    assert.deepEqual([mandate.status, mandate.type, mandate.payment_method], ['active', 'multi_use', bank.id]);
    assert.deepEqual(mandate.customer_acceptance.online, ONLINE.customer_acceptance.online);
    await assert.rejects(stripe.paymentIntents.cancel(paid.id), { code: 'payment_intent_unexpected_state' });
    await days(1);
    assert.equal((await stripe.paymentIntents.retrieve(paid.id)).status, 'processing');
    await days(8);
    paid = await stripe.paymentIntents.retrieve(paid.id, { expand: ['latest_charge.balance_transaction'] });
    assert.deepEqual([paid.status, paid.amount_received, paid.latest_charge.status], ['succeeded', 7_000, 'succeeded']);
    // 0.8 %, at most 5 dollars.
    const { amount, fee, net, type } = paid.latest_charge.balance_transaction;
    assert.deepEqual([amount, fee, net, type], [7_000, 56, 6_944, 'payment']);
    assert.deepEqual((await events(paid.id)).filter((type) => type.startsWith('payment_intent.')), ['payment_intent.created', 'payment_intent.processing', 'payment_intent.succeeded']);
});

await step('the standing mandate is enough for the next debit, a part of which is refunded', async () => {
    const next = await confirmed(customer.id, bank.id, 1_000, null);
    assert.equal(next.status, 'processing');
    await assert.rejects(stripe.refunds.create({ payment_intent: next.id, amount: 1_001 }), { type: 'StripeInvalidRequestError' });
    await control(`intents/${next.id}/settle`, { outcome: 'succeeded' });
    const refund = await stripe.refunds.create({ payment_intent: next.id, amount: 400 });
    assert.equal(refund.amount, 400);
    assert.ok(['pending', 'succeeded'].includes(refund.status), refund.status);
    assert.equal((await stripe.charges.retrieve(next.latest_charge.id)).amount_refunded, 400);
});

await step('a debit that comes back after it succeeded is a lost dispute; the intent never says so, the mandate is over', async () => {
    const [owner, method] = await account('000555555559');
    const debit = await confirmed(owner, method, 3_300);
    assert.equal(debit.status, 'processing');
    await days(12);
    const { status, latest_charge: charge } = await stripe.paymentIntents.retrieve(debit.id, { expand: ['latest_charge'] });
    assert.deepEqual([status, charge.disputed, charge.status], ['succeeded', true, 'succeeded']);
    const disputes = await stripe.disputes.list({ payment_intent: debit.id });
    assert.deepEqual(disputes.data.map((one) => [one.status, one.amount, one.reason, one.charge]), [['lost', 3_300, 'insufficient_funds', charge.id]]);
    const moved = await stripe.disputes.retrieve(disputes.data[0].id);
    assert.equal(moved.balance_transactions.reduce((sum, { amount }) => sum + amount, 0), -3_300);
    const mandate = await stripe.mandates.retrieve(charge.payment_method_details.us_bank_account.mandate);
    assert.equal(mandate.status, 'inactive');
    await assert.rejects(confirmed(owner, method, 100, null), { code: 'payment_intent_mandate_invalid' });
    assert.equal((await confirmed(owner, method, 100)).status, 'processing');
});

await step('a debit that the bank refuses fails days later, and the account is blocked where its code says so', async () => {
    for (const [number, code, blocked] of [['000222222227', 'insufficient_funds', null], ['000111111113', 'account_closed', 'R02']]) {
        const [owner, method] = await account(number);
        const debit = await confirmed(owner, method, 900);
        assert.equal(debit.status, 'processing', number);
        await days(6);
        const failed = await stripe.paymentIntents.retrieve(debit.id, { expand: ['latest_charge'] });
        assert.deepEqual([failed.status, failed.last_payment_error.code, failed.latest_charge.status], ['requires_payment_method', code, 'failed']);
        const { us_bank_account: seen } = await stripe.customers.retrievePaymentMethod(owner, method);
        assert.equal(seen.status_details.blocked?.network_code ?? null, blocked);
    }
});

await step('what Stripe refuses at once is an error with the failed intent', async () => {
    for (const [number, code] of [['000777777771', 'charge_exceeds_weekly_limit'], ['000000004954', 'fraudulent']]) {
        const [owner, method] = await account(number);
        await assert.rejects(confirmed(owner, method, 900), (error) => {
            assert.equal(error.payment_intent.status, 'requires_payment_method');
            assert.equal(error.payment_intent.last_payment_error.code, code);
            return true;
        });
    }
});

const typed = (owner, kind, number = '000123456789') => browser.paymentMethods.create({
    type: 'us_bank_account',
    us_bank_account: { routing_number: '110000000', account_number: number, account_holder_type: owner, account_type: kind },
    billing_details: { name: 'Larkspur Supply', email: `bank-${run}@example.com` },
});
const verifying = async (kind, number) => {
    const method = await typed('company', kind, number);
    assert.ok(!JSON.stringify(method).includes('000123456789'), 'the number is never told again');
    const owner = await stripe.customers.create({ name: `Company ${run}` });
    const setup = await stripe.setupIntents.create({
        customer: owner.id, payment_method: method.id, allowed_payment_method_types: BANK, confirm: true, mandate_data: OFFLINE,
        payment_method_options: { us_bank_account: { verification_method: 'microdeposits' } },
    });
    assert.equal(setup.status, 'requires_action');
    return [owner.id, method.id, setup];
};

await step('one micro-deposit with a code, or two by their amounts, verify an account that was typed in', async () => {
    for (const [kind, way, wrong, right] of [
        ['checking', 'descriptor_code', { descriptor_code: 'SM99ZZ' }, { descriptor_code: 'SM11AA' }],
        ['savings', 'amounts', { amounts: [10, 12] }, { amounts: [32, 45] }],
    ]) {
        const [owner, method, setup] = await verifying(kind);
        const { microdeposit_type: told, arrival_date: arrival } = setup.next_action.verify_with_microdeposits;
        assert.equal(told, way);
        assert.ok(arrival > setup.created && arrival < setup.created + 8 * 86_400);
        const mandate = await stripe.mandates.retrieve(setup.mandate);
        assert.deepEqual([mandate.customer_acceptance.type, mandate.customer_acceptance.accepted_at], ['offline', 1_800_000_000]);
        await assert.rejects(stripe.setupIntents.verifyMicrodeposits(setup.id, wrong), { code: `payment_method_microdeposit_verification_${way === 'amounts' ? 'amounts' : 'descriptor_code'}_mismatch` });
        const verified = await stripe.setupIntents.verifyMicrodeposits(setup.id, right);
        assert.deepEqual([verified.status, verified.payment_method], ['succeeded', method]);
        const debit = await confirmed(owner, method, 4_200, null);
        assert.equal(debit.status, 'processing', 'its standing mandate is enough');
        await days(9);
        assert.equal((await stripe.paymentIntents.retrieve(debit.id)).amount_received, 4_200);
    }
});

await step('three wrong amounts, ten wrong codes, or ten silent days end a verification', async () => {
    for (const [kind, wrong, tries] of [['savings', { amounts: [1, 2] }, 3], ['checking', { descriptor_code: 'SM99ZZ' }, 10]]) {
        const [, , setup] = await verifying(kind);
        for (let left = tries - 1; left > 0; left -= 1) {
            await assert.rejects(stripe.setupIntents.verifyMicrodeposits(setup.id, wrong), new RegExp(`${left} attempts? left`));
        }
        await assert.rejects(stripe.setupIntents.verifyMicrodeposits(setup.id, wrong), { code: 'payment_method_microdeposit_verification_attempts_exceeded' });
        assert.equal((await stripe.setupIntents.retrieve(setup.id)).status, 'requires_payment_method');
    }
    const [, , silent] = await verifying('checking');
    await days(11);
    const over = await stripe.setupIntents.retrieve(silent.id);
    assert.deepEqual([over.status, over.last_setup_error.code], ['requires_payment_method', 'payment_method_microdeposit_verification_timeout']);
    const [, , never] = await verifying('checking', '000666666661');
    await days(4);
    assert.equal((await stripe.setupIntents.retrieve(never.id)).status, 'requires_payment_method', 'deposits that never arrive');
});

await step('an account that is removed can be debited no more', async () => {
    assert.equal((await stripe.customers.deleteSource(customer.id, bank.id)).deleted, true);
    await assert.rejects(intent(customer.id, bank.id, 500));
});
