// Card and bank numbers are searched for wherever the daemon, the org or the mail could hold them. The stand-ins for Stripe
// and Plaid alone may know them, as the real ones do.
import { readFileSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { CARDS } from './cards.mjs';

/** Every number that a walk types or a bank of the sandbox has. */
export const NUMBERS = [
    ...Object.values(CARDS),
    ...['000123456789', '000111111113', '000111111116', '000222222227', '000333333335', '000555555559', '000666666661', '000777777771'],
];

/** Where these belong: the other side of the wire. */
const THEIRS = new Set(['stripe', 'plaid', 'tls']);

const base64 = (text) =>
    // The same characters look different at each of the three places where they can begin.
    [0, 1, 2].map((before) => Buffer.from('x'.repeat(before) + text).toString('base64').slice(before && before + 1, -4));

const FORMS = NUMBERS.flatMap((number) => {
    const groups = number.match(/.{1,4}/g);
    return [number, groups.join(' '), groups.join('-'), groups.join('+'), groups.join('%20'), Buffer.from(number).toString('hex'), ...base64(number), ...base64(groups.join(' '))].map((form) => [form, number]);
});

/** The number that a text holds in plain, spaced, hexadecimal or base64 form; undefined where there is none. */
export function numberIn(text) {
    // Mails break long lines, with = in quoted-printable.
    const whole = text.replace(/=?\r?\n/g, '');
    return FORMS.find(([form]) => text.includes(form) || whole.includes(form))?.[1];
}

/** Files under a sandbox's folder that hold a number, each with the number. */
export function numbersUnder(folder) {
    const found = [];
    const walk = (at) => {
        for (const entry of readdirSync(at, { withFileTypes: true })) {
            const path = join(at, entry.name);
            if (at === folder && THEIRS.has(entry.name)) continue;
            if (entry.isDirectory()) walk(path);
            else if (entry.isFile()) {
                const number = numberIn(readFileSync(path, 'latin1'));
                if (number) found.push(`${relative(folder, path)} holds ${number}`);
            }
        }
    };
    walk(folder);
    return found;
}
