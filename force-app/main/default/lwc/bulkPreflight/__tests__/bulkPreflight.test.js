import { createElement } from 'lwc';
import BulkPreflight from 'c/bulkPreflight';

const candidates = (count, problem) =>
    Array.from({ length: count }, (_, at) => ({
        invoiceId: `${problem ? 'x' : 'a'}${at}`,
        name: `INV-${at}`,
        customerName: 'Harbour Coffee Ltd',
        email: 'books@harbour.example',
        balance: 100,
        currencyCode: 'USD',
        dueDate: '2026-12-24',
        problem
    }));
const show = (list) => {
    const element = createElement('c-bulk-preflight', { is: BulkPreflight });
    element.candidates = list;
    document.body.appendChild(element);
    return element;
};
const find = (element, selector) => element.shadowRoot.querySelector(selector);

describe('c-bulk-preflight', () => {
    afterEach(() => document.body.replaceChildren());

    it('shows what can be sent', async () => {
        const element = show(candidates(3));
        expect(element.shadowRoot.querySelectorAll('tbody tr')).toHaveLength(3);
        expect(find(element, '.not-ready')).toBeNull();
        expect(find(element, '.shown')).toBeNull();
        await expect(element).toBeAccessible();
    });

    it("shows what can't be sent, and why", async () => {
        const element = show([...candidates(1, 'There is no address.'), ...candidates(1)]);
        expect(find(element, 'table').textContent).toContain('There is no address.');
        expect(find(element, '.not-ready')).not.toBeNull();
        await expect(element).toBeAccessible();
    });

    it('shows fifty of many and says that all are sent', () => {
        const element = show([...candidates(500), ...candidates(60, 'No address.')]);
        expect(element.shadowRoot.querySelectorAll('tbody tr')).toHaveLength(100);
        expect(find(element, '.shown').textContent).toBe('c.Quittance_Bulk_Shown');
    });

    it('says that nothing can be sent', async () => {
        const element = show(candidates(2, 'No address.'));
        expect(find(element, 'lightning-input')).toBeNull();
        await expect(element).toBeAccessible();
    });

    it('leaves one out and takes it back', () => {
        const element = show(candidates(2));
        const heard = [];
        element.addEventListener('choose', (event) => heard.push(event.detail.chosen));
        const box = find(element, 'lightning-input');
        box.dispatchEvent(new CustomEvent('change', { detail: { checked: false } }));
        box.dispatchEvent(new CustomEvent('change', { detail: { checked: true } }));
        expect(heard).toEqual([['a1'], ['a0', 'a1']]);
    });
});
