import { LightningElement, api } from 'lwc';

/** Not among the published base components: the frame of a quick action, in the design system's markup. */
export default class QuickActionPanel extends LightningElement {
    @api header;
}
