import { createElement } from 'lwc';
import ErrorInbox from 'c/errorInbox';
import states from '@salesforce/apex/QuittanceSetupController.errorStates';
import errors from '@salesforce/apex/QuittanceSetupController.errors';
import retry from '@salesforce/apex/QuittanceSetupController.retry';
import discard from '@salesforce/apex/QuittanceSetupController.discard';

jest.mock(
    '@salesforce/apex/QuittanceSetupController.errorStates',
    () => ({ default: jest.requireActual('@salesforce/wire-service-jest-util').createApexTestWireAdapter(jest.fn()) }),
    { virtual: true }
);
jest.mock('@salesforce/apex/QuittanceSetupController.errors', () => ({ default: jest.fn() }), { virtual: true });
jest.mock('@salesforce/apex/QuittanceSetupController.retry', () => ({ default: jest.fn() }), { virtual: true });
jest.mock('@salesforce/apex/QuittanceSetupController.discard', () => ({ default: jest.fn() }), { virtual: true });

const ERROR = {
    Id: 'a03000000000001AAA',
    Name: 'PE-000001',
    Sentence__c: 'Stripe refused the account.',
    Remedy__c: 'Correct the address.',
    Code__c: 'email_invalid',
    Happened_At__c: '2026-11-20T09:30:00.000Z'
};
/** As an org that renamed one has them. */
const STATES = [
    { value: 'Open', label: 'Open' },
    { value: 'Retry Requested', label: 'Retry Requested' },
    { value: 'Resolved', label: 'Settled by itself' },
    { value: 'Discarded', label: 'Discarded' }
];
const settle = async () => {
    for (let turn = 0; turn < 12; turn += 1) {
        // eslint-disable-next-line no-await-in-loop -- each turn lets one promise of the chain through
        await Promise.resolve();
    }
};
const find = (element, selector) => element.shadowRoot.querySelector(selector);
const named = (element, name) =>
    [...element.shadowRoot.querySelectorAll('lightning-button')].find((button) => button.name === name);
const open = async () => {
    const element = createElement('c-error-inbox', { is: ErrorInbox });
    document.body.appendChild(element);
    states.emit(STATES);
    await settle();
    return element;
};
const choose = async (element, value) => {
    find(element, 'lightning-combobox').dispatchEvent(new CustomEvent('change', { detail: { value } }));
    await settle();
};

describe('c-error-inbox', () => {
    beforeEach(() => errors.mockResolvedValue([ERROR]));

    afterEach(() => {
        document.body.replaceChildren();
        jest.resetAllMocks();
    });

    it('shows that it is loading', async () => {
        errors.mockReturnValue(new Promise(() => {}));
        const element = await open();
        expect(find(element, '.loading')).not.toBeNull();
        await expect(element).toBeAccessible();
    });

    it('says that nothing waits', async () => {
        errors.mockResolvedValue([]);
        const element = await open();
        expect(find(element, '.empty').textContent).toBe('c.Quittance_Errors_None_Open');
        await expect(element).toBeAccessible();
    });

    it('shows what happened and what to do', async () => {
        const element = await open();
        expect(errors).toHaveBeenCalledWith({ state: 'Open' });
        expect(find(element, 'li').textContent).toContain('Stripe refused the account.');
        expect(find(element, 'li').textContent).toContain('Correct the address.');
        await expect(element).toBeAccessible();
    });

    it('has it run again, once however often it is pressed, and says so', async () => {
        retry.mockResolvedValue({ success: true, sentence: 'It is being tried again.' });
        const element = await open();
        errors.mockResolvedValue([]);
        named(element, 'retry').click();
        named(element, 'retry').click();
        await settle();
        expect(retry).toHaveBeenCalledTimes(1);
        expect(retry).toHaveBeenCalledWith({ errorId: ERROR.Id });
        expect(find(element, '.outcome').textContent).toBe('It is being tried again.');
        expect(find(element, '.empty')).not.toBeNull();
    });

    it('discards', async () => {
        discard.mockResolvedValue({ success: true, sentence: 'Discarded.' });
        const element = await open();
        named(element, 'discard').click();
        await settle();
        expect(discard).toHaveBeenCalledWith({ errorId: ERROR.Id });
        expect(find(element, '.outcome').textContent).toBe('Discarded.');
    });

    it('offers the states in the words of the org', async () => {
        const element = await open();
        expect(find(element, 'lightning-combobox').options).toEqual(STATES);
        expect(find(element, 'lightning-combobox').value).toBe('Open');
        await expect(element).toBeAccessible();
    });

    it('shows the open errors where the states can not be read', async () => {
        const element = await open();
        states.error({ message: 'no answer' });
        await settle();
        expect(find(element, 'lightning-combobox')).toBeNull();
        expect(named(element, 'retry')).not.toBeUndefined();
    });

    it('shows the errors of another state, without what can no longer be done', async () => {
        const element = await open();
        await choose(element, 'Resolved');
        expect(errors).toHaveBeenLastCalledWith({ state: 'Resolved' });
        expect(named(element, 'retry')).toBeUndefined();
        expect(named(element, 'discard')).toBeUndefined();
        await choose(element, 'Retry Requested');
        expect(named(element, 'retry')).toBeUndefined();
        expect(named(element, 'discard')).not.toBeUndefined();
        errors.mockResolvedValue([]);
        await choose(element, 'Discarded');
        expect(find(element, '.empty').textContent).toBe('c.Quittance_Errors_None');
    });

    it('leaves an answer that comes after another state was chosen', async () => {
        let late;
        const element = await open();
        errors.mockReturnValueOnce(
            new Promise((done) => {
                late = done;
            })
        );
        await choose(element, 'Resolved');
        errors.mockResolvedValue([]);
        await choose(element, 'Discarded');
        late([ERROR]);
        await settle();
        expect(find(element, '.empty')).not.toBeNull();
    });

    it('says a fault in its words, and tries again', async () => {
        errors.mockRejectedValueOnce({ body: { message: 'no right' } });
        const element = await open();
        expect(find(element, 'c-payment-problem').reason.body.message).toBe('no right');
        find(element, 'c-payment-problem').dispatchEvent(new CustomEvent('retry'));
        await settle();
        expect(find(element, 'li')).not.toBeNull();
    });
});
