//! Small programs and what they must give.

mod data;
mod fake;
mod language;
mod numbers;
mod package;
mod platform;
mod refusals;
mod texts;
mod triggers;

use std::sync::Arc;

use super::Runtime;
use super::eval::Interp;
use crate::sandbox::org::host::Fault;
use fake::FakeOrg;

/// Each case: the body of a method that returns `Object`, and the text of what it returns, or `!! Type: message`.
fn check(declarations: &str, cases: &[(&str, &str)]) {
    let mut text = String::from("public class Cases {\n");
    text.push_str(declarations);
    for (at, (body, _)) in cases.iter().enumerate() {
        let body = if body.contains("return") || body.contains("throw") {
            (*body).to_owned()
        } else {
            format!("return {body};")
        };
        text.push_str(&format!("\npublic static Object case{at}() {{ {body} }}"));
    }
    text.push_str("\n}");
    let runtime = match Runtime::load_texts(vec![("Cases.cls".to_owned(), text.clone())]) {
        Ok(runtime) => Arc::new(runtime),
        Err(error) => {
            let numbered: Vec<String> =
                text.lines().enumerate().map(|(at, line)| format!("{:4} {line}", at + 1)).collect();
            panic!("{error}\n{}", numbered.join("\n"));
        }
    };
    let mut wrong = Vec::new();
    for (at, (body, expected)) in cases.iter().enumerate() {
        let mut org = FakeOrg::new(runtime.clone());
        let given = match run(&runtime, &mut org, &format!("case{at}")) {
            Ok(text) => text,
            Err(fault) => format!("!! {}: {}", fault.exception, fault.message),
        };
        if given != *expected {
            wrong.push(format!("{body}\n    expected {expected}\n    given    {given}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

fn run(runtime: &Runtime, org: &mut FakeOrg, method: &str) -> Result<String, Fault> {
    let mut interp = Interp::new(runtime, org);
    let class = runtime.class_named("Cases").map(|class| class.id).unwrap_or_default();
    let method = interp.find_method(class, method, &[]).unwrap_or_else(|| panic!("no method {method}"));
    let outcome = interp.invoke(&method, None, Vec::new()).and_then(|value| interp.text(&value));
    outcome.map_err(|thrown| interp.fault_of(thrown))
}
