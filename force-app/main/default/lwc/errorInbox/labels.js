import errors from '@salesforce/label/c.Quittance_Errors';
import show from '@salesforce/label/c.Quittance_Errors_Show';
import open from '@salesforce/label/c.Quittance_Errors_Open';
import retryRequested from '@salesforce/label/c.Quittance_Errors_Retry_Requested';
import resolved from '@salesforce/label/c.Quittance_Errors_Resolved';
import discarded from '@salesforce/label/c.Quittance_Errors_Discarded';
import none from '@salesforce/label/c.Quittance_Errors_None';
import noneOpen from '@salesforce/label/c.Quittance_Errors_None_Open';
import retry from '@salesforce/label/c.Quittance_Retry';
import discard from '@salesforce/label/c.Quittance_Discard';
import code from '@salesforce/label/c.Quittance_Error_Code';
import loading from '@salesforce/label/c.Quittance_Loading';

/** Every word of the inbox. */
export const label = { errors, show, none, noneOpen, retry, discard, code, loading };

/** State__c, with the word for it. */
export const STATES = [
    { value: 'Open', label: open },
    { value: 'Retry Requested', label: retryRequested },
    { value: 'Resolved', label: resolved },
    { value: 'Discarded', label: discarded }
];
