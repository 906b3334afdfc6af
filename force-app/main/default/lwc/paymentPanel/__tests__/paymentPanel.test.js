import { createElement } from 'lwc';
import { notifyRecordUpdateAvailable } from 'lightning/uiRecordApi';
import PaymentPanel from 'c/paymentPanel';
import { watch } from 'c/paymentNotices';
import load from '@salesforce/apex/PaymentPanelController.load';
import send from '@salesforce/apex/SendPaymentLinkController.send';
import copyLink from '@salesforce/apex/SendPaymentLinkController.copyLink';
import revoke from '@salesforce/apex/SendPaymentLinkController.revoke';

jest.mock('@salesforce/apex/PaymentPanelController.load', () => ({ default: jest.fn() }), { virtual: true });
jest.mock('@salesforce/apex/SendPaymentLinkController.send', () => ({ default: jest.fn() }), { virtual: true });
jest.mock('@salesforce/apex/SendPaymentLinkController.copyLink', () => ({ default: jest.fn() }), { virtual: true });
jest.mock('@salesforce/apex/SendPaymentLinkController.revoke', () => ({ default: jest.fn() }), { virtual: true });
jest.mock('c/paymentNotices', () => ({ watch: jest.fn() }));

const INVOICE = 'a00000000000001AAA';
const PANEL = {
    invoiceName: 'INV-1042',
    total: 100,
    balance: 60,
    inFlight: 0,
    currencyCode: 'USD',
    maySend: true,
    payments: [],
    links: [],
    methods: [],
    underWay: [],
    isLive: false
};
const settle = async () => {
    for (let turn = 0; turn < 12; turn += 1) {
        // eslint-disable-next-line no-await-in-loop -- each turn lets one promise of the chain through
        await Promise.resolve();
    }
};
const find = (element, selector) => element.shadowRoot.querySelector(selector);
const named = (element, name) =>
    [...element.shadowRoot.querySelectorAll('lightning-button, lightning-button-icon, lightning-input')].find(
        (one) => one.name === name
    );
const open = async () => {
    const element = createElement('c-payment-panel', { is: PaymentPanel });
    element.recordId = INVOICE;
    document.body.appendChild(element);
    await settle();
    return element;
};

describe('c-payment-panel', () => {
    let watching;
    const changed = async () => {
        watch.mock.calls.at(-1)[1]();
        await settle();
    };

    beforeEach(() => {
        watching = { keep: jest.fn(), stop: jest.fn() };
        watch.mockReturnValue(watching);
        load.mockResolvedValue(PANEL);
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

    it('shows what is owed, and watches no more than it must', async () => {
        const element = await open();
        expect(find(element, '.balance lightning-formatted-number').value).toBe(60);
        expect(find(element, '.total lightning-formatted-number').value).toBe(100);
        expect(find(element, '.live')).toBeNull();
        expect(watching.keep).toHaveBeenLastCalledWith(false);
        await expect(element).toBeAccessible();
    });

    it('says that it updates by itself while a link is open', async () => {
        load.mockResolvedValue({ ...PANEL, isLive: true });
        const element = await open();
        expect(find(element, '.live')).not.toBeNull();
        expect(watching.keep).toHaveBeenLastCalledWith(true);
        await expect(element).toBeAccessible();
    });

    it('shows a payment at its notice, and tells the rest of the page', async () => {
        const element = await open();
        load.mockResolvedValue({ ...PANEL, balance: 0, payments: [{ recordId: 'p' }] });
        await changed();
        expect(find(element, '.balance lightning-formatted-number').value).toBe(0);
        expect(find(element, 'c-payment-rows').payments).toHaveLength(1);
        expect(notifyRecordUpdateAvailable).toHaveBeenCalledWith([{ recordId: INVOICE }]);
    });

    it('reads once more, not twice at once, where notices come thick', async () => {
        await open();
        load.mockClear();
        const onChange = watch.mock.calls.at(-1)[1];
        [1, 2, 3].forEach(() => onChange());
        await settle();
        expect(load).toHaveBeenCalledTimes(2);
    });

    it('keeps what it shows where a reading by itself fails', async () => {
        const element = await open();
        load.mockRejectedValue({ body: { message: 'down' } });
        await changed();
        expect(find(element, 'c-payment-problem')).toBeNull();
        expect(find(element, '.balance')).not.toBeNull();
    });

    it('says that it rests after a long absence, and reads at a press', async () => {
        load.mockResolvedValue({ ...PANEL, isLive: true });
        const element = await open();
        watch.mock.calls.at(-1)[2](true);
        await settle();
        expect(find(element, '.paused')).not.toBeNull();
        await expect(element).toBeAccessible();
        load.mockClear();
        named(element, 'wake').click();
        await settle();
        expect(load).toHaveBeenCalledTimes(1);
        watch.mock.calls.at(-1)[2](false);
        await settle();
        expect(find(element, '.paused')).toBeNull();
    });

    it('says a fault in its words and tries again', async () => {
        load.mockRejectedValueOnce({ body: { message: 'You need a permission set.' } });
        const element = await open();
        expect(find(element, 'c-payment-problem').reason.body.message).toBe('You need a permission set.');
        find(element, 'c-payment-problem').dispatchEvent(new CustomEvent('retry'));
        await settle();
        expect(find(element, 'c-payment-problem')).toBeNull();
        expect(find(element, '.balance')).not.toBeNull();
    });

    it('shows what is under way', async () => {
        const request = { requestId: 'r', kind: 'Send Payment Link', state: 'Waiting', email: 'a@b.example' };
        load.mockResolvedValue({
            ...PANEL,
            underWay: [
                request,
                { ...request, requestId: 's', state: 'Working' },
                { ...request, requestId: 't', kind: 'Revoke Link' },
                { ...request, requestId: 'u', kind: 'Copy Link' },
                {
                    ...request,
                    requestId: 'v',
                    kind: 'Take Payment',
                    state: 'Verifying',
                    sentence: 'The account waits.'
                },
                { ...request, requestId: 'w', kind: 'Take Payment' },
                { ...request, requestId: 'x', kind: 'Charge Stored Method' },
                {
                    ...request,
                    requestId: 'y',
                    kind: 'Charge Stored Method',
                    state: 'Working',
                    sentence: 'It is on its way.'
                },
                { ...request, requestId: 'z', kind: 'Take Payment', state: 'Working', sentence: 'The page is ready.' }
            ],
            unpaidCharge: {
                requestId: 'C',
                kind: 'Charge Stored Method',
                state: 'Sent',
                sentence: 'A link was mailed.'
            }
        });
        const element = await open();
        expect([...element.shadowRoot.querySelectorAll('.news p')].map((line) => line.textContent)).toEqual([
            'c.Quittance_Waiting',
            'c.Quittance_Asked_Again',
            'c.Quittance_Revoking',
            'c.Quittance_Copying',
            'The account waits.',
            'c.Quittance_Waiting',
            'c.Quittance_Charging',
            'It is on its way.',
            'The page is ready.',
            'c.Quittance_Last_Charge'
        ]);
    });

    it('sends a link again to the same address', async () => {
        const element = await open();
        find(element, 'c-payment-link-rows').dispatchEvent(
            new CustomEvent('resend', { detail: { sentTo: 'a@b.example' } })
        );
        await settle();
        expect(send).toHaveBeenCalledWith({ invoiceId: INVOICE, email: 'a@b.example', note: null, expiresOn: null });
        expect(load).toHaveBeenCalledTimes(2);
    });

    it('revokes a link once, however often it is pressed', async () => {
        const element = await open();
        const rows = find(element, 'c-payment-link-rows');
        rows.dispatchEvent(new CustomEvent('revoke', { detail: { linkId: 'l' } }));
        rows.dispatchEvent(new CustomEvent('revoke', { detail: { linkId: 'l' } }));
        await settle();
        expect(revoke).toHaveBeenCalledTimes(1);
        expect(revoke).toHaveBeenCalledWith({ linkId: 'l' });
    });

    it('shows a copied link, on the clipboard or not', async () => {
        copyLink.mockResolvedValue({ url: 'https://pay.example/p/token' });
        const element = await open();
        named(element, 'copy').click();
        await settle();
        expect(named(element, 'copied').value).toBe('https://pay.example/p/token');
        expect(named(element, 'copied').label).toBe('c.Quittance_Copy_By_Hand');
        await expect(element).toBeAccessible();
    });

    it('offers nothing to a viewer', async () => {
        load.mockResolvedValue({ ...PANEL, maySend: false });
        const element = await open();
        expect(named(element, 'copy')).toBeUndefined();
        expect(find(element, 'c-payment-link-rows').mayAct).toBe(false);
        await expect(element).toBeAccessible();
    });

    it('says why no link can be sent', async () => {
        load.mockResolvedValue({ ...PANEL, refusal: 'Nothing left to pay.' });
        const element = await open();
        expect(find(element, '.refusal').textContent).toBe('Nothing left to pay.');
        expect(named(element, 'copy')).toBeUndefined();
    });

    it('watches the next record where it is given one, and nothing once it is gone', async () => {
        const element = await open();
        element.recordId = 'a00000000000002AAA';
        await settle();
        expect(watching.stop).toHaveBeenCalledTimes(1);
        expect(load).toHaveBeenLastCalledWith({ invoiceId: 'a00000000000002AAA' });
        element.remove();
        expect(watching.stop).toHaveBeenCalledTimes(2);
    });
});
