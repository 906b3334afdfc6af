// Record pages, tabs and lists. A record page shows each component that its metadata exposes for the object, below the
// buttons of the object's quick actions.
import { createElement } from 'lwc';
import { actions, bundles, flows, listButtons, pages, tabs } from 'virtual:package';
import { tag } from './dom.js';
import { addressOfTab, base, modal } from './frame.js';

const titled = (text) => {
    document.title = `${text} – Quittance sandbox`;
};

async function rest(path) {
    const response = await fetch(`/lightning/api/${window.__who}/data/${path}`);
    const body = await response.json();
    if (!response.ok) throw new Error(body[0]?.message ?? `The org answered ${response.status}`);
    return body;
}

const problem = (error) => tag('p', { class: 'slds-text-color_error', role: 'alert' }, error.message);

async function component(name, properties) {
    const { default: Component } = await bundles[name].load();
    const element = createElement(`c-${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`, { is: Component });
    return Object.assign(element, properties);
}

function homePage(main) {
    titled('Components');
    const links = tabs.map((tab) => tag('li', {}, tag('a', { href: addressOfTab(tab) }, tab.label)));
    main.append(tag('h1', { class: 'slds-text-heading_large' }, 'Lightning components'), tag('ul', { class: 'slds-list_dotted' }, ...links));
}

async function listPage(main, object) {
    const tab = tabs.find((one) => one.object === object);
    titled(tab?.label ?? object);
    main.append(tag('h1', { class: 'slds-text-heading_large' }, tab?.label ?? object));
    try {
        const { records } = await rest(`query?q=${encodeURIComponent(`SELECT Id, Name FROM ${object} ORDER BY Name LIMIT 200`)}`);
        const buttons = listButtons.filter((button) => button.object === object);
        const boxes = new Map(records.map((record) => [record.Id, tag('input', { type: 'checkbox', 'aria-label': `Select ${record.Name}` })]));
        const go = (button) => {
            const ids = [...boxes].filter(([, box]) => box.checked).map(([id]) => id);
            // As the platform, which leads on only with a row that is ticked.
            if (ids.length > 0) window.location.assign(`${base()}/f/${button.url.split('/').pop()}?${new URLSearchParams({ ids })}`);
        };
        main.append(...buttons.map((button) => tag('button', { class: 'slds-button slds-button_neutral', type: 'button', onclick: () => go(button) }, button.label)));
        const rows = records.map((record) =>
            tag('li', {}, buttons.length > 0 ? boxes.get(record.Id) : undefined, ' ', tag('a', { href: `${base()}/r/${object}/${record.Id}/view` }, record.Name))
        );
        main.append(records.length > 0 ? tag('ul', { class: buttons.length > 0 ? 'rows' : 'slds-list_dotted' }, ...rows) : tag('p', {}, 'Nothing here yet.'));
    } catch (error) {
        main.append(problem(error));
    }
}

/** A Flow's screen. The platform fills the collection `ids` with the rows that were ticked. */
async function flowPage(main, name) {
    const flow = flows[name];
    if (!flow) {
        main.append(problem(new Error(`The package has no Flow ${name}`)));
        return;
    }
    titled(flow.label);
    const given = { ids: (new URLSearchParams(window.location.search).get('ids') ?? '').split(',').filter(Boolean) };
    const inputs = Object.fromEntries(flow.inputs.map(([property, variable]) => [property, given[variable]]));
    main.append(tag('h1', { class: 'slds-assistive-text' }, flow.label), await component(flow.bundle, inputs));
}

async function tabPage(main, name) {
    const tab = tabs.find((one) => one.name === name && one.bundle);
    if (!tab) {
        main.append(problem(new Error(`The package has no tab ${name} with a component`)));
        return;
    }
    titled(tab.label);
    window.__pageReference = { type: 'standard__navItemPage', attributes: { apiName: name } };
    main.append(tag('h1', { class: 'slds-assistive-text' }, tab.label), await component(tab.bundle, {}));
}

async function recordPage(main, object, id) {
    window.__pageReference = { type: 'standard__recordPage', attributes: { objectApiName: object, recordId: id, actionName: 'view' } };
    const details = tag('dl', { class: 'slds-dl_horizontal details' });
    const heading = tag('h1', { class: 'slds-text-heading_large' });
    const buttons = tag('div', { class: 'slds-button-group', role: 'group', 'aria-label': 'Actions' });
    main.append(tag('div', { class: 'highlights' }, heading, buttons));
    for (const action of actions.filter((one) => one.object === object)) {
        const open = async () => modal(action.label, await component(action.bundle, { recordId: id, objectApiName: object }), () => {});
        buttons.append(tag('button', { class: 'slds-button slds-button_neutral', type: 'button', onclick: open }, action.label));
    }
    const exposed = Object.entries(bundles).filter(([, bundle]) => bundle.targets.includes('lightning__RecordPage') && bundle.objects.includes(object));
    for (const name of pages[object] ?? exposed.map(([name]) => name)) {
        main.append(tag('section', { class: 'component', 'data-component': name }, await component(name, { recordId: id, objectApiName: object })));
    }
    main.append(tag('section', { class: 'component slds-card slds-p-around_medium' }, tag('h2', { class: 'slds-text-heading_small' }, 'Details'), details));
    const labels = rest(`sobjects/${object}/describe`).then(({ fields }) => new Map(fields.map((field) => [field.name, field.label])), () => new Map());
    const read = async () => {
        try {
            const record = await rest(`sobjects/${object}/${id}`);
            const named = await labels;
            titled(record.Name ?? id);
            heading.textContent = record.Name ?? id;
            const fields = Object.entries(record).filter(([, value]) => value !== null && typeof value !== 'object');
            details.replaceChildren(...fields.flatMap(([field, value]) => [tag('dt', { class: 'slds-dl_horizontal__label' }, named.get(field) ?? field), tag('dd', { class: 'slds-dl_horizontal__detail' }, String(value))]));
        } catch (error) {
            details.replaceChildren(tag('dt', {}, 'Problem'), tag('dd', {}, error.message));
        }
    };
    await read();
    // The platform's own parts of the page follow `notifyRecordUpdateAvailable`.
    window.addEventListener('recordschanged', (event) => event.detail.includes(id) && read());
}

export { flowPage, homePage, listPage, recordPage, tabPage };
