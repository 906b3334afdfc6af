import { createElement } from 'lwc';
import InvoiceBalance from 'c/invoiceBalance';

const OFFER = {
    customerName: 'Harbour Coffee Ltd',
    balance: 1240,
    payable: 1240,
    currencyCode: 'USD',
    dueDate: '2026-12-09'
};
const show = (offer) => {
    const element = createElement('c-invoice-balance', { is: InvoiceBalance });
    element.offer = offer;
    document.body.appendChild(element);
    return element;
};
const all = (element, selector) => [...element.shadowRoot.querySelectorAll(selector)];
const terms = (element) => all(element, 'dt').map((term) => term.textContent);

describe('c-invoice-balance', () => {
    afterEach(() => {
        document.body.replaceChildren();
    });

    it('shows who owes what, and by when', async () => {
        const element = show(OFFER);
        expect(terms(element)).toEqual(['c.Quittance_Customer', 'c.Quittance_Balance', 'c.Quittance_Due']);
        expect(all(element, 'dd')[0].textContent).toBe('Harbour Coffee Ltd');
        const [amount] = all(element, 'lightning-formatted-number');
        expect([amount.value, amount.currencyCode]).toEqual([1240, 'USD']);
        expect(all(element, 'lightning-formatted-date-time')[0].value).toBe('2026-12-09');
        await expect(element).toBeAccessible();
    });

    it('shows what may be paid now where a part is on its way, and no date where none is known', async () => {
        const element = show({ ...OFFER, payable: 1000, dueDate: undefined });
        expect(terms(element)).toEqual(['c.Quittance_Customer', 'c.Quittance_Balance', 'c.Quittance_Payable_Now']);
        expect(all(element, 'lightning-formatted-number').map((amount) => amount.value)).toEqual([1240, 1000]);
        await expect(element).toBeAccessible();
    });
});
