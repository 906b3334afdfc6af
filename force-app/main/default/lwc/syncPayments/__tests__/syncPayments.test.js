import { createElement } from 'lwc';
import SyncPayments from 'c/syncPayments';
import { follow } from 'c/paymentNotices';
import start from '@salesforce/apex/SyncNowController.start';
import readStatus from '@salesforce/apex/SyncNowController.status';

jest.mock('@salesforce/apex/SyncNowController.start', () => ({ default: jest.fn() }), { virtual: true });
jest.mock('@salesforce/apex/SyncNowController.status', () => ({ default: jest.fn() }), { virtual: true });
jest.mock('c/paymentNotices', () => ({ follow: jest.fn() }));

/** Waits for what is expected, however long the machine takes. */
const until = async (isThere) => {
    for (let turn = 0; turn < 400 && !isThere(); turn += 1) {
        // eslint-disable-next-line no-await-in-loop, @lwc/lwc/no-async-operation -- looks again after a while
        await new Promise((done) => setTimeout(done, 5));
    }
};
const sentence = (element) => element.shadowRoot.querySelector('p').textContent;
const open = () => {
    const element = createElement('c-sync-payments', { is: SyncPayments });
    document.body.appendChild(element);
    return element;
};
const press = (element) => element.shadowRoot.querySelector('lightning-button').click();

describe('c-sync-payments', () => {
    beforeEach(() => {
        follow.mockReturnValue(jest.fn());
        start.mockResolvedValue('r-1');
    });

    afterEach(() => {
        document.body.replaceChildren();
        jest.resetAllMocks();
    });

    it('says what it does before it is pressed', async () => {
        const element = open();
        expect(sentence(element)).toBe('c.Quittance_Sync_Help');
        await expect(element).toBeAccessible();
    });

    it('follows the request to its end', async () => {
        readStatus.mockResolvedValueOnce({ state: 'Waiting', isFinished: false });
        const element = open();
        press(element);
        await until(() => follow.mock.calls.length > 0 && sentence(element) === 'c.Quittance_Sync_Running');
        expect(sentence(element)).toBe('c.Quittance_Sync_Running');
        expect(element.shadowRoot.querySelector('lightning-button').disabled).toBe(true);

        readStatus.mockResolvedValueOnce({ state: 'Done', isFinished: true, sentence: 'Two payments were booked.' });
        follow.mock.calls[0][1]();
        await until(() => sentence(element) === 'Two payments were booked.');
        expect(sentence(element)).toBe('Two payments were booked.');
        await expect(element).toBeAccessible();
    });

    it('says why it failed', async () => {
        readStatus.mockResolvedValueOnce({
            state: 'Failed',
            isFinished: true,
            sentence: 'Stripe could not be reached.'
        });
        const element = open();
        press(element);
        await until(() => element.shadowRoot.querySelector('c-payment-problem') !== null);
        expect(element.shadowRoot.querySelector('c-payment-problem').reason).toBe('Stripe could not be reached.');
        await expect(element).toBeAccessible();
    });
});
