import { createElement } from 'lwc';
import OpenPaymentLinks from 'c/openPaymentLinks';

const show = (links) => {
    const element = createElement('c-open-payment-links', { is: OpenPaymentLinks });
    element.links = links;
    document.body.appendChild(element);
    return element;
};

describe('c-open-payment-links', () => {
    afterEach(() => document.body.replaceChildren());

    it('shows nothing where no link is open', async () => {
        const element = show([]);
        expect(element.shadowRoot.querySelector('section')).toBeNull();
        await expect(element).toBeAccessible();
    });

    it('tells a mailed link from a copied one', async () => {
        const element = show([
            { recordId: 'a01', sentTo: 'books@harbour.example', sentAt: '2026-11-23T10:00:00.000Z' },
            { recordId: 'a02' }
        ]);
        const texts = [...element.shadowRoot.querySelectorAll('li span')].map((span) => span.textContent.trim());
        expect(texts).toEqual(['c.Quittance_Sent_To_On', 'c.Quittance_Copied_Link']);
        expect(element.shadowRoot.querySelectorAll('lightning-formatted-date-time')).toHaveLength(1);
        await expect(element).toBeAccessible();
    });

    it('names the link that is to be revoked', () => {
        const revoked = jest.fn();
        const element = show([{ recordId: 'a01', sentTo: 'books@harbour.example' }]);
        element.addEventListener('revoke', (event) => revoked(event.detail));
        element.shadowRoot.querySelector('lightning-button').click();
        expect(revoked).toHaveBeenCalledWith({ linkId: 'a01' });
    });
});
