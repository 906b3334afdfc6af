// The sandbox as a person meets it: started by its command, reached by its addresses, seen in Chromium.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

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
    // Kept: tests/clients/run holds every request of the daemon against Stripe's published document.
    const logs = join(root, 'test-output/stripe-requests');
    mkdirSync(logs, { recursive: true });
    const log = ['--request-log', join(logs, `${basename(dir)}.jsonl`)];
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
        this.agent = new Agent({ ca: readFileSync(endpoints.ca_file) });
    }

    async close() {
        await this.browser?.close();
        const gone = new Promise((done) => this.child.once('exit', done));
        this.child.kill('SIGTERM');
        await Promise.race([gone, new Promise((done) => setTimeout(done, 15_000))]);
        this.child.kill('SIGKILL');
        rmSync(this.dir, { recursive: true, force: true });
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

    /** Sends the link as the clerk does and returns the address in the mail. */
    async link(invoice) {
        await this.press('SendPaymentLinkController', 'send', { invoiceId: invoice.id, email: invoice.email, note: null, expiresOn: null });
        const mail = await this.mailTo(invoice.email, invoice.name);
        return mail.text.split(/\s+/).find((word) => word.startsWith(`${this.endpoints.page_url}/p/`));
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
    await page.addScriptTag({ content: axeSource }).catch(async () => page.evaluate(axeSource));
    const result = await page.evaluate(async () =>
        window.axe.run(document, { iframes: false, runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }));
    const findings = result.violations.map((rule) => `${rule.id}: ${rule.nodes.map((node) => node.target.join(' ')).join(', ')}`);
    if (findings.length) throw new Error(`${what}: axe found\n${findings.join('\n')}`);
}

/** Keeps a picture, checks that nothing scrolls sideways, that the page is accessible, and that no script failed. */
export async function looked(page, name) {
    await page.screenshot({ path: join(shots, `${name}.png`), fullPage: true });
    const sideways = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    if (sideways > 0) throw new Error(`${name}: the page scrolls sideways by ${sideways} px`);
    await accessible(page, name);
    if (page.problems.length) throw new Error(`${name}: ${page.problems.join('\n')}`);
}
