#!/usr/bin/env python3
"""Checks the package's metadata without an org: its structure against the Metadata API's own WSDL, its references
against the files that are there, and the package's rules (help text on each field, who may read it, one API version)."""

import json
import re
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import check_reports
import simple_salesforce

SCHEMA = "{http://www.w3.org/2001/XMLSchema}"
METADATA = "{http://soap.sforce.com/2006/04/metadata}"
WSDL = Path(simple_salesforce.__file__).parent / "metadata.wsdl"
API_VERSION = "66.0"
STANDARD_FIELDS = {"Id", "Name", "OwnerId", "CreatedById", "CreatedDate", "LastModifiedById", "LastModifiedDate"}
LIST_COLUMNS = {"NAME", "CREATED_DATE", "CREATEDBY_USER", "LAST_UPDATE", "OWNER.ALIAS"}
# The token's hash is for the payment service; nobody else has a use for it.
ROLES = ("Admin", "Clerk", "Viewer", "Integration")
HIDDEN = {(role, "Payment_Request__c.Token_Hash__c") for role in ("Admin", "Clerk", "Viewer")}
# What an org with an invoice of its own leaves out, and the part that must do without it.
INVOICE, CORE = "invoice", "main"
# Objects that a role has no business with: the payment service makes what it is asked for one by one.
NOT_FOR = {("Integration", "Bulk_Send__c")}
CUSTOM = re.compile(r"__(c|e|mdt)$")


class Wsdl:
    """The types of the Metadata API: which elements each has, how often, of what kind."""

    def __init__(self, path):
        self.types, self.enums = {}, {}
        for schema in ET.parse(path).iter(SCHEMA + "schema"):
            for kind in schema.findall(SCHEMA + "complexType"):
                base = kind.find(f".//{SCHEMA}extension")
                self.types[kind.get("name")] = (
                    base.get("base").split(":")[-1] if base is not None else None,
                    {
                        e.get("name"): (e.get("type", "").split(":")[-1], e.get("minOccurs", "1"), e.get("maxOccurs", "1"))
                        for e in kind.iter(SCHEMA + "element")
                    },
                )
            for kind in schema.findall(SCHEMA + "simpleType"):
                self.enums[kind.get("name")] = {e.get("value") for e in kind.iter(SCHEMA + "enumeration")}

    def elements(self, kind):
        base, own = self.types[kind]
        return {**(self.elements(base) if base in self.types else {}), **own}


class Package:
    """The package's files, read once, and what was found in them."""

    def __init__(self, root):
        self.root = Path(root)
        self.findings = []
        self.docs = {}
        for path in sorted(self.root.rglob("*-meta.xml")):
            try:
                self.docs[path] = ET.parse(path).getroot()
            except ET.ParseError as error:
                self.find(path, f"is not well-formed XML: {error}")
        self.fields = {f"{p.parts[-3]}.{stem(p)}": d for p, d in self.docs.items() if p.name.endswith(".field-meta.xml")}
        self.objects = {stem(p): d for p, d in self.docs.items() if p.name.endswith(".object-meta.xml")}
        self.classes = {p.stem: p.read_text() for p in self.root.rglob("*.cls")}
        self.bundles = {p.parent.name for p in self.root.glob("**/lwc/*/*.js-meta.xml")}
        self.tabs = self.names("tab")
        self.apps = self.names("app")
        self.custom_permissions = self.names("customPermission")
        self.quick_actions = {p.name.removesuffix(".quickAction-meta.xml") for p in self.docs if ".quickAction-" in p.name}
        self.labels = {text(e, "fullName") for d in self.docs.values() for e in d.findall(METADATA + "labels")}

    def names(self, suffix):
        return {stem(p) for p in self.docs if p.name.endswith(f".{suffix}-meta.xml")}

    def of_kind(self, suffix):
        return [(p, d) for p, d in self.docs.items() if p.name.endswith(f".{suffix}-meta.xml")]

    def find(self, path, message):
        place = path.relative_to(self.root.parent) if isinstance(path, Path) else path
        self.findings.append(f"{place}: {message}")

    def need(self, path, known, kind, name):
        if not known:
            self.find(path, f"names the {kind} {name}, which the package does not have")

    def has_field(self, object_name, field):
        return field in STANDARD_FIELDS or f"{object_name}.{field}" in self.fields or not (CUSTOM.search(field) or field in LIST_COLUMNS)


def stem(path):
    return path.name.split(".")[0]


def text(element, name):
    return (element.findtext(METADATA + name) or "").strip()


def texts(element, name):
    return [(e.text or "").strip() for e in element.iter(METADATA + name)]


def check_structure(package, wsdl):
    for path, doc in package.docs.items():
        kind = doc.tag.removeprefix(METADATA)
        if kind not in wsdl.types:
            package.find(path, f"has an unknown root element {kind}")
            continue
        check_element(package, wsdl, path, doc, kind)


def check_element(package, wsdl, path, element, kind):
    known, seen = wsdl.elements(kind), {}
    for child in element:
        name = child.tag.removeprefix(METADATA)
        seen[name] = seen.get(name, 0) + 1
        if name not in known:
            package.find(path, f"<{name}> is not an element of {kind}")
            continue
        child_kind, _, most = known[name]
        value = (child.text or "").strip()
        if seen[name] == 2 and most == "1":
            package.find(path, f"<{name}> may stand once in {kind}")
        if child_kind in wsdl.types:
            check_element(package, wsdl, path, child, child_kind)
        elif wsdl.enums.get(child_kind) and value not in wsdl.enums[child_kind]:
            package.find(path, f"<{name}> {value!r} is not a {child_kind}")
        elif child_kind == "boolean" and value not in ("true", "false"):
            package.find(path, f"<{name}> {value!r} is not true or false")
        elif child_kind in ("int", "double") and not re.fullmatch(r"-?\d+(\.\d+)?", value):
            package.find(path, f"<{name}> {value!r} is not a number")
    for name, (_, least, _) in known.items():
        if least != "0" and name not in seen and name != "fullName":
            package.find(path, f"<{name}> is missing in {kind}")


def check_fields(package):
    for name, doc in package.fields.items():
        for element in ("description", "inlineHelpText", "label"):
            if not text(doc, element):
                package.find(name, f"has no {element}")
        if len(text(doc, "inlineHelpText")) > 510:
            package.find(name, "has a help text above 510 characters")
        if text(doc, "fullName") != name.split(".")[1]:
            package.find(name, f"is called {text(doc, 'fullName')} in its file")
        target = text(doc, "referenceTo")
        if CUSTOM.search(target):
            package.need(name, target in package.objects, "object", target)
        if text(doc, "type") == "Lookup" and text(doc, "required") == "true" and text(doc, "deleteConstraint") == "SetNull":
            package.find(name, "is required, so a delete can't blank it")
        if text(doc, "externalId") == "true" and text(doc, "caseSensitive") != "true":
            package.find(name, "is an external id that ignores case; Stripe's ids differ by case")
        object_name = name.split(".")[0]
        formula = text(doc, "formula")
        for used in re.findall(r"\b\w+__c\b", formula):
            package.need(name, f"{object_name}.{used}" in package.fields, "field", f"{object_name}.{used}")
        if object_name.endswith("__e") and text(doc, "type") not in ("Text", "LongTextArea", "Number", "Checkbox", "DateTime", "Date"):
            package.find(name, f"a platform event takes no {text(doc, 'type')}")
    for name, doc in package.objects.items():
        if not text(doc, "description"):
            package.find(name, "has no description")
        if name.endswith("__e") and text(doc, "publishBehavior") != "PublishAfterCommit":
            package.find(name, "is not published after commit")
    for path, doc in package.of_kind("validationRule"):
        object_name = path.parts[-3]
        for used in re.findall(r"\b\w+__c\b", text(doc, "errorConditionFormula")) + texts(doc, "errorDisplayField"):
            package.need(path, package.has_field(object_name, used), "field", f"{object_name}.{used}")


def check_screens(package):
    for path, doc in package.of_kind("listView"):
        object_name = path.parts[-3]
        for column in texts(doc, "columns") + [text(e, "field") for e in doc.findall(METADATA + "filters")]:
            known = column in LIST_COLUMNS or f"{object_name}.{column}" in package.fields
            package.need(path, known, "column", column)
    for path, doc in package.of_kind("layout"):
        object_name = path.name.split("-")[0]
        on_layout = texts(doc.find(METADATA + "layoutSections"), "field") if doc.find(METADATA + "layoutSections") is not None else []
        for section in doc.findall(METADATA + "layoutSections"):
            on_layout += texts(section, "field")
        for field in on_layout:
            package.need(path, package.has_field(object_name, field), "field", f"{object_name}.{field}")
        for name, field in package.fields.items():
            is_input = text(field, "required") == "true" and not text(field, "defaultValue")
            if name.startswith(object_name + ".") and is_input and name.split(".")[1] not in on_layout:
                package.find(path, f"leaves out the required field {name}")
        for related in doc.findall(METADATA + "relatedLists"):
            target = text(related, "relatedList")
            package.need(path, target in package.fields, "related list", target)
            for field in texts(related, "fields"):
                known = field in LIST_COLUMNS or f"{target.split('.')[0]}.{field}" in package.fields
                package.need(path, known, "field", field)
        for item in doc.iter(METADATA + "platformActionListItems"):
            if text(item, "actionType") == "QuickAction":
                package.need(path, text(item, "actionName") in package.quick_actions, "quick action", text(item, "actionName"))
    for path, doc in package.of_kind("quickAction"):
        package.need(path, path.name.split(".")[0] in package.objects, "object", path.name.split(".")[0])
        for name in texts(doc, "lightningWebComponent"):
            package.need(path, name in package.bundles, "component", name)
    for path, doc in package.of_kind("tab"):
        component = text(doc, "lwcComponent")
        if component:
            package.need(path, component in package.bundles, "component", component)
        else:
            package.need(path, stem(path) in package.objects, "object", stem(path))
    for path, doc in package.of_kind("app"):
        for tab in texts(doc, "tabs"):
            package.need(path, tab in package.tabs or tab.startswith("standard-"), "tab", tab)
    for path, doc in package.of_kind("md"):
        kind = stem(path) + "__mdt"
        package.need(path, kind in package.objects, "metadata type", kind)
        for field in texts(doc, "field"):
            package.need(path, f"{kind}.{field}" in package.fields, "field", f"{kind}.{field}")


def check_permission_sets(package):
    for path, doc in package.of_kind("permissionset"):
        for name in texts(doc, "apexClass"):
            package.need(path, name in package.classes, "class", name)
        for tab in texts(doc, "tab"):
            package.need(path, tab in package.tabs, "tab", tab)
        for app in texts(doc, "application"):
            package.need(path, app in package.apps, "application", app)
        for permission in doc.findall(METADATA + "customPermissions"):
            package.need(path, text(permission, "name") in package.custom_permissions, "custom permission", text(permission, "name"))
        readable = set()
        for permission in doc.findall(METADATA + "objectPermissions"):
            name = text(permission, "object")
            if CUSTOM.search(name):
                package.need(path, name in package.objects, "object", name)
            if text(permission, "allowRead") == "true":
                readable.add(name)
            check_object_permission(package, path, permission)
        granted = set()
        for permission in doc.findall(METADATA + "fieldPermissions"):
            name = text(permission, "field")
            granted.add(name)
            if not CUSTOM.search(name):
                continue  # a standard field: only an org knows whether it is there
            field = package.fields.get(name)
            package.need(path, field is not None, "field", name)
            if field is None:
                continue
            if text(field, "required") == "true":
                package.find(path, f"grants the required field {name}, which a deploy refuses")
            if name.split(".")[0].endswith("__e"):
                package.find(path, f"grants {name}, but the fields of events have no permissions")
            if text(field, "formula") and text(permission, "editable") == "true":
                package.find(path, f"lets the formula {name} be edited")
            if name.split(".")[0] not in readable:
                package.find(path, f"grants {name} without Read on its object")
        check_role(package, path, doc)
    check_every_field_is_granted(package)


def check_role(package, path, doc):
    """What each role may never have. A permission set of the Salesforce Integration licence names no licence, or that of
    Salesforce API Integration; it opens no screen, and the daemon deletes nothing."""
    rights = {(text(p, "object"), e.tag.removeprefix(METADATA)) for p in doc.findall(METADATA + "objectPermissions") for e in p if e.text == "true"}
    if text(doc, "license"):
        package.find(path, f"is bound to the licence {text(doc, 'license')}, so users of another can't have it")
    if stem(path).endswith("_Viewer"):
        if doc.findall(METADATA + "customPermissions") or doc.findall(METADATA + "userPermissions"):
            package.find(path, "lets a viewer do more than look")
        if {right for _, right in rights} - {"allowRead", "viewAllRecords"}:
            package.find(path, "lets a viewer change records")
        for permission in doc.findall(METADATA + "fieldPermissions"):
            if text(permission, "editable") == "true":
                package.find(path, f"lets a viewer change {text(permission, 'field')}")
    if stem(path).endswith("_Integration"):
        for screen in ("applicationVisibilities", "tabSettings", "pageAccesses", "flowAccesses", "classAccesses"):
            if doc.findall(METADATA + screen):
                package.find(path, f"has {screen}, which a user of the API alone can't use")
        for permission in doc.findall(METADATA + "userPermissions"):
            if text(permission, "name") != "ApiEnabled":
                package.find(path, f"grants {text(permission, 'name')}, which the daemon does not need")
        for name, right in sorted(rights):
            if right in ("allowDelete", "modifyAllRecords"):
                package.find(path, f"grants {right} on {name}, which the daemon does not need")
        if ("Payment_Command__e", "allowCreate") in rights:
            package.find(path, "may publish commands, which only Apex does")


def check_object_permission(package, path, permission):
    rights = {e.tag.removeprefix(METADATA): e.text for e in permission}
    name = rights["object"]
    needs = {"allowCreate": "allowRead", "allowEdit": "allowRead", "allowDelete": "allowEdit", "viewAllRecords": "allowRead", "modifyAllRecords": "allowDelete"}
    for right, needed in needs.items():
        if rights.get(right) == "true" and rights.get(needed) != "true":
            package.find(path, f"grants {right} on {name} without {needed}, which a deploy refuses")
    if name.endswith("__e") and "true" in (rights["allowEdit"], rights["allowDelete"], rights["viewAllRecords"], rights["modifyAllRecords"]):
        package.find(path, f"grants more than Read and Create on the event {name}")


def check_every_field_is_granted(package):
    """Each role has a permission set in each part of the package; together they say something of every field."""
    for role in ROLES:
        granted = set()
        for path, doc in package.of_kind("permissionset"):
            if stem(path) in (f"Quittance_{role}", f"Quittance_Invoice_{role}"):
                granted |= {text(permission, "field") for permission in doc.findall(METADATA + "fieldPermissions")}
        for name, field in package.fields.items():
            is_data = not name.split(".")[0].endswith(("__e", "__mdt")) and text(field, "required") != "true"
            is_hidden = (role, name) in HIDDEN or (role, name.split(".")[0]) in NOT_FOR
            if is_data and is_hidden and name in granted:
                package.find(f"Quittance_{role}", f"shows {name}, which is not for people")
            if is_data and not is_hidden and name not in granted:
                package.find(f"Quittance_{role}", f"says nothing of {name}, so its holders can't see it")


def check_core_knows_no_invoice(package):
    """An org with its own invoice deploys the core alone: nothing in it may name what lies in the other part."""
    objects = {stem(path) for path, _ in package.of_kind("object") if path.relative_to(package.root).parts[0] == INVOICE}
    for path in sorted((package.root / CORE).rglob("*")):
        if path.suffix not in (".cls", ".trigger", ".xml", ".js", ".html"):
            continue
        code = re.sub(r"/\*.*?\*/|//[^\n]*|<description>.*?</description>|<inlineHelpText>.*?</inlineHelpText>", "", path.read_text(), flags=re.S)
        for name in sorted(objects):
            if re.search(rf"\b{name}\b", code) and "__tests__" not in path.parts:
                package.find(path, f"names {name}, which an org with its own invoice does not have; go through InvoiceMapping")


def check_code(package):
    for path in sorted([*package.root.rglob("*.cls"), *package.root.rglob("*.trigger")]):
        meta = path.with_name(path.name + "-meta.xml")
        if meta not in package.docs:
            package.find(path, "has no -meta.xml, so a deploy leaves it out")
        code = re.sub(r"/\*.*?\*/|//[^\n]*", "", path.read_text(), flags=re.S)
        if path.suffix == ".trigger" and not path.stem.startswith("Quittance"):
            package.find(path, "a trigger carries the product's name, or a deploy may replace one of the org's own")
        if path.suffix == ".cls" and not re.search(r"@IsTest|\b(with|without|inherited) sharing class\b", code, re.I):
            package.find(path, "does not state its sharing")
        if path.suffix == ".cls" and not path.stem.endswith("Test") and "@IsTest" not in code and not is_tested(package, path.stem):
            package.find(path, f"has no test class {path.stem}Test, and no test names it")
        for number, line in enumerate(code.split("\n"), 1):
            if re.match(r"\s*(insert|update|upsert|delete|undelete|merge)\s+(?!as (user|system)\b)[\w\[]", line):
                package.find(path, f"line {number}: a DML statement does not state its access mode")
            if re.search(r"\bDatabase\.(insert|update|upsert|delete|undelete)\(", line) and "AccessLevel" not in code[code.index(line):][:600]:
                package.find(path, f"line {number}: a Database call does not state its access level")
        for label in re.findall(r"System\.Label\.(\w+)", code):
            package.need(path, label in package.labels, "label", label)
    for path, doc in package.docs.items():
        if text(doc, "apiVersion") not in ("", API_VERSION):
            package.find(path, f"is on API {text(doc, 'apiVersion')} instead of {API_VERSION}")


def is_tested(package, name):
    return any(
        test == name + "Test" or re.search(rf"\b{name}\b", code) for test, code in package.classes.items() if test.endswith("Test")
    )


def check_components(package):
    used = set(re.findall(r"System\.Label\.(\w+)", "\n".join(package.classes.values())))
    for path in package.root.glob("**/lwc/*/*.js"):
        code = path.read_text()
        for class_name, method in re.findall(r"@salesforce/apex/(\w+)\.(\w+)", code):
            source = package.classes.get(class_name, "")
            known = re.search(rf"@AuraEnabled[^;{{]*?\b{method}\s*\(", source, re.I)
            package.need(path, known, "@AuraEnabled method", f"{class_name}.{method}")
        for label in re.findall(r"@salesforce/label/c\.(\w+)", code):
            used.add(label)
            package.need(path, label in package.labels, "label", label)
        for name in re.findall(r"from 'c/(\w+)'", code):
            package.need(path, name in package.bundles, "component", name)
        for event in re.findall(r"/event/(\w+)", code):
            package.need(path, event in package.objects, "event", event)
    for path in package.root.glob("**/lwc/*/*.html"):
        for tag in re.findall(r"<c-([a-z0-9-]+)", path.read_text()):
            name = re.sub(r"-(\w)", lambda m: m[1].upper(), tag)
            package.need(path, name in package.bundles, "component", f"c-{tag}")
    for label in sorted(package.labels - used):
        package.find("labels", f"{label} is used nowhere")
    for label in sorted(package.labels):
        if not label.startswith("Quittance_"):
            package.find("labels", f"{label} does not carry the product's name")


def check_examples(package, file):
    """The commands that the Rust tests read, and those that the Apex tests read, must be the same."""
    commands = json.loads(Path(file).read_text())
    code = package.classes.get("CommandExamples", "")
    parts = re.findall(r"'((?:[^'\\]|\\.)*)'", code.split("EVENT =", 1)[-1])
    try:
        in_apex = json.loads("".join(parts))
    except json.JSONDecodeError as error:
        package.find("CommandExamples", f"its text is not JSON: {error}")
        return
    if in_apex != commands:
        package.find("CommandExamples", f"differs from {file}")


def check(root, examples):
    """All findings in the package below `root`, as lines."""
    package = Package(root)
    check_structure(package, Wsdl(WSDL))
    check_fields(package)
    check_screens(package)
    check_reports.check(package)
    check_permission_sets(package)
    check_code(package)
    check_core_knows_no_invoice(package)
    check_components(package)
    check_examples(package, examples)
    return package


if __name__ == "__main__":
    checked = check(Path("force-app").resolve(), Path("proto/examples/commands.json"))
    print("\n".join([*checked.findings, f"   {len(checked.docs)} files, {len(checked.findings)} findings"]))
    sys.exit(1 if checked.findings else 0)
