// `lightning/navigation`, for the page types that the console has.

const Navigate = Symbol('Navigate');
const GenerateUrl = Symbol('GenerateUrl');

/** The address of a page reference; what the console has no page for is said. */
export function addressOf({ type, attributes, state = {} }) {
    const base = `/lightning/${window.__who}`;
    if (type === 'standard__recordPage' && attributes.actionName === 'view') return `${base}/r/${attributes.objectApiName}/${attributes.recordId}/view`;
    if (type === 'standard__navItemPage') return `${base}/n/${attributes.apiName}?${new URLSearchParams(state)}`;
    if (type === 'standard__objectPage' && attributes.actionName === 'list') return `${base}/o/${attributes.objectApiName}/list`;
    if (type === 'standard__webPage') return attributes.url;
    if (type === 'standard__namedPage' && attributes.pageName === 'filePreview') return `/lightning/file/${state.selectedRecordId ?? attributes.selectedRecordId}`;
    throw new Error(`The sandbox's console has no page for ${type} (${JSON.stringify(attributes)})`);
}

export const NavigationMixin = (Base) =>
    class extends Base {
        [Navigate](page, replace = false) {
            const address = addressOf(page);
            if (page.type === 'standard__webPage' || page.type === 'standard__namedPage') window.open(address, '_blank', 'noopener');
            else if (replace) window.location.replace(address);
            else window.location.assign(address);
        }
        async [GenerateUrl](page) {
            return addressOf(page);
        }
    };
NavigationMixin.Navigate = Navigate;
NavigationMixin.GenerateUrl = GenerateUrl;

export class CurrentPageReference {
    constructor(emit) {
        this.emit = emit;
    }
    connect() {
        this.emit({ ...window.__pageReference, state: Object.fromEntries(new URLSearchParams(window.location.search)) });
    }
    update() {}
    disconnect() {}
}
