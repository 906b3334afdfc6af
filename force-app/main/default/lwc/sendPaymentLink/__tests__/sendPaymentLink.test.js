import { createElement } from 'lwc';
import { CloseScreenEventName } from 'lightning/actions';
import { notifyRecordUpdateAvailable } from 'lightning/uiRecordApi';
import SendPaymentLink from 'c/sendPaymentLink';
import { follow } from 'c/paymentNotices';
import load from '@salesforce/apex/SendPaymentLinkController.load';
import send from '@salesforce/apex/SendPaymentLinkController.send';
import copyLink from '@salesforce/apex/SendPaymentLinkController.copyLink';
import revoke from '@salesforce/apex/SendPaymentLinkController.revoke';
import readStatus from '@salesforce/apex/SendPaymentLinkController.status';

jest.mock('@salesforce/apex/SendPaymentLinkController.load', () => ({ default: jest.fn() }), { virtual: true });
jest.mock('@salesforce/apex/SendPaymentLinkController.send', () => ({ default: jest.fn() }), { virtual: true });
jest.mock('@salesforce/apex/SendPaymentLinkController.copyLink', () => ({ default: jest.fn() }), { virtual: true });
jest.mock('@salesforce/apex/SendPaymentLinkController.revoke', () => ({ default: jest.fn() }), { virtual: true });
jest.mock('@salesforce/apex/SendPaymentLinkController.status', () => ({ default: jest.fn() }), { virtual: true });
jest.mock('c/paymentNotices', () => ({ follow: jest.fn(), tell: jest.fn() }));

const INVOICE = 'a00000000000001AAA';
const OFFER = {
    invoiceName: 'INV-1042',
    customerName: 'Harbour Coffee Ltd',
    email: 'books@harbour.example',
    emailSource: 'from the account',
    balance: 1240,
    payable: 1240,
    currencyCode: 'USD',
    dueDate: '2026-12-09',
    refusal: null,
    openLinks: [],
    pending: null
};
const status = (state, isFinished, sentence = null) => ({
    requestId: 'r-1',
    kind: 'Send Payment Link',
    state,
    sentence,
    email: 'books@harbour.example',
    requestedAt: new Date().toISOString(),
    isFinished
});
const settle = async () => {
    for (let turn = 0; turn < 10; turn += 1) {
        // eslint-disable-next-line no-await-in-loop -- each turn lets one promise of the chain through
        await Promise.resolve();
    }
};
const find = (element, selector) => element.shadowRoot.querySelector(selector);
const named = (element, name) =>
    [...element.shadowRoot.querySelectorAll('lightning-input, lightning-textarea, lightning-button')].find(
        (field) => field.name === name
    );
const press = async (element, name) => {
    named(element, name).click();
    await settle();
};
const open = async () => {
    const element = createElement('c-send-payment-link', { is: SendPaymentLink });
    document.body.appendChild(element);
    element.recordId = INVOICE;
    await settle();
    for (const input of element.shadowRoot.querySelectorAll('lightning-input, lightning-textarea')) {
        input.reportValidity = () => true;
    }
    return element;
};

describe('c-send-payment-link', () => {
    let stop;

    beforeEach(() => {
        stop = jest.fn();
        follow.mockReturnValue(stop);
        load.mockResolvedValue(OFFER);
    });

    afterEach(() => {
        document.body.replaceChildren();
        jest.resetAllMocks();
    });

    it('shows that it is loading', async () => {
        load.mockReturnValue(new Promise(() => {}));
        const element = await open();
        expect(find(element, 'lightning-spinner')).not.toBeNull();
        await expect(element).toBeAccessible();
    });

    it('shows who is asked for what', async () => {
        const element = await open();
        expect(find(element, 'c-invoice-balance').offer.customerName).toBe('Harbour Coffee Ltd');
        expect(named(element, 'email').value).toBe('books@harbour.example');
        expect(named(element, 'email').fieldLevelHelp).toContain('from the account');
        await expect(element).toBeAccessible();
    });

    it('says why nothing can be sent, and offers no button that would do nothing', async () => {
        load.mockResolvedValue({ ...OFFER, refusal: 'INV-1042 is still a draft.' });
        const element = await open();
        expect(find(element, '.refusal').textContent).toBe('INV-1042 is still a draft.');
        expect(named(element, 'send')).toBeUndefined();
        await expect(element).toBeAccessible();
    });

    it('shows what went wrong, and tries again', async () => {
        load.mockRejectedValueOnce({ body: { message: 'Ask your administrator.' } });
        const element = await open();
        expect(find(element, 'c-payment-problem').reason.body.message).toBe('Ask your administrator.');
        await expect(element).toBeAccessible();

        find(element, 'c-payment-problem').dispatchEvent(new CustomEvent('retry'));
        await settle();
        expect(find(element, 'c-payment-problem')).toBeNull();
        expect(find(element, 'c-invoice-balance').offer.customerName).toBe('Harbour Coffee Ltd');
    });

    it('sends to the address that was typed', async () => {
        send.mockResolvedValue('r-1');
        readStatus.mockResolvedValue(status('Waiting', false));
        const element = await open();
        named(element, 'email').dispatchEvent(
            new CustomEvent('change', { detail: { value: 'owner@harbour.example' } })
        );
        await press(element, 'send');

        expect(send).toHaveBeenCalledWith({
            invoiceId: INVOICE,
            email: 'owner@harbour.example',
            note: undefined,
            expiresOn: null
        });
        expect(follow).toHaveBeenCalledWith('r-1', expect.any(Function));
        expect(find(element, '.outcome p').textContent).toBe('c.Quittance_Waiting');
        await expect(element).toBeAccessible();
    });

    it('sends nothing while a field is wrong', async () => {
        const element = await open();
        named(element, 'email').reportValidity = () => false;
        await press(element, 'send');
        expect(send).not.toHaveBeenCalled();
    });

    it('follows a request to the mail server', async () => {
        load.mockResolvedValue({ ...OFFER, pending: status('Working', false) });
        const element = await open();
        expect(find(element, '.outcome p').textContent).toBe('c.Quittance_Sending');

        readStatus.mockResolvedValue(status('Sent', true, 'Handed over at 14:02.'));
        follow.mock.calls[0][1]();
        await settle();
        expect(find(element, '.outcome p').textContent).toBe('Handed over at 14:02.');
        expect(stop).toHaveBeenCalled();
        expect(notifyRecordUpdateAvailable).toHaveBeenCalledWith([{ recordId: INVOICE }]);
        await expect(element).toBeAccessible();
    });

    it('says what went wrong with a request, and starts over with what was typed', async () => {
        load.mockResolvedValue({ ...OFFER, pending: status('Working', false) });
        const element = await open();
        readStatus.mockResolvedValue(status('Refused', true, 'The mail server knows no such address.'));
        follow.mock.calls[0][1]();
        await settle();
        expect(find(element, 'c-payment-problem').reason).toBe('The mail server knows no such address.');
        await expect(element).toBeAccessible();

        load.mockResolvedValue(OFFER);
        find(element, 'c-payment-problem').dispatchEvent(new CustomEvent('retry'));
        await settle();
        expect(named(element, 'email').value).toBe('books@harbour.example');
    });

    it('says of a request that ended without a sentence how it ended, and never that it was sent', async () => {
        load.mockResolvedValue({
            ...OFFER,
            pending: { ...status('Expired', true), stateLabel: 'Lapsed' }
        });
        const element = await open();
        expect(find(element, 'c-payment-problem').reason).toBe('Lapsed');
    });

    it('says after a minute that nothing is lost', async () => {
        const old = { ...status('Waiting', false), requestedAt: new Date(Date.now() - 120_000).toISOString() };
        load.mockResolvedValue({ ...OFFER, pending: old });
        const element = await open();
        expect(find(element, '.outcome p').textContent).toBe('c.Quittance_Still_Waiting');
    });

    it('shows a copied link even where the clipboard is refused', async () => {
        copyLink.mockResolvedValue({ requestId: 'r-2', url: 'https://pay.example.com/p/abc' });
        const element = await open();
        await press(element, 'copy');
        expect(named(element, 'copied').value).toBe('https://pay.example.com/p/abc');
        expect(named(element, 'copied').label).toBe('c.Quittance_Copy_By_Hand');
        await expect(element).toBeAccessible();
    });

    it('revokes an open link', async () => {
        load.mockResolvedValue({ ...OFFER, openLinks: [{ recordId: 'a01', sentTo: 'books@harbour.example' }] });
        revoke.mockResolvedValue('r-3');
        readStatus.mockResolvedValue({ ...status('Waiting', false), requestId: 'r-3', kind: 'Revoke Link' });
        const element = await open();
        find(element, 'c-open-payment-links').dispatchEvent(new CustomEvent('revoke', { detail: { linkId: 'a01' } }));
        await settle();
        expect(revoke).toHaveBeenCalledWith({ linkId: 'a01' });
        expect(find(element, '.outcome p').textContent).toBe('c.Quittance_Revoking');
    });

    it('stops following when it is closed', async () => {
        load.mockResolvedValue({ ...OFFER, pending: status('Working', false) });
        const element = await open();
        const closed = jest.fn();
        element.addEventListener(CloseScreenEventName, closed);
        find(element, 'lightning-button').click();
        expect(closed).toHaveBeenCalledTimes(1);
        element.remove();
        expect(stop).toHaveBeenCalled();
    });
});
