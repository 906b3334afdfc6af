import { createElement } from 'lwc';
import PaymentLinkRows from 'c/paymentLinkRows';

const OPEN = {
    recordId: 'a02000000000001AAA',
    state: 'Open',
    stateLabel: 'Offen',
    sentTo: 'books@harbour.example',
    at: '2026-11-20T09:30:00.000Z',
    expiresAt: '2026-12-20T09:30:00.000Z'
};
const show = (properties) => {
    const element = createElement('c-payment-link-rows', { is: PaymentLinkRows });
    Object.assign(element, { links: [OPEN], mayAct: true, canSend: true, isBusy: false }, properties);
    document.body.appendChild(element);
    return element;
};
const names = (element) => [...element.shadowRoot.querySelectorAll('lightning-button')].map((button) => button.name);

describe('c-payment-link-rows', () => {
    afterEach(() => document.body.replaceChildren());

    it('says that there are none', async () => {
        const element = show({ links: [] });
        expect(element.shadowRoot.querySelector('.empty')).not.toBeNull();
        await expect(element).toBeAccessible();
    });

    it('offers both acts on an open link', async () => {
        const element = show({});
        expect(names(element)).toEqual(['resend', 'revoke']);
        expect(element.shadowRoot.querySelector('lightning-badge').label).toBe('Offen');
        await expect(element).toBeAccessible();
    });

    it('offers nothing to who may not act', async () => {
        expect(names(show({ mayAct: false }))).toEqual([]);
    });

    it('does not send where nothing can be paid, nor where another address replaced it', () => {
        expect(names(show({ canSend: false }))).toEqual(['revoke']);
        expect(names(show({ links: [{ ...OPEN, state: 'Replaced' }] }))).toEqual([]);
        expect(names(show({ links: [{ ...OPEN, state: 'Expired' }] }))).toEqual(['resend']);
    });

    it('a copied link has no address to send to', () => {
        const element = show({ links: [{ ...OPEN, sentTo: null }] });
        expect(names(element)).toEqual(['revoke']);
        expect(element.shadowRoot.querySelector('.to').textContent).toBe('c.Quittance_Copied_Link');
    });

    it('tells what is wanted', () => {
        const element = show({});
        const heard = [];
        ['resend', 'revoke'].forEach((name) => element.addEventListener(name, (event) => heard.push(event.detail)));
        element.shadowRoot.querySelectorAll('lightning-button').forEach((button) => button.click());
        expect(heard).toEqual([{ sentTo: OPEN.sentTo }, { linkId: OPEN.recordId }]);
    });
});
