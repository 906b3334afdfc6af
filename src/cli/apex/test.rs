//! `quittance apex test`: the package's own Apex tests, run by the sandbox's runtime.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Nowhere;
use crate::sandbox::org::apex::{FileCoverage, Runtime, Use};
use crate::sandbox::org::host::Fault;
use crate::sandbox::org::{ADMINISTRATOR, Org, OrgOptions};
use anyhow::Context;

#[derive(clap::Parser)]
pub struct Args {
    /// The folder with the package's source; may be given several times
    #[arg(long, default_value = "force-app")]
    package: Vec<PathBuf>,
    /// Write the results to this file too, as JUnit XML.
    #[arg(long)]
    junit: Option<PathBuf>,
    /// Run only the tests of this class; may be given several times.
    #[arg(long)]
    class: Vec<String>,
    /// Fail when fewer lines of all than this, in percent, were executed.
    #[arg(long, default_value_t = 90.0)]
    lines: f64,
    /// Fail when fewer lines of any one trigger than this, in percent, were executed.
    #[arg(long, default_value_t = 100.0)]
    trigger_lines: f64,
    /// In an org with several currencies.
    #[arg(long)]
    multi_currency: bool,
    /// In an org with person accounts.
    #[arg(long)]
    person_accounts: bool,
}

impl Args {
    fn org(&self) -> OrgOptions {
        OrgOptions {
            multi_currency: self.multi_currency,
            person_accounts: self.person_accounts,
            ..OrgOptions::default()
        }
    }
}

/// How one test method went.
struct Outcome {
    class: String,
    method: String,
    took: Duration,
    fault: Option<Fault>,
}

/// What all of them together gave.
struct Report {
    outcomes: Vec<Outcome>,
    coverage: Vec<FileCoverage>,
    /// With the test that came nearest to the limit.
    peaks: Vec<(Use, String)>,
    took: Duration,
}

pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let dirs = args.package.clone();
    let runtime = Arc::new(Runtime::load(&dirs).context("the package's Apex can't be loaded")?);
    let mut tests = runtime.tests();
    if let Some(unknown) =
        args.class.iter().find(|wanted| !tests.iter().any(|(class, _)| class.eq_ignore_ascii_case(wanted)))
    {
        anyhow::bail!(
            "{unknown} is no test class of the package; name a class that is annotated @IsTest and has tests"
        );
    }
    if !args.class.is_empty() {
        tests.retain(|(class, _)| args.class.iter().any(|wanted| wanted.eq_ignore_ascii_case(class)));
    }
    if tests.is_empty() {
        anyhow::bail!("{} has no Apex tests; give the package's folder with --package", args.package[0].display());
    }
    let start = Instant::now();
    let (mut outcomes, mut peaks) = (Vec::new(), Vec::new());
    for (class, method) in tests {
        let outcome = run_one(&dirs, &runtime, args.org(), class, method)?;
        print_outcome(&outcome);
        keep_largest(&mut peaks, runtime.take_peaks(), &format!("{}.{}", outcome.class, outcome.method));
        outcomes.push(outcome);
    }
    let report = Report { outcomes, coverage: runtime.line_coverage(), peaks, took: start.elapsed() };
    if let Some(path) = &args.junit {
        std::fs::write(path, junit(&report)).with_context(|| format!("{} can't be written", path.display()))?;
    }
    // Of a part of the tests the coverage says nothing.
    if args.class.is_empty() {
        print!("{}", coverage_text(&report.coverage));
    }
    print!("{}", limits_text(&report.peaks));
    let short = match args.class.is_empty() {
        true => too_few_lines(&report.coverage, args.lines, args.trigger_lines),
        false => Vec::new(),
    };
    for one in &short {
        println!("\nNOT ENOUGH  {one}");
    }
    let failed = report.outcomes.iter().filter(|outcome| outcome.fault.is_some()).count();
    println!("\n{} passed, {failed} failed in {:.1} s", report.outcomes.len() - failed, report.took.as_secs_f64());
    Ok(if failed == 0 && short.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// One sentence for each share of executed lines that is below what is asked for.
fn too_few_lines(coverage: &[FileCoverage], lines: f64, trigger_lines: f64) -> Vec<String> {
    let total = |of: fn(&FileCoverage) -> usize| coverage.iter().map(of).sum::<usize>();
    let share = percent(total(|file| file.executed), total(|file| file.lines));
    let mut short = Vec::new();
    if share < lines {
        short.push(format!(
            "{share:.1} % of the lines were executed; {lines} % are asked for. The table names those that weren't"
        ));
    }
    for file in coverage.iter().filter(|file| file.is_trigger) {
        let share = percent(file.executed, file.lines);
        if share < trigger_lines {
            short.push(format!(
                "{share:.1} % of the trigger {} were executed; {trigger_lines} % are asked for",
                file.name
            ));
        }
    }
    short
}

/// Each method has an org of its own, in memory, that ends with it.
fn run_one(
    dirs: &[PathBuf],
    runtime: &Arc<Runtime>,
    options: OrgOptions,
    class: String,
    method: String,
) -> anyhow::Result<Outcome> {
    let start = Instant::now();
    let org = Org::open(dirs, runtime.clone(), Arc::new(Nowhere), options)
        .context("the package's metadata can't be deployed to an org")?;
    let user = org.user(ADMINISTRATOR).context("the org has no administrator")?;
    let outcome = org.run(&user, |transaction| runtime.run_test(transaction, &class, &method));
    Ok(Outcome { class, method, took: start.elapsed(), fault: outcome.err() })
}

fn keep_largest(peaks: &mut Vec<(Use, String)>, uses: Vec<Use>, test: &str) {
    for one in uses {
        match peaks.iter_mut().find(|(peak, _)| peak.limit == one.limit) {
            Some(kept) if one.used * kept.0.most > kept.0.used * one.most => *kept = (one, test.to_owned()),
            Some(_) => {}
            None => peaks.push((one, test.to_owned())),
        }
    }
}

fn print_outcome(outcome: &Outcome) {
    let Outcome { class, method, fault, .. } = outcome;
    match fault {
        None => println!("ok      {class}.{method}"),
        Some(fault) => {
            println!("FAILED  {class}.{method}\n        {}: {}", fault.exception, fault.message);
            for line in &fault.stack {
                println!("        {line}");
            }
        }
    }
}

fn percent(part: usize, whole: usize) -> f64 {
    if whole == 0 { 100.0 } else { part as f64 * 100.0 / whole as f64 }
}

fn coverage_text(coverage: &[FileCoverage]) -> String {
    let mut text = "\nlines that begin a statement, executed\n".to_owned();
    let total = |of: fn(&FileCoverage) -> usize| coverage.iter().map(of).sum::<usize>();
    for file in coverage {
        let kind = if file.is_trigger { "trigger" } else { "class" };
        let share = percent(file.executed, file.lines);
        let _ = write!(text, "  {share:5.1} % {:4}/{:<4} {kind:7} {}", file.executed, file.lines, file.name);
        if !file.missed.is_empty() {
            let lines: Vec<String> = file.missed.iter().map(u32::to_string).collect();
            let _ = write!(text, "; not line {}", lines.join(", "));
        }
        text.push('\n');
    }
    let (executed, lines) = (total(|file| file.executed), total(|file| file.lines));
    let _ = writeln!(text, "  {:5.1} % {executed:4}/{lines:<4} in all", percent(executed, lines));
    text
}

fn limits_text(peaks: &[(Use, String)]) -> String {
    let mut text = "\nlargest use of a governor limit by one transaction\n".to_owned();
    for (peak, test) in peaks {
        let place = if peak.used == 0 { String::new() } else { format!("  {test}") };
        let _ = writeln!(text, "  {:20} {:>6} of {:<6}{place}", peak.limit, peak.used, peak.most);
    }
    text
}

fn junit(report: &Report) -> String {
    let failed = report.outcomes.iter().filter(|outcome| outcome.fault.is_some()).count();
    let (count, took) = (report.outcomes.len(), report.took.as_secs_f64());
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <testsuite name=\"apex\" tests=\"{count}\" failures=\"{failed}\" errors=\"0\" time=\"{took:.3}\">\n"
    );
    for Outcome { class, method, took, fault } in &report.outcomes {
        let _ = write!(
            text,
            "  <testcase classname=\"{}\" name=\"{}\" time=\"{:.3}\"",
            escaped(class),
            escaped(method),
            took.as_secs_f64()
        );
        match fault {
            None => text.push_str("/>\n"),
            Some(fault) => {
                let _ = writeln!(
                    text,
                    ">\n    <failure type=\"{}\" message=\"{}\">{}</failure>\n  </testcase>",
                    escaped(&fault.exception),
                    escaped(&fault.message),
                    escaped(&fault.stack.join("\n"))
                );
            }
        }
    }
    text.push_str("</testsuite>\n");
    text
}

/// Text for an attribute or an element. What XML can't hold at all becomes the replacement character.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            '\t' => out.push_str("&#9;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &str = "@IsTest private class BoatTest {
        @IsTest static void floats() { Boat.sail(1); Account a = new Account(Name = 'A'); insert a; }
        @IsTest static void isAlone() { Assert.areEqual(0, [SELECT COUNT() FROM Account WHERE Name = 'A']); }
        @IsTest static void sinks() { Assert.areEqual('<dry>', 'wet', 'Water & more'); }
    }";
    const BOAT: &str = "public class Boat {
        public static void sail(Integer n) {
            if (n > 1) {
                n = 2;
            }
            n++;
        }
    }";

    #[test]
    fn a_failing_test_and_the_missed_lines_are_told() {
        let dir = tempfile::tempdir().expect("a folder");
        std::fs::write(dir.path().join("BoatTest.cls"), FIRST).expect("written");
        std::fs::write(dir.path().join("Boat.cls"), BOAT).expect("written");
        let junit_file = dir.path().join("junit.xml");
        let args = |class: &[&str]| Args {
            package: vec![dir.path().to_owned()],
            junit: Some(junit_file.clone()),
            lines: 0.0,
            trigger_lines: 0.0,
            class: class.iter().map(|name| (*name).to_owned()).collect(),
            multi_currency: false,
            person_accounts: false,
        };
        assert_eq!(run(&args(&[])).expect("it runs"), ExitCode::FAILURE);
        let written = std::fs::read_to_string(&junit_file).expect("results");
        assert!(written.contains("tests=\"3\" failures=\"1\""), "{written}");
        assert!(written.contains("classname=\"BoatTest\" name=\"isAlone\""), "{written}");
        assert!(written.contains("Water &amp; more: Expected: &lt;dry&gt;, Actual: wet"), "{written}");
        let error = run(&args(&["Boat"])).expect_err("no test class");
        assert!(error.to_string().starts_with("Boat is no test class"), "{error}");
    }

    #[test]
    fn a_trigger_that_no_test_reaches_fails_the_run() {
        let file = |name: &str, is_trigger, executed| FileCoverage {
            name: name.to_owned(),
            is_trigger,
            lines: 100,
            executed,
            missed: Vec::new(),
        };
        assert_eq!(too_few_lines(&[file("A", false, 90), file("T", true, 100)], 90.0, 100.0), Vec::<String>::new());
        let short = too_few_lines(&[file("A", false, 100), file("T", true, 99)], 90.0, 100.0);
        assert_eq!(short, ["99.0 % of the trigger T were executed; 100 % are asked for"]);
        let short = too_few_lines(&[file("A", false, 79), file("T", true, 100)], 90.0, 100.0);
        assert!(short.len() == 1 && short[0].starts_with("89.5 % of the lines"), "{short:?}");
    }

    #[test]
    fn coverage_counts_lines_once() {
        let texts = vec![("BoatTest.cls".to_owned(), FIRST.to_owned()), ("Boat.cls".to_owned(), BOAT.to_owned())];
        let runtime = Arc::new(Runtime::load_texts(texts).expect("loads"));
        let outcome =
            run_one(&[], &runtime, OrgOptions::default(), "BoatTest".to_owned(), "floats".to_owned()).expect("it runs");
        assert!(outcome.fault.is_none(), "{:?}", outcome.fault);
        let coverage = runtime.line_coverage();
        assert_eq!(coverage.len(), 1, "tests don't count");
        assert_eq!((coverage[0].lines, coverage[0].executed), (3, 2));
        assert_eq!(coverage[0].missed, [4]);
        assert!(coverage_text(&coverage).contains("66.7 %    2/3    class   Boat; not line 4"));
        let peaks = runtime.take_peaks();
        let dml = peaks.iter().find(|peak| peak.limit == "DML statements").expect("counted");
        assert_eq!((dml.used, dml.most), (1, 150));
    }
}
