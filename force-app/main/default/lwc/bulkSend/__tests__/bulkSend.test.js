import { createElement } from 'lwc';
import BulkSend from 'c/bulkSend';
import { getListInfosByObjectName, getListRecordsByName } from 'lightning/uiListsApi';
import invoiceObject from '@salesforce/apex/BulkSendController.invoiceObject';
import look from '@salesforce/apex/BulkSendController.look';
import find from '@salesforce/apex/BulkSendController.find';
import send from '@salesforce/apex/BulkSendController.send';
import recent from '@salesforce/apex/BulkSendController.recent';

jest.mock(
    '@salesforce/apex/BulkSendController.invoiceObject',
    () => ({ default: jest.requireActual('@salesforce/wire-service-jest-util').createApexTestWireAdapter(jest.fn()) }),
    { virtual: true }
);
jest.mock('@salesforce/apex/BulkSendController.look', () => ({ default: jest.fn() }), { virtual: true });
jest.mock('@salesforce/apex/BulkSendController.find', () => ({ default: jest.fn() }), { virtual: true });
jest.mock('@salesforce/apex/BulkSendController.send', () => ({ default: jest.fn() }), { virtual: true });
jest.mock('@salesforce/apex/BulkSendController.recent', () => ({ default: jest.fn() }), { virtual: true });
jest.mock('@salesforce/apex/BulkSendController.progress', () => ({ default: jest.fn(() => new Promise(() => {})) }), {
    virtual: true
});

const BULK = {
    recordId: 'a04000000000001AAA',
    name: 'BS-00001',
    state: 'Done',
    stateLabel: 'Through',
    total: 2,
    made: 2,
    refused: 0
};
const CANDIDATES = [
    { invoiceId: 'a1', name: 'INV-1' },
    { invoiceId: 'a2', name: 'INV-2' },
    { invoiceId: 'a3', name: 'INV-3', problem: 'No address.' }
];
/** Everything that was promised is through once the page has had turns of its own. */
const settle = async () => {
    for (let turn = 0; turn < 3; turn += 1) {
        // eslint-disable-next-line no-await-in-loop, @lwc/lwc/no-async-operation -- each turn lets the promises through
        await new Promise((done) => setTimeout(done, 0));
    }
};
const query = (element, selector) => element.shadowRoot.querySelector(selector);
const named = (element, name) =>
    [
        ...element.shadowRoot.querySelectorAll(
            'lightning-button, lightning-input, lightning-textarea, lightning-combobox'
        )
    ].find((one) => one.name === name);
const open = async (properties = {}) => {
    const element = Object.assign(createElement('c-bulk-send', { is: BulkSend }), properties);
    document.body.appendChild(element);
    await settle();
    return element;
};
const press = async (element, name) => {
    element.shadowRoot.querySelectorAll('lightning-input, lightning-textarea').forEach((input) => {
        input.reportValidity = () => true;
    });
    named(element, name).click();
    await settle();
};

describe('c-bulk-send', () => {
    beforeEach(() => {
        let number = 0;
        Object.defineProperty(globalThis, 'crypto', {
            configurable: true,
            value: {
                randomUUID: () => {
                    number += 1;
                    return `key-${number}`;
                }
            }
        });
        recent.mockResolvedValue([]);
        find.mockResolvedValue({ candidates: CANDIDATES, hasMore: false });
        send.mockResolvedValue(BULK.recordId);
    });

    afterEach(() => {
        document.body.replaceChildren();
        jest.clearAllMocks();
    });

    it('sends nothing before it is asked to', async () => {
        const element = await open();
        expect(named(element, 'send')).toBeUndefined();
        expect(find).not.toHaveBeenCalled();
        await expect(element).toBeAccessible();
    });

    it('finds by what was typed', async () => {
        const element = await open();
        const type = (name, detail) => named(element, name).dispatchEvent(new CustomEvent('change', { detail }));
        named(element, 'isWithoutLink').type = 'checkbox';
        type('customer', { value: 'Harbour' });
        type('dueBy', { value: '2026-12-31' });
        type('least', { value: '' });
        type('isWithoutLink', { checked: false });
        await press(element, 'find');
        expect(find).toHaveBeenCalledWith({
            dueBy: '2026-12-31',
            least: null,
            customer: 'Harbour',
            isWithoutLink: false
        });
        expect(query(element, 'c-bulk-preflight').candidates).toHaveLength(3);
        await expect(element).toBeAccessible();
    });

    it('says that none fits', async () => {
        find.mockResolvedValue({ candidates: [], hasMore: false });
        const element = await open();
        await press(element, 'find');
        expect(query(element, '.empty')).not.toBeNull();
    });

    it('says that there are more', async () => {
        find.mockResolvedValue({ candidates: CANDIDATES, hasMore: true });
        const element = await open();
        await press(element, 'find');
        expect(query(element, '.more').textContent).toBe('c.Quittance_Bulk_More_Exist');
    });

    it('sends what can be sent, and the same press again under the same key', async () => {
        send.mockRejectedValueOnce({ body: { message: 'no answer' } });
        const element = await open();
        await press(element, 'find');
        expect(named(element, 'send').label).toBe('c.Quittance_Bulk_Send_N');
        await press(element, 'send');
        expect(query(element, 'c-payment-problem')).not.toBeNull();
        await press(element, 'send');
        expect(send.mock.calls.map(([given]) => given.key)).toEqual(['key-1', 'key-1']);
        expect(send).toHaveBeenLastCalledWith({
            key: 'key-1',
            invoiceIds: ['a1', 'a2'],
            note: null,
            expiresOn: null
        });
        expect(query(element, 'c-bulk-progress').recordId).toBe(BULK.recordId);
        await expect(element).toBeAccessible();
    });

    it('sends no more than was chosen', async () => {
        const element = await open();
        await press(element, 'find');
        query(element, 'c-bulk-preflight').dispatchEvent(new CustomEvent('choose', { detail: { chosen: ['a2'] } }));
        await settle();
        expect(named(element, 'send').label).toBe('c.Quittance_Bulk_Send_One');
        await press(element, 'send');
        expect(send.mock.calls[0][0].invoiceIds).toEqual(['a2']);
    });

    it('offers nothing to send where nothing is chosen', async () => {
        find.mockResolvedValue({ candidates: [CANDIDATES[2]], hasMore: false });
        const element = await open();
        await press(element, 'find');
        expect(named(element, 'send').disabled).toBe(true);
    });

    it('goes on with one that was under way when the tab was closed', async () => {
        recent.mockResolvedValue([{ ...BULK, state: 'Running' }]);
        const element = await open();
        expect(query(element, 'c-bulk-progress').recordId).toBe(BULK.recordId);
    });

    it('shows an earlier one, and begins anew', async () => {
        recent.mockResolvedValue([BULK]);
        const element = await open();
        expect(query(element, '.recent lightning-badge').label).toBe('Through');
        await press(element, 'show');
        expect(query(element, 'c-bulk-progress').recordId).toBe(BULK.recordId);
        await press(element, 'again');
        expect(named(element, 'find')).not.toBeUndefined();
    });

    describe('with list views', () => {
        const withLists = async () => {
            const element = await open();
            invoiceObject.emit('Bill__c');
            await settle();
            getListInfosByObjectName.emit({ lists: [{ label: 'Open Bills', apiName: 'Open_Bills' }] });
            await settle();
            return element;
        };
        const pick = async (element, value) => {
            named(element, 'listView').dispatchEvent(new CustomEvent('change', { detail: { value } }));
            await settle();
        };

        beforeEach(() => {
            look.mockResolvedValue({ candidates: CANDIDATES, hasMore: false });
        });

        it('offers those of the invoice object', async () => {
            const element = await withLists();
            expect(getListInfosByObjectName.getLastConfig()).toEqual({ objectApiName: 'Bill__c', pageSize: 2000 });
            expect(named(element, 'listView').options.map((option) => option.value)).toEqual(['', 'Open_Bills']);
            await expect(element).toBeAccessible();
        });

        it('looks at the records of the one that is chosen, once they are known', async () => {
            const element = await withLists();
            await pick(element, 'Open_Bills');
            expect(named(element, 'customer')).toBeUndefined();
            expect(named(element, 'find').disabled).toBe(true);
            expect(getListRecordsByName.getLastConfig()).toEqual({
                objectApiName: 'Bill__c',
                listViewApiName: 'Open_Bills',
                pageSize: 2000
            });
            getListRecordsByName.emit({ records: [{ id: 'a1' }, { id: 'a3' }], nextPageToken: '2000' });
            await settle();
            await press(element, 'find');
            expect(look).toHaveBeenCalledWith({ invoiceIds: ['a1', 'a3'], isWithoutLink: true });
            expect(find).not.toHaveBeenCalled();
            expect(query(element, '.more')).not.toBeNull();
            await expect(element).toBeAccessible();
        });

        it('goes back to the fields', async () => {
            const element = await withLists();
            await pick(element, 'Open_Bills');
            await pick(element, '');
            await press(element, 'find');
            expect(find).toHaveBeenCalled();
            expect(look).not.toHaveBeenCalled();
        });

        it('says why a list view can not be read', async () => {
            const element = await withLists();
            await pick(element, 'Open_Bills');
            getListRecordsByName.error({ message: 'no access' });
            await settle();
            expect(query(element, 'c-payment-problem').reason.body.message).toBe('no access');
            expect(named(element, 'find').disabled).toBe(true);
        });
    });

    describe('with rows that were ticked in a list', () => {
        it('looks at them at once, and at nothing else', async () => {
            look.mockResolvedValue({ candidates: CANDIDATES, hasMore: false });
            recent.mockResolvedValue([{ ...BULK, state: 'Running' }]);
            const element = await open({ ids: ['a1', 'a2', 'a3'] });
            expect(look).toHaveBeenCalledWith({ invoiceIds: ['a1', 'a2', 'a3'], isWithoutLink: true });
            expect(query(element, 'c-bulk-preflight').candidates).toHaveLength(3);
            expect(named(element, 'customer')).toBeUndefined();
            await press(element, 'send');
            expect(send.mock.calls[0][0].invoiceIds).toEqual(['a1', 'a2']);
            await press(element, 'again');
            expect(named(element, 'customer')).not.toBeUndefined();
            await expect(element).toBeAccessible();
        });
    });

    it('says a fault in its words', async () => {
        recent.mockRejectedValue({ body: { message: 'You need the permission set Quittance Clerk.' } });
        const element = await open();
        expect(query(element, 'c-payment-problem').reason.body.message).toContain('Quittance Clerk');
        await expect(element).toBeAccessible();
    });
});
