"""Walks a payment with Stripe's official SDK for Python: create, confirm, 3-D Secure, refund, a bank debit, an
idempotency conflict, automatic paging.

    QUITTANCE_ENDPOINTS=D/endpoints.json python tests/clients/python/stripe_sdk.py

It looks only at objects that it made itself, so that it can run beside other traffic.
"""

import json
import os
import sys
import urllib.parse
import urllib.request
import uuid

import stripe

file = os.environ.get("QUITTANCE_ENDPOINTS")
if not file:
    sys.exit("QUITTANCE_ENDPOINTS must name the endpoints.json of a running sandbox.")
with open(file, encoding="utf-8") as text:
    endpoints = json.load(text)["stripe"]

run = uuid.uuid4().hex[:8]
client = stripe.StripeClient(
    endpoints["secret_key"],
    stripe_version="2026-10-28.endive",
    base_addresses={"api": endpoints["api_url"]},
    max_network_retries=5,
)
v1 = client.v1


def same(found, expected, what):
    if found != expected:
        sys.exit(f"not ok - {what}: found {found!r}, expected {expected!r}")


def ok(name):
    print(f"ok - {name}")


def refused(kind, call):
    try:
        call()
    except kind as error:
        return error
    sys.exit(f"not ok - {kind.__name__} expected, and nothing was refused")


def answer_the_bank(url, outcome):
    form = urllib.parse.urlencode({"outcome": outcome, "embedded": "true"}).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data=form, method="POST"), timeout=10) as reply:
        same(reply.status, 200, "the bank's page")


customer = v1.customers.create({"name": "Ada Lovelace", "email": f"python-{run}@example.com", "metadata": {"run": run}})
same(customer.livemode, False, "test mode")

intent = v1.payment_intents.create(
    {
        "amount": 4_200,
        "currency": "usd",
        "customer": customer.id,
        "allowed_payment_method_types": ["card", "us_bank_account"],
    }
)
same(intent.status, "requires_payment_method", "an unconfirmed intent")
same(list(intent.payment_method_types), ["card", "us_bank_account"], "types that fit")
intent = v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa", "expand": ["latest_charge"]})
same((intent.status, intent.amount_received), ("succeeded", 4_200), "a confirmed intent")
same(intent.latest_charge.payment_method_details.card.last4, "4242", "the card that paid")
charge = intent.latest_charge.id
ok("a payment is created unconfirmed, then confirmed by its id")

for outcome, status in (("complete", "succeeded"), ("fail", "requires_payment_method")):
    asked = v1.payment_intents.create(
        {
            "amount": 900,
            "currency": "eur",
            "payment_method": "pm_card_authenticationRequired",
            "return_url": "https://shop.example/back",
            "confirm": True,
        }
    )
    same(asked.status, "requires_action", "3-D Secure")
    answer_the_bank(asked.next_action.redirect_to_url.url, outcome)
    same(v1.payment_intents.retrieve(asked.id).status, status, f"3-D Secure: {outcome}")
ok("3-D Secure asks, and goes on when the customer answers")

error = refused(
    stripe.CardError,
    lambda: v1.payment_intents.create(
        {"amount": 500, "currency": "usd", "payment_method": "pm_card_chargeDeclinedLostCard", "confirm": True}
    ),
)
same((error.http_status, error.code, error.error.decline_code), (402, "card_declined", "lost_card"), "a decline")
failed = v1.charges.retrieve(error.error.charge)
same((failed.status, failed.failure_code), ("failed", "card_declined"), "the declined charge")
ok("a decline is a card error that names its reason")

same(v1.refunds.create({"charge": charge, "amount": 200}).status, "succeeded", "a part refund")
too_much = refused(stripe.InvalidRequestError, lambda: v1.refunds.create({"charge": charge, "amount": 4_001}))
same(too_much.param, "amount", "a refund of too much")
same(v1.refunds.create({"charge": charge}).amount, 4_000, "the rest")
same(v1.charges.retrieve(charge).refunded, True, "the refunded charge")
same(sorted(refund.amount for refund in v1.refunds.list({"charge": charge})), [200, 4_000], "the refunds of the charge")
ok("refunds add up to the payment and no further")

source = v1.customers.payment_sources.create(customer.id, {"source": "btok_us_verified"})
same(source.status, "verified", "a bank account from a token")
debit = v1.payment_intents.create(
    {
        "amount": 7_000,
        "currency": "usd",
        "customer": customer.id,
        "payment_method": source.id,
        "allowed_payment_method_types": ["us_bank_account"],
        "confirm": True,
        "mandate_data": {
            "customer_acceptance": {
                "type": "online",
                "online": {"ip_address": "203.0.113.9", "user_agent": "stripe_sdk.py"},
            }
        },
    }
)
same(debit.status, "processing", "a bank debit")
same(v1.charges.retrieve(debit.latest_charge).status, "pending", "the charge of a bank debit")
settle = urllib.request.Request(
    f"{endpoints['control_url']}/intents/{debit.id}/settle",
    data=b'{"outcome": "succeeded"}',
    headers={"content-type": "application/json"},
)
with urllib.request.urlopen(settle, timeout=10) as reply:
    same(json.load(reply)["status"], "succeeded", "the bank's answer")
transactions = v1.balance_transactions.list({"source": debit.latest_charge})
same([(entry.type, entry.amount, entry.fee) for entry in transactions], [("payment", 7_000, 56)], "what it moved")
ok("a bank debit is processing until the bank answers")

key = {"idempotency_key": f"python-{run}"}
first = v1.customers.create({"name": "Once"}, options=key)
again = v1.customers.create({"name": "Once"}, options=key)
same(again.id, first.id, "the same key")
same(again.last_response.headers["idempotent-replayed"], "true", "the replay header")
conflict = refused(stripe.IdempotencyError, lambda: v1.customers.create({"name": "Twice"}, options=key))
same(conflict.http_status, 400, "the same key with another request")
ok("a key gives its first answer again and refuses another request")

made = {v1.payment_intents.create({"amount": 100 + at, "currency": "gbp", "customer": customer.id}).id for at in range(7)}
seen = [entry.id for entry in v1.payment_intents.list({"customer": customer.id, "limit": 3}).auto_paging_iter()]
same(len(seen), len(set(seen)), "no object twice")
same(made <= set(seen), True, "each object")
ok("paging sees each object once")

missing = refused(stripe.InvalidRequestError, lambda: v1.payment_intents.retrieve("pi_none"))
same((missing.http_status, missing.code), (404, "resource_missing"), "an id that does not exist")
unknown = refused(stripe.AuthenticationError, lambda: stripe.StripeClient(
    "sk_test_wrong", base_addresses={"api": endpoints["api_url"]}
).v1.customers.list())
same(unknown.http_status, 401, "a wrong key")
ok("what does not exist and who may not ask are refused")
