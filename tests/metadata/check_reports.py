"""Reports, dashboards, record pages and compact layouts: each name that they use must lead to something."""

import re

METADATA = "{http://soap.sforce.com/2006/04/metadata}"


def stem(path):
    return path.name.split(".")[0]


def text(element, name):
    return (element.findtext(METADATA + name) or "").strip()


def texts(element, name):
    return [(e.text or "").strip() for e in element.iter(METADATA + name)]


def picklist(package, name):
    """The values of a picklist field; none for another field."""
    field = package.fields.get(name)
    return set() if field is None else {text(value, "fullName") for value in field.iter(METADATA + "value") if value.find(METADATA + "fullName") is not None}


def check(package):
    columns = check_report_types(package)
    folders = {stem(path) for kind in ("reportFolder", "dashboardFolder") for path, _ in package.of_kind(kind)}
    reports = {}
    for path, doc in package.of_kind("report"):
        reports[f"{path.parent.name}/{stem(path)}"] = doc
        package.need(path, path.parent.name in folders, "folder", path.parent.name)
        check_report(package, columns, path, doc)
    for path, doc in package.of_kind("dashboard"):
        package.need(path, path.parent.name in folders, "folder", path.parent.name)
        for component in doc.iter(METADATA + "dashboardComponent"):
            name = text(component, "report")
            package.need(path, name in reports, "report", name)
            if name in reports and text(component, "componentType") not in ("Metric", "Table") and not texts(reports[name], "groupingsDown"):
                package.find(path, f"draws {name}, which has no groups")
    check_pages(package)


def check_report_types(package):
    """The columns that each report type offers."""
    columns = {}
    for path, doc in package.of_kind("reportType"):
        base = text(doc, "baseObject")
        package.need(path, base in package.objects or "__" not in base, "object", base)
        offered = set()
        for column in doc.iter(METADATA + "columns"):
            field, table = text(column, "field"), text(column, "table")
            package.need(path, package.has_field(table, field), "field", f"{table}.{field}")
            offered.add(f"{table}${field}")
        columns[stem(path) + "__c"] = offered
    return columns


def check_report(package, columns, path, doc):
    kind = text(doc, "reportType")
    package.need(path, kind in columns, "report type", kind)
    used = texts(doc, "field") + texts(doc, "column") + texts(doc, "dateColumn")
    for name in used:
        package.need(path, name in columns.get(kind, ()), "column", name)
    for item in doc.iter(METADATA + "criteriaItems"):
        values = picklist(package, text(item, "column").replace("$", "."))
        for value in filter(None, text(item, "value").split(",")) if values else ():
            if value not in values:
                package.find(path, f"asks for {text(item, 'column')} {value!r}, which no record can have")
    if text(doc, "format") != "Tabular" and not doc.findall(METADATA + "groupingsDown"):
        package.find(path, "is grouped by nothing")


def check_pages(package):
    pages = {stem(path) for path, _ in package.of_kind("flexipage")}
    for path, doc in package.of_kind("flexipage"):
        object_name = text(doc, "sobjectType")
        package.need(path, object_name in package.objects or "__" not in object_name, "object", object_name)
        for name in texts(doc, "componentName"):
            is_ours = re.fullmatch(r"(c:)?([a-z]\w*)", name)
            package.need(path, not is_ours or is_ours[2] in package.bundles, "component", name)
    for path, doc in package.of_kind("object"):
        for override in doc.findall(METADATA + "actionOverrides"):
            if text(override, "type") == "Flexipage":
                package.need(path, text(override, "content") in pages, "record page", text(override, "content"))
        layout = text(doc, "compactLayoutAssignment")
        known = layout in ("", "SYSTEM") or any(stem(p) == layout and p.parts[-3] == stem(path) for p, _ in package.of_kind("compactLayout"))
        package.need(path, known, "compact layout", layout)
    for path, doc in package.of_kind("compactLayout"):
        for field in texts(doc, "fields"):
            package.need(path, package.has_field(path.parts[-3], field), "field", f"{path.parts[-3]}.{field}")
