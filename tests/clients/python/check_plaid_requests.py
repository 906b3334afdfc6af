"""Checks requests to Plaid against Plaid's published models, which its official SDK for Python carries.

    python check_plaid_requests.py LOG...      logs of JSON lines: path, body (JSON), plaid_version, keys_in, user_agent
    python check_plaid_requests.py --self-test

Unknown fields are refused, though Plaid passes over them: a field that nobody reads is a mistake of ours. Requests that
are not the daemon's (by their user agent) are skipped. Exit status: 0 all fit, 1 some do not (each is printed), 2 nothing
could be checked.
"""

import argparse
import inspect
import json
import sys
from urllib.parse import urlsplit

from plaid import ApiClient, Configuration
from plaid.api.plaid_api import PlaidApi

VERSION = "2020-09-14"
# Every request may carry the keys in its body. Ours never does: a body is what logs and errors show.
KEYS = {"client_id", "secret"}


def operations():
    """The model of each operation's body, by its path."""
    api = PlaidApi(ApiClient(Configuration(host="http://none.invalid")))
    found = {}
    for endpoint in vars(api).values():
        if hasattr(endpoint, "settings"):
            bodies = [name for name, place in endpoint.location_map.items() if place == "body"]
            if len(bodies) == 1:
                found[endpoint.settings["endpoint_path"]] = endpoint.openapi_types[bodies[0]][0]
    return found


def required(model):
    """What the model can't be made without."""
    parameters = inspect.signature(model.__init__).parameters.values()
    return [one.name for one in parameters if one.name != "self" and one.kind == one.POSITIONAL_OR_KEYWORD and one.default is one.empty]


def value(kinds, given, at, found):
    """Whether one of the kinds takes what was given; a model is held field by field."""
    wrong = None
    for kind in kinds:
        here = []
        if isinstance(kind, list):
            if isinstance(given, list):
                for index, inner in enumerate(given):
                    value(kind, inner, f"{at}[{index}]", here)
            else:
                here.append(f"{at}: a list is expected, found {given!r}")
        elif hasattr(kind, "openapi_types"):
            members(kind, given, at, here)
        elif kind is type(None):
            if given is not None:
                continue
        elif kind is float and type(given) is int:
            pass
        elif type(given) is not kind and not (kind.__name__ in ("date", "datetime") and isinstance(given, str)):
            here.append(f"{at}: {kind.__name__} expected, found {given!r}")
        if not here:
            return
        wrong = wrong or here
    found += wrong or [f"{at}: {given!r} is not taken"]


def members(model, given, at, found):
    types = model.openapi_types
    if set(types) == {"value"} and not model.attribute_map.keys() - {"value"}:  # an enumeration, or a list of them
        allowed = model.allowed_values.get(("value",))
        if allowed and given not in allowed.values():
            found.append(f"{at}: {given!r} is none of {', '.join(map(str, allowed.values()))[:200]}")
        value(types["value"], given, at, found)
        return
    if not isinstance(given, dict):
        found.append(f"{at or 'the body'}: an object is expected, found {given!r}")
        return
    name_of = lambda name: f"{at}.{name}" if at else name
    python_name = {spelt: name for name, spelt in model.attribute_map.items()}
    found += [f"{name_of(model.attribute_map[name])}: missing" for name in required(model) if model.attribute_map[name] not in given]
    for spelt, inner in given.items():
        name = python_name.get(spelt)
        if name is None:
            found.append(f"{name_of(spelt)}: unknown field")
            continue
        before = len(found)
        value(types[name], inner, name_of(spelt), found)
        if before == len(found):
            limits(model, name, inner, name_of(spelt), found)


def limits(model, name, given, at, found):
    allowed = model.allowed_values.get((name,))
    if allowed and given not in allowed.values():
        found.append(f"{at}: {given!r} is none of {', '.join(map(str, allowed.values()))[:200]}")
    held = model.validations.get((name,), {})
    size = len(given) if isinstance(given, (str, list)) else None
    for limit, broken in [
        ("min_length", lambda bound: size is not None and size < bound),
        ("min_items", lambda bound: size is not None and size < bound),
        ("max_length", lambda bound: size is not None and size > bound),
        ("max_items", lambda bound: size is not None and size > bound),
        ("inclusive_minimum", lambda bound: given < bound),
        ("inclusive_maximum", lambda bound: given > bound),
    ]:
        if given is not None and limit in held and broken(held[limit]):
            found.append(f"{at}: {limit} is {held[limit]}")


def rules(path, body):
    """What stands in the models' words and in no type (LinkTokenCreateRequest: client_name, products, redirect_uri, user)."""
    if path != "/link/token/create":
        return []
    found = []
    if len(str(body.get("client_name", ""))) > 30:
        found.append("client_name: longer than 30, so that Link would show another name")
    if "access_token" in body and body.get("products"):
        found.append("products: not in update mode")
    if "access_token" not in body and not body.get("products"):
        found.append("products: at least one, except in update mode")
    if not (body.get("user") or {}).get("client_user_id"):
        found.append("user.client_user_id: missing")
    if urlsplit(body.get("redirect_uri") or "").query:
        found.append("redirect_uri: no query is allowed")
    return found


def problems(models, entry):
    """What does not fit, as sentences."""
    path, body = entry["path"], entry["body"]
    if entry["method"] != "POST" or path not in models:
        return [f"{entry['method']} {path} is no operation of Plaid's"]
    found = []
    if entry.get("plaid_version") != VERSION:
        found.append(f"Plaid-Version: {VERSION} expected, found {entry.get('plaid_version')!r}")
    if entry.get("keys_in") != "headers" or (isinstance(body, dict) and KEYS & body.keys()):
        found.append("client_id, secret: they belong in headers")
    members(models[path], body, "", found)
    if isinstance(body, dict):
        found += rules(path, body)
    return found


def check(models, lines, name):
    """How many requests were checked, and how many did not fit."""
    checked = wrong = 0
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
            entry["method"], entry["path"], entry["body"]
        except (ValueError, KeyError, TypeError) as error:
            print(f"{name}:{number}: not a request: {error}")
            wrong += 1
            continue
        if not (entry.get("user_agent") or "").startswith("quittance/"):
            continue
        checked += 1
        found = problems(models, entry)
        if found:
            wrong += 1
            print(f"{name}:{number}: {entry['path']}")
            for problem in found:
                print(f"    {problem}")
    return checked, wrong


LINK = {
    "client_name": "Larkspur Supply",
    "language": "en",
    "country_codes": ["US"],
    "user": {"client_user_id": "q_1"},
    "products": ["auth"],
    "account_filters": {"depository": {"account_subtypes": ["checking", "savings"]}},
    "webhook": "https://pay.example/webhooks/plaid",
    "redirect_uri": "https://pay.example/bank/return",
}
UPDATE = {"access_token": "access-sandbox-1…", "products": None, "account_filters": None}
BANK_TOKEN = "/processor/stripe/bank_account_token/create"
# What fits, and what must not.
GOOD = [
    ("/link/token/create", LINK),
    ("/link/token/create", {name: field for name, field in (LINK | UPDATE).items() if field is not None}),
    ("/item/public_token/exchange", {"public_token": "public-sandbox-1…"}),
    ("/accounts/get", {"access_token": "access-sandbox-1…"}),
    (BANK_TOKEN, {"access_token": "access-sandbox-1…", "account_id": "a"}),
    ("/item/remove", {"access_token": "access-sandbox-1…"}),
    ("/institutions/get_by_id", {"institution_id": "ins_109508", "country_codes": ["US"]}),
    ("/webhook_verification_key/get", {"key_id": "k"}),
]
PLANTED = [
    ("/link/token/create", LINK | {"colour": "red"}),
    ("/link/token/create", LINK | {"products": ["shoes"]}),
    ("/link/token/create", LINK | {"products": "auth"}),
    ("/link/token/create", LINK | {"country_codes": []}),
    ("/link/token/create", LINK | {"client_name": "The Larkspur Supply Company of Portland"}),
    ("/link/token/create", LINK | {"access_token": "access-sandbox-1…"}),
    ("/link/token/create", LINK | {"user": {}}),
    ("/link/token/create", LINK | {"redirect_uri": "https://pay.example/bank/return?link=1"}),
    ("/link/token/create", LINK | {"account_filters": {"depository": {"account_subtypes": ["piggy bank"]}}}),
    ("/link/token/create", LINK | {"account_filters": {"depositary": {"account_subtypes": ["checking"]}}}),
    ("/link/token/create", {name: field for name, field in LINK.items() if name != "language"}),
    ("/item/public_token/exchange", {"token": "public-sandbox-1…"}),
    ("/accounts/get", {"access_token": 7}),
    (BANK_TOKEN, {"access_token": "access-sandbox-1…"}),
    ("/item/remove", {"access_token": "access-sandbox-1…", "secret": "shh"}),
    ("/item/delete", {"access_token": "access-sandbox-1…"}),
]


def self_test(models):
    """Fits must pass, and every planted mistake must turn the check red."""
    def entry(path, body, **other):
        plain = {"method": "POST", "path": path, "body": body, "plaid_version": VERSION, "keys_in": "headers"}
        return plain | {"user_agent": "quittance/1"} | other

    lines = [json.dumps(entry(*request)) for request in GOOD]
    checked, wrong = check(models, lines, "good")
    if (checked, wrong) != (len(GOOD), 0):
        print("self-test: a request that fits was refused")
        return 1
    planted = [entry(*request) for request in PLANTED]
    planted += [entry(*GOOD[3], plaid_version="2019-05-29"), entry(*GOOD[3], keys_in="body"), entry(*GOOD[3], method="GET")]
    for request in planted:
        if not problems(models, request):
            print(f"self-test: this planted mistake was not seen: {request}")
            return 1
    print(f"self-test: {len(GOOD)} requests fit, {len(planted)} planted mistakes were all seen")
    return 0


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("logs", nargs="*", metavar="LOG")
    arguments.add_argument("--self-test", action="store_true", help="plant wrong requests and fail unless they are seen")
    given = arguments.parse_args()
    models = operations()
    if given.self_test:
        return self_test(models)
    if not given.logs:
        arguments.print_usage()
        return 2
    checked = wrong = 0
    for path in given.logs:
        with open(path, encoding="utf-8") as lines:
            here = check(models, lines, path)
        checked, wrong = checked + here[0], wrong + here[1]
    print(f"{checked} requests checked, {wrong} do not fit")
    if checked == 0:
        print("there was nothing to check: a log without requests proves nothing")
        return 2
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
