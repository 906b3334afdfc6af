// The card fields as a customer fills them: inside Stripe's frame, by their labels.
import assert from 'node:assert/strict';
import { holdsFocus, looked } from './house.mjs';

export { CARDS } from './cards.mjs';

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

export async function choosePart(page, amount) {
    await page.getByLabel('Another amount').check();
    await page.getByLabel('Amount in').fill(amount);
}

export const payButton = (page) => page.locator('#pay-button');

/** Types a card and presses Pay, once the form is there. */
export async function payWith(page, card) {
    await fillCard(page, card);
    await page.locator('#pay-button:not([aria-disabled])').click();
}

export const received = (page) => page.getByRole('heading', { level: 1, name: 'Payment received' }).waitFor();

/** The page refuses: the summary says it, holds the focus, and the title begins with it. */
export async function refused(page, name, heading, { todo, title = true } = {}) {
    await page.locator('#summary').getByRole('heading', { name: heading }).waitFor();
    await holdsFocus(page, 'summary', name);
    if (title) assert.match(await page.title(), /^Error: /, name);
    if (todo) await page.locator('#summary-todo').getByText(todo).waitFor();
    await looked(page, name);
}

/** A page of its own for a state: its heading holds the focus. */
export async function said(page, name, heading) {
    await page.getByRole('heading', { level: 1, name: heading }).waitFor();
    await holdsFocus(page, 'h1', name);
    await looked(page, name);
}
