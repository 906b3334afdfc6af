import title from '@salesforce/label/c.Quittance_Take_Title';
import titleFor from '@salesforce/label/c.Quittance_Take_Title_For';
import help from '@salesforce/label/c.Quittance_Take_Help';
import openPage from '@salesforce/label/c.Quittance_Take_Open';
import again from '@salesforce/label/c.Quittance_Take_Again';
import opened from '@salesforce/label/c.Quittance_Take_Opened';
import byHand from '@salesforce/label/c.Quittance_Take_By_Hand';
import sendInstead from '@salesforce/label/c.Quittance_Take_Send_Instead';
import done from '@salesforce/label/c.Quittance_Take_Done';
import loading from '@salesforce/label/c.Quittance_Loading';
import close from '@salesforce/label/c.Quittance_Close';
import sending from '@salesforce/label/c.Quittance_Sending';
import sent from '@salesforce/label/c.Quittance_Sent';

/** Every word of the component. */
export const label = {
    title,
    titleFor,
    help,
    openPage,
    again,
    opened,
    byHand,
    sendInstead,
    done,
    loading,
    close,
    sending,
    sent
};
