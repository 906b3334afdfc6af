import { LightningElement } from 'lwc';
import { follow } from 'c/paymentNotices';
import startSync from '@salesforce/apex/SyncNowController.start';
import readStatus from '@salesforce/apex/SyncNowController.status';
import syncNow from '@salesforce/label/c.Quittance_Sync_Now';
import syncHelp from '@salesforce/label/c.Quittance_Sync_Help';
import syncRunning from '@salesforce/label/c.Quittance_Sync_Running';
import syncDone from '@salesforce/label/c.Quittance_Sync_Done';

/** Asks the payment service to look for payments that have not arrived, and says when it has. */
export default class SyncPayments extends LightningElement {
    label = { syncNow };
    // What is shown follows from these two alone.
    status;
    problem;

    _stopFollowing;

    get isRunning() {
        return this.status !== undefined && !this.status.isFinished;
    }

    get sentence() {
        if (this.isRunning) {
            return syncRunning;
        }
        return this.status ? this.status.sentence || syncDone : syncHelp;
    }

    disconnectedCallback() {
        this._stopFollowing?.();
    }

    async start() {
        try {
            const requestId = await startSync();
            this.show(await readStatus({ requestId }));
            if (this.isRunning) {
                this._stopFollowing = follow(requestId, () => this.readAgain(requestId));
            }
        } catch (error) {
            this.problem = error;
        }
    }

    async readAgain(requestId) {
        try {
            this.show(await readStatus({ requestId }));
        } catch {
            // A read that fails changes nothing of what is known; the next one may succeed.
        }
    }

    show(status) {
        const isFailure = status.isFinished && status.state !== 'Done';
        this.status = isFailure ? undefined : status;
        this.problem = isFailure ? status.sentence || status.state : undefined;
        if (status.isFinished) {
            this._stopFollowing?.();
        }
    }
}
