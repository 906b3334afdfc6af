import title from '@salesforce/label/c.Quittance_Bulk_Title';
import intro from '@salesforce/label/c.Quittance_Bulk_Intro';
import list from '@salesforce/label/c.Quittance_Bulk_List';
import noList from '@salesforce/label/c.Quittance_Bulk_No_List';
import dueBy from '@salesforce/label/c.Quittance_Bulk_Due_By';
import least from '@salesforce/label/c.Quittance_Bulk_Least';
import customer from '@salesforce/label/c.Quittance_Bulk_Customer';
import withoutLink from '@salesforce/label/c.Quittance_Bulk_Without_Link';
import find from '@salesforce/label/c.Quittance_Bulk_Find';
import finding from '@salesforce/label/c.Quittance_Bulk_Finding';
import none from '@salesforce/label/c.Quittance_Bulk_None';
import moreExist from '@salesforce/label/c.Quittance_Bulk_More_Exist';
import sendN from '@salesforce/label/c.Quittance_Bulk_Send_N';
import sendOne from '@salesforce/label/c.Quittance_Bulk_Send_One';
import note from '@salesforce/label/c.Quittance_Note';
import expiresOn from '@salesforce/label/c.Quittance_Expires_On';
import again from '@salesforce/label/c.Quittance_Bulk_Again';
import recent from '@salesforce/label/c.Quittance_Bulk_Recent';
import recentShow from '@salesforce/label/c.Quittance_Bulk_Recent_Show';
import progress from '@salesforce/label/c.Quittance_Bulk_Progress';

/** Every word of the tab itself. */
export const label = {
    title,
    intro,
    list,
    noList,
    dueBy,
    least,
    customer,
    withoutLink,
    find,
    finding,
    none,
    moreExist,
    sendN,
    sendOne,
    note,
    expiresOn,
    again,
    recent,
    recentShow,
    progress
};
