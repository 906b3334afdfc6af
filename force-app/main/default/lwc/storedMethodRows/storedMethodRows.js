import { LightningElement, api } from 'lwc';
import { NavigationMixin } from 'lightning/navigation';
import methods from '@salesforce/label/c.Quittance_Stored_Methods';
import none from '@salesforce/label/c.Quittance_No_Stored_Methods';
import expires from '@salesforce/label/c.Quittance_Stored_Method_Expires';
import isDefault from '@salesforce/label/c.Quittance_Stored_Method_Default';
import own from '@salesforce/label/c.Quittance_Stored_Method_Own';

/** The cards and bank accounts that the invoice's customer stored. */
export default class StoredMethodRows extends NavigationMixin(LightningElement) {
    /** As Apex hands them over, the default first. */
    @api methods = [];

    label = { methods, none, isDefault, own };

    get isEmpty() {
        return this.methods.length === 0;
    }

    get rows() {
        return this.methods.map((method) => ({
            ...method,
            expiryText: method.expiry ? expires.replace('{0}', method.expiry) : '',
            isCustomersOnly: method.state === 'Ready' && !method.laterCharges
        }));
    }

    openMethod(event) {
        this[NavigationMixin.Navigate]({
            type: 'standard__recordPage',
            attributes: {
                recordId: event.target.dataset.id,
                objectApiName: 'Stored_Payment_Method__c',
                actionName: 'view'
            }
        });
    }
}
