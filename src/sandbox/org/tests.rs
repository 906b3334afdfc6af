//! The org as a whole: events, jobs, schedules, state on disk, users, and metadata that can't be loaded.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::bench::{Bench, Heard, Script, all_or_none, boat, files, id, number, record, rows, text, word, write};
use super::host::{Host, Job, JobStep, SaveOp, TriggerOp, Value};
use super::{CLERK, INTEGRATION, Org, OrgError, OrgOptions, fault};

fn left(boat: &str) -> super::host::Record {
    record("Boat_Left__e", &[("Boat__c", word(boat)), ("Crew__c", number(3.0))])
}

#[test]
fn an_event_goes_out_with_the_commit_and_not_without() {
    let bench = Bench::new();
    let results = bench.admin(|transaction| Ok(transaction.publish(vec![left("a"), left("b")]))).expect("published");
    let heard: Vec<_> = bench.heard.0.lock().expect("the list").drain(..).collect();
    assert_eq!(heard.iter().map(|event| text(event, "Boat__c")).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(results[0].errors[0].status_code, "OPERATION_ENQUEUED");
    assert_eq!(results[0].errors[0].message, text(&heard[0], "EventUuid"));
    assert_eq!(text(&heard[0], "EventUuid").len(), 36);
    assert_eq!(text(&heard[0], "CreatedById"), bench.org.user(super::ADMINISTRATOR).expect("an administrator").id);
    assert!(heard[0].fields.contains_key("CreatedDate"));
    let undone = bench.admin(|transaction| {
        transaction.publish(vec![left("c"), record("Alarm__e", &[("What__c", word("fire"))])]);
        Err::<(), _>(fault::query("no"))
    });
    assert!(undone.is_err());
    let heard: Vec<_> = bench.heard.0.lock().expect("the list").drain(..).collect();
    assert_eq!(heard.len(), 1, "only the one that is published immediately");
    assert_eq!(text(&heard[0], "What__c"), "fire");
}

#[test]
fn an_event_that_breaks_its_definition_is_not_published() {
    let bench = Bench::new();
    let results = bench
        .admin(|transaction| {
            Ok(transaction.publish(vec![
                record("Boat_Left__e", &[]),
                record("Boat_Left__e", &[("Boat__c", word("nineteen characters"))]),
                record("Boat_Left__e", &[("Boat__c", word("x")), ("Nope__c", word("x"))]),
                boat("no event", &[]),
                left("fine"),
            ]))
        })
        .expect("results");
    let codes: Vec<&str> = results.iter().map(|result| result.errors[0].status_code.as_str()).collect();
    assert_eq!(
        codes,
        ["REQUIRED_FIELD_MISSING", "STRING_TOO_LONG", "INVALID_FIELD", "INVALID_TYPE", "OPERATION_ENQUEUED"]
    );
    assert_eq!(bench.heard.0.lock().expect("the list").len(), 1);
}

#[test]
fn event_triggers_run_after_the_commit_as_the_automated_process() {
    let script = Script::default()
        .on("Boat_Left__e", TriggerOp::AfterInsert, |host, call| {
            let boats = rows(host, "SELECT Id FROM Boat__c")?.len();
            let name = format!("{} saw {} events and {boats} boat", host.user().name, call.new.expect("events").len());
            host.save(SaveOp::Insert, &mut vec![record("Account", &[("Name", word(&name))])], &all_or_none())?;
            host.publish(vec![record("Alarm__e", &[("What__c", word("seen"))])]);
            Ok(())
        })
        .on("Alarm__e", TriggerOp::AfterInsert, |_, _| Err(fault::query("nobody hears this")));
    let bench = Bench::with(script);
    bench
        .admin(|transaction| {
            transaction.publish(vec![left("a"), left("b")]);
            transaction.save(SaveOp::Insert, &mut vec![boat("Argo", &[])], &all_or_none())
        })
        .expect("committed");
    assert_eq!(bench.names("SELECT Name FROM Account"), ["Automated Process saw 2 events and 1 boat"]);
    assert_eq!(bench.heard.0.lock().expect("the list").len(), 3);
}

#[test]
fn a_batch_runs_step_by_step_and_loses_only_the_chunk_that_fails() {
    let log = Arc::new(Mutex::new(Vec::new()));
    let noted = log.clone();
    let script = Script::default().work(move |host, job, step| {
        noted.lock().expect("the list").push(format!("{step:?}"));
        Ok(match step {
            JobStep::Start => vec![(job, JobStep::Execute(vec![1.into(), 2.into(), 3.into()]))],
            JobStep::Execute(items) => {
                host.save(SaveOp::Insert, &mut vec![boat(&items[0].to_string(), &[])], &all_or_none())?;
                if items[0] == 2 {
                    return Err(fault::query("the second one fails"));
                }
                match items.get(1..).filter(|rest| !rest.is_empty()) {
                    Some(rest) => vec![(job, JobStep::Execute(rest.to_vec()))],
                    None => vec![(job, JobStep::Finish)],
                }
            }
            JobStep::Finish => Vec::new(),
        })
    });
    let bench = Bench::with(script);
    let job = Job::Batch { class: "Paint".to_owned(), instance: serde_json::json!({"coat": 1}), scope: 1 };
    let queued = bench.admin(|transaction| transaction.enqueue(job.clone())).expect("queued");
    assert_eq!(text(&bench.query("SELECT Status, ApexClass.Name FROM AsyncApexJob")[0], "Status"), "Queued");
    assert_eq!(bench.org.run_jobs(), 5);
    assert_eq!(log.lock().expect("the list").len(), 5);
    assert_eq!(bench.names("SELECT Name FROM Boat__c ORDER BY Name"), ["1", "3"]);
    let row = bench.query("SELECT Id, Status, NumberOfErrors, JobItemsProcessed FROM AsyncApexJob").remove(0);
    assert_eq!(text(&row, "Id"), queued);
    assert_eq!(["Status", "NumberOfErrors", "JobItemsProcessed"].map(|name| text(&row, name)), ["Completed", "1", "3"]);
    let undone = bench.admin(|transaction| {
        transaction.enqueue(job)?;
        Err::<(), _>(fault::query("no"))
    });
    assert!(undone.is_err());
    assert_eq!(bench.org.run_jobs(), 0, "a job of an undone transaction never was");
}

#[test]
fn schedules_fire_when_their_time_has_come() {
    let ran = Arc::new(AtomicUsize::new(0));
    let count = ran.clone();
    let script = Script::default().work(move |host, job, _| {
        assert!(matches!(job, Job::Scheduled { .. }));
        assert!(host.spent().is_async);
        count.fetch_add(1, Ordering::SeqCst);
        Ok(Vec::new())
    });
    let bench = Bench::with(script);
    let job = |cron: &str| Job::Scheduled {
        name: "Hourly".to_owned(),
        cron: cron.to_owned(),
        class: "Sweep".to_owned(),
        instance: serde_json::Value::Null,
    };
    assert!(bench.admin(|transaction| transaction.enqueue(job("every hour"))).is_err());
    let trigger = bench.admin(|transaction| transaction.enqueue(job("0 0 * * * ?"))).expect("scheduled");
    let again = bench.admin(|transaction| transaction.enqueue(job("0 0 * * * ?"))).expect_err("twice");
    assert_eq!(again.message, "The Apex job named \"Hourly\" is already scheduled for execution.");
    let at = |time: &str| bench.org.due_schedules(time.parse().expect("a time"));
    assert_eq!(at("2026-03-15T12:59:59Z"), 0);
    assert_eq!(at("2026-03-15T13:00:00Z"), 1);
    assert_eq!(at("2026-03-15T13:00:01Z"), 0);
    assert_eq!(ran.load(Ordering::SeqCst), 1);
    let row = bench.query("SELECT NextFireTime, CronJobDetail.Name FROM CronTrigger").remove(0);
    assert_eq!(text(&row, "NextFireTime"), "2026-03-15T14:00:00Z");
    assert!(bench.admin(|transaction| Ok(transaction.abort_job(&trigger))).expect("aborted"));
    assert_eq!(at("2026-03-16T00:00:00Z"), 0);
}

#[test]
fn the_state_survives_a_restart_and_a_torn_line() {
    let state = tempfile::tempdir().expect("a folder");
    let options = || OrgOptions { state_dir: Some(state.path().to_owned()), ..OrgOptions::default() };
    let (argo, users) = {
        let bench = Bench::open(Script::default(), options()).expect("open");
        let argo = bench.insert(boat("Argo", &[("Length__c", number(1.5)), ("Afloat__c", Value::Bool(false))]));
        bench.insert(record("Trip__c", &[("Boat__c", id(&argo))]));
        let gone = bench.insert(boat("Gone", &[]));
        bench.save(SaveOp::Delete, vec![record("Boat__c", &[("Id", id(&gone))])]).expect("deleted");
        let _ = bench.admin(|transaction| {
            transaction.save(SaveOp::Insert, &mut vec![boat("Undone", &[])], &all_or_none())?;
            Err::<(), _>(fault::query("no"))
        });
        (argo, bench.org.users().len())
    };
    let journal = state.path().join("org.jsonl");
    let mut torn = std::fs::read_to_string(&journal).expect("a journal");
    torn.push_str("{\"object\":\"Boat__c\",\"id\":\"x\",\"row\":{\"Name\":\"Never committed\"}}\n{\"object\":\"Bo");
    std::fs::write(&journal, torn).expect("written");
    let bench = Bench::open(Script::default(), options()).expect("open again");
    assert_eq!(bench.org.users().len(), users, "nothing is seeded twice");
    let row = bench.query("SELECT FIELDS(ALL) FROM Boat__c LIMIT 10");
    assert_eq!(row.len(), 1);
    assert_eq!(
        (text(&row[0], "Id"), text(&row[0], "Length__c"), text(&row[0], "Afloat__c")),
        (argo.clone(), "1.5".into(), "false".into())
    );
    assert_eq!(bench.query("SELECT Id FROM Boat__c WHERE IsDeleted = true ALL ROWS").len(), 1);
    let next = bench.insert(boat("Next", &[]));
    assert!(next > argo, "ids go on");
    bench.insert(record("Trip__c", &[("Boat__c", id(&argo))]));
    assert_eq!(bench.names("SELECT Name FROM Trip__c ORDER BY Name"), ["TRIP-0001", "TRIP-0002"]);
    assert_eq!(
        bench.query("SELECT Depth__c FROM Harbour__mdt").len(),
        1,
        "custom metadata comes from the package alone"
    );
}

#[test]
fn the_seeded_users_hold_what_they_were_given() {
    let options = OrgOptions {
        clerk_permission_sets: vec!["Sailor".to_owned()],
        integration_permission_sets: vec!["Shipwright".to_owned()],
        ..OrgOptions::default()
    };
    let bench = Bench::open(Script::default(), options).expect("open");
    let clerk = bench.org.user(CLERK).expect("a clerk");
    assert_eq!(clerk.permission_sets, Some(vec!["Sailor".to_owned()]));
    let integration = bench.org.user(INTEGRATION).expect("an integration user");
    assert!(bench.org.has_permission(&integration, "any_length") && !bench.org.has_permission(&clerk, "Any_Length"));
    assert!(bench.org.may_call(&clerk, "boats") && !bench.org.may_call(&integration, "Boats"));
    assert!(!bench.org.object_access(&integration, "Account").read, "an API-only profile gives nothing");
    assert!(bench.org.object_access(&clerk, "Boat__c").create && !bench.org.object_access(&clerk, "Boat__c").delete);
    let assigned =
        bench.query("SELECT PermissionSet.Name FROM PermissionSetAssignment WHERE Assignee.Username LIKE 'clerk@%'");
    assert_eq!(text(assigned[0].parents["PermissionSet"].as_ref().expect("a set"), "Name"), "Sailor");
    let organization = bench.query("SELECT Id, IsSandbox, OrganizationType FROM Organization").remove(0);
    assert_eq!(text(&organization, "Id"), bench.org.org_id());
    let unknown = OrgOptions { clerk_permission_sets: vec!["Pirate".to_owned()], ..OrgOptions::default() };
    assert!(
        matches!(Bench::open(Script::default(), unknown), Err(OrgError::NoPermissionSet(name)) if name == "Pirate")
    );
}

#[test]
fn a_change_raises_the_revision_and_shows_in_the_records() {
    let bench = Bench::new();
    let revision = bench.org.revision();
    let before = *revision.borrow();
    bench.query("SELECT Id FROM Boat__c");
    assert_eq!(*revision.borrow(), before);
    bench.insert(boat("Argo", &[("Length__c", number(2.0))]));
    assert_eq!(*revision.borrow(), before + 1);
    let records = bench.org.records("boat__c");
    assert_eq!(text(&records[0], "Double__c"), "4.0");
    assert_eq!(bench.org.schema().labels["Ahoy"], "Ahoy there");
    assert_eq!(text(&bench.org.records("Harbour__mdt")[0], "Depth__c"), "12.5");
}

#[test]
fn person_accounts_are_named_by_their_parts() {
    let options = OrgOptions { person_accounts: true, ..OrgOptions::default() };
    let bench = Bench::open(Script::default(), options).expect("open");
    bench.insert(record("Account", &[("FirstName", word("Ada")), ("LastName", word("Byron"))]));
    bench.insert(record("Account", &[("Name", word("Ltd"))]));
    assert_eq!(bench.names("SELECT Name FROM Account WHERE IsPersonAccount = true"), ["Ada Byron"]);
}

#[test]
fn metadata_that_cannot_be_loaded_is_named_with_its_file() {
    let refused = |path: &str, text: &str| {
        let dir = tempfile::tempdir().expect("a folder");
        let mut tree = files();
        tree.push((path.to_owned(), text.to_owned()));
        write(dir.path(), &tree);
        let opened = Org::open(
            &[dir.path().to_owned()],
            Arc::new(Script::default()),
            Arc::new(Heard::default()),
            OrgOptions::default(),
        );
        match opened {
            Err(OrgError::Metadata { file, what }) => {
                assert!(file.ends_with(path), "{file}");
                what
            }
            _ => panic!("{path} is loaded"),
        }
    };
    let formula = "<CustomField><type>Number</type><formula>SHOUT(1)</formula></CustomField>";
    assert_eq!(refused("objects/Boat__c/fields/Loud__c.field-meta.xml", formula), "the function SHOUT is unknown");
    let stranger = "<CustomField><type>Text</type></CustomField>";
    assert_eq!(
        refused("objects/Ship__c/fields/Name__c.field-meta.xml", stranger),
        "belongs to Ship__c, which the org does not have"
    );
    let summary = "<CustomField><type>Summary</type></CustomField>";
    assert!(refused("objects/Boat__c/fields/Sum__c.field-meta.xml", summary).contains("type Summary"));
    let lookup = "<CustomField><type>Lookup</type><referenceTo>Ship__c</referenceTo></CustomField>";
    assert!(refused("objects/Boat__c/fields/Ship__c.field-meta.xml", lookup).contains("refers to Ship__c"));
    let grant = "<PermissionSet><fieldPermissions><field>Boat__c.Nope__c</field></fieldPermissions></PermissionSet>";
    assert!(refused("permissionsets/Bad.permissionset-meta.xml", grant).contains("Boat__c.Nope__c"));
    let required = "<PermissionSet><fieldPermissions><field>Trip__c.Boat__c</field></fieldPermissions></PermissionSet>";
    assert!(refused("permissionsets/Bad.permissionset-meta.xml", required).contains("required"));
    assert!(refused("objects/Boat__c/fields/Torn__c.field-meta.xml", "<CustomField>").contains("closed"));
}
