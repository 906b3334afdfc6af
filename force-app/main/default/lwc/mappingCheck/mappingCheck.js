import { LightningElement, api } from 'lwc';
import check from '@salesforce/apex/InvoiceMappingCheck.run';
import mapping from '@salesforce/label/c.Quittance_Mapping';
import right from '@salesforce/label/c.Quittance_Mapping_Right';
import checkAgain from '@salesforce/label/c.Quittance_Mapping_Check';
import wrong from '@salesforce/label/c.Quittance_Mapping_Wrong';
import loading from '@salesforce/label/c.Quittance_Loading';

/** What is wrong with the invoice mapping, each mistake with its remedy. */
export default class MappingCheck extends LightningElement {
    label = { mapping, right, checkAgain, loading };
    // What is shown follows from these two alone.
    findings;
    problem;

    get isLoading() {
        return this.findings === undefined;
    }

    get isRight() {
        return this.findings.length === 0;
    }

    get count() {
        return wrong.replace('{0}', this.findings.length);
    }

    get rows() {
        return this.findings.map((finding, index) => ({ key: index, ...finding }));
    }

    connectedCallback() {
        this.load();
    }

    /** Checks again. */
    @api
    async load() {
        try {
            this.findings = await check();
            this.problem = undefined;
        } catch (error) {
            this.problem = error;
        }
    }
}
