import { LightningElement, api, wire } from 'lwc';
import { getListInfosByObjectName, getListRecordsByName } from 'lightning/uiListsApi';
import { attempt } from 'c/requestFollower';
import readObject from '@salesforce/apex/BulkSendController.invoiceObject';
import lookAt from '@salesforce/apex/BulkSendController.look';
import findInvoices from '@salesforce/apex/BulkSendController.find';
import sendLinks from '@salesforce/apex/BulkSendController.send';
import readRecent from '@salesforce/apex/BulkSendController.recent';
import { label } from './labels';

const UNDER_WAY = ['Waiting', 'Running'];
/** As many list views as one call of the platform offers in a page. */
const LISTS = 2_000;
/** What one call gives of a list view, and what one bulk send takes. */
const MOST = 2_000;

/** Sends payment links for many invoices at once: a list view, a filter or a Flow's choice, a table of what can be sent, a batch, and how far it is. */
export default class BulkSend extends LightningElement {
    label = label;
    invoiceObject;
    lists = [];
    /** API name of the list view that is looked at, where one is. */
    listView;
    listed;
    filter = { isWithoutLink: true };
    extras = {};
    // What is shown follows from these alone.
    found;
    chosen = [];
    shownId;
    recent = [];
    problem;
    isFinding = false;
    isBusy = false;

    /** One press, one bulk send: the same key until it was taken. */
    _key;
    given = [];

    /** Chosen already: a list button's Flow hands over the ids of the rows that were ticked. */
    @api
    get ids() {
        return this.given;
    }
    set ids(value) {
        this.given = value ?? [];
    }

    /** Without it the list views are not offered; whoever may not send reads why from the other calls. */
    @wire(readObject)
    takeObject({ data }) {
        this.invoiceObject = data;
    }

    @wire(getListInfosByObjectName, { objectApiName: '$invoiceObject', pageSize: LISTS })
    takeLists({ data }) {
        this.lists = data?.lists ?? [];
    }

    // The wire says which invoices are listed; what each owes now is read when they are looked for.
    @wire(getListRecordsByName, { objectApiName: '$invoiceObject', listViewApiName: '$listView', pageSize: MOST })
    takeListed({ data, error }) {
        this.listed = data;
        if (error) {
            this.problem = error;
        }
    }

    get isFilter() {
        return !this.shownId;
    }

    get isGiven() {
        return this.given.length > 0;
    }

    get hasLists() {
        return this.lists.length > 0 && !this.isGiven;
    }

    get listOptions() {
        const options = this.lists.map((list) => ({ label: list.label, value: list.apiName }));
        return [{ label: label.noList, value: '' }, ...options];
    }

    get listValue() {
        return this.listView ?? '';
    }

    get isByFields() {
        return !this.listView && !this.isGiven;
    }

    get cannotFind() {
        return this.isBusy || (this.listView !== undefined && !this.listed);
    }

    get isEmpty() {
        return this.found?.candidates.length === 0;
    }

    get hasFound() {
        return this.found?.candidates.length > 0;
    }

    get moreExist() {
        return this.found.hasMore && label.moreExist.replace('{0}', this.found.candidates.length);
    }

    get sendText() {
        return this.chosen.length === 1 ? label.sendOne : label.sendN.replace('{0}', this.chosen.length);
    }

    get cannotSend() {
        return this.isBusy || this.chosen.length === 0;
    }

    get hasRecent() {
        return this.recent.length > 0;
    }

    get recentRows() {
        return this.recent.map((one) => ({
            ...one,
            showText: label.recentShow.replace('{0}', one.name),
            text: label.progress.replace('{0}', one.made).replace('{1}', one.total).replace('{2}', one.refused)
        }));
    }

    get today() {
        return new Date().toISOString().slice(0, 10);
    }

    async connectedCallback() {
        await this.loadRecent(!this.isGiven);
        if (this.isGiven) {
            this.find();
        }
    }

    /** @param {boolean} isOpening whether one that is under way is shown: the tab was closed meanwhile */
    async loadRecent(isOpening) {
        await attempt(this, async () => {
            this.recent = await readRecent();
            const running = this.recent.find((one) => UNDER_WAY.includes(one.state));
            if (isOpening && running) {
                this.shownId = running.recordId;
            }
        });
    }

    keep(event) {
        const { name, type } = event.target;
        const value = type === 'checkbox' ? event.detail.checked : event.detail.value;
        this.filter = { ...this.filter, [name]: value === '' ? null : value };
    }

    keepExtra(event) {
        this.extras = { ...this.extras, [event.target.name]: event.detail.value || null };
    }

    async find() {
        if (!this.areValid('.filter')) {
            return;
        }
        this.isFinding = true;
        this.found = undefined;
        await attempt(this, async () => {
            this.found = await this.read();
            this.chosen = this.found.candidates.filter((one) => !one.problem).map((one) => one.invoiceId);
            this._key = crypto.randomUUID();
        });
        this.isFinding = false;
    }

    async read() {
        const { dueBy = null, least = null, customer = null, isWithoutLink } = this.filter;
        if (this.isByFields) {
            return findInvoices({ dueBy, least, customer, isWithoutLink });
        }
        const invoiceIds = this.isGiven ? [...this.given] : this.listed.records.map((record) => record.id);
        const found = await lookAt({ invoiceIds, isWithoutLink });
        const hasMore = !this.isGiven && Boolean(this.listed.nextPageToken);
        return { ...found, hasMore };
    }

    chooseList(event) {
        this.listView = event.detail.value || undefined;
        this.listed = undefined;
        this.found = undefined;
    }

    choose(event) {
        this.chosen = event.detail.chosen;
    }

    async send() {
        if (!this.areValid('.extra')) {
            return;
        }
        await attempt(this, async () => {
            const { note = null, expiresOn = null } = this.extras;
            this.shownId = await sendLinks({ key: this._key, invoiceIds: this.chosen, note, expiresOn });
            this.found = undefined;
        });
    }

    show(event) {
        this.shownId = event.target.dataset.id;
    }

    startOver() {
        this.shownId = undefined;
        this.found = undefined;
        this.given = [];
        this.loadRecent(false);
    }

    areValid(selector) {
        const inputs = [...this.template.querySelectorAll(selector)];
        // Not every(): each field says what is wrong with it, not the first alone.
        return inputs.filter((input) => !input.reportValidity()).length === 0;
    }
}
