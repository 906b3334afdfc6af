// A Rollup plugin: every module that Salesforce's platform gives a component, as it is modelled here. What is not
// modelled stops the build with a sentence.
import path from 'node:path';

const MARK = '\0salesforce:';
const quoted = JSON.stringify;

/** Modules with code of our own beside this file. */
const MODELLED = {
    'lightning/uiRecordApi': 'records.js',
    'lightning/uiListsApi': 'lists.js',
    'lightning/empApi': 'events.js',
    'lightning/actions': 'actions.js',
    'lightning/navigation': 'navigation.js',
    'lightning/platformShowToastEvent': 'toasts.js',
    '@salesforce/apex': 'apex.js'
};

export function salesforce(folder, wanted) {
    const platform = (file) => path.join(folder, 'src/platform', file);
    const source = (id) => {
        let hit;
        if (id === 'virtual:package') {
            const bundles = Object.entries(wanted.bundles).map(([name, bundle]) => {
                const facts = { label: bundle.label, targets: bundle.targets, objects: bundle.objects };
                return `${quoted(name)}: { ...${quoted(facts)}, load: () => import(${quoted(`c/${name}`)}) }`;
            });
            return `export const bundles = {${bundles.join(',')}};
                export const actions = ${quoted(wanted.actions)};
                export const pages = ${quoted(wanted.pages)};
                export const tabs = ${quoted(wanted.tabs)};
                export const lists = ${quoted(wanted.lists)};
                export const listButtons = ${quoted(wanted.listButtons)};
                export const flows = ${quoted(wanted.flows)};`;
        }
        if ((hit = id.match(/^@salesforce\/apex\/(?:.*\.)?([^.]+)\.([^.]+)$/))) {
            return `import { method } from ${quoted(platform('apex.js'))}; export default method(${quoted(hit[1])}, ${quoted(hit[2])});`;
        }
        if ((hit = id.match(/^@salesforce\/schema\/([^.]+)\.(.+)$/))) {
            return `export default ${quoted({ objectApiName: hit[1], fieldApiName: hit[2] })};`;
        }
        if ((hit = id.match(/^@salesforce\/schema\/([^.]+)$/))) return `export default ${quoted({ objectApiName: hit[1] })};`;
        if ((hit = id.match(/^@salesforce\/label\/c\.(.+)$/))) {
            if (!(hit[1] in wanted.labels)) throw new Error(`the label ${hit[1]} is not in the package's custom labels`);
            return `export default ${quoted(wanted.labels[hit[1]])};`;
        }
        if ((hit = id.match(/^@salesforce\/customPermission\/(.+)$/))) {
            return `export default window.__person.customPermissions.includes(${quoted(hit[1])}) ? true : undefined;`;
        }
        if (id === '@salesforce/user/Id') return 'export default window.__person.id;';
        // As on a phone: by the device, not by the window.
        if (id === '@salesforce/client/formFactor') return `export default window.screen.width < 768 ? 'Small' : 'Large';`;
        return null;
    };
    return {
        name: 'salesforce',
        resolveId(id, importer) {
            if (MODELLED[id]) return platform(MODELLED[id]);
            if (source(id) !== null) return MARK + id;
            const isOurs = importer && !importer.includes('node_modules');
            if (isOurs && id.startsWith('@salesforce/')) {
                throw new Error(`${importer} imports ${id}, which the sandbox's console does not model`);
            }
            return null;
        },
        load: (id) => (id.startsWith(MARK) ? source(id.slice(MARK.length)) : null)
    };
}
