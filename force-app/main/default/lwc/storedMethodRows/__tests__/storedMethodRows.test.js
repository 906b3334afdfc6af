import { createElement } from 'lwc';
import { getNavigateCalledWith } from 'lightning/navigation';
import StoredMethodRows from 'c/storedMethodRows';

const CARD = {
    recordId: 'a05000000000001AAA',
    name: 'Visa ending 4242',
    state: 'Ready',
    stateLabel: 'Bereit',
    expiry: '07/2028',
    isDefault: true,
    laterCharges: true
};
const show = (methods) => {
    const element = createElement('c-stored-method-rows', { is: StoredMethodRows });
    element.methods = methods;
    document.body.appendChild(element);
    return element.shadowRoot;
};

describe('c-stored-method-rows', () => {
    afterEach(() => document.body.replaceChildren());

    it('says that there are none', async () => {
        const shown = show([]);
        expect(shown.querySelector('.empty')).not.toBeNull();
        await expect(shown.host).toBeAccessible();
    });

    it('says what each is, how it stands and until when it is good', async () => {
        const shown = show([
            CARD,
            { ...CARD, recordId: 'a05000000000002AAA', state: 'Expired', stateLabel: 'Abgelaufen', isDefault: false }
        ]);
        const badges = [...shown.querySelectorAll('lightning-badge')].map((badge) => badge.label);
        expect(badges).toEqual(['Bereit', 'Abgelaufen']);
        expect(shown.querySelectorAll('.default')).toHaveLength(1);
        expect(shown.querySelectorAll('.expiry')).toHaveLength(2);
        await expect(shown.host).toBeAccessible();
    });

    it('says of a ready one that only the customer may pay with it, where nothing else was agreed to', () => {
        expect(show([CARD]).querySelector('.own')).toBeNull();
        document.body.replaceChildren();
        expect(show([{ ...CARD, laterCharges: false }]).querySelector('.own')).not.toBeNull();
    });

    it('a bank account has no expiry, and opens its record', () => {
        const shown = show([{ ...CARD, name: 'First Bank ending 6789', expiry: undefined }]);
        expect(shown.querySelector('.expiry')).toBeNull();
        shown.querySelector('lightning-button').click();
        expect(getNavigateCalledWith().pageReference.attributes).toMatchObject({
            recordId: CARD.recordId,
            objectApiName: 'Stored_Payment_Method__c'
        });
    });
});
