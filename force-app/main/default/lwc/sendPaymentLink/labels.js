import sendTitle from '@salesforce/label/c.Quittance_Send_Title';
import sendTitleFor from '@salesforce/label/c.Quittance_Send_Title_For';
import loading from '@salesforce/label/c.Quittance_Loading';
import email from '@salesforce/label/c.Quittance_Email';
import emailHelp from '@salesforce/label/c.Quittance_Email_Help';
import note from '@salesforce/label/c.Quittance_Note';
import expiresOn from '@salesforce/label/c.Quittance_Expires_On';
import expiresHelp from '@salesforce/label/c.Quittance_Expires_Help';
import send from '@salesforce/label/c.Quittance_Send';
import sendAgain from '@salesforce/label/c.Quittance_Send_Again';
import cancel from '@salesforce/label/c.Quittance_Cancel';
import close from '@salesforce/label/c.Quittance_Close';
import copyLink from '@salesforce/label/c.Quittance_Copy_Link';
import copied from '@salesforce/label/c.Quittance_Copied';
import copyByHand from '@salesforce/label/c.Quittance_Copy_By_Hand';
import sending from '@salesforce/label/c.Quittance_Sending';
import sent from '@salesforce/label/c.Quittance_Sent';
import revoking from '@salesforce/label/c.Quittance_Revoking';
import waiting from '@salesforce/label/c.Quittance_Waiting';
import stillWaiting from '@salesforce/label/c.Quittance_Still_Waiting';

/** Every word of the component. */
export const label = {
    sendTitle,
    sendTitleFor,
    loading,
    email,
    emailHelp,
    note,
    expiresOn,
    expiresHelp,
    send,
    sendAgain,
    cancel,
    close,
    copyLink,
    copied,
    copyByHand,
    sending,
    sent,
    revoking,
    waiting,
    stillWaiting
};
