"""Walks bank debits with Stripe's official SDK for Python: each test account by its number, a mandate, the days until the
money is there, a return that is a dispute, micro-deposits of both kinds.

    QUITTANCE_ENDPOINTS=D/endpoints.json python tests/clients/python/stripe_bank_sdk.py

The sandbox must have been started with --clock. It looks only at objects that it made itself, but moves the time of all.
"""

import json
import os
import sys
import urllib.request
import uuid

import stripe

file = os.environ.get("QUITTANCE_ENDPOINTS")
if not file:
    sys.exit("QUITTANCE_ENDPOINTS must name the endpoints.json of a running sandbox.")
with open(file, encoding="utf-8") as text:
    endpoints = json.load(text)["stripe"]

run = uuid.uuid4().hex[:8]


def client(key):
    return stripe.StripeClient(
        key, stripe_version="2026-10-28.endive", base_addresses={"api": endpoints["api_url"]}, max_network_retries=5
    ).v1


v1 = client(endpoints["secret_key"])
# What stands in a browser, where alone account numbers are typed.
browser = client(endpoints["publishable_key"])
ONLINE = {"customer_acceptance": {"type": "online", "online": {"ip_address": "203.0.113.9", "user_agent": "stripe_bank_sdk.py"}}}
OFFLINE = {"customer_acceptance": {"type": "offline", "accepted_at": 1_800_000_000, "offline": {}}}


def same(found, expected, what):
    if found != expected:
        sys.exit(f"not ok - {what}: found {found!r}, expected {expected!r}")


def ok(name):
    print(f"ok - {name}")


def refused(code, call):
    try:
        call()
    except stripe.StripeError as error:
        same(error.code, code, "the code of a refusal")
        return error
    sys.exit(f"not ok - {code} expected, and nothing was refused")


def control(path, body):
    request = urllib.request.Request(f"{endpoints['control_url']}/{path}", data=json.dumps(body).encode())
    request.add_header("content-type", "application/json")
    with urllib.request.urlopen(request, timeout=10) as reply:
        return json.load(reply)


def account(number):
    """A customer with a verified account, as Plaid hands it over."""
    customer = v1.customers.create({"name": f"Owner of {number}", "metadata": {"run": run}}).id
    token = control("bank-tokens", {"account_number": number})["id"]
    source = v1.customers.payment_sources.create(customer, {"source": token})
    same((source.status, source.last4), ("verified", number[-4:]), "the account")
    return customer, source.id


def debit(customer, method, amount, **more):
    return v1.payment_intents.create(
        {
            "amount": amount,
            "currency": "usd",
            "customer": customer,
            "payment_method": method,
            "allowed_payment_method_types": ["us_bank_account"],
            "confirm": True,
            "expand": ["latest_charge"],
            **more,
        }
    )


def read(intent):
    return v1.payment_intents.retrieve(intent.id, {"expand": ["latest_charge.balance_transaction"]})


# All at once, so that time has to pass but once: number, what happened after twelve days, the code, the blocked account.
LADDER = [
    ("000123456789", "succeeded", None, None),
    ("000111111113", "requires_payment_method", "account_closed", "R02"),
    ("000111111116", "requires_payment_method", "no_account", "R03"),
    ("000222222227", "requires_payment_method", "insufficient_funds", None),
    ("000333333335", "requires_payment_method", "debit_not_authorized", "R10"),
    ("000444444440", "requires_payment_method", "invalid_currency", None),
    ("000555555559", "succeeded", None, None),
    ("000888888885", "requires_payment_method", "tokenized_account_number_deactivated", "R04"),
    ("000000000009", "processing", None, None),
]
going = [(debit(*account(number), 12_000, mandate_data=ONLINE), *end) for number, *end in LADDER]
same({(intent.status, intent.latest_charge.status) for intent, *_ in going}, {("processing", "pending")}, "debits on their way")
refused("payment_intent_unexpected_state", lambda: v1.payment_intents.cancel(going[0][0].id))
control("clock", {"advance_days": 12})
for (number, *_), (intent, status, code, blocked) in zip(LADDER, going):
    now = read(intent)
    failure = now.last_payment_error.code if now.last_payment_error else None
    same((now.status, failure), (status, code), number)
    same(now.amount_received, 12_000 if status == "succeeded" else 0, f"{number}: the money")
    same(now.latest_charge.disputed, number == "000555555559", f"{number}: disputed")
    method = v1.customers.payment_methods.retrieve(intent.customer, intent.latest_charge.payment_method)
    standing = method.to_dict()["us_bank_account"]["status_details"] or {}
    found = (standing.get("blocked") or {}).get("network_code")
    same(found, blocked, f"{number}: blocked")
settled = read(going[0][0]).latest_charge.balance_transaction
same((settled.amount, settled.fee, settled.net), (12_000, 96, 11_904), "0.8 % of the money that came")
ok("each test account does what its number says")

returned = read(going[6][0])
disputes = v1.disputes.list({"charge": returned.latest_charge.id}).data
same([(one.status, one.reason, one.amount) for one in disputes], [("lost", "insufficient_funds", 12_000)], "a return")
same(sum(entry.amount for entry in disputes[0].balance_transactions), -12_000, "what it took back")
mandate = v1.mandates.retrieve(returned.latest_charge.payment_method_details.us_bank_account.mandate)
same((mandate.status, mandate.customer_acceptance.online.ip_address), ("inactive", "203.0.113.9"), "its mandate")
kinds = {event.type for event in v1.events.list({"limit": 100}).auto_paging_iter() if event.data.object.id == disputes[0].id}
same(kinds, {"charge.dispute.created", "charge.dispute.funds_withdrawn", "charge.dispute.closed"}, "what was told of it")
bank = returned.latest_charge.payment_method
refused("payment_intent_mandate_invalid", lambda: debit(returned.customer, bank, 500))
same(debit(returned.customer, bank, 500, mandate_data=ONLINE).status, "processing", "a new authorisation")
ok("a return is a lost dispute, ends the mandate, and asks for a new one")

closed = going[1][0]
refused(
    "payment_method_bank_account_blocked",
    lambda: debit(closed.customer, closed.latest_charge.payment_method, 500, mandate_data=ONLINE),
)
for number, code in [("000777777771", "charge_exceeds_weekly_limit"), ("000000004954", "fraudulent")]:
    customer, method = account(number)
    failed = refused(code, lambda: debit(customer, method, 500, mandate_data=ONLINE)).error.payment_intent
    same(failed.status, "requires_payment_method", number)
ok("what Stripe refuses at once says why")


def setup(kind):
    """A company's account, typed in by a clerk, that waits for its micro-deposits."""
    method = browser.payment_methods.create(
        {
            "type": "us_bank_account",
            "us_bank_account": {
                "routing_number": "110000000",
                "account_number": "000123456789",
                "account_holder_type": "company",
                "account_type": kind,
            },
            "billing_details": {"name": "Larkspur Supply", "email": f"bank-{run}@example.com"},
        }
    )
    same("000123456789" in str(method), False, "the number is told again")
    return v1.setup_intents.create(
        {
            "customer": v1.customers.create({"name": f"Company {run}"}).id,
            "payment_method": method.id,
            "allowed_payment_method_types": ["us_bank_account"],
            "payment_method_options": {"us_bank_account": {"verification_method": "microdeposits"}},
            "confirm": True,
            "mandate_data": OFFLINE,
        }
    )


for kind, way, wrong, right, left in [
    ("checking", "descriptor_code", {"descriptor_code": "SM99ZZ"}, {"descriptor_code": "SM11AA"}, 9),
    ("savings", "amounts", {"amounts": [1, 2]}, {"amounts": [32, 45]}, 2),
]:
    waiting = setup(kind)
    same(waiting.status, "requires_action", "a typed account waits")
    same(waiting.next_action.verify_with_microdeposits.microdeposit_type, way, "the kind of micro-deposit")
    mismatch = "descriptor_code_mismatch" if kind == "checking" else "amounts_mismatch"
    told = refused(
        f"payment_method_microdeposit_verification_{mismatch}",
        lambda: v1.setup_intents.verify_microdeposits(waiting.id, wrong),
    )
    same(f"{left} attempts left" in told.user_message, True, f"tries left in {told.user_message!r}")
    verified = v1.setup_intents.verify_microdeposits(waiting.id, right)
    same(verified.status, "succeeded", "a verified account")
    acceptance = v1.mandates.retrieve(verified.mandate).customer_acceptance
    same((acceptance.type, acceptance.accepted_at), ("offline", 1_800_000_000), "what was agreed to on the phone")
    paid = debit(verified.customer, verified.payment_method, 2_500)
    same(paid.status, "processing", "a debit by the standing mandate")
    control("clock", {"advance_days": 8})
    same(read(paid).amount_received, 2_500, "its money")
for kind, wrong, code, end in [
    ("checking", {"descriptor_code": "SM33CC"}, "attempts_exceeded", "tries"),
    ("savings", {"amounts": [40, 41]}, "timeout", "time"),
]:
    waiting = setup(kind)
    refused(f"payment_method_microdeposit_verification_{code}", lambda: v1.setup_intents.verify_microdeposits(waiting.id, wrong))
    same(v1.setup_intents.retrieve(waiting.id).status, "requires_payment_method", f"no {end} left")
silent = setup("savings")
control("clock", {"advance_days": 11})
over = v1.setup_intents.retrieve(silent.id)
same(over.last_setup_error.code, "payment_method_microdeposit_verification_timeout", "ten silent days")
ok("micro-deposits of both kinds verify a typed account, and end where nobody tells them")
