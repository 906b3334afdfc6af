// Runs the recommended PMD rules over the Apex and fails on severity 1 and 2 (critical and high).
import core from '@salesforce/code-analyzer-core';
import pmd from '@salesforce/code-analyzer-pmd-engine';

const FAILS_AT = 2;
/** Rules that are wrong about this package, each with its reason. */
const EXCEPTIONS = new Map([]);

const analyzer = new core.CodeAnalyzer(core.CodeAnalyzerConfig.withDefaults());
const faults = [];
analyzer.onEvent(core.EventType.EngineLogEvent, (event) => {
    // A file that PMD can't parse is a log line, not a violation: it must fail all the same.
    if (event.logLevel <= core.LogLevel.Error) {
        faults.push(event.message);
    }
});
await analyzer.addEnginePlugin(pmd.createEnginePlugin());
const workspace = await analyzer.createWorkspace(['force-app']);
const rules = await analyzer.selectRules(['pmd:Recommended'], { workspace });
const results = await analyzer.run(rules, { workspace });
for (const violation of results.getViolations()) {
    const rule = violation.getRule();
    const place = violation.getPrimaryLocation();
    const file = place.getFile()?.replace(/.*\/force-app\//, 'force-app/');
    const line = `${file}:${place.getStartLine()}: ${rule.getName()}: ${violation.getMessage().replace(/\s+/g, ' ')}`;
    if (rule.getSeverityLevel() <= FAILS_AT && !EXCEPTIONS.has(rule.getName())) {
        faults.push(line);
    } else if (process.env.SHOW_ALL) {
        console.log(`   note (severity ${rule.getSeverityLevel()}) ${line}`);
    }
}
console.log([...faults, `   ${rules.getCount()} rules, ${results.getViolationCount()} remarks in all`].join('\n'));
process.exit(faults.length > 0 ? 1 : 0);
