import { LightningElement, api, wire } from 'lwc';
import readStates from '@salesforce/apex/QuittanceSetupController.errorStates';
import readErrors from '@salesforce/apex/QuittanceSetupController.errors';
import retryError from '@salesforce/apex/QuittanceSetupController.retry';
import discardError from '@salesforce/apex/QuittanceSetupController.discard';
import { label } from './labels';

/** What the payment service could not do, each with a sentence, what to do about it, Retry and Discard. */
export default class ErrorInbox extends LightningElement {
    label = label;
    states = [];
    state = 'Open';
    // What is shown follows from these alone.
    errors;
    problem;
    outcome;
    isBusy = false;

    /** Without them only the open errors are shown; whoever may see none reads why from the other call. */
    @wire(readStates)
    takeStates({ data }) {
        this.states = data ?? [];
    }

    get hasStates() {
        return this.states.length > 0;
    }

    get isLoading() {
        return this.errors === undefined;
    }

    get isEmpty() {
        return this.errors.length === 0;
    }

    get emptyText() {
        return this.state === 'Open' ? label.noneOpen : label.none;
    }

    get rows() {
        const canWork = this.state === 'Open' || this.state === 'Retry Requested';
        return this.errors.map((error) => ({
            id: error.Id,
            name: error.Name,
            sentence: error.Sentence__c,
            remedy: error.Remedy__c,
            at: error.Happened_At__c,
            code: error.Code__c && label.code.replace('{0}', error.Code__c),
            canRetry: this.state === 'Open',
            canDiscard: canWork
        }));
    }

    connectedCallback() {
        this.load();
    }

    /** Reads the list again. */
    @api
    async load() {
        const state = this.state;
        try {
            const errors = await readErrors({ state });
            if (state === this.state) {
                this.errors = errors;
                this.problem = undefined;
            }
        } catch (error) {
            this.problem = error;
        }
    }

    filter(event) {
        this.state = event.detail.value;
        this.errors = undefined;
        this.outcome = undefined;
        this.load();
    }

    retry(event) {
        this.work(retryError, event.target.dataset.id);
    }

    discard(event) {
        this.work(discardError, event.target.dataset.id);
    }

    /** One act at a time; its sentence stays until the next. */
    async work(act, errorId) {
        if (this.isBusy) {
            return;
        }
        this.isBusy = true;
        try {
            this.outcome = await act({ errorId });
            await this.load();
        } catch (error) {
            this.problem = error;
        } finally {
            this.isBusy = false;
        }
    }
}
