// What is around every page: who looks, the tabs, and toasts.
import { tabs } from 'virtual:package';
import { tag } from './dom.js';

const PEOPLE = { clerk: 'Clerk', admin: 'Administrator', viewer: 'Viewer' };

export const base = () => `/lightning/${window.__who}`;
export const addressOfTab = (tab) => (tab.bundle ? `${base()}/n/${tab.name}` : `${base()}/o/${tab.object}/list`);

export function frame() {
    const path = window.location.pathname;
    const people = Object.entries(PEOPLE).map(([key, name]) =>
        tag('li', {}, tag('a', { href: path.replace(base(), `/lightning/${key}`), 'aria-current': key === window.__who ? 'true' : undefined }, name))
    );
    const places = tabs.map((tab) =>
        tag('li', {}, tag('a', { href: addressOfTab(tab), 'aria-current': path === addressOfTab(tab) ? 'page' : undefined }, tab.label))
    );
    const main = tag('main', { id: 'main', tabindex: '-1' });
    document.body.replaceChildren(
        tag('a', { class: 'skip', href: '#main' }, 'Skip to the content'),
        tag(
            'header',
            { class: 'bar' },
            tag('p', {}, tag('strong', {}, 'SANDBOX'), ` Lightning components as ${window.__person.name}. `, tag('a', { href: '/' }, 'Console')),
            tag('nav', { 'aria-label': 'People' }, tag('ul', {}, ...people)),
            tag('nav', { 'aria-label': 'Tabs' }, tag('ul', {}, ...places))
        ),
        main,
        tag('div', { id: 'toasts', role: 'status', 'aria-live': 'polite' })
    );
    window.addEventListener('lightning__showtoast', (event) => toast(event.detail));
    return main;
}

function toast({ title, message, variant, mode }) {
    const shown = tag('div', { class: `slds-notify slds-notify_toast slds-theme_${variant}` }, tag('div', { class: 'slds-notify__content' }, tag('h2', { class: 'slds-text-heading_small' }, title ?? ''), tag('p', {}, message ?? '')));
    document.getElementById('toasts').append(shown);
    if (mode !== 'sticky') setTimeout(() => shown.remove(), 5000);
}

/** The frame of a screen action; it closes by its button, Escape, or the component's own event. */
export function modal(label, element, onclose) {
    const opener = document.activeElement;
    const section = tag('section', { role: 'dialog', tabindex: '-1', 'aria-modal': 'true', 'aria-label': label, class: 'slds-modal slds-fade-in-open' });
    const backdrop = tag('div', { class: 'slds-backdrop slds-backdrop_open' });
    const close = () => {
        document.removeEventListener('keydown', keys);
        section.remove();
        backdrop.remove();
        opener?.focus();
        onclose();
    };
    const button = tag('button', { class: 'slds-button slds-button_neutral modal-close', type: 'button', onclick: close }, 'Close window');
    section.append(tag('div', { class: 'slds-modal__container' }, button, element));
    section.addEventListener('lightning__actionsclosescreen', close);
    // On the document: a button that was pressed and is gone leaves the focus nowhere.
    document.addEventListener('keydown', keys);
    function keys(event) {
        if (event.key === 'Escape') close();
        if (event.key !== 'Tab') return;
        // The frame keeps the focus, as the platform's does.
        setTimeout(() => {
            if (!section.contains(document.activeElement)) button.focus();
        });
    }
    document.body.append(section, backdrop);
    section.focus();
}
