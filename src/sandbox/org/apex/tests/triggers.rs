use std::sync::Arc;

use serde_json::json;

use super::fake::FakeOrg;
use crate::sandbox::org::apex::Runtime;
use crate::sandbox::org::host::{Access, Host, Job, JobStep, Program, Record, SaveOp, SaveOptions, Value};

fn org(files: &[(&str, &str)]) -> (Arc<Runtime>, FakeOrg) {
    let texts = files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    let runtime = Arc::new(Runtime::load_texts(texts).unwrap_or_else(|error| panic!("{error}")));
    let org = FakeOrg::new(runtime.clone());
    (runtime, org)
}

fn accounts(count: usize) -> Vec<Record> {
    let account = |at: usize| {
        let fields = [("Name".to_owned(), Value::Text(format!("Company {at}")))].into();
        Record { object: "Account".to_owned(), fields, ..Record::default() }
    };
    (0..count).map(account).collect()
}

fn options() -> SaveOptions {
    SaveOptions { all_or_none: true, access: Access::System, sharing: false, external_id: None }
}

const TRIGGER: &str = "trigger OnAccount on Account (before insert, after insert, before update, before delete) {
    new Work(Trigger.new, Trigger.oldMap).run(Trigger.operationType);
}";

const WORK: &str = "public without sharing class Work {
    static Integer chunks = 0;
    private final List<Account> rows;
    private final Map<Id, Account> old;
    public Work(List<Account> rows, Map<Id, Account> old) { this.rows = rows; this.old = old; }
    public void run(System.TriggerOperation operation) {
        switch on operation {
            when BEFORE_INSERT {
                chunks++;
                for (Account row : rows) {
                    row.Phone = EncodingUtil.convertToHex(Crypto.generateDigest('SHA-256', Blob.valueOf(String.join(new List<String>{ row.Name, row.Phone }, '|')))).left(8) + chunks;
                    if (row.Name == 'bad') { row.Name.addError('not that name'); }
                }
            }
            when AFTER_INSERT {
                List<Notice__e> events = new List<Notice__e>();
                events.add(new Notice__e(Text__c = JSON.serialize(new Map<String, Object>{ 'count' => rows.size(), 'chunk' => chunks })));
                EventBus.publish(events);
            }
            when BEFORE_UPDATE {
                for (Account row : rows) {
                    if (old.get(row.Id).Name != row.Name) { row.Phone = 'was ' + old.get(row.Id).Name; }
                }
            }
            when BEFORE_DELETE {
                for (Account row : old.values()) { row.addError('keep it'); }
            }
        }
    }
}";

#[test]
fn a_trigger_changes_rows_publishes_and_keeps_statics_over_chunks() {
    let (_, mut org) = org(&[("OnAccount.trigger", TRIGGER), ("Work.cls", WORK)]);
    let mut rows = accounts(450);
    org.save(SaveOp::Insert, &mut rows, &options()).unwrap();
    let phone = |at: usize| match &org.rows[at].fields["Phone"] {
        Value::Text(text) => text.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(phone(0).chars().last(), Some('1'));
    assert_eq!(phone(449).chars().last(), Some('3'));
    assert_eq!(org.published.len(), 3);
    assert_eq!(org.published[2].fields["Text__c"], Value::Text(r#"{"count":50,"chunk":3}"#.to_owned()));
}

#[test]
fn errors_that_a_trigger_adds_land_on_their_row_and_field() {
    let (_, mut org) = org(&[("OnAccount.trigger", TRIGGER), ("Work.cls", WORK)]);
    let mut rows = accounts(2);
    rows[1].fields.insert("Name".to_owned(), Value::Text("bad".to_owned()));
    let fault = org.save(SaveOp::Insert, &mut rows, &options()).unwrap_err();
    assert_eq!(
        fault.message,
        "Insert failed. First exception on row 1; first error: FIELD_CUSTOM_VALIDATION_EXCEPTION, not that name: [Name]"
    );
    assert!(org.rows.is_empty());
}

#[test]
fn an_update_sees_old_values_and_a_delete_can_be_refused() {
    let (_, mut org) = org(&[("OnAccount.trigger", TRIGGER), ("Work.cls", WORK)]);
    let mut rows = accounts(1);
    org.save(SaveOp::Insert, &mut rows, &options()).unwrap();
    rows[0].fields.insert("Name".to_owned(), Value::Text("New".to_owned()));
    org.save(SaveOp::Update, &mut rows, &options()).unwrap();
    assert_eq!(org.rows[0].fields["Phone"], Value::Text("was Company 0".to_owned()));
    let mut gone = org.rows.clone();
    org.save(SaveOp::Delete, &mut gone, &options()).unwrap();
}

#[test]
fn an_uncaught_exception_names_trigger_and_lines() {
    let (_, mut org) = org(&[(
        "Bad.trigger",
        "trigger Bad on Account (before insert) {\n    Account none;\n    none.Phone = 'x';\n}",
    )]);
    let fault = org.save(SaveOp::Insert, &mut accounts(1), &options()).unwrap_err();
    assert_eq!(
        fault.message,
        "Insert failed. First exception on row 0; first error: CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY, Bad: execution of \
         BeforeInsert\n\ncaused by: System.NullPointerException: Attempt to de-reference a null object\n\n\
         Trigger.Bad: line 3, column 5: []"
    );
}

#[test]
fn rows_after_the_save_and_old_rows_are_read_only() {
    let (_, mut org) = org(&[(
        "Later.trigger",
        "trigger Later on Account (after insert) { for (Account row : Trigger.new) { row.Phone = 'x'; } }",
    )]);
    let fault = org.save(SaveOp::Insert, &mut accounts(1), &options()).unwrap_err();
    assert!(fault.message.contains("System.FinalException: Record is read-only"), "{}", fault.message);
}

#[test]
fn recursion_stops_at_depth_sixteen() {
    let (_, mut org) = org(&[("Again.trigger", "trigger Again on Account (after insert) { insert new Account(); }")]);
    let fault = org.save(SaveOp::Insert, &mut accounts(1), &options()).unwrap_err();
    assert!(fault.message.contains("Maximum trigger depth exceeded"), "{}", fault.message);
}

#[test]
fn ten_thousand_accounts_pass_in_seconds() {
    let (_, mut org) = org(&[("OnAccount.trigger", TRIGGER), ("Work.cls", WORK)]);
    let started = std::time::Instant::now();
    org.save(SaveOp::Insert, &mut accounts(10_000), &options()).unwrap();
    assert_eq!(org.published.len(), 50);
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
}

const CONTROLLER: &str = "public with sharing class Controller {
    public class Answer {
        @AuraEnabled public String text { get; set; }
        @AuraEnabled public Decimal amount;
        @AuraEnabled public String nothing;
        public String hidden = 'x';
        @AuraEnabled public List<Account> rows;
    }
    @AuraEnabled(cacheable=true)
    public static Answer ask(Id recordId, Integer count, Decimal amount) {
        if (count == 0) { throw new AuraHandledException('Nothing to ask.'); }
        Answer a = new Answer();
        a.text = recordId + ' ' + count;
        a.amount = amount;
        a.rows = new List<Account>{ new Account(Name = 'n', Phone = null) };
        return a;
    }
    @InvocableMethod(label='Ask')
    public static List<String> each(List<Id> ids) {
        List<String> out = new List<String>();
        for (Id one : ids) { out.add(one); }
        return out;
    }
}";

#[test]
fn a_component_calls_by_name_and_gets_json() {
    let (runtime, mut org) = org(&[("Controller.cls", CONTROLLER)]);
    let given = json!({"recordId": "001000000000001", "count": 2, "amount": 12.5});
    let answer = runtime.invoke(&mut org, "Controller", "ask", &given).unwrap();
    assert_eq!(answer, json!({"text": "001000000000001AAA 2", "amount": 12.5, "rows": [{"Name": "n"}]}));
    let fault = runtime.invoke(&mut org, "Controller", "ask", &json!({"count": 0})).unwrap_err();
    assert_eq!((fault.exception.as_str(), fault.message.as_str()), ("System.AuraHandledException", "Nothing to ask."));
    let each = runtime.invoke(&mut org, "Controller", "each", &json!(["001000000000001"])).unwrap();
    assert_eq!(each, json!(["001000000000001AAA"]));
}

const BATCH: &str = "public class Sweep implements Database.Batchable<SObject>, Schedulable {
    public Integer seen = 0;
    public Database.QueryLocator start(Database.BatchableContext context) {
        return Database.getQueryLocator([SELECT Id, Name FROM Account]);
    }
    public void execute(Database.BatchableContext context, List<Account> rows) {
        seen += rows.size();
        for (Account row : rows) { row.Phone = 'seen ' + seen; }
        update rows;
    }
    public void finish(Database.BatchableContext context) { insert new Account(Name = 'finished ' + seen); }
    public void execute(SchedulableContext context) { Database.executeBatch(new Sweep(), 2); }
}";

fn drain(runtime: &Runtime, org: &mut FakeOrg, job: Job) -> usize {
    let mut steps = std::collections::VecDeque::from([(job, JobStep::Start)]);
    let mut ran = 0;
    while let Some((job, step)) = steps.pop_front() {
        *org.runtime_state() = None;
        steps.extend(runtime.run_job(org, job, step).unwrap());
        ran += 1;
    }
    ran
}

#[test]
fn a_batch_runs_in_chunks_and_forgets_between_them() {
    let (runtime, mut org) = org(&[("Sweep.cls", BATCH)]);
    org.save(SaveOp::Insert, &mut accounts(5), &options()).unwrap();
    let schedule = Job::Scheduled {
        name: "hourly".to_owned(),
        cron: "0 0 * * * ?".to_owned(),
        class: "Sweep".to_owned(),
        instance: json!({"object": "Sweep", "fields": [{"integer": 0}]}),
    };
    assert_eq!(drain(&runtime, &mut org, schedule), 1);
    let batch = org.jobs.pop().unwrap();
    assert_eq!(drain(&runtime, &mut org, batch), 5);
    assert_eq!(org.rows[4].fields["Phone"], Value::Text("seen 1".to_owned()));
    assert_eq!(org.rows[5].fields["Name"], Value::Text("finished 0".to_owned()));
}

#[test]
fn a_stateful_batch_remembers() {
    let stateful = BATCH.replace("Schedulable {", "Schedulable, Database.Stateful {");
    let (runtime, mut org) = org(&[("Sweep.cls", &stateful)]);
    org.save(SaveOp::Insert, &mut accounts(5), &options()).unwrap();
    let job = Job::Batch {
        class: "Sweep".to_owned(),
        instance: json!({"object": "Sweep", "fields": [{"integer": 0}]}),
        scope: 2,
    };
    assert_eq!(drain(&runtime, &mut org, job), 5);
    assert_eq!(org.rows[5].fields["Name"], Value::Text("finished 5".to_owned()));
}

#[test]
fn the_access_and_sharing_that_the_code_asks_for_reach_the_org() {
    let (runtime, mut org) = org(&[(
        "Reader.cls",
        "public with sharing class Reader {
            @AuraEnabled public static void read() {
                List<Account> a = [SELECT Id /* why */ FROM Account WITH USER_MODE LIMIT 1];
                Writer.write();
            }
        }",
    ), (
        "Writer.cls",
        "public without sharing class Writer {
            public static void write() { List<Account> b = [SELECT Id FROM Account]; insert as user new Account(); insert new Account(); }
        }",
    )]);
    runtime.invoke(&mut org, "Reader", "read", &json!({})).unwrap();
    let asked: Vec<(&str, Access, bool)> =
        org.queries.iter().map(|(text, _, access, sharing)| (text.as_str(), *access, *sharing)).collect();
    assert_eq!(
        asked,
        [("SELECT Id FROM Account LIMIT 1", Access::User, true), ("SELECT Id FROM Account", Access::System, false)]
    );
    assert_eq!(org.saves, [(SaveOp::Insert, 1, Access::User, true), (SaveOp::Insert, 1, Access::System, false)]);
}

const TESTS: &str = "@IsTest private class SweepTest {
    @TestSetup static void make() { insert new List<Account>{ new Account(Name = 'a'), new Account(Name = 'b') }; }
    @IsTest static void sweeps() {
        Test.startTest();
        Database.executeBatch(new Sweep());
        Assert.areEqual(0, [SELECT COUNT() FROM Account WHERE Name = :'finished 0'], 'not yet');
        Test.stopTest();
        Assert.areEqual(1, [SELECT COUNT() FROM Account WHERE Name = :'finished 0'], 'after stopTest');
        Assert.isTrue(Test.isRunningTest());
    }
    @IsTest static void fails() { Assert.areEqual(3, [SELECT COUNT() FROM Account], 'rows'); }
}";

#[test]
fn test_classes_run_with_setup_and_jobs_at_stop_test() {
    let (runtime, mut org) = org(&[("Sweep.cls", BATCH), ("SweepTest.cls", TESTS)]);
    assert_eq!(
        runtime.tests(),
        [("SweepTest".to_owned(), "fails".to_owned()), ("SweepTest".to_owned(), "sweeps".to_owned())]
    );
    runtime.run_test(&mut org, "SweepTest", "sweeps").unwrap();
    let mut other = FakeOrg::new(runtime.clone());
    let fault = runtime.run_test(&mut other, "SweepTest", "fails").unwrap_err();
    assert_eq!(fault.message, "Assertion Failed: rows: Expected: 3, Actual: 2");
}

#[test]
fn a_file_that_is_no_apex_is_refused_with_its_line() {
    let text = "public class Broken {\n    void m() { Integer x = ; }\n}";
    let error = Runtime::load_texts(vec![("Broken.cls".to_owned(), text.to_owned())]).unwrap_err();
    assert!(error.to_string().starts_with("Broken.cls:2:"), "{error}");
}
