import { LightningElement, api } from 'lwc';
import { CloseActionScreenEvent } from 'lightning/actions';
import { NavigationMixin } from 'lightning/navigation';
import { RequestFollower, attempt, hasFailed, isDone, isFollowing } from 'c/requestFollower';
import readOffer from '@salesforce/apex/TakePaymentController.load';
import openPage from '@salesforce/apex/TakePaymentController.open';
import readStatus from '@salesforce/apex/TakePaymentController.status';
import send from '@salesforce/apex/SendPaymentLinkController.send';
import { label } from './labels';

const TAKING = 'Take Payment';

/** Opens the page on which a payment is taken, and follows what happens there. No number is ever typed here. */
export default class TakePayment extends NavigationMixin(LightningElement) {
    label = label;
    // What is shown follows from these alone.
    offer;
    problem;
    status;
    pageUrl;
    isBusy = false;

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
        return this.offer ? label.titleFor.replace('{0}', this.offer.invoiceName) : label.title;
    }

    get isLoading() {
        return this.offer === undefined;
    }

    get isRefused() {
        return this.status === undefined && Boolean(this.offer?.refusal);
    }

    get mayBegin() {
        return this.status === undefined && this.offer !== undefined && !this.offer.refusal && !this.problem;
    }

    get isFollowing() {
        return isFollowing(this.status);
    }

    get isTaking() {
        return this.isFollowing && this.status.kind === TAKING;
    }

    get isDone() {
        return isDone(this.status);
    }

    get hasFailed() {
        return hasFailed(this.status);
    }

    get maySendInstead() {
        return this.offer !== undefined && !this.offer.refusal && (this.mayBegin || this.isTaking);
    }

    get progress() {
        if (this.status.kind !== TAKING) {
            return label.sending.replace('{0}', this.status.email);
        }
        return this.status.sentence || label.opened;
    }

    get outcome() {
        if (this.status.sentence) {
            return this.status.sentence;
        }
        if (this.hasFailed) {
            return this.status.stateLabel;
        }
        return this.status.kind === TAKING ? label.done : label.sent.replace('{0}', this.status.email);
    }

    disconnectedCallback() {
        this._follower.stop();
    }

    async load() {
        await attempt(this, async () => {
            this.offer = await readOffer({ invoiceId: this.recordId });
        });
    }

    async openPage() {
        await attempt(this, async () => {
            const page = await openPage({ invoiceId: this.recordId });
            this.pageUrl = page.url;
            this[NavigationMixin.Navigate]({ type: 'standard__webPage', attributes: { url: page.url } });
            this._follower.begin(await readStatus({ requestId: page.requestId }), this.recordId);
        });
    }

    async sendInstead() {
        await attempt(this, async () => {
            const { email } = this.offer;
            const requestId = await send({ invoiceId: this.recordId, email, note: null, expiresOn: null });
            this._follower.begin(await readStatus({ requestId }), this.recordId);
        });
    }

    startOver() {
        this._follower.stop();
        this.status = undefined;
        this.pageUrl = undefined;
        this.load();
    }

    close() {
        this.dispatchEvent(new CloseActionScreenEvent());
    }

    show(status) {
        this.status = status;
        if (status.isFinished) {
            this.pageUrl = undefined;
            this.readBalance();
        }
    }

    async readBalance() {
        try {
            this.offer = await readOffer({ invoiceId: this.recordId });
        } catch {
            // What came of the payment is shown; the balance beside it is as it was.
        }
    }
}
