import { LightningElement, api } from 'lwc';
import readProgress from '@salesforce/apex/BulkSendController.progress';
import stopSend from '@salesforce/apex/BulkSendController.stop';
import running from '@salesforce/label/c.Quittance_Bulk_Running';
import done from '@salesforce/label/c.Quittance_Bulk_Done';
import failed from '@salesforce/label/c.Quittance_Bulk_Failed';
import stopped from '@salesforce/label/c.Quittance_Bulk_Stopped';
import stoppedOne from '@salesforce/label/c.Quittance_Bulk_Stopped_One';
import stop from '@salesforce/label/c.Quittance_Bulk_Stop';
import counted from '@salesforce/label/c.Quittance_Bulk_Progress';
import mailed from '@salesforce/label/c.Quittance_Bulk_Mailed';
import refusals from '@salesforce/label/c.Quittance_Bulk_Refusals';
import loading from '@salesforce/label/c.Quittance_Loading';
import readAgain from '@salesforce/label/c.Quittance_Read_Again';

const READ_AGAIN_MS = 2_000;
const GIVE_UP_AFTER_MS = 15 * 60_000;
const SENTENCES = { Waiting: running, Running: running, Done: done, Failed: failed, Stopped: stopped };

/** How far a bulk send has come. It reads its record again while something changes; no event is spent on it. */
export default class BulkProgress extends LightningElement {
    label = { refusals, loading, readAgain, stop };
    // What is shown follows from these two alone.
    progress;
    problem;
    isStopping = false;

    _recordId;
    _timer;
    _since;

    /** The Bulk_Send__c record. */
    @api
    get recordId() {
        return this._recordId;
    }
    set recordId(value) {
        this._recordId = value;
        this.progress = undefined;
        this._since = Date.now();
        this.load();
    }

    get isLoading() {
        return this.progress === undefined;
    }

    get sentence() {
        const { state, made, refused, total } = this.progress;
        const left = total - made - refused;
        if (state === 'Stopped' && left === 1) {
            return stoppedOne;
        }
        return SENTENCES[state].replace('{0}', left);
    }

    get canStop() {
        return this.progress.state === 'Waiting' || this.progress.state === 'Running';
    }

    get percent() {
        const { made, refused, total } = this.progress;
        return Math.round((100 * (made + refused)) / total);
    }

    get countedText() {
        const { made, refused, total } = this.progress;
        return counted.replace('{0}', made).replace('{1}', total).replace('{2}', refused);
    }

    get mailedText() {
        const { mailed: sent, waiting, failed: lost } = this.progress;
        return mailed.replace('{0}', sent).replace('{1}', waiting).replace('{2}', lost);
    }

    get hasRefusals() {
        return this.progress.refusals.length > 0;
    }

    get refusalRows() {
        return this.progress.refusals.map((text, key) => ({ key, text }));
    }

    get isUnderWay() {
        return this.canStop || this.progress.waiting > 0;
    }

    connectedCallback() {
        this.isThere = true;
    }

    disconnectedCallback() {
        this.isThere = false;
        clearTimeout(this._timer);
    }

    load() {
        return this.take(readProgress);
    }

    /** What was asked for goes on; the answer says how many were not reached. */
    async stop() {
        this.isStopping = true;
        await this.take(stopSend);
        this.isStopping = false;
    }

    async take(read) {
        clearTimeout(this._timer);
        try {
            this.progress = await read({ bulkId: this._recordId });
            this.problem = undefined;
        } catch (error) {
            this.problem = error;
            return;
        }
        if (this.isThere && this.isUnderWay && Date.now() - this._since < GIVE_UP_AFTER_MS) {
            // eslint-disable-next-line @lwc/lwc/no-async-operation -- stopped in disconnectedCallback()
            this._timer = setTimeout(() => this.load(), READ_AGAIN_MS);
        }
    }

    refresh() {
        this._since = Date.now();
        this.load();
    }
}
