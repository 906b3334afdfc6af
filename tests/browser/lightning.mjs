// How a Lightning page is looked at: pictures at both widths, nothing sideways, no script error, and axe zero in what we
// wrote. What axe finds inside the official base components is listed by rule and is not ours to mend.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { shots } from './house.mjs';

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const WIDTHS = { phone: { width: 360, height: 740 }, desktop: { width: 1280, height: 900 } };
const listed = new Set();

export async function seen(page, name) {
    const before = page.viewportSize();
    for (const [screen, size] of Object.entries(WIDTHS)) {
        await page.setViewportSize(size);
        await page.waitForTimeout(150);
        const sideways = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        await page.screenshot({ path: join(shots, `lightning-${name}-${screen}.png`), fullPage: true });
        if (sideways > 0) throw new Error(`${name}: the page scrolls sideways by ${sideways} px at ${size.width} px`);
    }
    await page.setViewportSize(before);
    await page.evaluate(axeSource);
    const found = await page.evaluate(async () => {
        const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
        const result = await window.axe.run(document, { iframes: false, runOnly: tags, elementRef: true });
        // Under synthetic shadow an element's root is its component: ours begin with c-, the official ones with lightning-.
        const owner = (element) => element?.getRootNode().host?.tagName.toLowerCase() ?? 'page';
        return result.violations.flatMap((rule) =>
            rule.nodes.map((node) => {
                const target = node.target.flat().at(-1);
                return { rule: rule.id, target, owner: owner(node.element), html: node.html.slice(0, 160) };
            }));
    });
    const ours = found.filter((one) => !one.owner.startsWith('lightning-'));
    for (const one of found.filter((one) => one.owner.startsWith('lightning-'))) {
        const line = `${one.owner}: ${one.rule}`;
        if (!listed.has(line)) console.log(`inside a base component, not ours: ${line}`);
        listed.add(line);
    }
    if (ours.length) throw new Error(`${name}: axe found\n${ours.map((one) => `${one.rule} in ${one.owner}: ${one.html}`).join('\n')}`);
    if (page.problems.length) throw new Error(`${name}: ${page.problems.join('\n')}`);
}
