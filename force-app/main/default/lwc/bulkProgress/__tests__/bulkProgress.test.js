import { createElement } from 'lwc';
import BulkProgress from 'c/bulkProgress';
import readProgress from '@salesforce/apex/BulkSendController.progress';
import stopSend from '@salesforce/apex/BulkSendController.stop';

jest.mock('@salesforce/apex/BulkSendController.progress', () => ({ default: jest.fn() }), { virtual: true });
jest.mock('@salesforce/apex/BulkSendController.stop', () => ({ default: jest.fn() }), { virtual: true });

const RUNNING = {
    recordId: 'a04000000000001AAA',
    name: 'BS-00001',
    state: 'Running',
    stateLabel: 'On its way',
    total: 500,
    made: 200,
    refused: 50,
    mailed: 100,
    waiting: 100,
    failed: 0,
    refusals: []
};
const settle = async () => {
    for (let turn = 0; turn < 15; turn += 1) {
        // eslint-disable-next-line no-await-in-loop -- each turn lets one promise of the chain through
        await Promise.resolve();
    }
};
const open = async () => {
    const element = createElement('c-bulk-progress', { is: BulkProgress });
    element.recordId = RUNNING.recordId;
    document.body.appendChild(element);
    await settle();
    return element;
};
const find = (element, selector) => element.shadowRoot.querySelector(selector);
const stopButton = (element) =>
    [...element.shadowRoot.querySelectorAll('lightning-button')].find((button) => button.name === 'stop');

describe('c-bulk-progress', () => {
    beforeEach(() => {
        jest.useFakeTimers();
        readProgress.mockResolvedValue(RUNNING);
    });

    afterEach(() => {
        document.body.replaceChildren();
        jest.useRealTimers();
        jest.resetAllMocks();
    });

    it('shows that it is loading', async () => {
        readProgress.mockReturnValue(new Promise(() => {}));
        const element = await open();
        expect(find(element, '.loading')).not.toBeNull();
    });

    it('shows how far it is and reads again until nothing changes', async () => {
        const element = await open();
        expect(find(element, '[role=progressbar]').getAttribute('aria-valuenow')).toBe('50');
        expect(find(element, '.sentence').textContent).toBe('c.Quittance_Bulk_Running');
        expect(find(element, 'lightning-badge').label).toBe('On its way');
        readProgress.mockResolvedValue({ ...RUNNING, state: 'Done', made: 450, waiting: 0 });
        jest.advanceTimersByTime(2_000);
        await settle();
        expect(find(element, '.sentence').textContent).toBe('c.Quittance_Bulk_Done');
        jest.advanceTimersByTime(60_000);
        expect(readProgress).toHaveBeenCalledTimes(2);
    });

    it('names what was refused', async () => {
        readProgress.mockResolvedValue({ ...RUNNING, state: 'Done', waiting: 0, refusals: ['INV-1: No address.'] });
        const element = await open();
        expect(find(element, '.refusals').textContent).toBe('INV-1: No address.');
        jest.useRealTimers();
        await expect(element).toBeAccessible();
    });

    it('stops at a press, once, and says so', async () => {
        let answer;
        stopSend.mockReturnValue(
            new Promise((resolve) => {
                answer = resolve;
            })
        );
        const element = await open();
        stopButton(element).click();
        await settle();
        expect(stopButton(element).disabled).toBe(true);
        expect(stopSend).toHaveBeenCalledWith({ bulkId: RUNNING.recordId });
        answer({ ...RUNNING, state: 'Stopped', waiting: 0 });
        await settle();
        expect(find(element, '.sentence').textContent).toBe('c.Quittance_Bulk_Stopped');
        expect(stopButton(element)).toBeUndefined();
        jest.useRealTimers();
        await expect(element).toBeAccessible();
    });

    it('says of one invoice that it was not reached', async () => {
        readProgress.mockResolvedValue({ ...RUNNING, state: 'Stopped', total: 500, made: 496, refused: 3, waiting: 0 });
        expect(find(await open(), '.sentence').textContent).toBe('c.Quittance_Bulk_Stopped_One');
    });

    it('can be stopped again after a fault', async () => {
        stopSend.mockRejectedValueOnce({ body: { message: 'busy' } });
        const element = await open();
        stopButton(element).click();
        await settle();
        expect(find(element, 'c-payment-problem').reason.body.message).toBe('busy');
        find(element, 'c-payment-problem').dispatchEvent(new CustomEvent('retry'));
        await settle();
        expect(stopButton(element).disabled).toBe(false);
    });

    it.each(['Done', 'Failed', 'Stopped'])('offers no stop when it is %s', async (state) => {
        readProgress.mockResolvedValue({ ...RUNNING, state, waiting: 0 });
        expect(stopButton(await open())).toBeUndefined();
    });

    it('says that it failed', async () => {
        readProgress.mockResolvedValue({ ...RUNNING, state: 'Failed', waiting: 0 });
        const element = await open();
        expect(find(element, '.sentence').textContent).toBe('c.Quittance_Bulk_Failed');
    });

    it('says a fault in its words, and reads again at a press', async () => {
        readProgress.mockRejectedValueOnce({ body: { message: 'gone' } });
        const element = await open();
        expect(find(element, 'c-payment-problem').reason.body.message).toBe('gone');
        find(element, 'c-payment-problem').dispatchEvent(new CustomEvent('retry'));
        await settle();
        expect(find(element, '.counted')).not.toBeNull();
    });

    it('reads nothing once it is gone', async () => {
        const element = await open();
        element.remove();
        jest.advanceTimersByTime(60_000);
        expect(readProgress).toHaveBeenCalledTimes(1);
    });
});
