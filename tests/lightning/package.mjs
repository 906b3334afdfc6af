// What the package's metadata says of its components: labels, targets, quick actions, tabs, buttons.
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
    const tabs = read('.tab-meta.xml')
        .map(({ name, xml }) => ({ name, label: one(xml, 'label'), bundle: one(xml, 'lwcComponent'), object: one(xml, 'customObject') === 'true' ? name : undefined }))
        .filter((tab) => tab.bundle || tab.object);
    const plurals = Object.fromEntries(read('.object-meta.xml').map(({ name, xml }) => [name, one(xml, 'pluralLabel') ?? name]));
    return { labels, bundles, actions, tabs: tabs.map((tab) => ({ ...tab, label: tab.label ?? plurals[tab.object] ?? tab.name })) };
}
