//! What the runtime doesn't model ends the run with file and line; nothing is passed over.

use serde_json::json;

use super::fake::FakeOrg;
use std::sync::Arc;

use crate::sandbox::org::apex::Runtime;
use crate::sandbox::org::host::{Host, Job, JobStep, Program};

fn load(files: &[(&str, &str)]) -> Result<Runtime, String> {
    let texts = files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    Runtime::load_texts(texts).map_err(|error| error.to_string())
}

/// Runs `Cases.go()`, whose body stands on line 3.
fn refusal(body: &str) -> String {
    let text = format!(
        "public class Cases {{
    @AuraEnabled public static Object go() {{
        {body}
        return null; }}
    public class Keyed {{ public Boolean equals(Object other) {{ return true; }} public Integer hashCode() {{ return 1; }} }}
    public class Held {{ public Account account; }}
    public class Job implements Queueable {{ public void execute(QueueableContext context) {{}} }}
}}"
    );
    let runtime = Arc::new(load(&[("Cases.cls", &text)]).unwrap_or_else(|error| panic!("{error}")));
    let mut org = FakeOrg::new(runtime.clone());
    match runtime.invoke(&mut org, "Cases", "go", &json!({})) {
        Ok(value) => format!("ran: {value}"),
        Err(fault) => format!("{}: {}", fault.exception, fault.message),
    }
}

#[test]
fn what_would_be_passed_over_is_refused_with_its_line() {
    for (body, what) in [
        ("Set<Keyed> s = new Set<Keyed>{ new Keyed() };", "a Cases.Keyed, which has its own equals or hashCode"),
        ("Map<Object, String> m = new Map<Object, String>(); m.put(new Keyed(), 'x');", "a Cases.Keyed, which has"),
        ("new Set<Object>().containsAll(new List<Object>{ new Keyed() });", "a Cases.Keyed, which has"),
        (
            "Security.stripInaccessible(AccessType.READABLE, new List<Payment__c>{ new Payment__c(Account__r = new Account()) });",
            "Security.stripInaccessible on a Payment__c with Account__r",
        ),
        (
            "try { throw new QueryException('x'); } catch (QueryException e) { e.getInaccessibleFields(); }",
            "getinaccessiblefields",
        ),
        ("System.enqueueJob(new Job(), 5);", "System.enqueueJob with a delay"),
        ("EventBus.TriggerContext.currentContext().setResumeCheckpoint('1');", "setresumecheckpoint"),
        ("Database.releaseSavepoint(Database.setSavepoint());", "Database.releasesavepoint"),
        ("System.isFuture();", "System.isfuture"),
        ("Object o = 1.5; o.hashCode();", "hashcode"),
        ("Payment__c p = new Payment__c(); p.Number__c = 'x';", "Field is not writeable: Payment__c.Number__c"),
    ] {
        let said = refusal(body);
        assert!(said.starts_with("Unmodelled: Cases.cls:3: ") && said.contains(what), "{body}\n{said}");
    }
}

#[test]
fn only_an_empty_lookup_reads_null_beyond_itself() {
    assert_eq!(refusal("Contact c = new Contact(); return c.Account.Name;"), "ran: null");
    let said = refusal("Held h = new Held(); return h.account.Name;");
    assert!(said.starts_with("System.NullPointerException"), "{said}");
}

#[test]
fn the_orgs_own_currency_is_told() {
    assert_eq!(
        refusal("return UserInfo.getDefaultCurrency() + UserInfo.isMultiCurrencyOrganization();"),
        r#"ran: "EURtrue""#
    );
}

#[test]
fn a_cacheable_call_saves_nothing() {
    let text = "public class Boats {
        @AuraEnabled(cacheable = true) public static void save() { insert new Account(Name = 'A'); }
        @AuraEnabled(cacheable=true) public static void publish() { EventBus.publish(new Notice__e()); }
        @AuraEnabled public static void write() { insert new Account(Name = 'A'); }
    }";
    let runtime = Arc::new(load(&[("Boats.cls", text)]).unwrap_or_else(|error| panic!("{error}")));
    let mut org = FakeOrg::new(runtime.clone());
    for method in ["save", "publish"] {
        let fault = runtime.invoke(&mut org, "Boats", method, &json!({})).expect_err("read only");
        assert_eq!(fault.exception, "System.LimitException");
        assert!(fault.message.starts_with("Boats.cls:"), "{}", fault.message);
    }
    runtime.invoke(&mut org, "Boats", "write", &json!({})).expect("this one may");
}

#[test]
fn a_stateful_batch_tells_of_the_chunk_that_fails() {
    let text = "public class Paint implements Database.Batchable<Object>, Database.Stateful {
        public List<Object> start(Database.BatchableContext context) { return new List<Object>{ 1, 2 }; }
        public void execute(Database.BatchableContext context, List<Object> rows) {
            Assert.isTrue(System.isBatch() && !System.isQueueable() && !System.isScheduled());
            throw new IllegalArgumentException('no paint');
        }
        public void finish(Database.BatchableContext context) {}
    }";
    let runtime = Arc::new(load(&[("Paint.cls", text)]).unwrap_or_else(|error| panic!("{error}")));
    let mut org = FakeOrg::new(runtime.clone());
    let job = Job::Batch { class: "Paint".to_owned(), instance: json!({"object": "Paint", "fields": []}), scope: 1 };
    let mut steps = runtime.run_job(&mut org, job, JobStep::Start).expect("it starts");
    *org.runtime_state() = None;
    let (job, step) = steps.remove(0);
    let fault = runtime.run_job(&mut org, job, step).expect_err("the chunk fails");
    assert_eq!((fault.exception.as_str(), fault.message.as_str()), ("System.IllegalArgumentException", "no paint"));
}

#[test]
fn private_and_final_are_kept_to() {
    let hull = "public class Hull {
        private static Integer count = 0;
        private Integer size = 1;
        public final Integer length = 2;
        @TestVisible private Integer depth = 3;
        public Integer width { get; private set; }
        private class Keel {}
        private Hull(String name) {}
        public Hull() {}
        private void sink() {}
        private static void scrap() {}
    }";
    let with = |body: &str, annotation: &str| {
        let boat = format!(
            "{annotation} public class Boat {{\n@AuraEnabled public static Object go() {{\n{body}\nreturn null; }} }}"
        );
        match load(&[("Hull.cls", hull), ("Boat.cls", &boat)]) {
            Err(error) => error,
            Ok(runtime) => {
                let runtime = Arc::new(runtime);
                let mut org = FakeOrg::new(runtime.clone());
                let outcome = runtime.invoke(&mut org, "Boat", "go", &json!({}));
                outcome.err().map_or_else(|| "ran".to_owned(), |fault| fault.message)
            }
        }
    };
    for (body, refused) in [
        ("Hull.count = 1;", "Boat.cls:3: Variable is not visible: Hull.count"),
        ("Hull.scrap();", "Boat.cls:3: Method is not visible: Class.Hull.scrap"),
        ("new Hull('x');", "Boat.cls:3: Method is not visible: Class.Hull.<init>"),
        ("new Hull().sink();", "Boat.cls:3: Method is not visible: Class.Hull.sink"),
        ("return new Hull().size;", "Boat.cls:3: Variable is not visible: Hull.size"),
        ("return new Hull().depth;", "Boat.cls:3: Variable is not visible: Hull.depth"),
        ("new Hull().width = 1;", "Boat.cls:3: Variable is not visible: Hull.width"),
        ("new Hull().length = 1;", "Boat.cls:3: Final variable can't be assigned again: length"),
        ("Hull.Keel keel;", "Boat.cls:3: Type is not visible: Hull.Keel"),
        ("final Integer n = 1; n = 2;", "Boat.cls:3: Final variable can't be assigned again: n"),
        ("return new Hull().width;", "ran"),
        ("final Integer n; n = 2;", "ran"),
    ] {
        assert_eq!(with(body, ""), refused, "{body}");
    }
    assert_eq!(with("return new Hull().depth;", "@IsTest"), "ran");
    let error =
        load(&[("A.cls", "public class A {\nfinal Integer n = 1;\nvoid f() { n = 2; }\n}")]).expect_err("final");
    assert_eq!(error, "A.cls:3: Final variable can't be assigned again: n");
}

#[test]
fn annotations_without_a_meaning_here_are_refused() {
    let error = load(&[("A.cls", "public class A {\n@future static void f() {}\n}")]).expect_err("refused");
    assert!(error.starts_with("A.cls:2: @future is not modelled"), "{error}");
    let error = load(&[("A.cls", "@IsTest(SeeAllData = true)\npublic class A {}")]).expect_err("refused");
    assert!(error.starts_with("A.cls:1: @IsTest(SeeAllData=true) is not modelled"), "{error}");
}

#[test]
fn a_statement_that_the_grammar_cannot_read_says_how_to_write_it() {
    let text = "trigger T on Account (before insert) {\n    Trigger.new[0].Phone = 'x';\n}";
    let error = load(&[("T.trigger", text)]).expect_err("the grammar reads a declaration here");
    assert!(
        error.starts_with("T.trigger:2: the parser can't read a statement that begins with Trigger.new"),
        "{error}"
    );
}
