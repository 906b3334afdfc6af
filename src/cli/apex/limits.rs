//! `quittance apex limits`: runs the scenarios, each one transaction of 200 records between `startTest` and `stopTest`, and puts
//! what the runtime counted into the page for architects.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, bail, ensure};

use super::Nowhere;
use crate::sandbox::org::apex::{CPU_MS, Runtime, STATEMENTS_PER_MS};
use crate::sandbox::org::host::Spent;
use crate::sandbox::org::{ADMINISTRATOR, Org, OrgOptions};

#[derive(clap::Parser)]
pub struct Args {
    /// The folder with the package's source.
    #[arg(long, default_value = "force-app")]
    package: PathBuf,
    /// The folder with the scenarios: test classes whose methods are named for what happens.
    #[arg(long, default_value = "tests/apex/limits")]
    scenarios: PathBuf,
    /// Put the table into this page, between the marks, instead of printing it.
    #[arg(long)]
    write: Option<PathBuf>,
    /// Fail when the table in this page is not what the runtime counts now.
    #[arg(long, conflicts_with = "write")]
    check: Option<PathBuf>,
}

const BEGIN: &str = "<!-- counted: begin -->\n";
const END: &str = "<!-- counted: end -->\n";

/// `twoHundredInvoicesAreInserted` as words.
fn words(method: &str) -> String {
    let mut text = String::new();
    for c in method.chars() {
        if c.is_uppercase() {
            text.push(' ');
        }
        text.extend(c.to_lowercase());
    }
    text
}

fn table(measured: &[(String, Spent)]) -> String {
    let mut text =
        "| transaction of 200 records | queries | rows read | DML | rows written | publish calls | events | CPU ms |\n\
         |---|--:|--:|--:|--:|--:|--:|--:|\n"
            .to_owned();
    for (name, spent) in measured {
        // A publish after commit is a DML statement; the column shows the others.
        let dml = spent.dml_statements.saturating_sub(spent.publish_calls);
        let _ = writeln!(
            text,
            "| {name} | {} | {} | {dml} | {} | {} | {} | {} |",
            spent.queries,
            spent.query_rows,
            spent.dml_rows,
            spent.publish_calls,
            spent.events,
            spent.cpu_statements.div_ceil(STATEMENTS_PER_MS)
        );
    }
    let _ = writeln!(text, "| *what Salesforce allows* | 100 | 50000 | 150 | 10000 | *as DML* | | {CPU_MS} |");
    text
}

/// The page with the table in its place.
fn placed(page: &str, table: &str) -> anyhow::Result<String> {
    let (before, rest) = page.split_once(BEGIN).with_context(|| format!("the page has no line {BEGIN:?}"))?;
    let (_, after) = rest.split_once(END).with_context(|| format!("the page has no line {END:?}"))?;
    Ok(format!("{before}{BEGIN}{table}{END}{after}"))
}

fn measure(args: &Args) -> anyhow::Result<Vec<(String, Spent)>> {
    let dirs = [args.package.clone(), args.scenarios.clone()];
    let runtime = Arc::new(Runtime::load(&dirs).context("the package's Apex can't be loaded")?);
    let own = Runtime::load(std::slice::from_ref(&dirs[0]))?.tests();
    let mut measured = Vec::new();
    for (class, method) in runtime.tests().into_iter().filter(|test| !own.contains(test)) {
        let org = Org::open(&dirs[..1], runtime.clone(), Arc::new(Nowhere), OrgOptions::default())?;
        let user = org.user(ADMINISTRATOR).context("the org has no administrator")?;
        runtime.take_measured();
        let outcome = org.run(&user, |transaction| runtime.run_test(transaction, &class, &method));
        if let Err(fault) = outcome {
            bail!("{class}.{method}: {}: {}\n{}", fault.exception, fault.message, fault.stack.join("\n"));
        }
        let mut spent = runtime.take_measured();
        ensure!(spent.len() == 1, "{class}.{method} has no startTest and stopTest, or several");
        measured.push((words(&method), spent.remove(0)));
    }
    ensure!(!measured.is_empty(), "{} has no scenarios", args.scenarios.display());
    Ok(measured)
}

pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let table = table(&measure(args)?);
    let Some(path) = args.write.as_ref().or(args.check.as_ref()) else {
        print!("{table}");
        return Ok(ExitCode::SUCCESS);
    };
    let page = std::fs::read_to_string(path).with_context(|| format!("{} can't be read", path.display()))?;
    let wanted = placed(&page, &table).with_context(|| path.display().to_string())?;
    if args.write.is_some() {
        std::fs::write(path, wanted).with_context(|| format!("{} can't be written", path.display()))?;
    } else if wanted != page {
        println!("{table}\n{} has other figures. Run: quittance apex limits --write {0}", path.display());
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_goes_between_the_marks() {
        let page = format!("# Limits\n{BEGIN}old\n{END}rest\n");
        assert_eq!(placed(&page, "new\n").expect("placed"), format!("# Limits\n{BEGIN}new\n{END}rest\n"));
        assert!(placed("# Limits\n", "new\n").is_err());
        assert_eq!(words("oneIsInserted"), "one is inserted");
    }
}
