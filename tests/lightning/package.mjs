// What the package's metadata says of its components: labels, targets, quick actions, tabs, list views and their buttons, Flows.
import { readFileSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';

const walk = (folder) =>
    readdirSync(folder).flatMap((name) => {
        const file = path.join(folder, name);
        return statSync(file).isDirectory() ? walk(file) : [file];
    });
const entities = { '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"', '&apos;': "'" };
const plain = (text) => text.replace(/&(amp|lt|gt|quot|apos);/g, (entity) => entities[entity]);
const all = (xml, tag) => [...xml.matchAll(new RegExp(`<${tag}(?:\\s[^>]*)?>([\\s\\S]*?)</${tag}>`, 'g'))].map((hit) => plain(hit[1].trim()));
const one = (xml, tag) => all(xml, tag)[0];
const raw = (xml, tag) => [...xml.matchAll(new RegExp(`<${tag}(?:\\s[^>]*)?>([\\s\\S]*?)</${tag}>`, 'g'))].map((hit) => hit[1]);

/** A Flow of one screen with one component, which gets the Flow's input variables; nothing else is modelled. */
function screenOf(name, xml) {
    const unknown = [...xml.matchAll(/^    <(\w+)/gm)].map(([, element]) => element).filter((element) => !FLOW.includes(element));
    const [field, ...more] = raw(xml, 'fields');
    if (unknown.length > 0 || more.length > 0 || !field) throw new Error(`the Flow ${name} is more than one screen with one component: ${unknown.join(', ')}`);
    const inputs = raw(field, 'inputParameters').map((input) => [one(input, 'name'), one(input, 'elementReference')]);
    return { label: one(xml, 'label'), bundle: one(field, 'extensionName').replace(/^c:/, ''), inputs };
}
const FLOW = [
    ...['apiVersion', 'description', 'environments', 'interviewLabel', 'label', 'processMetadataValues', 'processType', 'screens', 'start'],
    ...['status', 'variables']
];

/** Reads a source folder in the layout of Salesforce DX. */
export function readPackage(folder) {
    const files = walk(folder);
    const read = (suffix) => files.filter((file) => file.endsWith(suffix)).map((file) => ({ file, name: path.basename(file).slice(0, -suffix.length), xml: readFileSync(file, 'utf8') }));
    const labels = {};
    for (const { xml } of read('.labels-meta.xml')) {
        for (const entry of raw(xml, 'labels')) labels[one(entry, 'fullName')] = one(entry, 'value');
    }
    const bundles = {};
    for (const { file, name, xml } of read('.js-meta.xml')) {
        const configs = [...xml.matchAll(/<targetConfig targets="([^"]*)"[^>]*>([\s\S]*?)<\/targetConfig>/g)];
        const objects = configs.filter(([, targets]) => targets.includes('lightning__RecordPage')).flatMap(([, , config]) => all(config, 'object'));
        bundles[name] = { file: path.join(path.dirname(file), `${name}.js`), label: one(xml, 'masterLabel') ?? name, targets: all(xml, 'target'), objects };
    }
    const actions = read('.quickAction-meta.xml')
        .map(({ name, xml }) => ({ object: name.split('.')[0], label: one(xml, 'label'), bundle: one(xml, 'lightningWebComponent') }))
        .filter((action) => action.bundle);
    // Where the package ships a record page, that says what stands on it; else a component that names no object stands where
    // the package's own actions stand.
    const pages = {};
    for (const { xml } of read('.flexipage-meta.xml')) {
        const object = one(xml, 'sobjectType');
        if (object) pages[object] = all(xml, 'componentName').map((name) => name.replace(/^c:/, '')).filter((name) => name in bundles);
    }
    for (const bundle of Object.values(bundles)) {
        if (bundle.objects.length === 0) bundle.objects = [...new Set(actions.map((action) => action.object))];
    }
    const tabs = read('.tab-meta.xml')
        .map(({ name, xml }) => ({ name, label: one(xml, 'label'), bundle: one(xml, 'lwcComponent'), object: one(xml, 'customObject') === 'true' ? name : undefined }))
        .filter((tab) => tab.bundle || tab.object);
    const objectOf = (file) => path.basename(path.dirname(path.dirname(file)));
    const lists = read('.listView-meta.xml').map(({ file, name, xml }) => ({
        object: objectOf(file), name, label: one(xml, 'label'), scope: one(xml, 'filterScope'), logic: one(xml, 'booleanFilter'),
        filters: raw(xml, 'filters').map((filter) => ({ field: one(filter, 'field'), operation: one(filter, 'operation'), value: one(filter, 'value') ?? '' }))
    }));
    // A button above a list stands there when the object's list layout names it.
    const shown = read('.object-meta.xml').flatMap(({ name, xml }) => all(xml, 'listViewButtons').map((button) => `${name}.${button}`));
    const listButtons = read('.webLink-meta.xml')
        .map(({ file, name, xml }) => ({ object: objectOf(file), name, label: one(xml, 'masterLabel'), url: one(xml, 'url'), type: one(xml, 'displayType') }))
        .filter((button) => button.type === 'massActionButton' && shown.includes(`${button.object}.${button.name}`));
    const flows = Object.fromEntries(read('.flow-meta.xml').map(({ name, xml }) => [name, screenOf(name, xml)]));
    const plurals = Object.fromEntries(read('.object-meta.xml').map(({ name, xml }) => [name, one(xml, 'pluralLabel') ?? name]));
    return { labels, bundles, actions, pages, lists, listButtons, flows, tabs: tabs.map((tab) => ({ ...tab, label: tab.label ?? plurals[tab.object] ?? tab.name })) };
}
