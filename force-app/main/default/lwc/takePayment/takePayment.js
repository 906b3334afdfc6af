import { LightningElement, api } from 'lwc';
import { CloseActionScreenEvent } from 'lightning/actions';
import { NavigationMixin } from 'lightning/navigation';
import { notifyRecordUpdateAvailable } from 'lightning/uiRecordApi';
import { follow, tell } from 'c/paymentNotices';
import readOffer from '@salesforce/apex/TakePaymentController.load';
import openPage from '@salesforce/apex/TakePaymentController.open';
import readStatus from '@salesforce/apex/TakePaymentController.status';
import send from '@salesforce/apex/SendPaymentLinkController.send';
import { label } from './labels';

const SUCCESSES = ['Sent', 'Done'];
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
    _stopFollowing;

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

    get isPartInFlight() {
        return this.offer.payable !== this.offer.balance;
    }

    get isRefused() {
        return this.status === undefined && Boolean(this.offer?.refusal);
    }

    get mayBegin() {
        return this.status === undefined && this.offer !== undefined && !this.offer.refusal && !this.problem;
    }

    get isFollowing() {
        return this.status !== undefined && !this.status.isFinished;
    }

    get isTaking() {
        return this.isFollowing && this.status.kind === TAKING;
    }

    get isDone() {
        return Boolean(this.status?.isFinished) && SUCCESSES.includes(this.status.state);
    }

    get hasFailed() {
        return Boolean(this.status?.isFinished) && !SUCCESSES.includes(this.status.state);
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
        this.stopFollowing();
    }

    async load() {
        await this.attempt(async () => {
            this.offer = await readOffer({ invoiceId: this.recordId });
        });
    }

    async openPage() {
        await this.attempt(async () => {
            const page = await openPage({ invoiceId: this.recordId });
            this.pageUrl = page.url;
            this[NavigationMixin.Navigate]({ type: 'standard__webPage', attributes: { url: page.url } });
            this.followRequest(await readStatus({ requestId: page.requestId }));
        });
    }

    async sendInstead() {
        await this.attempt(async () => {
            const { email } = this.offer;
            const requestId = await send({ invoiceId: this.recordId, email, note: null, expiresOn: null });
            this.followRequest(await readStatus({ requestId }));
        });
    }

    startOver() {
        this.stopFollowing();
        this.status = undefined;
        this.pageUrl = undefined;
        this.load();
    }

    close() {
        this.dispatchEvent(new CloseActionScreenEvent());
    }

    /** One act at a time; a fault is shown. */
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

    followRequest(status) {
        this.stopFollowing();
        this.show(status);
        if (!status.isFinished) {
            this._stopFollowing = follow(status.requestId, () => this.readAgain(status.requestId));
        }
    }

    async readAgain(requestId) {
        try {
            const status = await readStatus({ requestId });
            if (requestId === this.status?.requestId) {
                this.show(status);
            }
        } catch {
            // A read that fails changes nothing of what is known; the next one may succeed.
        }
    }

    show(status) {
        if (status.state !== this.status?.state) {
            tell(this.recordId);
        }
        this.status = status;
        if (status.isFinished) {
            this.pageUrl = undefined;
            this.stopFollowing();
            notifyRecordUpdateAvailable([{ recordId: this.recordId }]);
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

    stopFollowing() {
        this._stopFollowing?.();
        this._stopFollowing = undefined;
    }
}
