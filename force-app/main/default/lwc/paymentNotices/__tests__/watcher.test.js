import { subscribe, unsubscribe, isEmpEnabled } from 'lightning/empApi';
import { watch, tell } from 'c/paymentNotices';

const INVOICE = 'a00000000000001AAA';
const MINUTE_MS = 60_000;
const settle = async () => {
    for (let turn = 0; turn < 8; turn += 1) {
        // eslint-disable-next-line no-await-in-loop -- each turn lets one promise of the chain through
        await Promise.resolve();
    }
};
const notice = (recordId) => ({ data: { payload: { Record_Id__c: recordId, State__c: 'settled' } } });
const turnTab = (state) => {
    jest.spyOn(document, 'visibilityState', 'get').mockReturnValue(state);
    document.dispatchEvent(new CustomEvent('visibilitychange'));
};

describe('watch of c/paymentNotices', () => {
    let watching;
    let onChange;
    let onPause;

    beforeEach(() => {
        jest.useFakeTimers();
        jest.clearAllMocks();
        onChange = jest.fn();
        onPause = jest.fn();
        isEmpEnabled.mockResolvedValue(true);
        subscribe.mockResolvedValue({ id: 1 });
        watching = watch(INVOICE, onChange, onPause);
    });

    afterEach(() => {
        watching.stop();
        jest.useRealTimers();
        jest.restoreAllMocks();
    });

    it('takes no delivery while nothing can change', async () => {
        watching.keep(false);
        await settle();
        jest.advanceTimersByTime(20 * MINUTE_MS);
        expect(subscribe).not.toHaveBeenCalled();
        expect(onChange).not.toHaveBeenCalled();
    });

    it('hears notices of its own record while something is open', async () => {
        watching.keep(true);
        await settle();
        expect(onChange).toHaveBeenCalledTimes(1);
        const hear = subscribe.mock.calls[0][2];
        hear(notice('a00000000000002AAA'));
        expect(onChange).toHaveBeenCalledTimes(1);
        hear(notice(INVOICE));
        hear(notice(INVOICE.slice(0, 15)));
        expect(onChange).toHaveBeenCalledTimes(3);
    });

    it('subscribes once however often it is told that the record is live', async () => {
        watching.keep(true);
        watching.keep(true);
        await settle();
        watching.keep(true);
        await settle();
        expect(subscribe).toHaveBeenCalledTimes(1);
    });

    it('gives the subscription back when the record rests and when the tab is hidden', async () => {
        watching.keep(true);
        await settle();
        watching.keep(false);
        expect(unsubscribe).toHaveBeenCalledTimes(1);
        watching.keep(true);
        await settle();
        turnTab('hidden');
        expect(unsubscribe).toHaveBeenCalledTimes(2);
        jest.advanceTimersByTime(5 * MINUTE_MS);
        expect(onChange).toHaveBeenCalledTimes(2);
        turnTab('visible');
        await settle();
        expect(subscribe).toHaveBeenCalledTimes(3);
    });

    it('gives back a subscription that comes after the record went to rest', async () => {
        let stands;
        subscribe.mockReturnValue(
            new Promise((done) => {
                stands = done;
            })
        );
        watching.keep(true);
        await settle();
        watching.keep(false);
        stands({ id: 2 });
        await settle();
        expect(unsubscribe).toHaveBeenCalledWith({ id: 2 }, expect.any(Function));
    });

    it('pauses a quarter of an hour after the last act, and wakes at the next', async () => {
        watching.keep(true);
        await settle();
        jest.advanceTimersByTime(14 * MINUTE_MS);
        document.dispatchEvent(new CustomEvent('keydown'));
        jest.advanceTimersByTime(14 * MINUTE_MS);
        expect(onPause).not.toHaveBeenCalled();
        jest.advanceTimersByTime(2 * MINUTE_MS);
        expect(onPause).toHaveBeenLastCalledWith(true);
        expect(unsubscribe).toHaveBeenCalledTimes(1);
        const before = onChange.mock.calls.length;
        jest.advanceTimersByTime(10 * MINUTE_MS);
        expect(onChange).toHaveBeenCalledTimes(before);

        document.dispatchEvent(new CustomEvent('pointerdown'));
        await settle();
        expect(onPause).toHaveBeenLastCalledWith(false);
        expect(subscribe).toHaveBeenCalledTimes(2);
    });

    it('reads by the clock where the bus refuses', async () => {
        subscribe.mockRejectedValue(new Error('no right'));
        watching.keep(true);
        await settle();
        jest.advanceTimersByTime(20_000);
        expect(onChange).toHaveBeenCalledTimes(2);
    });

    it('is told by the other components of its page', () => {
        tell('a00000000000002AAA');
        expect(onChange).not.toHaveBeenCalled();
        tell(INVOICE);
        expect(onChange).toHaveBeenCalledTimes(1);
        watching.stop();
        tell(INVOICE);
        expect(onChange).toHaveBeenCalledTimes(1);
    });
});
