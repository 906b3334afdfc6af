import { createElement } from 'lwc';
import { CloseScreenEventName } from 'lightning/actions';
import { getNavigateCalledWith } from 'lightning/navigation';
import { notifyRecordUpdateAvailable } from 'lightning/uiRecordApi';
import TakePayment from 'c/takePayment';
import { follow } from 'c/paymentNotices';
import load from '@salesforce/apex/TakePaymentController.load';
import openPage from '@salesforce/apex/TakePaymentController.open';
import readStatus from '@salesforce/apex/TakePaymentController.status';
import send from '@salesforce/apex/SendPaymentLinkController.send';

jest.mock('@salesforce/apex/TakePaymentController.load', () => ({ default: jest.fn() }), { virtual: true });
jest.mock('@salesforce/apex/TakePaymentController.open', () => ({ default: jest.fn() }), { virtual: true });
jest.mock('@salesforce/apex/TakePaymentController.status', () => ({ default: jest.fn() }), { virtual: true });
jest.mock('@salesforce/apex/SendPaymentLinkController.send', () => ({ default: jest.fn() }), { virtual: true });
jest.mock('c/paymentNotices', () => ({ follow: jest.fn(), tell: jest.fn() }));

const INVOICE = 'a00000000000001AAA';
const PAGE = 'https://pay.example.com/agent/abc';
const OFFER = {
    invoiceName: 'INV-1042',
    customerName: 'Harbour Coffee Ltd',
    email: 'books@harbour.example',
    balance: 1240,
    payable: 1240,
    currencyCode: 'USD',
    refusal: null
};
const status = (state, isFinished, sentence = null, kind = 'Take Payment') => ({
    requestId: 'r-1',
    kind,
    state,
    sentence,
    email: kind === 'Take Payment' ? null : 'books@harbour.example',
    requestedAt: new Date().toISOString(),
    isFinished
});
const find = (element, selector) => element.shadowRoot.querySelector(selector);
const named = (element, name) =>
    [...element.shadowRoot.querySelectorAll('lightning-button')].find((button) => button.name === name);
/** Waits for the condition, however many turns that takes. */
const until = async (condition) => {
    const end = Date.now() + 4000;
    while (!condition()) {
        if (Date.now() > end) {
            throw new Error(`still not: ${condition}`);
        }
        // eslint-disable-next-line no-await-in-loop, @lwc/lwc/no-async-operation -- it waits for a condition
        await new Promise((done) => setTimeout(done, 5));
    }
};
const open = async () => {
    const element = createElement('c-take-payment', { is: TakePayment });
    document.body.appendChild(element);
    element.recordId = INVOICE;
    await until(() => find(element, 'c-invoice-balance') || find(element, 'c-payment-problem'));
    return element;
};
const says = (element, text) => until(() => find(element, '.outcome p')?.textContent === text);

describe('c-take-payment', () => {
    let stop;

    beforeEach(() => {
        stop = jest.fn();
        follow.mockReturnValue(stop);
        load.mockResolvedValue(OFFER);
        openPage.mockResolvedValue({ requestId: 'r-1', url: PAGE });
        readStatus.mockResolvedValue(status('Waiting', false));
        send.mockResolvedValue('r-1');
    });

    afterEach(() => {
        document.body.replaceChildren();
        jest.resetAllMocks();
    });

    it('shows who owes what, and what the page is', async () => {
        const element = await open();
        expect(find(element, 'c-invoice-balance').offer.customerName).toBe('Harbour Coffee Ltd');
        expect(find(element, '.help').textContent).toBe('c.Quittance_Take_Help');
        await expect(element).toBeAccessible();
    });

    it('opens the page in a tab of its own and follows it to the payment', async () => {
        const element = await open();
        named(element, 'open').click();
        await says(element, 'c.Quittance_Take_Opened');
        expect(getNavigateCalledWith().pageReference).toEqual({ type: 'standard__webPage', attributes: { url: PAGE } });
        expect(find(element, 'a').href).toBe(PAGE);
        expect(follow).toHaveBeenCalledWith('r-1', expect.any(Function));
        await expect(element).toBeAccessible();

        readStatus.mockResolvedValue(status('Working', false, '40.00 USD was declined.'));
        follow.mock.calls[0][1]();
        await says(element, '40.00 USD was declined.');

        readStatus.mockResolvedValue(status('Done', true, '40.00 USD was paid with Visa ending 4242.'));
        follow.mock.calls[0][1]();
        await says(element, '40.00 USD was paid with Visa ending 4242.');
        expect(find(element, 'a')).toBeNull();
        expect(stop).toHaveBeenCalled();
        expect(notifyRecordUpdateAvailable).toHaveBeenCalledWith([{ recordId: INVOICE }]);
        await expect(element).toBeAccessible();

        named(element, 'again').click();
        await until(() => named(element, 'open'));
    });

    it('says that a page ran out, and starts over', async () => {
        const element = await open();
        readStatus.mockResolvedValue(status('Expired', true, 'The page ran out.'));
        named(element, 'open').click();
        await until(() => find(element, 'c-payment-problem'));
        expect(find(element, 'c-payment-problem').reason).toBe('The page ran out.');
        find(element, 'c-payment-problem').dispatchEvent(new CustomEvent('retry'));
        await until(() => named(element, 'open'));
    });

    it('says of a page that ended without a sentence how it ended, and never that it was paid', async () => {
        const element = await open();
        readStatus.mockResolvedValue({ ...status('Expired', true), stateLabel: 'Lapsed' });
        named(element, 'open').click();
        await until(() => find(element, 'c-payment-problem'));
        expect(find(element, 'c-payment-problem').reason).toBe('Lapsed');
    });

    it('sends the link to the customer instead, while the page is open too', async () => {
        const element = await open();
        named(element, 'open').click();
        await says(element, 'c.Quittance_Take_Opened');
        readStatus.mockResolvedValue(status('Waiting', false, null, 'Send Payment Link'));
        named(element, 'send').click();
        await says(element, 'c.Quittance_Sending');
        expect(send).toHaveBeenCalledWith({
            invoiceId: INVOICE,
            email: 'books@harbour.example',
            note: null,
            expiresOn: null
        });
        expect(stop).toHaveBeenCalled();
        readStatus.mockResolvedValue(status('Sent', true, null, 'Send Payment Link'));
        follow.mock.calls[1][1]();
        await says(element, 'c.Quittance_Sent');
    });

    it('says why nothing can be taken, and offers no button that would do nothing', async () => {
        load.mockResolvedValue({ ...OFFER, refusal: 'INV-1042 is still a draft.' });
        const element = await open();
        expect(find(element, '.refusal').textContent).toBe('INV-1042 is still a draft.');
        expect(named(element, 'open')).toBeUndefined();
        expect(named(element, 'send')).toBeUndefined();
        await expect(element).toBeAccessible();
    });

    it('shows what went wrong, and tries again', async () => {
        load.mockRejectedValueOnce({ body: { message: 'Ask your administrator.' } });
        const element = await open();
        expect(find(element, 'c-payment-problem').reason.body.message).toBe('Ask your administrator.');
        find(element, 'c-payment-problem').dispatchEvent(new CustomEvent('retry'));
        await until(() => find(element, 'c-invoice-balance'));
    });

    it('stops following when it is closed', async () => {
        const element = await open();
        named(element, 'open').click();
        await until(() => follow.mock.calls.length === 1);
        const closed = jest.fn();
        element.addEventListener(CloseScreenEventName, closed);
        find(element, 'lightning-button').click();
        expect(closed).toHaveBeenCalledTimes(1);
        element.remove();
        expect(stop).toHaveBeenCalled();
    });
});
