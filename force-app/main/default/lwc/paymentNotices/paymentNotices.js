import { subscribe, unsubscribe, isEmpEnabled } from 'lightning/empApi';
import FORM_FACTOR from '@salesforce/client/formFactor';

export { watch, tell } from './watcher';

const CHANNEL = '/event/Payment_Notice__e';
const ONLY_NEW_EVENTS = -1;
// A notice may never come: it is not sent when the org's daily allocation is nearly used up.
const READ_AGAIN_LIVE_MS = 15_000;
const READ_AGAIN_MS = 5_000;
const GIVE_UP_AFTER_MS = 15 * 60_000;

class Follower {
    constructor(requestId, onChange) {
        this.requestId = requestId;
        this.onChange = onChange;
        this.isFollowing = false;
        this.whenVisible = () => (document.visibilityState === 'visible' ? this.wake() : this.sleep());
    }

    start() {
        this.isFollowing = true;
        this.giveUpAt = Date.now() + GIVE_UP_AFTER_MS;
        document.addEventListener('visibilitychange', this.whenVisible);
        this.listen();
    }

    stop() {
        this.isFollowing = false;
        document.removeEventListener('visibilitychange', this.whenVisible);
        this.sleep();
    }

    wake() {
        this.onChange();
        this.listen();
    }

    sleep() {
        clearTimeout(this.timer);
        const subscription = this.subscription;
        this.subscription = undefined;
        if (subscription) {
            unsubscribe(subscription, () => {});
        }
    }

    async listen() {
        this.readByTheClock();
        if (FORM_FACTOR === 'Small' || this.subscription) {
            return;
        }
        try {
            if (!(await isEmpEnabled())) {
                return;
            }
            const subscription = await subscribe(CHANNEL, ONLY_NEW_EVENTS, (message) => this.hear(message));
            if (this.isFollowing && document.visibilityState === 'visible') {
                this.subscription = subscription;
                // What happened before the subscription stood is told by nobody.
                this.onChange();
            } else {
                unsubscribe(subscription, () => {});
            }
        } catch {
            // Without live notices the clock is enough.
            this.subscription = undefined;
        }
    }

    hear(message) {
        if (message?.data?.payload?.Request_Id__c === this.requestId) {
            this.onChange();
        }
    }

    readByTheClock() {
        clearTimeout(this.timer);
        if (!this.isFollowing || Date.now() > this.giveUpAt) {
            this.sleep();
            return;
        }
        const pause = this.subscription ? READ_AGAIN_LIVE_MS : READ_AGAIN_MS;
        // eslint-disable-next-line @lwc/lwc/no-async-operation -- stopped in sleep(), which every way out goes through
        this.timer = setTimeout(() => {
            this.onChange();
            this.readByTheClock();
        }, pause);
    }
}

/**
 * Follows one request: calls `onChange` whenever there may be something new to read. Deliveries are scarce, so it
 * listens only while the tab is visible, at most 15 minutes, and not on phones; there it reads again by the clock.
 *
 * @param {string} requestId the request's own id, the one that notices carry
 * @param {() => void} onChange reads the record again; what a notice says is never shown
 * @returns {() => void} stops following
 */
export function follow(requestId, onChange) {
    const follower = new Follower(requestId, onChange);
    follower.start();
    return () => follower.stop();
}
