//! `quittance apex opinion`: each case is a small program, what Salesforce gives for it, and where that is said. Those that
//! the runtime gets wrong stand in a list beside them, and the list has to be right both ways.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, bail, ensure};

use super::Nowhere;
use crate::sandbox::org::apex::Runtime;
use crate::sandbox::org::{ADMINISTRATOR, Org, OrgOptions};

#[derive(clap::Parser)]
pub struct Args {
    /// The folder with the cases (`*.apex`), the list of those that fail, and the invented package that they use.
    #[arg(long, default_value = "tests/apex/opinion")]
    dir: PathBuf,
    /// Run only the cases whose text holds this, and show what each gives.
    #[arg(long)]
    only: Option<String>,
}

/// The file that lists what fails: file, program and reason, with ` | ` between them.
const FAILING: &str = "failing.txt";
/// Between a program and its result.
const GIVES: &str = "//= ";
/// Ends the program with its result as the exception's text.
const TELLER: &str = "OpinionCase";

#[derive(Debug, PartialEq)]
struct Case {
    file: String,
    line: usize,
    program: String,
    expected: String,
    source: String,
    time_zone: Option<String>,
}

impl Case {
    /// How the list of failures names it: the program on one line.
    fn name(&self) -> String {
        let words: Vec<&str> = self.program.split_whitespace().collect();
        format!("{} | {}", self.file, words.join(" "))
    }
}

/// Reads one file. A line that begins with `// https://` says where the cases below it are documented, `// zone X` in which time
/// zone they run; other lines that begin with `//` are for the reader. A program ends with `//= ` and its result.
fn read(file: &str, text: &str) -> anyhow::Result<Vec<Case>> {
    let (mut cases, mut program) = (Vec::new(), String::new());
    let (mut source, mut time_zone) = (None, None);
    for (at, line) in text.lines().enumerate() {
        let trimmed = line.trim();
        if let Some(note) = trimmed.strip_prefix("// ") {
            ensure!(program.trim().is_empty(), "{file}:{}: the program above has no `{GIVES}`", at + 1);
            if note.starts_with("https://") {
                source = Some(note.to_owned());
            } else if let Some(zone) = note.strip_prefix("zone ") {
                time_zone = Some(zone.to_owned());
            }
            continue;
        }
        let Some((last, expected)) = line.rsplit_once(GIVES) else {
            program.push_str(line);
            program.push('\n');
            continue;
        };
        program.push_str(last);
        let Some(source) = source.clone() else {
            bail!("{file}:{}: no `// https://…` above says where this is documented", at + 1);
        };
        cases.push(Case {
            file: file.to_owned(),
            line: at + 1,
            program: std::mem::take(&mut program).trim().to_owned(),
            expected: expected.trim().to_owned(),
            source,
            time_zone: time_zone.clone(),
        });
    }
    ensure!(program.trim().is_empty(), "{file}: the last program has no `{GIVES}`");
    Ok(cases)
}

fn files(dir: &Path, of: &[&str]) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).with_context(|| format!("{} can't be read", dir.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path, of)?);
        } else if path.extension().is_some_and(|extension| of.iter().any(|wanted| extension == *wanted)) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// What the runtime gives: the result's text, or `!! Type: message`.
fn given(case: &Case, package: &Path, texts: &[(String, String)]) -> anyhow::Result<String> {
    let program = match case.program.ends_with([';', '}']) {
        true => case.program.clone(),
        false => format!("return {};", case.program),
    };
    let class = format!(
        "@IsTest private class {TELLER} {{
            private class Told extends Exception {{}}
            private static Object given() {{ {program}\n }}
            @IsTest static void tells() {{ Object given = given(); throw new Told('' + String.valueOf(given)); }}
        }}"
    );
    let mut texts = texts.to_vec();
    texts.push((format!("{TELLER}.cls"), class));
    let runtime = match Runtime::load_texts(texts) {
        Ok(runtime) => Arc::new(runtime),
        Err(error) => return Ok(format!("!! not loaded: {error}")),
    };
    let mut options = OrgOptions::default();
    if let Some(zone) = &case.time_zone {
        options.time_zone.clone_from(zone);
    }
    let org = Org::open(&[package.to_owned()], runtime.clone(), Arc::new(Nowhere), options)
        .context("the invented package can't be deployed")?;
    let user = org.user(ADMINISTRATOR).context("the org has no administrator")?;
    let fault = org.run(&user, |transaction| runtime.run_test(transaction, TELLER, "tells"));
    let Err(fault) = fault else { bail!("{}:{}: the program told nothing", case.file, case.line) };
    let told = match fault.exception.ends_with(".Told") {
        true => fault.message,
        false => format!("!! {}: {}", fault.exception, fault.message),
    };
    Ok(told.replace('\n', "\\n"))
}

/// Where no text is documented, the exception's type alone is expected.
fn agrees(given: &str, expected: &str) -> bool {
    let is_type_alone = expected.starts_with("!! ") && !expected.contains(": ");
    given.trim_end() == expected || is_type_alone && given.split(": ").next() == Some(expected)
}

/// The failures as they are listed, by name, with the reason.
fn listed(text: &str) -> anyhow::Result<BTreeMap<String, String>> {
    let lines = text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
    lines
        .map(|line| match line.rsplit_once(" | ") {
            Some((name, reason)) if name.contains(" | ") => Ok((name.to_owned(), reason.to_owned())),
            _ => bail!("{FAILING}: {line:?} isn't `file | program | reason`"),
        })
        .collect()
}

/// One line for each way in which the cases and the list of failures disagree.
fn hold(dir: &Path, only: Option<&str>) -> anyhow::Result<(usize, usize, Vec<String>)> {
    let package = dir.join("package");
    let mut texts = Vec::new();
    for path in files(&package, &["cls", "trigger"])? {
        texts.push((path.display().to_string(), std::fs::read_to_string(&path)?));
    }
    let list = dir.join(FAILING);
    let text = std::fs::read_to_string(&list).with_context(|| format!("{} can't be read", list.display()))?;
    let mut listed = listed(&text)?;
    let (mut count, mut failing, mut wrong) = (0, 0, Vec::new());
    for path in files(dir, &["apex"])? {
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for case in read(&file, &std::fs::read_to_string(&path)?)? {
            if only.is_some_and(|wanted| !case.name().contains(wanted)) {
                continue;
            }
            count += 1;
            let given = given(&case, &package, &texts)?;
            let known = listed.remove(&case.name());
            let Case { line, program, expected, source, .. } = &case;
            if only.is_some() {
                println!("{file}:{line}: {program}\n    gives {given}");
            }
            match (agrees(&given, expected), known) {
                (true, None) => {}
                (false, Some(_)) => failing += 1,
                (true, Some(_)) => {
                    wrong.push(format!("{file}:{line}: is right now; take it off {FAILING}\n    {program}"));
                }
                (false, None) => wrong.push(format!(
                    "{file}:{line}: {program}\n    expected {expected}\n    given    {given}\n    by       {source}"
                )),
            }
        }
    }
    if only.is_none() {
        wrong.extend(listed.into_keys().map(|name| format!("{FAILING}: {name}: there is no such case")));
    }
    Ok((count, failing, wrong))
}

pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let (count, failing, wrong) = hold(&args.dir, args.only.as_deref())?;
    ensure!(count > 0, "{} has no such case", args.dir.display());
    for one in &wrong {
        println!("{one}");
    }
    println!("{} cases: {failing} known to fail (see {FAILING}), {} unexpected", count, wrong.len());
    Ok(if wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_runtime_gives_what_salesforce_documents_but_for_what_is_listed() {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/apex/opinion");
        let held = std::thread::Builder::new().stack_size(super::super::STACK).spawn(move || hold(&dir, None));
        let (count, _, wrong) = held.expect("a thread").join().expect("no panic").expect("the cases can be run");
        assert!(count > 200, "only {count} cases");
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    fn dir_with(cases: &str, failing: &str) -> tempfile::TempDir {
        let dir = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(dir.path().join("package")).expect("made");
        std::fs::write(dir.path().join("a.apex"), cases).expect("written");
        std::fs::write(dir.path().join(FAILING), failing).expect("written");
        dir
    }

    #[test]
    fn a_wrong_list_is_told_in_either_direction() {
        let cases = "// https://example.com\n1 + 1 //= 2\nInteger i = 1;\nreturn i; //= 7\n";
        let wrong = |failing: &str| hold(dir_with(cases, failing).path(), None).expect("it runs").2;
        assert_eq!(wrong("a.apex | Integer i = 1; return i; | it is one"), Vec::<String>::new());
        let hidden = wrong("");
        assert!(hidden.len() == 1 && hidden[0].contains("expected 7"), "{hidden:?}");
        let mended = wrong("a.apex | 1 + 1 | wrong once\na.apex | Integer i = 1; return i; | it is one");
        assert!(mended.len() == 1 && mended[0].contains("is right now"), "{mended:?}");
        let gone = wrong("a.apex | Integer i = 1; return i; | it is one\na.apex | 2 + 2 | was here");
        assert!(gone.len() == 1 && gone[0].contains("there is no such case"), "{gone:?}");
    }

    #[test]
    fn a_case_without_a_source_or_a_result_is_refused() {
        let error = read("a.apex", "1 + 1 //= 2").expect_err("no source");
        assert!(error.to_string().contains("says where this is documented"), "{error}");
        assert!(read("a.apex", "// https://example.com\n1 + 1\n").is_err());
    }
}
