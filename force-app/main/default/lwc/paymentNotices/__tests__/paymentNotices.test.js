import { subscribe, unsubscribe, isEmpEnabled } from 'lightning/empApi';
import { follow } from 'c/paymentNotices';

const settle = async () => {
    for (let turn = 0; turn < 5; turn += 1) {
        // eslint-disable-next-line no-await-in-loop -- each turn lets one promise of the chain through
        await Promise.resolve();
    }
};
const notice = (requestId) => ({ data: { payload: { Request_Id__c: requestId, State__c: 'Sent' } } });
const turnTab = (state) => {
    jest.spyOn(document, 'visibilityState', 'get').mockReturnValue(state);
    document.dispatchEvent(new CustomEvent('visibilitychange'));
};

describe('c/paymentNotices', () => {
    let stop;
    let onChange;

    beforeEach(() => {
        jest.useFakeTimers();
        jest.clearAllMocks();
        onChange = jest.fn();
        isEmpEnabled.mockResolvedValue(true);
        subscribe.mockResolvedValue({ id: 1 });
    });

    afterEach(() => {
        stop();
        jest.useRealTimers();
        jest.restoreAllMocks();
    });

    it('reads once the subscription stands, and at each notice of its own request', async () => {
        stop = follow('r-1', onChange);
        await settle();
        expect(subscribe).toHaveBeenCalledWith('/event/Payment_Notice__e', -1, expect.any(Function));
        expect(onChange).toHaveBeenCalledTimes(1);

        const hear = subscribe.mock.calls[0][2];
        hear(notice('r-2'));
        expect(onChange).toHaveBeenCalledTimes(1);
        hear(notice('r-1'));
        expect(onChange).toHaveBeenCalledTimes(2);
    });

    it('gives its subscription back when it stops', async () => {
        stop = follow('r-1', onChange);
        await settle();
        stop();
        expect(unsubscribe).toHaveBeenCalledTimes(1);
        jest.advanceTimersByTime(60_000);
        expect(onChange).toHaveBeenCalledTimes(1);
    });

    it('listens only while its tab is seen', async () => {
        stop = follow('r-1', onChange);
        await settle();
        turnTab('hidden');
        expect(unsubscribe).toHaveBeenCalledTimes(1);
        jest.advanceTimersByTime(60_000);
        expect(onChange).toHaveBeenCalledTimes(1);

        turnTab('visible');
        await settle();
        expect(subscribe).toHaveBeenCalledTimes(2);
        expect(onChange).toHaveBeenCalledTimes(3);
    });

    it('reads by the clock where there are no live notices', async () => {
        isEmpEnabled.mockResolvedValue(false);
        stop = follow('r-1', onChange);
        await settle();
        jest.advanceTimersByTime(10_000);
        expect(subscribe).not.toHaveBeenCalled();
        expect(onChange).toHaveBeenCalledTimes(2);
    });

    it('gives up after a quarter of an hour', async () => {
        isEmpEnabled.mockResolvedValue(false);
        stop = follow('r-1', onChange);
        await settle();
        jest.advanceTimersByTime(16 * 60_000);
        const count = onChange.mock.calls.length;
        jest.advanceTimersByTime(60_000);
        expect(onChange).toHaveBeenCalledTimes(count);
    });
});
