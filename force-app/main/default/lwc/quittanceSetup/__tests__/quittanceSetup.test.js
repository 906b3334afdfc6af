import { createElement } from 'lwc';
import QuittanceSetup from 'c/quittanceSetup';
import health from '@salesforce/apex/QuittanceSetupController.health';
import errors from '@salesforce/apex/QuittanceSetupController.errors';
import check from '@salesforce/apex/InvoiceMappingCheck.run';

jest.mock('@salesforce/apex/QuittanceSetupController.health', () => ({ default: jest.fn() }), { virtual: true });
jest.mock(
    '@salesforce/apex/QuittanceSetupController.errorStates',
    () => ({ default: jest.requireActual('@salesforce/wire-service-jest-util').createApexTestWireAdapter(jest.fn()) }),
    { virtual: true }
);
jest.mock('@salesforce/apex/QuittanceSetupController.errors', () => ({ default: jest.fn() }), { virtual: true });
jest.mock('@salesforce/apex/InvoiceMappingCheck.run', () => ({ default: jest.fn() }), { virtual: true });

const settle = async () => {
    for (let turn = 0; turn < 12; turn += 1) {
        // eslint-disable-next-line no-await-in-loop -- each turn lets one promise of the chain through
        await Promise.resolve();
    }
};
const find = (element, selector) => element.shadowRoot.querySelector(selector);
const open = async () => {
    const element = createElement('c-quittance-setup', { is: QuittanceSetup });
    document.body.appendChild(element);
    await settle();
    return element;
};

describe('c-quittance-setup', () => {
    beforeEach(() => {
        health.mockResolvedValue({ service: 'Never', nextRunAt: '2026-11-20T10:07:00.000Z' });
        errors.mockResolvedValue([]);
        check.mockResolvedValue([]);
    });

    afterEach(() => {
        document.body.replaceChildren();
        jest.resetAllMocks();
    });

    it('shows that it is loading', async () => {
        health.mockReturnValue(new Promise(() => {}));
        const element = await open();
        expect(find(element, 'lightning-spinner')).not.toBeNull();
        await expect(element).toBeAccessible();
    });

    it('hands each part what it shows', async () => {
        const element = await open();
        expect(find(element, 'c-service-health').health.service).toBe('Never');
        expect(find(element, 'c-hourly-batch').nextRunAt).toBe('2026-11-20T10:07:00.000Z');
        await expect(element).toBeAccessible();
    });

    it('reads everything again at a press, and the health once the batch was started', async () => {
        const element = await open();
        find(element, 'lightning-button').click();
        await settle();
        expect(health).toHaveBeenCalledTimes(2);
        expect(errors).toHaveBeenCalledTimes(2);
        expect(check).toHaveBeenCalledTimes(2);
        find(element, 'c-hourly-batch').dispatchEvent(new CustomEvent('started'));
        await settle();
        expect(health).toHaveBeenCalledTimes(3);
    });

    it('shows who may not be here a sentence and nothing else', async () => {
        health.mockRejectedValue({ body: { message: 'You need the permission set Quittance Admin.' } });
        const element = await open();
        expect(find(element, 'c-payment-problem')).not.toBeNull();
        expect(find(element, 'c-error-inbox')).toBeNull();
        await expect(element).toBeAccessible();
    });
});
