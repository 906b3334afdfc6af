// Checks each query in the Apex: its object, fields and relationships exist, and it states its access mode.
// The type checker resolves objects in queries but not their fields, so this is the only check of them.
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import {
    ApexParserFactory,
    FieldNameContext,
    FromNameListContext,
    QueryContext,
    SubQueryContext
} from '@apexdevtools/apex-parser';

const jars = process.argv[2];
const root = process.argv[3] ?? 'force-app';
const SYSTEM_FIELDS = [
    ['Id', 'Id'],
    ['Name', 'String'],
    ['OwnerId', 'Id'],
    ['CreatedDate', 'Datetime'],
    ['CreatedById', 'Id'],
    ['LastModifiedDate', 'Datetime'],
    ['LastModifiedById', 'Id'],
    ['SystemModstamp', 'Datetime'],
    ['IsDeleted', 'Boolean']
];

const files = readdirSync(root, { recursive: true }).map((name) => path.join(root, name));
const findings = [];
const objects = new Map(); // lower-cased name -> Map of lower-cased field or relationship -> target object, or null

/** The package's own objects and the fields that it adds to standard ones. */
function readPackage() {
    for (const file of files.filter((name) => name.endsWith('.field-meta.xml'))) {
        const object = path.basename(path.dirname(path.dirname(file)));
        const xml = readFileSync(file, 'utf8');
        const name = path.basename(file).split('.')[0];
        const target = /<referenceTo>(\w+)<\/referenceTo>/.exec(xml)?.[1] ?? null;
        const fields = object.includes('__') ? own(object) : standard(object);
        fields.set(name.toLowerCase(), null);
        if (target) {
            fields.set(name.toLowerCase().replace(/__c$/, '__r'), target);
        }
    }
}

function own(object) {
    const key = object.toLowerCase();
    if (!objects.has(key)) {
        objects.set(key, new Map(SYSTEM_FIELDS.map(([name]) => [name.toLowerCase(), null])));
    }
    return objects.get(key);
}

/** A standard object's fields, out of the type checker's own list; an empty map where it knows no such object. */
function standard(object) {
    const key = object.toLowerCase();
    if (objects.has(key)) {
        return objects.get(key);
    }
    const fields = new Map();
    objects.set(key, fields);
    let listing = '';
    try {
        listing = execFileSync('javap', ['-cp', `${jars}/*`, `com.nawforce.runforce.SObjects.${object}`], {
            encoding: 'utf8',
            stdio: ['ignore', 'pipe', 'ignore']
        });
    } catch {
        return fields;
    }
    for (const [, type, name] of listing.matchAll(/^ {2}public com\.nawforce\.runforce\.([\w.]+) (\w+);/gm)) {
        fields.set(name.toLowerCase(), type.startsWith('SObjects.') ? type.slice('SObjects.'.length) : null);
    }
    return fields;
}

function fieldsOf(object) {
    return /__(c|e|mdt)$/i.test(object) ? (objects.get(object.toLowerCase()) ?? new Map()) : standard(object);
}

/** Follows `Invoice__r.Account__r.Name` from an object to its last part. */
function resolves(object, dotted) {
    const parts = dotted.split('.');
    let current = object;
    for (const part of parts.slice(0, -1)) {
        const next = fieldsOf(current).get(part.toLowerCase());
        if (!next) {
            return false;
        }
        current = next;
    }
    return fieldsOf(current).has(parts.at(-1).toLowerCase());
}

function parse(file) {
    const source = readFileSync(file, 'utf8');
    const parser = ApexParserFactory.createParser(source);
    parser.removeErrorListeners();
    parser.addErrorListener({
        syntaxError: (_recognizer, _symbol, line, column, message) =>
            findings.push(`${file}:${line}:${column}: ${message}`),
        reportAmbiguity() {},
        reportAttemptingFullContext() {},
        reportContextSensitivity() {}
    });
    return file.endsWith('.trigger') ? parser.triggerUnit() : parser.compilationUnit();
}

function descendants(node, kinds, stops = []) {
    const found = [];
    for (const child of node.children ?? []) {
        if (kinds.some((kind) => child instanceof kind)) {
            found.push(child);
        } else if (!stops.some((kind) => child instanceof kind)) {
            found.push(...descendants(child, kinds, stops));
        }
    }
    return found;
}

let count = 0;
function checkQuery(file, query) {
    count += 1;
    const where = `${file}:${query.start.line}`;
    const object = query.fromNameList().getText().split(/\s/)[0];
    const fields = fieldsOf(object);
    if (fields.size === 0) {
        findings.push(`${where}: there is no object ${object}`);
        return;
    }
    if (!/WITH(USER|SYSTEM)_MODE/i.test(query.getText())) {
        findings.push(`${where}: the query does not state its access mode`);
    }
    for (const name of descendants(query, [FieldNameContext], [FromNameListContext])) {
        if (!resolves(object, name.getText())) {
            findings.push(`${where}: ${object} has no ${name.getText()}`);
        }
    }
    if (descendants(query, [SubQueryContext]).length > 0) {
        findings.push(`${where}: this check does not know subqueries; teach it, or use two queries`);
    }
}

readPackage();
for (const file of files.filter((name) => /\.(cls|trigger)$/.test(name))) {
    for (const query of descendants(parse(file), [QueryContext])) {
        checkQuery(file, query);
    }
}
if (count === 0) {
    findings.push('no query was found at all, so nothing was checked');
}
console.log([...findings, `   ${count} queries, ${findings.length} findings`].join('\n'));
process.exit(findings.length > 0 ? 1 : 0);
