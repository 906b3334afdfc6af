export const ShowToastEventName = 'lightning__showtoast';

export class ShowToastEvent extends CustomEvent {
    constructor({ title, message, variant = 'info', mode = 'dismissible', messageData }) {
        if (messageData) throw new Error('messageData of a toast is not modelled in the sandbox');
        super(ShowToastEventName, { bubbles: true, composed: true, cancelable: true, detail: { title, message, variant, mode } });
    }
}
