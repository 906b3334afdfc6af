import { LightningElement } from 'lwc';
import readHealth from '@salesforce/apex/QuittanceSetupController.health';
import title from '@salesforce/label/c.Quittance_Setup_Title';
import loading from '@salesforce/label/c.Quittance_Loading';
import readAgain from '@salesforce/label/c.Quittance_Read_Again';

/** The administrator's page: how the payment service is, what it could not do, and what to set up. */
export default class QuittanceSetup extends LightningElement {
    label = { title, loading, readAgain };
    // What is shown follows from these two alone.
    health;
    problem;

    get isLoading() {
        return this.health === undefined;
    }

    connectedCallback() {
        this.load();
    }

    async load() {
        try {
            this.health = await readHealth();
            this.problem = undefined;
        } catch (error) {
            this.problem = error;
        }
    }

    refresh() {
        this.load();
        this.template.querySelectorAll('.own').forEach((part) => part.load());
    }
}
