import { createElement } from 'lwc';
import ServiceHealth from 'c/serviceHealth';

const CONNECTED = {
    service: 'Connected',
    version: '1.2.3',
    seenAt: '2026-11-20T09:30:00.000Z',
    startedAt: '2026-11-20T08:30:00.000Z',
    lastEventAt: '2026-11-20T09:29:00.000Z',
    deliveriesUsed: 1000,
    deliveriesLimit: 25000,
    callsUsed: 18,
    callsLimit: 101000
};
const show = (health) => {
    const element = createElement('c-service-health', { is: ServiceHealth });
    element.health = health;
    document.body.appendChild(element);
    return element;
};
const find = (element, selector) => element.shadowRoot.querySelector(selector);
const allocations = (element) => [...element.shadowRoot.querySelectorAll('.allocation')].map((one) => one.textContent);

describe('c-service-health', () => {
    afterEach(() => document.body.replaceChildren());

    it('says that the service never signed in', async () => {
        const element = show({ service: 'Never' });
        expect(find(element, '.sentence').textContent).toContain('c.Quittance_Service_Never');
        expect(find(element, 'dl')).toBeNull();
        await expect(element).toBeAccessible();
    });

    it('says that it is connected, with its version and what it used', async () => {
        const element = show(CONNECTED);
        expect(find(element, '.sentence').textContent).toContain('c.Quittance_Service_Connected');
        expect(find(element, '.version').textContent).toBe('1.2.3');
        expect(find(element, 'lightning-icon').variant).toBe('success');
        expect(allocations(element)).toHaveLength(2);
        await expect(element).toBeAccessible();
    });

    it('says that it is silent', async () => {
        const element = show({ ...CONNECTED, service: 'Silent' });
        expect(find(element, '.sentence').textContent).toContain('c.Quittance_Service_Silent');
        expect(find(element, 'lightning-icon').variant).toBe('warning');
        await expect(element).toBeAccessible();
    });

    it('makes up no figure that it was not given', () => {
        const element = show({ ...CONNECTED, deliveriesUsed: undefined, callsLimit: undefined });
        expect(allocations(element)).toEqual(['c.Quittance_Not_Known', 'c.Quittance_Not_Known']);
    });
});
