// Takes the pictures that docs/admin.md and docs/clerk.md show: one walk through a sandbox with the records that come with
// it, first as its administrator, then as its clerk and customer. Run by scripts/pictures.
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { CARDS, choosePart, fillCard, received } from './card.mjs';
import { eventually, startSandbox } from './house.mjs';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const { values: asked } = parseArgs({ options: { out: { type: 'string' }, only: { type: 'string', multiple: true } } });
const out = asked.out ?? join(root, 'docs/pictures');
const GUIDES = ['docs/admin.md', 'docs/clerk.md'];
/** Colours of a picture: what it shows is text on flat ground. */
const COLOURS = 64;
/** All pictures of the guides together. */
const MOST_BYTES = 1_000_000;
/** As wide as the column in which a guide is read, and sharp on a screen of double density. */
const DESK = { viewport: { width: 960, height: 720 }, deviceScaleFactor: 1.5 };
const HAND = { viewport: { width: 400, height: 780 }, deviceScaleFactor: 1.5, isMobile: true, hasTouch: true };

mkdirSync(out, { recursive: true });
const wanted = (name) => !asked.only || asked.only.includes(name);
const taken = [];

/** Keeps a picture of an element, or of the page from its top to the end of `until`. */
async function picture(page, name, element, { until, tallest = 1200, margin = 8 } = {}) {
    await page.mouse.move(0, 0);
    // A focus ring from the walk would look as if it meant something.
    await page.evaluate(() => {
        document.activeElement?.blur?.();
        (document.querySelector('[role=dialog]') ?? document.querySelector('main[tabindex]'))?.focus({ preventScroll: true });
    });
    await page.evaluate(() => document.fonts.ready);
    const from = await element.boundingBox();
    const end = until ? await until.boundingBox() : from;
    const scrolled = await page.evaluate(() => window.scrollY);
    const clip = { x: from.x - margin, y: from.y + scrolled - margin, width: from.width + 2 * margin, height: Math.min(tallest, end.y + end.height - from.y + 2 * margin) };
    if (clip.x < 0 || clip.y < 0) Object.assign(clip, { x: Math.max(0, clip.x), y: Math.max(0, clip.y) });
    const shot = await page.screenshot({ fullPage: true, clip, animations: 'disabled', caret: 'hide' });
    const small = await sharp(shot).png({ palette: true, colours: COLOURS, effort: 10, compressionLevel: 9, dither: 0 }).toBuffer();
    taken.push(name);
    if (!wanted(name)) return;
    const file = join(out, `${name}.png`);
    let before;
    try {
        before = readFileSync(file);
    } catch {
        before = undefined;
    }
    const same = before?.equals(small);
    if (!same) writeFileSync(file, small);
    console.log(`${same ? 'unchanged' : before ? 'replaced ' : 'wrote    '} ${file.replace(`${root}/`, '')}  ${Math.ceil(small.length / 1024)} KB`);
}

const house = await startSandbox();
const { console_url: desk, page_url: pay } = house.endpoints;
const lightning = async (who, path) => {
    const page = await house.page('desktop', DESK);
    await page.goto(`${desk}/lightning/${who}/${path}`);
    await page.locator('body[data-ready]').waitFor();
    return page;
};
/** A dialog alone, at the width at which its buttons stand in one row. */
async function dialogPicture(page, name, dialog) {
    await page.setViewportSize({ width: 1280, height: 900 });
    await picture(page, name, dialog, { margin: 0 });
    await page.setViewportSize(DESK.viewport);
}
const idOf = async (name) => (await house.query(`SELECT Id FROM Invoice__c WHERE Name = '${name}'`))[0].Id;

async function adminsFirstDay() {
    await eventually('a sign of life', 60, async () => (await house.query('SELECT Id FROM Sidecar_Status__c')).length === 1);
    const page = await lightning('admin', 'n/Quittance_Setup');
    await page.getByText('The payment service is connected.').waitFor();
    await page.getByText('The hourly batch is not scheduled.').waitFor();
    await page.getByText('The mapping fits your invoice object.').waitFor();
    await page.getByRole('button', { name: 'Start Hourly Batch' }).click();
    await page.getByText('The hourly batch is scheduled.').waitFor();
    await page.locator('c-sync-payments').getByRole('button', { name: /Sync/ }).click();
    await page.getByText(/payments? (was|were) read again/).waitFor();
    await page.getByText('Nothing waits for you.').waitFor();
    await picture(page, 'setup-first-day', page.locator('c-quittance-setup'));

    // An account that Stripe refuses, as it reads to whoever has to mend it.
    await house.insert('Payment_Error__c', {
        Command_Id__c: 'sync:picture', State__c: 'Open', Code__c: 'email_invalid', Happened_At__c: new Date().toISOString(),
        Sentence__c: 'Stripe refused the e-mail address of Birchwood Dental Group.', Remedy__c: 'Correct Billing Email on the account, then press Retry.',
    });
    await page.getByRole('button', { name: 'Refresh' }).click();
    await page.getByText('Stripe refused the e-mail address').waitFor();
    await picture(page, 'setup', page.locator('c-quittance-setup'));
    await page.getByRole('button', { name: 'Discard' }).click();
    await page.getByText('Nothing waits for you.').waitFor();

    const account = await house.page('desktop', DESK);
    const [{ Id: birchwood }] = await house.query("SELECT Id FROM Account WHERE Name = 'Birchwood Dental Group'");
    await eventually('the account to be at Stripe', 30, async () => (await house.query(`SELECT Id FROM Account WHERE Id = '${birchwood}' AND Stripe_In_Sync__c = TRUE`)).length === 1);
    await account.goto(`${desk}/lightning/admin/r/Account/${birchwood}/view`);
    await account.locator('body[data-ready]').waitFor();
    await picture(account, 'account', account.locator('#main'));
    await account.context().close();
    await page.context().close();
}

async function firstInvoice() {
    const invoice = await idOf('INV-1042');
    const page = await lightning('clerk', `r/Invoice__c/${invoice}/view`);
    const panel = page.locator('c-payment-panel');
    await panel.getByText('No payments yet.').waitFor();
    await picture(page, 'invoice', page.locator('.highlights'), { until: panel });

    await page.getByRole('button', { name: 'Send Payment Link' }).click();
    const dialog = page.getByRole('dialog');
    const card = dialog.locator('c-send-payment-link');
    await dialog.getByRole('button', { name: 'Send Link' }).waitFor();
    await dialogPicture(page, 'send-payment-link', card);
    await dialog.getByRole('button', { name: 'Send Link' }).click();
    await dialog.getByRole('button', { name: 'Send Again' }).waitFor({ timeout: 40_000 });
    await dialogPicture(page, 'link-sent', card);
    await page.keyboard.press('Escape');

    const mail = await house.mailTo('accounts@birchwood.example', 'INV-1042');
    const letter = await house.page('phone', HAND);
    await letter.goto(`${house.endpoints.smtp.mailbox_url}/api/messages/${mail.id}/html`);
    await picture(letter, 'mail', letter.locator('body'), { tallest: 1000, margin: 0 });
    await letter.context().close();

    const payer = await house.page('phone', HAND);
    await payer.goto(mail.text.split(/\s+/).find((word) => word.startsWith(`${pay}/p/`)));
    await payer.getByRole('button', { name: 'Continue' }).click();
    await choosePart(payer, '25');
    await payer.getByText('$25.00 USD stays due').waitFor();
    await fillCard(payer, CARDS.good);
    await payer.getByLabel(/Store this card with Stripe/).check();
    await picture(payer, 'pay-page', payer.locator('body'), { tallest: 1500, margin: 0 });
    await payer.getByRole('button', { name: 'Pay $25.00' }).click();
    await received(payer);
    await payer.context().close();

    await panel.getByRole('cell', { name: 'Visa ending 4242' }).waitFor();
    await panel.getByRole('button', { name: /Open receipt/ }).waitFor({ timeout: 60_000 });
    await eventually('the balance', 10, async () => (await panel.locator('.balance').innerText()) === '$25.00');
    await eventually('the stored card', 30, async () => {
        await panel.getByRole('button', { name: 'Refresh' }).click();
        return (await panel.locator('c-stored-method-rows').getByText('Visa ending 4242').count()) > 0;
    });
    await picture(page, 'panel', page.locator('.highlights'), { until: panel });
    await page.context().close();
    return invoice;
}

async function onThePhone(invoice) {
    const page = await lightning('clerk', `r/Invoice__c/${invoice}/view`);
    await page.getByRole('button', { name: 'Take Payment' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', { name: 'Open payment page' }).waitFor();
    await dialogPicture(page, 'take-payment-offer', dialog.locator('c-take-payment'));
    const opens = page.context().waitForEvent('page');
    await dialog.getByRole('button', { name: 'Open payment page' }).click();
    const tab = await opens;
    await tab.getByRole('button', { name: 'Continue' }).click();
    await tab.getByLabel(/Visa ending 4242/).check();
    await picture(tab, 'take-payment', tab.locator('body'), { tallest: 1400, margin: 0 });
    await tab.getByRole('button', { name: 'Take the payment' }).click();
    await tab.getByRole('heading', { name: 'Payment taken' }).waitFor();
    await dialog.getByText('was paid with Visa ending 4242.').waitFor({ timeout: 30_000 });
    await page.keyboard.press('Escape');
    const panel = page.locator('c-payment-panel');
    await eventually('the invoice to be paid', 30, async () => (await panel.locator('.balance').innerText()) === '$0.00');
    await eventually('both receipts', 60, async () => (await panel.getByRole('button', { name: /Open receipt/ }).count()) === 2);
    await picture(page, 'paid', page.locator('.highlights'), { until: panel });
    await page.context().close();
}

/** A private person's bank account: mailed by the clerk, authorised by the customer. */
async function byMail() {
    const invoice = await house.invoice({ Name: 'INV-1060', Total__c: 65 }, { Name: 'June Larkspur', Billing_Email__c: 'june@larkspur.example' });
    const { url } = await house.press('TakePaymentController', 'open', { invoiceId: invoice.id });
    const clerk = await house.page('desktop', DESK);
    await clerk.goto(url);
    await clerk.getByRole('button', { name: 'Continue' }).click();
    await clerk.getByRole('link', { name: 'Take a new bank account' }).click();
    await clerk.getByLabel(/A private person's/).check();
    const numbers = { 'Name on the account': 'June Larkspur', 'Routing number': '110000000', 'Account number': '000123456789', 'Account number once more': '000123456789' };
    for (const [name, value] of Object.entries(numbers)) await clerk.getByLabel(name, { exact: true }).fill(value);
    await clerk.getByRole('button', { name: 'Go on to the authorisation' }).click();
    await clerk.getByRole('button', { name: 'Mail the authorisation to the customer' }).waitFor();
    await picture(clerk, 'authorise-by-mail', clerk.locator('body'), { tallest: 1000, margin: 0 });
    await clerk.getByRole('button', { name: 'Mail the authorisation to the customer' }).click();
    const mail = await house.mailTo('june@larkspur.example', 'Authorise');
    const customer = await house.page('phone', HAND);
    await customer.goto(mail.text.split(/\s+/).find((word) => word.startsWith(`${pay}/m/`)));
    await customer.getByRole('button', { name: 'Continue' }).click();
    await customer.getByRole('button', { name: 'I authorise this debit' }).waitFor();
    await picture(customer, 'authorise', customer.locator('body'), { tallest: 1500, margin: 0 });
    await customer.context().close();
    await clerk.context().close();
}

async function inBulk() {
    const names = ['Alder Logistics', 'Beacon Veterinary', 'Copper Creek Hotels', 'Dunmore Print', 'Elm Street Kitchens', 'Foxglove Gardens'];
    const accounts = [];
    for (const [at, name] of names.entries()) {
        accounts.push(await house.insert('Account', { Name: name, ...(at === 5 ? {} : { Billing_Email__c: `accounts@${name.split(' ')[0].toLowerCase()}.example` }) }));
    }
    const records = Array.from({ length: 8 }, (_, at) => ({
        attributes: { type: 'Invoice__c' }, Name: `INV-${2001 + at}`, Account__c: accounts[at % accounts.length], Currency_Code__c: 'USD',
        Total__c: 120 + 35.5 * at, Status__c: 'Open', Due_Date__c: `2027-01-${10 + at}`,
    }));
    await house.org('POST', '/services/data/v66.0/composite/sobjects', { allOrNone: true, records });
    // Not every machine has letters for the name that this customer has in the sandbox.
    for (const { Account__c } of await house.query("SELECT Account__c FROM Invoice__c WHERE Currency_Code__c = 'JPY'")) await house.update('Account', Account__c, { Name: 'Yamada Trading' });
    const page = await lightning('clerk', 'n/Bulk_Send');
    await page.getByRole('button', { name: 'Find Invoices' }).click();
    await page.getByText(/can't be sent/).waitFor({ timeout: 60_000 });
    await picture(page, 'bulk-send', page.locator('c-bulk-send'), { tallest: 1400 });
    await page.getByRole('button', { name: /^Send \d+ Links?$/ }).click();
    await page.getByText('All links were asked for.').waitFor({ timeout: 90_000 });
    await eventually('all mails', 60, async () => {
        await page.locator('c-bulk-progress').getByRole('button', { name: /again|refresh/i }).click();
        return /, 0 (waiting|wait)/.test(await page.locator('c-bulk-progress').innerText());
    });
    await picture(page, 'bulk-progress', page.locator('c-bulk-send'));
    await page.context().close();
}

try {
    await adminsFirstDay();
    const invoice = await firstInvoice();
    await onThePhone(invoice);
    await byMail();
    await inBulk();
} finally {
    await house.close();
}

const unknown = (asked.only ?? []).filter((name) => !taken.includes(name));
if (unknown.length) throw new Error(`no picture is called ${unknown.join(', ')}; there are ${taken.join(', ')}`);
const shown = new Set(GUIDES.flatMap((guide) => [...readFileSync(join(root, guide), 'utf8').matchAll(/\]\(pictures\/([\w-]+)\.png\)/g)].map(([, name]) => name)));
const there = readdirSync(out).filter((file) => file.endsWith('.png'));
const bytes = there.reduce((sum, file) => sum + readFileSync(join(out, file)).length, 0);
const missing = [...shown].filter((name) => !there.includes(`${name}.png`));
for (const name of taken.filter((name) => !shown.has(name))) console.log(`no guide shows ${name}`);
for (const file of there.filter((file) => !taken.includes(basename(file, '.png')))) console.log(`this walk doesn't take ${file}`);
console.log(`${there.length} pictures, ${Math.ceil(bytes / 1024)} KB together`);
if (!asked.out && missing.length) throw new Error(`the guides show ${missing.join(', ')}, and docs/pictures has no such picture`);
if (bytes > MOST_BYTES) throw new Error(`the pictures are to stay under ${MOST_BYTES / 1000} KB together`);
