// The sandbox as a person meets it: started by its command, reached by its addresses, seen in Chromium.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { numberIn, numbersUnder } from './numbers.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const root = resolve(here, '../..');
const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
export const shots = join(root, 'test-output/screenshots');
mkdirSync(shots, { recursive: true });

/** Widths at which every page is looked at. */
export const SCREENS = {
    phone: { viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true },
    desktop: { viewport: { width: 1280, height: 900 } },
};

/** A running sandbox with its addresses; `close` ends it and removes its folder. */
export async function startSandbox(...more) {
    const dir = mkdtempSync(join(tmpdir(), 'quittance-browser-'));
    const program = process.env.QUITTANCE_BIN ?? join(root, 'target/debug/quittance');
    // Kept: tests/clients/run holds every request of the daemon against what Stripe and Plaid publish.
    const log = [['--request-log', 'stripe'], ['--plaid-request-log', 'plaid']].flatMap(([option, company]) => {
        const logs = join(root, `test-output/${company}-requests`);
        mkdirSync(logs, { recursive: true });
        return [option, join(logs, `${basename(dir)}.jsonl`)];
    });
    const child = spawn(program, ['sandbox', '--dir', dir, ...log, ...more], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    child.stdout.on('data', (chunk) => (said += chunk));
    child.stderr.on('data', (chunk) => (said += chunk));
    const file = join(dir, 'endpoints.json');
    for (let waited = 0; !existsSync(file); waited += 50) {
        if (child.exitCode !== null || waited > 60_000) throw new Error(`the sandbox did not start:\n${said}`);
        await new Promise((done) => setTimeout(done, 50));
    }
    const endpoints = JSON.parse(readFileSync(file, 'utf8'));
    return new House(endpoints, child, dir);
}

class House {
    constructor(endpoints, child, dir) {
        Object.assign(this, { endpoints, child, dir });
        /** Requests to the daemon that held a card or bank number. */
        this.leaks = [];
        this.agent = new Agent({ ca: readFileSync(endpoints.ca_file) });
    }

    async close() {
        await this.browser?.close();
        const gone = new Promise((done) => this.child.once('exit', done));
        this.child.kill('SIGTERM');
        await Promise.race([gone, new Promise((done) => setTimeout(done, 15_000))]);
        this.child.kill('SIGKILL');
        const leaks = this.numbers();
        rmSync(this.dir, { recursive: true, force: true });
        if (leaks.length && !this.mayLeak) throw new Error(`a card or bank number is where none may be:\n${leaks.join('\n')}`);
    }

    /** Where a card or bank number is that must not be there: requests to the daemon, its files and log, the org, the mails. */
    numbers() {
        return [...this.leaks, ...numbersUnder(this.dir)];
    }

    async page(screen, options = {}) {
        this.browser ??= await chromium.launch({
            executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
            args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
        });
        const context = await this.browser.newContext({ ...SCREENS[screen], reducedMotion: 'reduce', ...options });
        const page = await context.newPage();
        page.setDefaultTimeout(15_000);
        page.problems = [];
        page.own = new Map();
        page.on('response', async (response) => {
            const url = response.url();
            if (!url.startsWith(this.endpoints.page_url) || /pdf/.test(url)) return;
            const body = await response.body().catch(() => null);
            if (body) page.own.set(new URL(url).pathname, body.length);
        });
        page.on('request', (sent) => {
            if (!sent.url().startsWith(this.endpoints.page_url)) return;
            const number = numberIn(`${sent.url()}\n${sent.postData() ?? ''}`);
            if (number) this.leaks.push(`${sent.method()} ${new URL(sent.url()).pathname} holds ${number}`);
        });
        page.on('pageerror', (error) => page.problems.push(String(error)));
        page.on('console', (message) => {
            if (message.type() === 'error' && /Content Security Policy|Refused to/.test(message.text())) page.problems.push(message.text());
        });
        return page;
    }

    /** A call to the org as its administrator (or the clerk). */
    org(method, path, body, token = this.endpoints.salesforce.admin_token) {
        const url = new URL(path, this.endpoints.salesforce.instance_url);
        return new Promise((done, fail) => {
            const call = request(url, { method, agent: this.agent, headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' } }, (answer) => {
                let text = '';
                answer.on('data', (chunk) => (text += chunk));
                answer.on('end', () => {
                    if (answer.statusCode >= 300) fail(new Error(`${method} ${path}: ${answer.statusCode} ${text}`));
                    else done(text ? JSON.parse(text) : null);
                });
            });
            call.on('error', fail);
            call.end(body === undefined ? undefined : JSON.stringify(body));
        });
    }

    async insert(object, fields) {
        return (await this.org('POST', `/services/data/v66.0/sobjects/${object}`, fields)).id;
    }

    async query(soql) {
        return (await this.org('GET', `/services/data/v66.0/query?q=${encodeURIComponent(soql)}`)).records;
    }

    press(controller, method, parameters) {
        return this.org('POST', `/_sandbox/apex/${controller}/${method}`, parameters, this.endpoints.salesforce.clerk_token);
    }

    /** Switches a fault of the stand-ins on or, with 0, off. */
    async fault(name, rate) {
        const answer = await fetch(`${this.endpoints.console_url}/faults/${name}`, { method: 'POST', body: new URLSearchParams({ rate: String(rate) }), redirect: 'manual' });
        if (answer.status !== 303) throw new Error(`fault ${name}: ${answer.status}`);
    }

    /** What happens at Stripe from outside, as in its dashboard. */
    async stripe(path, body) {
        const answer = await fetch(`${this.endpoints.stripe.control_url}/${path}`, body === undefined ? {} : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
        if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
        return answer.json();
    }

    /** The payments that Stripe took for an invoice. */
    async taken(invoice) {
        const { payment_intents: intents = [] } = await this.stripe('state');
        return intents.filter((intent) => intent.status === 'succeeded' && intent.metadata.sf_invoice_id === invoice.id).map((intent) => intent.amount_received);
    }

    /** Lets time pass where no clock can be set: the daemon's database is told another time. */
    sql(statement) {
        execFileSync('python3', ['-c', 'import sqlite3,sys; d=sqlite3.connect(sys.argv[1],timeout=20); d.execute(sys.argv[2]); d.commit()', join(this.dir, 'quittance.db'), statement]);
    }

    async update(object, id, fields) {
        await this.org('PATCH', `/services/data/v66.0/sobjects/${object}/${id}`, fields);
    }

    async row(invoice, fields) {
        return (await this.query(`SELECT ${fields} FROM Invoice__c WHERE Id = '${invoice.id}'`))[0];
    }

    async becomes(invoice, wanted) {
        return eventually(`${invoice.name} to be ${JSON.stringify(wanted)}`, 20, async () => {
            const row = await this.row(invoice, Object.keys(wanted).join(', '));
            return Object.entries(wanted).every(([field, value]) => row[field] === value);
        });
    }

    async mails() {
        return (await fetch(`${this.endpoints.smtp.mailbox_url}/api/messages`)).json();
    }

    async mailTo(address, subject, seconds = 20) {
        const base = this.endpoints.smtp.mailbox_url;
        return eventually(`a mail to ${address} about ${subject}`, seconds, async () => {
            const mails = await (await fetch(`${base}/api/messages`)).json();
            const hit = mails.findLast((mail) => JSON.stringify(mail.to).includes(address) && mail.subject.includes(subject));
            return hit && (await fetch(`${base}/api/messages/${hit.id}`)).json();
        });
    }

    /** An account with one open invoice; `fields` are the invoice's own. */
    async invoice(fields = {}, account = {}) {
        const tag = Math.random().toString(36).slice(2, 8);
        const email = `payer-${tag}@customers.example`;
        const accountId = await this.insert('Account', { Name: `Walker ${tag}`, Billing_Email__c: email, ...account });
        const name = `INV-${tag.toUpperCase()}`;
        const id = await this.insert('Invoice__c', {
            Name: name, Account__c: accountId, Currency_Code__c: 'USD', Total__c: 50, Status__c: 'Open', Due_Date__c: '2027-01-31', Description__c: 'Walk', ...fields,
        });
        return { id, name: fields.Name ?? name, accountId, email: account.Billing_Email__c ?? email };
    }

    /** Puts one of Stripe's test cards on file for the invoice's customer, as a payment made elsewhere would. */
    async cardOnFile(invoice, token) {
        const customer = await eventually(`a Customer for ${invoice.name}`, 30, async () => (await this.query(`SELECT Stripe_Customer_Id__c FROM Account WHERE Id = '${invoice.accountId}'`))[0].Stripe_Customer_Id__c);
        const { api_url: url, secret_key: key } = this.endpoints.stripe;
        const headers = { authorization: `Bearer ${key}`, 'stripe-version': '2026-10-28.endive' };
        const answer = await fetch(`${url}/v1/payment_methods/${token}/attach`, { method: 'POST', headers, body: new URLSearchParams({ customer }) });
        if (!answer.ok) throw new Error(`${token}: ${await answer.text()}`);
    }

    /** Sends the link as the clerk does and returns the address in the mail. */
    async link(invoice, email = invoice.email) {
        const letters = async () => (await this.mails()).filter((mail) => JSON.stringify(mail.to).includes(email) && mail.subject.includes(`Invoice ${invoice.name}`));
        const before = (await letters()).length;
        await this.press('SendPaymentLinkController', 'send', { invoiceId: invoice.id, email, note: null, expiresOn: null });
        const mail = await eventually(`a link for ${invoice.name}`, 20, async () => {
            const now = await letters();
            return now.length > before && (await fetch(`${this.endpoints.smtp.mailbox_url}/api/messages/${now.at(-1).id}`)).json();
        });
        return mail.text.split(/\s+/).find((word) => word.startsWith(`${this.endpoints.page_url}/p/`));
    }

    /** A new window at an invoice's open page. */
    async at(invoice, screen = 'phone', options = {}) {
        const page = await this.page(screen, options);
        await page.goto(invoice.link ??= await this.link(invoice));
        await page.getByRole('button', { name: 'Continue' }).click();
        return page;
    }
}

export async function eventually(what, seconds, look) {
    const end = Date.now() + seconds * 1000;
    let last;
    while (Date.now() < end) {
        try {
            const found = await look();
            if (found) return found;
        } catch (error) {
            last = error;
        }
        await new Promise((done) => setTimeout(done, 100));
    }
    throw new Error(`waited ${seconds} s for ${what}${last ? `: ${last.message}` : ''}`);
}

/** Zero findings in what we wrote; `incomplete` contrast inside other origins' frames can't be seen from here. */
export async function accessible(page, what) {
    // Through the debugger: a script tag would rightly be refused by the page's policy.
    await page.evaluate(axeSource);
    const result = await page.evaluate(async () =>
        window.axe.run(document, { iframes: false, runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }));
    const findings = result.violations.map((rule) => `${rule.id}: ${rule.nodes.map((node) => node.target.join(' ')).join(', ')}`);
    if (findings.length) throw new Error(`${what}: axe found\n${findings.join('\n')}`);
}

const WIDTHS = { phone: { width: 360, height: 740 }, desktop: { width: 1280, height: 900 }, narrow: { width: 320, height: 512 } };

/**
 * Keeps a picture on phone and desktop, checks that nothing scrolls sideways, at 320 px neither, that the page is
 * accessible, small, and titled, and that no script failed and the policy held.
 */
export async function looked(page, name) {
    // A page is looked at once its style is there.
    await page.waitForLoadState('load');
    const before = page.viewportSize();
    for (const [screen, size] of Object.entries(WIDTHS)) {
        await page.setViewportSize(size);
        const sideways = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        if (sideways > 0) throw new Error(`${name}: the page scrolls sideways by ${sideways} px at ${size.width} px`);
        if (screen === 'narrow') continue;
        // Frames of another origin draw a moment later than the page around them.
        await page.waitForTimeout(120);
        await page.screenshot({ path: join(shots, `${name}-${screen}.png`), fullPage: true });
    }
    await page.setViewportSize(before);
    await accessible(page, name);
    if (page.problems.length) throw new Error(`${name}: ${page.problems.join('\n')}`);
    const own = [...page.own.values()].reduce((sum, size) => sum + size, 0);
    if (own > 60_000 && !page.url().startsWith('data:')) throw new Error(`${name}: the page weighs ${own} bytes`);
    page.own.clear();
}

/** Where the keyboard is. */
export const focused = (page) => page.evaluate(() => document.activeElement?.id || document.activeElement?.tagName.toLowerCase());

/** The element gets the focus. The browser gives it by `autofocus` with the first frame it draws, which may come after the text can be read. */
export async function holdsFocus(page, element, name) {
    await page.waitForFunction((wanted) => (document.activeElement?.id || document.activeElement?.tagName.toLowerCase()) === wanted, element, { timeout: 5000 })
        .catch(async () => assert.equal(await focused(page), element, `${name}: what holds the focus`));
}
