// Compiles each Lightning bundle with the real compiler. A warning counts as a finding.
import { readdirSync, readFileSync, existsSync } from 'node:fs';
import path from 'node:path';
import { transformSync } from '@lwc/compiler';

const root = 'force-app/main/default/lwc';
const findings = [];
let count = 0;
for (const bundle of readdirSync(root)) {
    const folder = path.join(root, bundle);
    if (!existsSync(path.join(folder, `${bundle}.js-meta.xml`))) {
        findings.push(`${folder}: no ${bundle}.js-meta.xml, so a deploy leaves it out`);
    }
    for (const name of readdirSync(folder).filter((entry) => /\.(js|html|css)$/.test(entry))) {
        const file = path.join(folder, name);
        count += 1;
        try {
            const result = transformSync(readFileSync(file, 'utf8'), name, { name: bundle, namespace: 'c' });
            for (const warning of result.warnings ?? []) {
                findings.push(`${file}:${warning.location?.line ?? '?'}: ${warning.message}`);
            }
        } catch (error) {
            findings.push(`${file}:${error.location?.line ?? error.loc?.line ?? '?'}: ${error.message.split('\n')[0]}`);
        }
    }
}
console.log([...findings, `   ${count} files compiled`].join('\n'));
process.exit(findings.length > 0 ? 1 : 0);
