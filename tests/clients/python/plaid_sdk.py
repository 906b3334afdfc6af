"""Walks a bank login with Plaid's official SDK for Python: link token, public token, access token, accounts, Stripe's bank
token, a webhook's key, and errors by user name. The SDK holds each answer to its models, types and enumerations included.

    QUITTANCE_ENDPOINTS=D/endpoints.json python tests/clients/python/plaid_sdk.py

It looks only at items that it made itself, so that it can run beside other traffic.
"""

import json
import os
import sys
import urllib.request
import uuid

import plaid
from plaid.api.plaid_api import PlaidApi
from plaid.model.accounts_get_request import AccountsGetRequest
from plaid.model.auth_get_request import AuthGetRequest
from plaid.model.country_code import CountryCode
from plaid.model.institutions_get_by_id_request import InstitutionsGetByIdRequest
from plaid.model.item_get_request import ItemGetRequest
from plaid.model.item_public_token_exchange_request import ItemPublicTokenExchangeRequest
from plaid.model.item_remove_request import ItemRemoveRequest
from plaid.model.link_token_create_request import LinkTokenCreateRequest
from plaid.model.link_token_create_request_user import LinkTokenCreateRequestUser
from plaid.model.link_token_get_request import LinkTokenGetRequest
from plaid.model.processor_stripe_bank_account_token_create_request import ProcessorStripeBankAccountTokenCreateRequest
from plaid.model.products import Products
from plaid.model.sandbox_item_reset_login_request import SandboxItemResetLoginRequest
from plaid.model.sandbox_public_token_create_request import SandboxPublicTokenCreateRequest
from plaid.model.sandbox_public_token_create_request_options import SandboxPublicTokenCreateRequestOptions
from plaid.model.webhook_verification_key_get_request import WebhookVerificationKeyGetRequest

file = os.environ.get("QUITTANCE_ENDPOINTS")
if not file:
    sys.exit("QUITTANCE_ENDPOINTS must name the endpoints.json of a running sandbox.")
with open(file, encoding="utf-8") as text:
    endpoints = json.load(text)["plaid"]


def asked(secret):
    keys = {"clientId": endpoints["client_id"], "secret": secret, "plaidVersion": "2020-09-14"}
    return PlaidApi(plaid.ApiClient(plaid.Configuration(host=endpoints["api_url"], api_key=keys)))


api = asked(endpoints["secret"])


def same(found, expected, what):
    if found != expected:
        sys.exit(f"not ok - {what}: found {found!r}, expected {expected!r}")


def ok(name):
    print(f"ok - {name}")


def refused(kind, code, call):
    try:
        call()
    except plaid.ApiException as error:
        body = json.loads(error.body)
        same((body["error_type"], body["error_code"]), (kind, code), "a refusal")
        same(error.status, 500 if code == "INTERNAL_SERVER_ERROR" else 400, f"the status of {code}")
        return
    sys.exit(f"not ok - {code} expected, and nothing was refused")


def public_token(user="user_good", password="pass_good", bank="ins_109508"):
    options = SandboxPublicTokenCreateRequestOptions(override_username=user, override_password=password)
    request = SandboxPublicTokenCreateRequest(institution_id=bank, initial_products=[Products("auth")], options=options)
    return api.sandbox_public_token_create(request).public_token


def exchange(token):
    return api.item_public_token_exchange(ItemPublicTokenExchangeRequest(public_token=token))


def bank_token(access, account):
    request = ProcessorStripeBankAccountTokenCreateRequest(access_token=access, account_id=account)
    return api.processor_stripe_bank_account_token_create(request).stripe_bank_account_token


wanted = {
    "client_name": "Larkspur Supply",
    "language": "en",
    "country_codes": [CountryCode("US")],
    "user": LinkTokenCreateRequestUser(client_user_id=str(uuid.uuid4())),
}
made = api.link_token_create(LinkTokenCreateRequest(products=[Products("auth")], **wanted))
read = api.link_token_get(LinkTokenGetRequest(link_token=made.link_token))
same(read.metadata.client_name, "Larkspur Supply", "whose link token it is")
same(read.expiration, made.expiration, "until when")
refused("INVALID_REQUEST", "MISSING_FIELDS", lambda: api.link_token_create(LinkTokenCreateRequest(**wanted)))
ok("a link token says what it is for and until when")

token = public_token()
exchanged = exchange(token)
refused("INVALID_INPUT", "INVALID_PUBLIC_TOKEN", lambda: exchange(token))
item = api.item_get(ItemGetRequest(access_token=exchanged.access_token)).item
same((item.item_id, item.institution_id, item.error), (exchanged.item_id, "ins_109508", None), "the item")
ok("a public token is exchanged once")

accounts = api.accounts_get(AccountsGetRequest(access_token=exchanged.access_token)).accounts
same(
    [(one.mask, str(one.type), str(one.subtype)) for one in accounts],
    [("0000", "depository", "checking"), ("1111", "depository", "savings"), ("3333", "credit", "credit card")],
    "the accounts",
)
numbers = api.auth_get(AuthGetRequest(access_token=exchanged.access_token)).numbers.ach
same([(one.account, one.routing) for one in numbers], [("000123456789", "011401533")] * 2, "their numbers")
bank = api.institutions_get_by_id(InstitutionsGetByIdRequest(institution_id="ins_127287", country_codes=[CountryCode("US")]))
same((bank.institution.name, bank.institution.oauth), ("Platypus OAuth Bank", True), "a bank with its own sign-in page")
ok("the accounts have name, mask and kind, and their numbers where asked")

first, second = (bank_token(exchanged.access_token, accounts[1].account_id) for _ in range(2))
same((first[:5], first != second), ("btok_", True), "bank tokens of one account")
refused("INVALID_INPUT", "INVALID_ACCOUNT_ID", lambda: bank_token(exchanged.access_token, accounts[2].account_id))
ladder = exchange(public_token("user_ach")).access_token
endings = [one.mask for one in api.accounts_get(AccountsGetRequest(access_token=ladder)).accounts]
same(endings, ["6789", "1113", "1116", "2227", "3335", "4440", "5559", "7771", "8885", "4954", "0009"], "Stripe's test accounts")
ok("Stripe's bank token is made of a checking or savings account, anew at each call")

for kind, code in [
    ("ITEM_ERROR", "INVALID_CREDENTIALS"),
    ("ITEM_ERROR", "INVALID_MFA"),
    ("ITEM_ERROR", "ITEM_LOCKED"),
    ("ITEM_ERROR", "ITEM_NOT_SUPPORTED"),
    ("ITEM_ERROR", "MFA_NOT_SUPPORTED"),
    ("ITEM_ERROR", "NO_ACCOUNTS"),
    ("ITEM_ERROR", "USER_SETUP_REQUIRED"),
    ("INSTITUTION_ERROR", "INSTITUTION_DOWN"),
    ("INSTITUTION_ERROR", "INSTITUTION_NOT_AVAILABLE"),
    ("INSTITUTION_ERROR", "INSTITUTION_NOT_RESPONDING"),
    ("INSTITUTION_ERROR", "INSTITUTION_NO_LONGER_SUPPORTED"),
    ("API_ERROR", "INTERNAL_SERVER_ERROR"),
]:
    refused(kind, code, lambda: public_token(password=f"error_{code}"))
    refused(kind, code, lambda: public_token(user=f"error_{code}"))
refused("INVALID_INPUT", "INVALID_INSTITUTION", lambda: public_token(bank="ins_none"))
ok("a user name or password asks for its error")

state = urllib.request.urlopen(urllib.request.Request(f"{endpoints['control_url']}/keys/rotate", data=b"{}", method="POST"))
kid = json.load(state)["key_id"]
key = api.webhook_verification_key_get(WebhookVerificationKeyGetRequest(key_id=kid)).key
same((key.kid, key.alg, key.crv, key.kty, key.use, key.expired_at), (kid, "ES256", "P-256", "EC", "sig", None), "a key")
ok("the key of webhooks is handed out by its id")

api.sandbox_item_reset_login(SandboxItemResetLoginRequest(access_token=exchanged.access_token))
refused("ITEM_ERROR", "ITEM_LOGIN_REQUIRED", lambda: api.accounts_get(AccountsGetRequest(access_token=exchanged.access_token)))
item = api.item_get(ItemGetRequest(access_token=exchanged.access_token)).item
same(item.error.error_code, "ITEM_LOGIN_REQUIRED", "what the item waits for")
update = LinkTokenCreateRequest(access_token=exchanged.access_token, **wanted)
same(api.link_token_create(update).link_token[:13], "link-sandbox-", "update mode")
both = LinkTokenCreateRequest(access_token=exchanged.access_token, products=[Products("auth")], **wanted)
refused("INVALID_REQUEST", "INVALID_FIELD", lambda: api.link_token_create(both))
ok("a bank that wants a new sign-in says so, and update mode takes no products")

api.item_remove(ItemRemoveRequest(access_token=exchanged.access_token))
refused("ITEM_ERROR", "ITEM_NOT_FOUND", lambda: api.accounts_get(AccountsGetRequest(access_token=exchanged.access_token)))
refused("INVALID_INPUT", "INVALID_API_KEYS", lambda: asked("wrong").accounts_get(AccountsGetRequest(access_token=ladder)))
ok("an item that is removed is gone, and wrong keys are refused")
