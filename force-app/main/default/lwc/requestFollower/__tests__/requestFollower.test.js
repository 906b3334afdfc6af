import { notifyRecordUpdateAvailable } from 'lightning/uiRecordApi';
import { RequestFollower, attempt, hasFailed, isDone, isFollowing } from 'c/requestFollower';
import { follow, tell } from 'c/paymentNotices';

jest.mock('c/paymentNotices', () => ({ follow: jest.fn(), tell: jest.fn() }));

const INVOICE = 'a00000000000001AAA';
const status = (state, isFinished, requestId = 'r-1') => ({ requestId, state, isFinished });

describe('c/requestFollower', () => {
    let stop;
    let read;
    let show;
    let follower;

    beforeEach(() => {
        stop = jest.fn();
        follow.mockReturnValue(stop);
        read = jest.fn();
        show = jest.fn();
        follower = new RequestFollower(read, show);
    });

    afterEach(() => {
        jest.resetAllMocks();
    });

    const heard = () => follow.mock.calls.at(-1)[1]();

    it('reads again until the request is over, and tells who shows the invoice', async () => {
        follower.begin(status('Waiting', false), INVOICE);
        expect(follow).toHaveBeenCalledWith('r-1', expect.any(Function));
        read.mockResolvedValue(status('Waiting', false));
        await heard();
        expect(read).toHaveBeenCalledWith({ requestId: 'r-1' });
        expect(tell).toHaveBeenCalledTimes(1);
        read.mockResolvedValue(status('Done', true));
        await heard();
        expect(show).toHaveBeenLastCalledWith(status('Done', true));
        expect(tell).toHaveBeenCalledTimes(2);
        expect(stop).toHaveBeenCalled();
        expect(notifyRecordUpdateAvailable).toHaveBeenCalledWith([{ recordId: INVOICE }]);
    });

    it('listens to nothing where the request is over already', () => {
        follower.begin(status('Sent', true), INVOICE);
        expect(follow).not.toHaveBeenCalled();
        expect(show).toHaveBeenCalledWith(status('Sent', true));
    });

    it('shows nothing of a request that is followed no more', async () => {
        follower.begin(status('Waiting', false), INVOICE);
        const first = follow.mock.calls[0][1];
        follower.begin(status('Waiting', false, 'r-2'), INVOICE);
        read.mockResolvedValue(status('Done', true));
        await first();
        expect(show).toHaveBeenLastCalledWith(status('Waiting', false, 'r-2'));
        follower.stop();
        read.mockResolvedValue(status('Done', true, 'r-2'));
        await heard();
        expect(show).toHaveBeenLastCalledWith(status('Waiting', false, 'r-2'));
    });

    it('keeps what is known when a read fails', async () => {
        follower.begin(status('Waiting', false), INVOICE);
        read.mockRejectedValue(new Error('offline'));
        await heard();
        expect(show).toHaveBeenCalledTimes(1);
        expect(stop).not.toHaveBeenCalled();
    });

    it('tells how a request stands', () => {
        const told = (one) => [isFollowing(one), isDone(one), hasFailed(one)];
        expect(told(undefined)).toEqual([false, false, false]);
        expect(told(status('Waiting', false))).toEqual([true, false, false]);
        expect(told(status('Sent', true))).toEqual([false, true, false]);
        expect(told(status('Refused', true))).toEqual([false, false, true]);
    });

    it('does one act at a time and keeps a fault', async () => {
        const component = { isBusy: false, problem: undefined };
        let finish;
        const first = attempt(component, () => new Promise((done) => (finish = done)));
        const second = jest.fn();
        await attempt(component, second);
        expect(second).not.toHaveBeenCalled();
        finish();
        await first;
        expect(component.isBusy).toBe(false);
        const fault = new Error('no');
        await attempt(component, () => Promise.reject(fault));
        expect(component.problem).toBe(fault);
        await attempt(component, () => Promise.resolve());
        expect(component.problem).toBeUndefined();
    });
});
