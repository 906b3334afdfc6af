import { LightningElement, api } from 'lwc';
import { CloseActionScreenEvent } from 'lightning/actions';
import { RequestFollower, attempt, hasFailed, isDone, isFollowing } from 'c/requestFollower';
import readOffer from '@salesforce/apex/SendPaymentLinkController.load';
import send from '@salesforce/apex/SendPaymentLinkController.send';
import copyLink from '@salesforce/apex/SendPaymentLinkController.copyLink';
import revoke from '@salesforce/apex/SendPaymentLinkController.revoke';
import readStatus from '@salesforce/apex/SendPaymentLinkController.status';
import { label } from './labels';

const PATIENCE_MS = 60_000;

/** Sends the customer a link to pay an invoice, and follows it until the mail server has it or a sentence says why not. */
export default class SendPaymentLink extends LightningElement {
    label = label;
    // What is shown follows from these alone.
    offer;
    problem;
    status;
    draft = {};
    copiedUrl;
    isOnClipboard = false;
    isBusy = false;
    isLate = false;

    _recordId;
    _follower = new RequestFollower(readStatus, (status) => this.show(status));

    /** The invoice; a quick action sets it after the component is connected. */
    @api
    get recordId() {
        return this._recordId;
    }
    set recordId(value) {
        this._recordId = value;
        if (value) {
            this.load();
        }
    }

    get title() {
        return this.offer ? label.sendTitleFor.replace('{0}', this.offer.invoiceName) : label.sendTitle;
    }

    get isLoading() {
        return this.offer === undefined;
    }

    get hasNoRequest() {
        return this.status === undefined;
    }

    get isFollowing() {
        return isFollowing(this.status);
    }

    get isDone() {
        return isDone(this.status);
    }

    get hasFailed() {
        return hasFailed(this.status);
    }

    get isRefused() {
        return this.hasNoRequest && Boolean(this.offer?.refusal);
    }

    get isForm() {
        return this.hasNoRequest && this.offer !== undefined && !this.offer.refusal && !this.problem;
    }

    get progress() {
        if (this.isLate) {
            return label.stillWaiting;
        }
        if (this.status.kind === 'Revoke Link') {
            return label.revoking;
        }
        return this.status.state === 'Working' ? label.sending.replace('{0}', this.status.email) : label.waiting;
    }

    get outcome() {
        const { sentence, stateLabel, email } = this.status;
        return sentence || (this.isDone ? label.sent.replace('{0}', email) : stateLabel);
    }

    get emailHelp() {
        return this.offer.emailSource ? `${label.emailHelp} (${this.offer.emailSource})` : label.emailHelp;
    }

    get copiedText() {
        return this.isOnClipboard ? label.copied : label.copyByHand;
    }

    get closeText() {
        return this.isForm ? label.cancel : label.close;
    }

    get today() {
        return new Date().toISOString().slice(0, 10);
    }

    disconnectedCallback() {
        this._follower.stop();
    }

    async load() {
        await attempt(this, async () => {
            const offer = await readOffer({ invoiceId: this.recordId });
            this.draft = { email: offer.email, ...this.draft };
            this.offer = offer;
            if (offer.pending) {
                this._follower.begin(offer.pending, this.recordId);
            }
        });
    }

    async sendLink() {
        const inputs = [...this.template.querySelectorAll('lightning-input, lightning-textarea')];
        // Not every(): each field says what is wrong with it, not the first alone.
        if (inputs.filter((input) => !input.reportValidity()).length > 0) {
            return;
        }
        await attempt(this, async () => {
            const { email, note, expiresOn } = this.draft;
            const requestId = await send({ invoiceId: this.recordId, email, note, expiresOn: expiresOn || null });
            this._follower.begin(await readStatus({ requestId }), this.recordId);
        });
    }

    async revokeLink(event) {
        await attempt(this, async () => {
            const requestId = await revoke({ linkId: event.detail.linkId });
            this._follower.begin(await readStatus({ requestId }), this.recordId);
        });
    }

    async copy() {
        await attempt(this, async () => {
            const link = await copyLink({ invoiceId: this.recordId });
            this.copiedUrl = link.url;
            try {
                await navigator.clipboard.writeText(link.url);
                this.isOnClipboard = true;
            } catch {
                // The browser may refuse the clipboard; the link is shown all the same.
                this.isOnClipboard = false;
            }
        });
    }

    keep(event) {
        this.draft = { ...this.draft, [event.target.name]: event.detail.value };
    }

    startOver() {
        this._follower.stop();
        this.status = undefined;
        this.copiedUrl = undefined;
        this.load();
    }

    close() {
        this.dispatchEvent(new CloseActionScreenEvent());
    }

    show(status) {
        this.status = status;
        this.isLate = !status.isFinished && Date.now() - Date.parse(status.requestedAt) > PATIENCE_MS;
    }
}
