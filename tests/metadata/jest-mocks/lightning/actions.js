/** Stands in for lightning/actions, which the Jest preset has no stub for. */
export const CloseScreenEventName = 'lightning__actionsclosescreen';

export class CloseActionScreenEvent extends CustomEvent {
    constructor() {
        super(CloseScreenEventName, { bubbles: true, composed: true });
    }
}
