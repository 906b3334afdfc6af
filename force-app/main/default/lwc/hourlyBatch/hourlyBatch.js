import { LightningElement, api } from 'lwc';
import startBatch from '@salesforce/apex/QuittanceSetupController.startBatch';
import batch from '@salesforce/label/c.Quittance_Batch';
import off from '@salesforce/label/c.Quittance_Batch_Off';
import on from '@salesforce/label/c.Quittance_Batch_On';
import start from '@salesforce/label/c.Quittance_Batch_Start';
import restart from '@salesforce/label/c.Quittance_Batch_Restart';
import next from '@salesforce/label/c.Quittance_Batch_Next';
import last from '@salesforce/label/c.Quittance_Batch_Last';

/** Whether the hourly batch is scheduled. Fires `started` once it was put on the schedule. */
export default class HourlyBatch extends LightningElement {
    /** Undefined where the batch is not scheduled. */
    @api nextRunAt;
    /** Undefined where it never ran. */
    @api lastRunAt;

    label = { batch, next, last };
    problem;
    isBusy = false;

    get isOn() {
        return Boolean(this.nextRunAt);
    }

    get sentence() {
        return this.isOn ? on : off;
    }

    get startText() {
        return this.isOn ? restart : start;
    }

    get startVariant() {
        return this.isOn ? 'neutral' : 'brand';
    }

    async start() {
        this.isBusy = true;
        try {
            await startBatch();
            this.problem = undefined;
            this.dispatchEvent(new CustomEvent('started'));
        } catch (error) {
            this.problem = error;
        } finally {
            this.isBusy = false;
        }
    }
}
