import { createElement } from 'lwc';
import PaymentProblem from 'c/paymentProblem';

const show = (properties) => {
    const element = createElement('c-payment-problem', { is: PaymentProblem });
    Object.assign(element, properties);
    document.body.appendChild(element);
    return element;
};
const sentence = (element) => element.shadowRoot.querySelector('.sentence').textContent;

describe('c-payment-problem', () => {
    afterEach(() => {
        document.body.replaceChildren();
        jest.restoreAllMocks();
    });

    it('says a sentence as it stands', async () => {
        const element = show({ reason: 'The link has expired.' });
        expect(sentence(element)).toBe('The link has expired.');
        await expect(element).toBeAccessible();
    });

    it('finds the sentence in what Apex threw', async () => {
        const element = show({ reason: { body: { message: 'INV-1 is still a draft.' } } });
        expect(sentence(element)).toBe('INV-1 is still a draft.');
        await expect(element).toBeAccessible();
    });

    it('finds the first sentence of several', () => {
        expect(sentence(show({ reason: { body: [{ message: 'One.' }, { message: 'Two.' }] } }))).toBe('One.');
    });

    it('never shows a fault without words', () => {
        expect(sentence(show({ reason: new TypeError('x is undefined') }))).toBe('c.Quittance_Problem_Unknown');
    });

    it('names the connection when there is none', () => {
        jest.spyOn(navigator, 'onLine', 'get').mockReturnValue(false);
        expect(sentence(show({ reason: new Error('fetch') }))).toBe('c.Quittance_Offline');
    });

    it('fires retry at a press, and hides the button on request', () => {
        const retried = jest.fn();
        const element = show({ reason: 'No.' });
        element.addEventListener('retry', retried);
        element.shadowRoot.querySelector('lightning-button').click();
        expect(retried).toHaveBeenCalledTimes(1);
        expect(show({ reason: 'No.', hideRetry: true }).shadowRoot.querySelector('lightning-button')).toBeNull();
    });
});
