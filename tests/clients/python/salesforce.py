"""Walks a scenario with simple-salesforce, which knows nothing of Quittance.

QUITTANCE_ENDPOINTS=D/endpoints.json python3 tests/clients/python/salesforce.py

What it writes it deletes again.
"""

import json
import os
import sys
import uuid
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from simple_salesforce import Salesforce, SalesforceLogin
from simple_salesforce.exceptions import (
    SalesforceAuthenticationFailed,
    SalesforceExpiredSession,
    SalesforceMalformedRequest,
    SalesforceResourceNotFound,
)


class Redirected(HTTPAdapter):
    """Sends what is meant for the login host, which simple-salesforce has hard-wired, to the sandbox."""

    def __init__(self, target):
        self.target = urlsplit(target)
        super().__init__()

    def send(self, request, *arguments, **options):
        parts = urlsplit(request.url)
        request.url = parts._replace(scheme=self.target.scheme, netloc=self.target.netloc).geturl()
        return super().send(request, *arguments, **options)


def step(name):
    print(f"ok - {name}", flush=True)


def refused(error, work, expected):
    try:
        work()
    except error as caught:
        text = str(caught)
        assert expected in text, f"expected {expected!r} in {text!r}"
        return caught
    raise AssertionError(f"{error.__name__} with {expected!r} was expected, and nothing was refused")


def main():
    path = os.environ.get("QUITTANCE_ENDPOINTS")
    if not path:
        sys.exit("QUITTANCE_ENDPOINTS must name the endpoints.json of a running sandbox.")
    with open(path, encoding="utf-8") as file:
        endpoints = json.load(file)
    salesforce = endpoints["salesforce"]
    version = salesforce["api_version"]
    run = uuid.uuid4().hex[:8]

    session = requests.Session()
    session.verify = endpoints["ca_file"]
    session.trust_env = False
    session.mount("https://login.salesforce.com", Redirected(salesforce["login_url"]))

    def connect(token):
        return Salesforce(session_id=token, instance_url=salesforce["instance_url"], version=version, session=session)

    # The library writes `exp` as a text and names the production login host as the audience.
    token, instance = SalesforceLogin(
        username=salesforce["username"],
        consumer_key=salesforce["client_id"],
        privatekey_file=salesforce["private_key_file"],
        domain="login",
        session=session,
    )
    assert instance == urlsplit(salesforce["instance_url"]).netloc, instance
    robot = connect(token)
    organization = robot.query("SELECT Id FROM Organization")["records"][0]
    assert organization["Id"] == salesforce["org_id"]
    step("a signed assertion gives a session")

    caught = refused(
        SalesforceAuthenticationFailed,
        lambda: SalesforceLogin(
            username="nobody@example.com",
            consumer_key=salesforce["client_id"],
            privatekey_file=salesforce["private_key_file"],
            domain="login",
            session=session,
        ),
        "invalid_grant",
    )
    assert caught.code == "invalid_grant"
    refused(SalesforceExpiredSession, lambda: connect("stale").query("SELECT Id FROM Account"), "INVALID_SESSION_ID")
    step("a wrong user and a stale token are refused")

    admin = connect(salesforce["admin_token"])
    account = admin.Account.create({"Name": f"Snake {run} 山田", "Phone": "1"})
    assert account["success"] is True and account["errors"] == []
    account = account["id"]
    assert admin.Account.update(account, {"Phone": None}) == 204
    read = admin.Account.get(account)
    assert (read["Name"], read["Phone"]) == (f"Snake {run} 山田", None)
    refused(SalesforceMalformedRequest, lambda: admin.Account.create({"Nope__c": 1, "Name": "x"}), "Nope__c")
    refused(SalesforceResourceNotFound, lambda: admin.Account.get("001000000000000AAA"), "NOT_FOUND")
    refused(SalesforceMalformedRequest, lambda: admin.query("SELECT FROM"), "MALFORMED_QUERY")
    step("a record is created, read and changed, and mistakes have their codes")

    key = f"cus/{run}+ü"
    assert admin.Account.upsert(f"Stripe_Customer_Id__c/{requests.utils.quote(key, safe='')}", {"Name": f"Key {run}"}) == 201
    assert admin.Account.upsert(f"Stripe_Customer_Id__c/{requests.utils.quote(key, safe='')}", {"Name": f"Key {run} 2"}) == 200
    keyed = admin.Account.get_by_custom_id("Stripe_Customer_Id__c", key)
    assert (keyed["Name"], keyed["Stripe_Customer_Id__c"]) == (f"Key {run} 2", key)
    step("an upsert by an external id with odd characters makes one record")

    by_parent = admin.Invoice__c.create(
        {"Name": f"S-{run}-parent", "Account__r": {"Stripe_Customer_Id__c": key}, "Total__c": 0.001}
    )["id"]
    parent = admin.query(f"SELECT Total__c, Account__r.Name FROM Invoice__c WHERE Id = '{by_parent}'")["records"][0]
    assert (parent["Total__c"], parent["Account__r"]["Name"]) == (0.001, f"Key {run} 2")
    refused(
        SalesforceMalformedRequest,
        lambda: admin.Invoice__c.create({"Name": "x", "Account__r": {"Stripe_Customer_Id__c": "cus_none"}}),
        "Foreign key external ID: cus_none not found",
    )
    step("a parent is found by its external id")

    other = admin.Invoice__c.create({"Name": f"S-{run}-other", "Account__c": account, "Total__c": 7})["id"]
    base = f"/services/data/v{version}"
    answer = admin.restful(
        "composite",
        method="POST",
        json={
            "allOrNone": False,
            "compositeRequest": [
                {"method": "PATCH", "url": f"{base}/composite/sobjects", "referenceId": "rows", "body": {
                    "allOrNone": False,
                    "records": [
                        {"attributes": {"type": "Invoice__c"}, "id": by_parent, "Total__c": 99.999},
                        {"attributes": {"type": "Invoice__c"}, "id": other[:15], "Currency_Code__c": "DOLLARS"},
                    ],
                }},
                {"method": "POST", "url": f"{base}/sobjects/Account", "referenceId": "bad", "body": {"Phone": "1"}},
            ],
        },
    )["compositeResponse"]
    assert [part["httpStatusCode"] for part in answer] == [200, 400], answer
    assert [row["success"] for row in answer[0]["body"]] == [True, False], answer
    assert answer[0]["body"][1]["errors"][0]["statusCode"] == "STRING_TOO_LONG"
    assert answer[1]["body"][0]["errorCode"] == "REQUIRED_FIELD_MISSING"
    assert admin.Invoice__c.get(by_parent)["Total__c"] == 99.999
    assert admin.Invoice__c.get(other)["Total__c"] == 7
    step("a composite with failing records keeps the others")

    rows = [
        {"attributes": {"type": "Invoice__c"}, "Name": f"T-{run}-{at:03}", "Account__c": account, "Total__c": at + 0.25}
        for at in range(410)
    ]
    ids = []
    for start in range(0, len(rows), 200):
        saved = admin.restful(
            "composite/sobjects", method="POST", json={"allOrNone": True, "records": rows[start : start + 200]}
        )
        assert all(row["success"] for row in saved), saved
        ids += [row["id"] for row in saved]
    headers = {"Sforce-Query-Options": "batchSize=200"}
    page = admin.query(f"SELECT Id, Total__c FROM Invoice__c WHERE Name LIKE 'T-{run}-%' ORDER BY Name", headers=headers)
    assert (page["totalSize"], page["done"], len(page["records"])) == (410, False, 200)
    seen = page["records"]
    while not page["done"]:
        page = admin.query_more(page["nextRecordsUrl"], identifier_is_url=True)
        seen += page["records"]
    assert [row["Id"] for row in seen] == ids
    assert sum(row["Total__c"] for row in seen) == sum(at + 0.25 for at in range(410))
    retrieved = admin.restful(
        "composite/sobjects/Invoice__c",
        method="POST",
        json={"ids": [ids[5], account, ids[3]], "fields": ["Name"]},
    )
    assert [row and row["Name"] for row in retrieved] == [f"T-{run}-005", None, f"T-{run}-003"]
    step("paging and retrieving give every row once, in order")

    event = admin.restful(
        "sobjects/Payment_Command__e", method="POST", json={"Commands__c": '{"v": 1, "commands": []}'}
    )
    assert event["success"] is True and event["errors"][0]["statusCode"] == "OPERATION_ENQUEUED"
    uuid.UUID(event["errors"][0]["message"])
    schema = admin.restful("sobjects/Payment_Command__e/eventSchema")
    assert schema["namespace"] == "com.sforce.eventbus" and len(schema["uuid"]) == 22
    assert [field["name"] for field in schema["fields"]][:2] == ["CreatedDate", "CreatedById"]
    assert admin.restful(f"event/eventSchema/{schema['uuid']}") == schema
    step("an event is queued, and its schema has an id")

    for start in range(0, len(ids), 200):
        gone = admin.restful(
            "composite/sobjects", method="DELETE", params={"ids": ",".join(ids[start : start + 200]), "allOrNone": "false"}
        )
        assert all(row["success"] for row in gone), gone
    for name, record in (("Invoice__c", by_parent), ("Invoice__c", other), ("Account", account), ("Account", keyed["Id"])):
        assert getattr(admin, name).delete(record) == 204
    refused(SalesforceResourceNotFound, lambda: admin.Account.get(account), "NOT_FOUND")
    print("the walk of simple-salesforce is done")


if __name__ == "__main__":
    main()
