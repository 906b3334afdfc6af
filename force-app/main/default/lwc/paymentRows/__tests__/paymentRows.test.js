import { createElement } from 'lwc';
import { getNavigateCalledWith } from 'lightning/navigation';
import PaymentRows from 'c/paymentRows';

const SETTLED = {
    recordId: 'a01000000000001AAA',
    name: 'P-00001',
    amount: 40,
    currencyCode: 'USD',
    state: 'Settled',
    stateLabel: 'Beglichen',
    method: 'Visa ending 4242',
    at: '2026-11-20T09:30:00.000Z',
    receiptNumber: 'R-1',
    receiptId: '069000000000001AAA'
};
const show = (payments) => {
    const element = createElement('c-payment-rows', { is: PaymentRows });
    element.payments = payments;
    document.body.appendChild(element);
    return element;
};
const find = (element, selector) => element.shadowRoot.querySelector(selector);

describe('c-payment-rows', () => {
    afterEach(() => document.body.replaceChildren());

    it('says that there are none', async () => {
        const element = show([]);
        expect(find(element, '.empty').textContent).toBe('c.Quittance_No_Payments');
        expect(find(element, 'table')).toBeNull();
        await expect(element).toBeAccessible();
    });

    it('shows each payment with its amount and state', async () => {
        const element = show([SETTLED]);
        expect(find(element, 'lightning-formatted-number').value).toBe(40);
        expect(find(element, 'lightning-badge').label).toBe('Beglichen');
        expect(find(element, '.reason')).toBeNull();
        await expect(element).toBeAccessible();
    });

    it('says why one was declined', async () => {
        const element = show([
            { ...SETTLED, state: 'Declined', reason: 'Not enough money.', receiptNumber: null, receiptId: null }
        ]);
        expect(find(element, '.reason').textContent).toBe('Not enough money.');
        expect(find(element, '[name=receipt]')).toBeNull();
        await expect(element).toBeAccessible();
    });

    it('says that a receipt is still being filed', () => {
        const element = show([{ ...SETTLED, receiptId: null }]);
        expect(element.shadowRoot.textContent).toContain('c.Quittance_Receipt_Coming');
        expect([...element.shadowRoot.querySelectorAll('lightning-button')].map((button) => button.name)).toEqual([
            'payment'
        ]);
    });

    it('opens the payment and the receipt', () => {
        const element = show([SETTLED]);
        const [payment, receipt] = element.shadowRoot.querySelectorAll('lightning-button');
        payment.click();
        expect(getNavigateCalledWith().pageReference.attributes.recordId).toBe(SETTLED.recordId);
        receipt.click();
        expect(getNavigateCalledWith().pageReference).toEqual({
            type: 'standard__namedPage',
            attributes: { pageName: 'filePreview' },
            state: { selectedRecordId: SETTLED.receiptId }
        });
    });
});
