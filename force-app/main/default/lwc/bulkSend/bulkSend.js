import { LightningElement } from 'lwc';
import findInvoices from '@salesforce/apex/BulkSendController.find';
import sendLinks from '@salesforce/apex/BulkSendController.send';
import readRecent from '@salesforce/apex/BulkSendController.recent';
import { label } from './labels';

const UNDER_WAY = ['Waiting', 'Running'];

/** Sends payment links for many invoices at once: a filter, a table of what can be sent, a batch, and how far it is. */
export default class BulkSend extends LightningElement {
    label = label;
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

    get isFilter() {
        return !this.shownId;
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
        return label.sendN.replace('{0}', this.chosen.length);
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

    connectedCallback() {
        this.loadRecent(true);
    }

    /** @param {boolean} isOpening whether one that is under way is shown: the tab was closed meanwhile */
    async loadRecent(isOpening) {
        await this.attempt(async () => {
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
        await this.attempt(async () => {
            const { dueBy = null, least = null, customer = null, isWithoutLink } = this.filter;
            this.found = await findInvoices({ dueBy, least, customer, isWithoutLink });
            this.chosen = this.found.candidates.filter((one) => !one.problem).map((one) => one.invoiceId);
            this._key = crypto.randomUUID();
        });
        this.isFinding = false;
    }

    choose(event) {
        this.chosen = event.detail.chosen;
    }

    async send() {
        if (!this.areValid('.extra')) {
            return;
        }
        await this.attempt(async () => {
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
        this.loadRecent(false);
    }

    areValid(selector) {
        const inputs = [...this.template.querySelectorAll(selector)];
        // Not every(): each field says what is wrong with it, not the first alone.
        return inputs.filter((input) => !input.reportValidity()).length === 0;
    }

    /** One act at a time; a fault is shown, and what was typed stays. */
    async attempt(act) {
        if (this.isBusy) {
            return;
        }
        this.isBusy = true;
        try {
            await act();
            this.problem = undefined;
        } catch (error) {
            this.problem = error;
        } finally {
            this.isBusy = false;
        }
    }
}
