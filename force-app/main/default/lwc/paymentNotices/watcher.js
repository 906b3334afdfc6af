import { subscribe, unsubscribe, isEmpEnabled } from 'lightning/empApi';
import FORM_FACTOR from '@salesforce/client/formFactor';

const CHANNEL = '/event/Payment_Notice__e';
const ONLY_NEW_EVENTS = -1;
// A notice may never come: it is not sent when the org's daily allocation is nearly used up.
const READ_AGAIN_LIVE_MS = 30_000;
const READ_AGAIN_MS = 10_000;
const AWAY_AFTER_MS = 15 * 60_000;
const ACTS = ['pointerdown', 'keydown'];
// 18 characters or 15: the last three only repeat the case of the others.
const ID_LENGTH = 15;

/** The watchers of this page: what one component does, another shows at once. */
const here = new Set();

const same = (one, other) => String(one ?? '').slice(0, ID_LENGTH) === String(other ?? '').slice(0, ID_LENGTH);
const isVisible = () => document.visibilityState === 'visible';

class Watcher {
    isLive = false;
    isEnded = false;
    lastAct = Date.now();

    constructor(recordId, onChange, onPause) {
        this.recordId = recordId;
        this.onChange = onChange;
        this.onPause = onPause;
        this.whenVisible = () => {
            if (isVisible()) {
                this.acted();
                this.onChange();
            }
            this.arrange();
        };
        this.whenActed = () => this.acted();
    }

    start() {
        here.add(this);
        document.addEventListener('visibilitychange', this.whenVisible);
        ACTS.forEach((act) => document.addEventListener(act, this.whenActed, { passive: true, capture: true }));
    }

    stop() {
        this.isEnded = true;
        here.delete(this);
        document.removeEventListener('visibilitychange', this.whenVisible);
        ACTS.forEach((act) => document.removeEventListener(act, this.whenActed, { capture: true }));
        this.sleep();
    }

    /** Whether anything of the record may change by itself. */
    keep(isLive) {
        this.isLive = isLive;
        this.arrange();
    }

    acted() {
        const wasAway = this.isAway;
        this.lastAct = Date.now();
        if (wasAway && this.isLive) {
            this.onPause(false);
            this.onChange();
            this.arrange();
        }
    }

    get isAway() {
        return Date.now() - this.lastAct >= AWAY_AFTER_MS;
    }

    get isWanted() {
        return this.isLive && !this.isEnded && isVisible() && !this.isAway;
    }

    arrange() {
        clearTimeout(this.timer);
        if (!this.isWanted) {
            if (this.isLive && this.isAway) {
                this.onPause(true);
            }
            this.sleep();
            return;
        }
        this.listen();
        const pause = this.subscription ? READ_AGAIN_LIVE_MS : READ_AGAIN_MS;
        // eslint-disable-next-line @lwc/lwc/no-async-operation -- stopped in sleep(), which every way out goes through
        this.timer = setTimeout(() => {
            if (this.isWanted) {
                this.onChange();
            }
            this.arrange();
        }, pause);
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
        if (FORM_FACTOR === 'Small' || this.subscription || this.isSubscribing) {
            return;
        }
        this.isSubscribing = true;
        try {
            if (await isEmpEnabled()) {
                this.subscription = await subscribe(CHANNEL, ONLY_NEW_EVENTS, (message) => this.hear(message));
                // What happened before the subscription stood is told by nobody.
                this.onChange();
            }
        } catch {
            // Without live notices the clock is enough.
            this.subscription = undefined;
        } finally {
            this.isSubscribing = false;
        }
        if (!this.isWanted) {
            this.sleep();
        }
    }

    hear(message) {
        if (same(message?.data?.payload?.Record_Id__c, this.recordId)) {
            this.onChange();
        }
    }
}

/**
 * Watches a record for as long as its component is there. Deliveries are scarce, so it listens only while the tab is
 * visible, the record is live (money in flight, a link open) and at most 15 minutes after the user's last act; on phones
 * it never listens and reads again by the clock.
 *
 * @param {string} recordId the record that notices name
 * @param {() => void} onChange reads the record again; what a notice says is never shown
 * @param {(isPaused: boolean) => void} onPause the user was away for so long that nothing comes by itself, or is back
 */
export function watch(recordId, onChange, onPause) {
    const watcher = new Watcher(recordId, onChange, onPause);
    watcher.start();
    return { keep: (isLive) => watcher.keep(isLive), stop: () => watcher.stop() };
}

/** Tells the other components of this page that something was done to a record. */
export function tell(recordId) {
    [...here].filter((watcher) => same(watcher.recordId, recordId)).forEach((watcher) => watcher.onChange());
}
