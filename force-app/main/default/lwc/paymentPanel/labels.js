import title from '@salesforce/label/c.Quittance_Panel_Title';
import loading from '@salesforce/label/c.Quittance_Loading';
import readAgain from '@salesforce/label/c.Quittance_Read_Again';
import total from '@salesforce/label/c.Quittance_Total';
import balance from '@salesforce/label/c.Quittance_Balance';
import inFlight from '@salesforce/label/c.Quittance_In_Flight';
import inFlightHelp from '@salesforce/label/c.Quittance_In_Flight_Help';
import live from '@salesforce/label/c.Quittance_Live';
import paused from '@salesforce/label/c.Quittance_Paused';
import copyLink from '@salesforce/label/c.Quittance_Copy_Link';
import copied from '@salesforce/label/c.Quittance_Copied';
import copyByHand from '@salesforce/label/c.Quittance_Copy_By_Hand';
import waiting from '@salesforce/label/c.Quittance_Waiting';
import revoking from '@salesforce/label/c.Quittance_Revoking';
import copying from '@salesforce/label/c.Quittance_Copying';
import charging from '@salesforce/label/c.Quittance_Charging';
import lastCharge from '@salesforce/label/c.Quittance_Last_Charge';
import askedAgain from '@salesforce/label/c.Quittance_Asked_Again';

/** Every word of the panel itself. */
export const label = {
    title,
    loading,
    readAgain,
    total,
    balance,
    inFlight,
    inFlightHelp,
    live,
    paused,
    copyLink,
    copied,
    copyByHand,
    waiting,
    revoking,
    copying,
    charging,
    lastCharge,
    askedAgain
};
