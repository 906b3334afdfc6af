// Follows the data through the Apex, from each entry point to each query and save, and fails on severity 1 and 2.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import core from '@salesforce/code-analyzer-core';
import sfge from '@salesforce/code-analyzer-sfge-engine';

const FAILS_AT = 2;
/** Findings that are wrong about this package: rule, what the finding holds, and the reason. */
const EXCEPTIONS = [
    {
        rule: 'DatabaseOperationsMustUseWithSharing',
        holds: 'InvoiceChange.cls',
        reason: 'figures and review hold whoever changed the invoice; it returns no field of it'
    },
    {
        rule: 'DatabaseOperationsMustUseWithSharing',
        holds: 'PersonBilling.cls',
        reason: 'the caller has read the invoice with the rights of the user, and no permission set can grant PersonEmail'
    },
    {
        rule: 'ApexFlsViolation',
        holds: 'with field(s) [PersonEmail]',
        reason: 'the same: the address that the mail goes to'
    },
    {
        rule: 'ApexFlsViolation',
        holds: 'operation on [Bulk_Send__c] with field(s) [Expires_On__c,Invoice_Ids__c',
        reason: 'stopping: the controller has read the bulk send with the rights of the user; what a batch goes by only Apex writes'
    },
    {
        rule: 'ApexFlsViolation',
        holds: 'operation on [Payment_Request__c] with field(s) [Kind__c,requestField,Token_Hash__c]',
        reason: 'the hash of a token is for no person to write; the permission is checked before, and the trigger judges the request'
    }
];
/**
 * A query whose text is made from the invoice mapping: the engine can't read it, but the platform checks each field itself
 * where the statement asks for the rights of the user.
 */
const asUser = (file, line) => {
    const statement = readFileSync(file, 'utf8')
        .split('\n')
        .slice(line - 1)
        .join('\n')
        .split(';')[0];
    return statement.includes('AccessLevel.USER_MODE');
};

/**
 * Entry points that the engine can't follow to an end: it walks each combination of branches, and these have too many. Such
 * a class must hold no query and no save of its own, which is what the rules are about.
 */
const TOO_MANY_PATHS = ['force-app/main/default/classes/invoices/InvoiceMappingCheck.cls'];

// The engine logs each path that it walks, hundreds of megabytes of them.
const logs = mkdtempSync(join(tmpdir(), 'quittance-flow-'));
process.on('exit', () => rmSync(logs, { recursive: true, force: true }));
const config = core.CodeAnalyzerConfig.fromYamlString(
    `log_folder: ${JSON.stringify(logs)}\nengines:\n  sfge:\n    disable_engine: false\n    java_thread_timeout: 480000\n`
);
const analyzer = new core.CodeAnalyzer(config);
const faults = [];
const used = new Set();
analyzer.onEvent(core.EventType.EngineLogEvent, (event) => {
    // What the engine can't follow is a log line, not a violation: it must fail all the same.
    if (event.logLevel <= core.LogLevel.Error) {
        faults.push(event.message);
    }
});
await analyzer.addEnginePlugin(sfge.createEnginePlugin());
const sources = readdirSync('force-app/main', { recursive: true }).map((name) => `force-app/main/${name}`);
const entries = sources.filter((name) => /\.(cls|trigger)$/.test(name) && !TOO_MANY_PATHS.includes(name));
const workspace = await analyzer.createWorkspace(['force-app/main'], entries);
for (const name of TOO_MANY_PATHS) {
    const code = readFileSync(name, 'utf8').replace(/\/\*.*?\*\/|\/\/[^\n]*|'[^']*'/gs, '');
    const touched = code.match(/\b(SELECT|FIND|insert|update|upsert|delete|undelete|merge|Database\.\w+)\b/);
    if (touched) {
        faults.push(
            `${name} holds ${touched[0]}, and the data-flow engine does not follow it; move that to a class of its own`
        );
    }
}
const rules = await analyzer.selectRules(['sfge'], { workspace });
if (rules.getCount() === 0) {
    faults.push('the data-flow engine has no rules; is Java 11 or newer there?');
}
const results = await analyzer.run(rules, { workspace });
for (const violation of results.getViolations()) {
    const rule = violation.getRule();
    const place = violation.getPrimaryLocation();
    const file = place.getFile()?.replace(/.*\/force-app\//, 'force-app/');
    const line = `${file}:${place.getStartLine()}: ${rule.getName()}: ${violation.getMessage().replace(/\s+/g, ' ')}`;
    if (line.includes("couldn't resolve the parameter passed to [READ]") && asUser(file, place.getStartLine())) {
        continue;
    }
    const known = EXCEPTIONS.find((one) => one.rule === rule.getName() && line.includes(one.holds));
    if (known) {
        used.add(known);
    } else if (rule.getSeverityLevel() <= FAILS_AT) {
        faults.push(line);
    } else if (process.env.SHOW_ALL) {
        console.log(`   note (severity ${rule.getSeverityLevel()}) ${line}`);
    }
}
for (const one of EXCEPTIONS.filter((exception) => !used.has(exception))) {
    faults.push(`the exception ${one.rule} "${one.holds}" is not needed any more; take it out`);
}
console.log([...faults, `   ${rules.getCount()} rules, ${results.getViolationCount()} remarks in all`].join('\n'));
process.exit(faults.length > 0 ? 1 : 0);
