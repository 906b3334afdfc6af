import { createElement } from 'lwc';
import HourlyBatch from 'c/hourlyBatch';
import startBatch from '@salesforce/apex/QuittanceSetupController.startBatch';

jest.mock('@salesforce/apex/QuittanceSetupController.startBatch', () => ({ default: jest.fn() }), { virtual: true });

const settle = async () => {
    for (let turn = 0; turn < 12; turn += 1) {
        // eslint-disable-next-line no-await-in-loop -- each turn lets one promise of the chain through
        await Promise.resolve();
    }
};
const show = (properties = {}) => {
    const element = createElement('c-hourly-batch', { is: HourlyBatch });
    Object.assign(element, properties);
    document.body.appendChild(element);
    return element;
};
const find = (element, selector) => element.shadowRoot.querySelector(selector);

describe('c-hourly-batch', () => {
    afterEach(() => {
        document.body.replaceChildren();
        jest.resetAllMocks();
    });

    it('says that it is off and offers to start it', async () => {
        const element = show();
        expect(find(element, '.sentence').textContent).toBe('c.Quittance_Batch_Off');
        expect(find(element, 'lightning-button').variant).toBe('brand');
        await expect(element).toBeAccessible();
    });

    it('says when it runs next and ran last', async () => {
        const element = show({ nextRunAt: '2026-11-20T10:07:00.000Z', lastRunAt: '2026-11-20T09:07:00.000Z' });
        expect(find(element, '.sentence').textContent).toBe('c.Quittance_Batch_On');
        expect(element.shadowRoot.querySelectorAll('lightning-formatted-date-time')).toHaveLength(2);
        await expect(element).toBeAccessible();
    });

    it('starts it and tells', async () => {
        const element = show();
        const heard = jest.fn();
        element.addEventListener('started', heard);
        find(element, 'lightning-button').click();
        await settle();
        expect(startBatch).toHaveBeenCalledTimes(1);
        expect(heard).toHaveBeenCalledTimes(1);
    });

    it('says why it could not', async () => {
        startBatch.mockRejectedValue({ body: { message: 'no right' } });
        const element = show();
        find(element, 'lightning-button').click();
        await settle();
        expect(find(element, 'c-payment-problem').reason.body.message).toBe('no right');
        await expect(element).toBeAccessible();
    });
});
