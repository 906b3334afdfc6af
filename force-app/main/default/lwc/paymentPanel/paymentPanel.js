import { LightningElement, api } from 'lwc';
import { notifyRecordUpdateAvailable } from 'lightning/uiRecordApi';
import { watch } from 'c/paymentNotices';
import readPanel from '@salesforce/apex/PaymentPanelController.load';
import send from '@salesforce/apex/SendPaymentLinkController.send';
import copyLink from '@salesforce/apex/SendPaymentLinkController.copyLink';
import revoke from '@salesforce/apex/SendPaymentLinkController.revoke';
import { label } from './labels';

/** What an invoice owes, what is on its way, its payments and links, as it happens. */
export default class PaymentPanel extends LightningElement {
    label = label;
    // What is shown follows from these alone.
    panel;
    problem;
    isPaused = false;
    isBusy = false;
    copiedUrl;
    isOnClipboard = false;

    _recordId;
    _watch;
    _isReading = false;
    _readOnceMore = false;

    /** The invoice. */
    @api
    get recordId() {
        return this._recordId;
    }
    set recordId(value) {
        this._recordId = value;
        if (this.isConnected) {
            this.follow();
        }
    }

    get isLoading() {
        return this.panel === undefined;
    }

    get isLive() {
        return this.panel.isLive && !this.isPaused;
    }

    get isResting() {
        return this.panel.isLive && this.isPaused;
    }

    get canSend() {
        return this.panel.maySend && !this.panel.refusal;
    }

    get copiedText() {
        return this.isOnClipboard ? label.copied : label.copyByHand;
    }

    get lastCharge() {
        return this.panel.unpaidCharge && label.lastCharge.replace('{0}', this.panel.unpaidCharge.sentence);
    }

    get progress() {
        return this.panel.underWay.map((request) => ({ key: request.requestId, text: this.sentenceOf(request) }));
    }

    connectedCallback() {
        this.follow();
    }

    disconnectedCallback() {
        this._watch?.stop();
        this._watch = undefined;
    }

    follow() {
        this._watch?.stop();
        this._watch = undefined;
        this.panel = undefined;
        if (this._recordId) {
            this._watch = watch(
                this._recordId,
                () => this.readAgain(),
                (isPaused) => {
                    this.isPaused = isPaused;
                }
            );
            this.load();
        }
    }

    /** As the user asked: what goes wrong is said. */
    async load() {
        try {
            this.show(await readPanel({ invoiceId: this._recordId }));
            this.problem = undefined;
        } catch (error) {
            this.problem = error;
        }
    }

    /** By itself: one reading at a time, and once more where something changed meanwhile. */
    async readAgain() {
        this._readOnceMore = true;
        if (this._isReading || this.panel === undefined) {
            return;
        }
        this._isReading = true;
        try {
            while (this._readOnceMore) {
                this._readOnceMore = false;
                // eslint-disable-next-line no-await-in-loop -- one after another is the point
                this.show(await readPanel({ invoiceId: this._recordId }));
            }
        } catch {
            // A read that fails changes nothing of what is known; the next one may succeed.
        } finally {
            this._isReading = false;
        }
    }

    show(panel) {
        const before = this.panel;
        this.panel = panel;
        this._watch?.keep(panel.isLive);
        if (before && (before.balance !== panel.balance || before.inFlight !== panel.inFlight)) {
            // The rest of the page shows the same figures.
            notifyRecordUpdateAvailable([{ recordId: this._recordId }]);
        }
    }

    sentenceOf(request) {
        switch (request.kind) {
            case 'Revoke Link':
                return label.revoking;
            case 'Copy Link':
                return label.copying;
            case 'Take Payment':
                return request.sentence || label.waiting;
            case 'Charge Stored Method':
                return request.sentence ?? label.charging;
            default:
                return request.state === 'Working' ? label.askedAgain.replace('{0}', request.email) : label.waiting;
        }
    }

    async resend(event) {
        const { sentTo } = event.detail;
        await this.attempt(() => send({ invoiceId: this._recordId, email: sentTo, note: null, expiresOn: null }));
    }

    async revokeLink(event) {
        await this.attempt(() => revoke({ linkId: event.detail.linkId }));
    }

    async copy() {
        await this.attempt(async () => {
            const link = await copyLink({ invoiceId: this._recordId });
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

    /** One act at a time; then what it changed is read. */
    async attempt(act) {
        if (this.isBusy) {
            return;
        }
        this.isBusy = true;
        try {
            await act();
            await this.load();
        } catch (error) {
            this.problem = error;
        } finally {
            this.isBusy = false;
        }
    }
}
