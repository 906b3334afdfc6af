// The card fields as a customer fills them: inside Stripe's frame, by their labels.

export const CARDS = {
    good: '4242424242424242',
    threeDs: '4000002760003184',
    declined: '4000000000000002',
    funds: '4000000000009995',
    lost: '4000000000009987',
    stolen: '4000000000009979',
    expired: '4000000000000069',
    code: '4000000000000127',
    passing: '4000000000000119',
};

/** The frame that holds the card fields. */
export function cardFrame(page) {
    return page.frameLocator('iframe[title*="payment" i]').first();
}

export async function fillCard(page, number) {
    const frame = cardFrame(page);
    await frame.getByLabel('Card number').fill(number);
    await frame.getByLabel(/expir/i).fill('12 / 34');
    await frame.getByLabel(/security code/i).fill('123');
}
