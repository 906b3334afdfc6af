// Follows the data through the Apex, from each entry point to each query and save, and fails on severity 1 and 2.
import core from '@salesforce/code-analyzer-core';
import sfge from '@salesforce/code-analyzer-sfge-engine';

const FAILS_AT = 2;
/** Findings that are wrong about this package: rule, what the finding holds, and the reason. */
const EXCEPTIONS = [];

const config = core.CodeAnalyzerConfig.fromYamlString('engines:\n  sfge:\n    disable_engine: false\n    java_thread_timeout: 480000\n');
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
const workspace = await analyzer.createWorkspace(['force-app/main']);
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
