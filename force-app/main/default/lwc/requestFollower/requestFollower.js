import { notifyRecordUpdateAvailable } from 'lightning/uiRecordApi';
import { follow, tell } from 'c/paymentNotices';

const SUCCESSES = ['Sent', 'Done'];

/** Whether a request is under way. */
export const isFollowing = (status) => status !== undefined && !status.isFinished;

/** Whether it ended as it was meant to. */
export const isDone = (status) => Boolean(status?.isFinished) && SUCCESSES.includes(status.state);

/** Whether it ended in another way. */
export const hasFailed = (status) => Boolean(status?.isFinished) && !SUCCESSES.includes(status.state);

/**
 * Does one act of a component at a time: a second press meanwhile does nothing. A fault becomes its `problem`, and what was
 * typed stays.
 *
 * @param {{isBusy: boolean, problem: unknown}} component
 * @param {() => Promise<void>} act
 */
export async function attempt(component, act) {
    if (component.isBusy) {
        return;
    }
    component.isBusy = true;
    try {
        await act();
        component.problem = undefined;
    } catch (error) {
        component.problem = error;
    } finally {
        component.isBusy = false;
    }
}

/** Follows one request after the other, and tells whoever shows the invoice when something has changed. */
export class RequestFollower {
    /**
     * @param {(parameters: {requestId: string}) => Promise<object>} read reads a request's status
     * @param {(status: object) => void} show is given each status that was read
     */
    constructor(read, show) {
        this.read = read;
        this.show = show;
    }

    /**
     * @param {object} status the request's status as read just now
     * @param {string} recordId the invoice that it is about
     */
    begin(status, recordId) {
        this.stop();
        this.status = undefined;
        this.recordId = recordId;
        this.see(status);
        if (!status.isFinished) {
            this.stopListening = follow(status.requestId, () => this.readAgain(status.requestId));
        }
    }

    stop() {
        this.stopListening?.();
        this.stopListening = undefined;
    }

    async readAgain(requestId) {
        try {
            const status = await this.read({ requestId });
            if (this.stopListening && requestId === this.status?.requestId) {
                this.see(status);
            }
        } catch {
            // A read that fails changes nothing of what is known; the next one may succeed.
        }
    }

    see(status) {
        if (status.state !== this.status?.state) {
            tell(this.recordId);
        }
        this.status = status;
        this.show(status);
        if (status.isFinished) {
            this.stop();
            notifyRecordUpdateAvailable([{ recordId: this.recordId }]);
        }
    }
}
