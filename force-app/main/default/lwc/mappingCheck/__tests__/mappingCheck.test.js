import { createElement } from 'lwc';
import MappingCheck from 'c/mappingCheck';
import check from '@salesforce/apex/InvoiceMappingCheck.run';

jest.mock('@salesforce/apex/InvoiceMappingCheck.run', () => ({ default: jest.fn() }), { virtual: true });

const settle = async () => {
    for (let turn = 0; turn < 12; turn += 1) {
        // eslint-disable-next-line no-await-in-loop -- each turn lets one promise of the chain through
        await Promise.resolve();
    }
};
const open = async () => {
    const element = createElement('c-mapping-check', { is: MappingCheck });
    document.body.appendChild(element);
    await settle();
    return element;
};
const find = (element, selector) => element.shadowRoot.querySelector(selector);

describe('c-mapping-check', () => {
    afterEach(() => {
        document.body.replaceChildren();
        jest.resetAllMocks();
    });

    it('shows that it is checking', async () => {
        check.mockReturnValue(new Promise(() => {}));
        const element = await open();
        expect(find(element, '.loading')).not.toBeNull();
        await expect(element).toBeAccessible();
    });

    it('says that all is right', async () => {
        check.mockResolvedValue([]);
        const element = await open();
        expect(find(element, '.right')).not.toBeNull();
        await expect(element).toBeAccessible();
    });

    it('lists each mistake with its remedy, and checks again at a press', async () => {
        check.mockResolvedValue([{ problem: 'Total Field is blank.', remedy: 'Enter a field.' }]);
        const element = await open();
        expect(find(element, '.wrong').textContent).toBe('c.Quittance_Mapping_Wrong');
        expect(find(element, 'li').textContent).toContain('Enter a field.');
        await expect(element).toBeAccessible();
        check.mockResolvedValue([]);
        find(element, 'lightning-button').click();
        await settle();
        expect(find(element, '.right')).not.toBeNull();
    });

    it('says a fault in its words', async () => {
        check.mockRejectedValue({ body: { message: 'no right' } });
        const element = await open();
        expect(find(element, 'c-payment-problem').reason.body.message).toBe('no right');
    });
});
