import errors from '@salesforce/label/c.Quittance_Errors';
import show from '@salesforce/label/c.Quittance_Errors_Show';
import none from '@salesforce/label/c.Quittance_Errors_None';
import noneOpen from '@salesforce/label/c.Quittance_Errors_None_Open';
import retry from '@salesforce/label/c.Quittance_Retry';
import discard from '@salesforce/label/c.Quittance_Discard';
import code from '@salesforce/label/c.Quittance_Error_Code';
import loading from '@salesforce/label/c.Quittance_Loading';

/** Every word of the inbox. */
export const label = { errors, show, none, noneOpen, retry, discard, code, loading };
