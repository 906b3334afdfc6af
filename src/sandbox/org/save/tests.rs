use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::sandbox::faults::Faults;
use crate::sandbox::org::OrgOptions;
use crate::sandbox::org::bench::{Bench, Script, all_or_none, boat, id, number, partial, record, rows, text, word};
use crate::sandbox::org::fault::row_error;
use crate::sandbox::org::host::{Access, Host, Record, SaveOp, SaveOptions, TriggerOp, Value};

/// `CODE, message: [fields]` of the first row of a refused statement.
fn refused(bench: &Bench, op: SaveOp, row: Record) -> String {
    let fault = bench.save(op, vec![row]).expect_err("the row is refused");
    assert_eq!(fault.exception, "System.DmlException");
    let (_, tail) = fault.message.split_once("first error: ").expect("the usual text");
    tail.to_owned()
}

#[test]
fn values_are_stored_as_the_org_stores_them() {
    let bench = Bench::new();
    let fields = [
        ("Length__c", Value::Number("12.3456".parse().expect("a number"))),
        ("Home__c", word("  ")),
        ("Kind__c", word("MOTOR")),
        ("Seen__c", Value::DateTime("2026-01-02T03:04:05.678Z".parse().expect("a time"))),
        ("Mail__c", word("\u{a0}")),
    ];
    assert!(bench.save(SaveOp::Insert, vec![boat("x", &fields)]).is_err(), "a no-break space is no e-mail address");
    bench.insert(boat("  Argo ", &fields[..4]));
    let row = bench.query("SELECT FIELDS(ALL) FROM Boat__c LIMIT 1").remove(0);
    assert_eq!(text(&row, "Name"), "Argo");
    assert_eq!(text(&row, "Length__c"), "12.3456", "decimals beyond the scale are kept");
    assert_eq!(row.fields["Home__c"], Value::Null, "an explicit blank takes no default");
    assert_eq!(text(&row, "Kind__c"), "Motor");
    assert_eq!(text(&row, "Seen__c"), "2026-01-02T03:04:05Z");
    assert_eq!(text(&row, "Afloat__c"), "true");
    assert_eq!(text(&row, "Price__c"), "0");
    assert_eq!(text(&row, "CreatedDate"), "2026-03-15T12:00:00Z");
    assert_eq!(text(&row, "OwnerId"), text(&row, "CreatedById"));
    bench.insert(boat("Plain", &[]));
    let plain = bench.query("SELECT Home__c, Kind__c FROM Boat__c WHERE Name = 'Plain'").remove(0);
    assert_eq!((text(&plain, "Home__c"), text(&plain, "Kind__c")), ("Harbour".to_owned(), "Sail".to_owned()));
}

#[test]
fn a_bad_row_is_refused_in_the_orgs_words() {
    let bench = Bench::new();
    let stored = bench.insert(boat("Argo", &[("Number__c", word("N1")), ("Sign__c", word("Sign"))]));
    let account = bench.insert(record("Account", &[("Name", word("A"))]));
    let insert = |fields: &[(&str, Value)]| refused(&bench, SaveOp::Insert, boat("B", fields));
    assert_eq!(
        refused(&bench, SaveOp::Insert, record("Boat__c", &[])),
        "REQUIRED_FIELD_MISSING, Required fields are missing: [Name]: [Name]"
    );
    assert_eq!(
        insert(&[("Home__c", word("elevenchars"))]),
        "STRING_TOO_LONG, Home: data value too large: elevenchars (max length=10): [Home__c]"
    );
    assert_eq!(
        insert(&[("Kind__c", word("Kite"))]),
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST, Kind: bad value for restricted picklist field: Kite: [Kind__c]"
    );
    assert_eq!(
        insert(&[("Length__c", number(1000.0))]),
        "NUMBER_OUTSIDE_VALID_RANGE, Length: value outside of valid range on numeric field: 1000.0: [Length__c]"
    );
    assert_eq!(
        insert(&[("Mail__c", word("a@b"))]),
        "INVALID_EMAIL_ADDRESS, Mail: invalid email address: a@b: [Mail__c]"
    );
    assert_eq!(
        insert(&[("Number__c", word("N1"))]),
        format!("DUPLICATE_VALUE, duplicate value found: Number__c duplicates value on record with id: {stored}: []")
    );
    assert!(insert(&[("Sign__c", word("sIGN"))]).starts_with("DUPLICATE_VALUE"), "case aside");
    assert_eq!(
        bench.save(SaveOp::Insert, vec![boat("C", &[("Number__c", word("n1"))])]).expect("case counts").len(),
        1
    );
    assert_eq!(
        insert(&[("Id", id(&stored))]),
        "INVALID_FIELD_FOR_INSERT_UPDATE, cannot specify Id in an insert call: [Id]"
    );
    assert_eq!(
        insert(&[("Nope__c", number(1.0))]),
        "INVALID_FIELD, No such column 'Nope__c' on sobject of type Boat__c: [Nope__c]"
    );
    assert!(
        insert(&[("Double__c", number(1.0))])
            .starts_with("INVALID_FIELD_FOR_INSERT_UPDATE, Unable to create/update fields: Double__c.")
    );
    assert_eq!(
        insert(&[("Length__c", number(-1.0))]),
        "FIELD_CUSTOM_VALIDATION_EXCEPTION, A boat is longer than nothing: [Length__c]"
    );
    assert!(insert(&[("Owner_Account__c", id(&stored))]).starts_with("FIELD_INTEGRITY_EXCEPTION"));
    assert!(insert(&[("Sister__c", id(&stored[..14]))]).starts_with("MALFORMED_ID"));
    assert_eq!(
        refused(&bench, SaveOp::Update, boat("B", &[])),
        "MISSING_ARGUMENT, Id not specified in an update call: []"
    );
    let gone = crate::sandbox::org::record_id::numbered(&stored[..3], 999);
    assert_eq!(
        refused(&bench, SaveOp::Update, boat("B", &[("Id", id(&gone))])),
        "INVALID_CROSS_REFERENCE_KEY, invalid cross reference id: []"
    );
    let fault = bench.save(SaveOp::Update, vec![boat("", &[("Id", id(&stored))])]).expect_err("no name");
    assert_eq!(
        fault.message,
        format!(
            "Update failed. First exception on row 0 with id {stored}; first error: REQUIRED_FIELD_MISSING, Required fields are missing: [Name]: [Name]"
        )
    );
    let twice = vec![boat("a", &[("Id", id(&stored))]), boat("b", &[("Id", id(&stored[..15]))])];
    let fault = bench.save(SaveOp::Update, twice).expect_err("twice");
    assert_eq!(
        (fault.exception.as_str(), fault.message),
        ("System.ListException", format!("Duplicate id in list: {stored}"))
    );
    bench.save(SaveOp::Delete, vec![record("Account", &[("Id", id(&account))])]).expect("deleted");
    assert_eq!(
        refused(&bench, SaveOp::Delete, record("Account", &[("Id", id(&account))])),
        "ENTITY_IS_DELETED, entity is deleted: []"
    );
    assert!(insert(&[("Owner_Account__c", id(&account))]).starts_with("ENTITY_IS_DELETED"));
}

#[test]
fn a_statement_is_all_or_nothing_unless_it_is_partial() {
    let bench = Bench::new();
    let mixed = || vec![boat("Good", &[]), boat("Bad", &[("Kind__c", word("Kite"))]), boat("Fine", &[])];
    assert!(bench.save(SaveOp::Insert, mixed()).is_err());
    assert_eq!(bench.query("SELECT Id FROM Boat__c").len(), 0);
    let mut rows = mixed();
    let results = bench.admin(|transaction| transaction.save(SaveOp::Insert, &mut rows, &partial())).expect("results");
    assert_eq!(results.iter().map(|result| result.success).collect::<Vec<_>>(), [true, false, true]);
    assert!(rows[0].fields.contains_key("Id") && !rows[1].fields.contains_key("Id"));
    assert_eq!(bench.names("SELECT Name FROM Boat__c ORDER BY Name"), ["Fine", "Good"]);
}

#[test]
fn an_upsert_finds_its_row_by_external_id() {
    let bench = Bench::new();
    let by_number = SaveOptions { external_id: Some("number__C".to_owned()), ..partial() };
    let upsert = |mut rows: Vec<Record>| {
        bench.admin(|transaction| transaction.save(SaveOp::Upsert, &mut rows, &by_number)).expect("results")
    };
    let made = upsert(vec![boat("A", &[("Number__c", word("N1"))])]);
    assert!(made[0].created);
    let again = upsert(vec![boat("B", &[("Number__c", word("N1"))]), boat("C", &[("Number__c", word("n1"))])]);
    assert_eq!((again[0].created, again[0].id.clone(), again[1].created), (false, made[0].id.clone(), true));
    let twice = upsert(vec![boat("B", &[("Number__c", word("N5"))]), boat("C", &[("Number__c", word("N5"))])]);
    for result in &twice {
        assert_eq!(
            result.errors,
            [row_error("DUPLICATE_VALUE", "Duplicate external id specified: N5", &["Number__c"])]
        );
    }
    let without = upsert(vec![boat("B", &[])]);
    assert_eq!(without[0].errors[0].status_code, "MISSING_ARGUMENT");
    let mut trip = record("Trip__c", &[("Miles__c", number(3.0))]);
    trip.parents.insert("Boat__r".to_owned(), Some(Box::new(record("Boat__c", &[("Number__c", word("N1"))]))));
    bench.insert(trip.clone());
    assert_eq!(bench.query("SELECT Name FROM Trip__c WHERE Boat__r.Name = 'B'").len(), 1);
    trip.parents.insert("Boat__r".to_owned(), Some(Box::new(record("Boat__c", &[("Number__c", word("Nx"))]))));
    assert_eq!(
        refused(&bench, SaveOp::Insert, trip),
        "INVALID_FIELD, Foreign key external ID: nx not found for field Number__c in entity Boat__c: []"
    );
}

#[test]
fn triggers_run_around_the_write_in_chunks_of_two_hundred() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (before, after) = (seen.clone(), seen.clone());
    let script = Script::default()
        .on("Boat__c", TriggerOp::BeforeInsert, move |_, call| {
            let new = call.new.expect("new rows");
            before.lock().expect("the list").push(format!("before {}", new.len()));
            for boat in new {
                assert!(!boat.fields.contains_key("Id"));
                assert_eq!(text(boat, "Home__c"), "Harbour", "defaults are in place");
                let length = if text(boat, "Name") == "Short" { -5.0 } else { 5.0 };
                boat.fields.insert("Length__c".to_owned(), number(length));
            }
            Ok(())
        })
        .on("Boat__c", TriggerOp::AfterInsert, move |host, call| {
            let new = call.new.expect("new rows");
            let found = rows(host, "SELECT Id FROM Boat__c WHERE Length__c = 5")?.len();
            after.lock().expect("the list").push(format!(
                "after {} of {found}, {}",
                new.len(),
                text(&new[0], "Double__c")
            ));
            Ok(())
        });
    let bench = Bench::with(script);
    bench.save(SaveOp::Insert, (0..450).map(|place| boat(&format!("b{place}"), &[])).collect()).expect("saved");
    assert_eq!(
        *seen.lock().expect("the list"),
        [
            "before 200",
            "after 200 of 200, 10.0",
            "before 200",
            "after 200 of 400, 10.0",
            "before 50",
            "after 50 of 450, 10.0"
        ]
    );
    assert_eq!(
        refused(&bench, SaveOp::Insert, boat("Short", &[])),
        "FIELD_CUSTOM_VALIDATION_EXCEPTION, A boat is longer than nothing: [Length__c]",
        "rules see what before triggers did"
    );
}

#[test]
fn a_partial_save_fires_its_triggers_again_for_the_good_rows() {
    let passes = Arc::new(AtomicUsize::new(0));
    let counted = passes.clone();
    let script = Script::default().on("Boat__c", TriggerOp::AfterInsert, move |host, call| {
        counted.fetch_add(1, Ordering::SeqCst);
        rows(host, "SELECT Id FROM Account")?;
        for boat in call.new.expect("new rows") {
            if text(boat, "Name") == "Bad" {
                boat.errors.push(row_error("FIELD_CUSTOM_VALIDATION_EXCEPTION", "No bad boats", &[]));
            }
        }
        Ok(())
    });
    let bench = Bench::with(script);
    let (results, queries) = bench
        .admin(|transaction| {
            let mut rows = vec![boat("Good", &[]), boat("Bad", &[])];
            let results = transaction.save(SaveOp::Insert, &mut rows, &partial())?;
            Ok((results, transaction.spent().queries))
        })
        .expect("results");
    assert_eq!((passes.load(Ordering::SeqCst), queries), (2, 1), "two passes, and the limits of one");
    assert_eq!(results[1].errors[0].message, "No bad boats");
    assert_eq!(bench.names("SELECT Name FROM Boat__c"), ["Good"]);
}

#[test]
fn what_a_trigger_throws_fails_every_row_and_undoes_its_work() {
    let script = Script::default().on("Boat__c", TriggerOp::AfterInsert, |host, _| {
        host.save(SaveOp::Insert, &mut vec![record("Account", &[("Name", word("by trigger"))])], &all_or_none())?;
        Err(crate::sandbox::org::fault::fault("System.NullPointerException", "Attempt to de-reference a null object"))
    });
    let bench = Bench::with(script);
    assert!(refused(&bench, SaveOp::Insert, boat("A", &[])).starts_with(
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY, Boat__c: execution of AfterInsert\n\ncaused by: System.NullPointerException: \
         Attempt to de-reference a null object"
    ));
    assert_eq!(bench.query("SELECT Id FROM Account").len(), 0);
    assert_eq!(bench.query("SELECT Id FROM Boat__c").len(), 0);
}

#[test]
fn a_row_cannot_update_itself_in_its_own_before_trigger_nor_triggers_go_on_for_ever() {
    let script = Script::default()
        .on("Boat__c", TriggerOp::BeforeUpdate, |host, call| {
            let id = call.new.expect("new rows")[0].fields["Id"].clone();
            host.save(SaveOp::Update, &mut vec![boat("again", &[("Id", id)])], &all_or_none()).map(|_| ())
        })
        .on("Account", TriggerOp::AfterInsert, |host, _| {
            host.save(SaveOp::Insert, &mut vec![record("Account", &[("Name", word("more"))])], &all_or_none())
                .map(|_| ())
        });
    let bench = Bench::with(script);
    let stored = bench.insert(boat("A", &[]));
    assert!(refused(&bench, SaveOp::Update, boat("B", &[("Id", id(&stored))])).contains("SELF_REFERENCE_FROM_TRIGGER"));
    assert!(
        refused(&bench, SaveOp::Insert, record("Account", &[("Name", word("A"))]))
            .contains("Maximum trigger depth exceeded")
    );
}

#[test]
fn validation_rules_know_what_was_before_and_who_saves() {
    let bench = Bench::new();
    let ferry = bench.insert(boat("F", &[("Kind__c", word("Ferry"))]));
    let change = || record("Boat__c", &[("Id", id(&ferry)), ("Kind__c", word("Sail"))]);
    assert_eq!(
        refused(&bench, SaveOp::Update, change()),
        "FIELD_CUSTOM_VALIDATION_EXCEPTION, A ferry stays a ferry: []"
    );
    assert!(
        bench.save(SaveOp::Insert, vec![boat("N", &[("Length__c", number(-1.0))])]).is_err(),
        "even an administrator's"
    );
    bench.org.assign_permission_set(crate::sandbox::org::ADMINISTRATOR, "Shipwright").expect("assigned");
    assert!(bench.save(SaveOp::Insert, vec![boat("N", &[("Length__c", number(-1.0))])]).is_ok());
}

#[test]
fn children_follow_hold_or_let_go_of_a_deleted_parent() {
    let fired = Arc::new(AtomicUsize::new(0));
    let count = fired.clone();
    let script = Script::default().on("Trip__c", TriggerOp::BeforeDelete, move |_, _| {
        count.fetch_add(1, Ordering::SeqCst);
        Ok(())
    });
    let bench = Bench::with(script);
    let account = bench.insert(record("Account", &[("Name", word("A"))]));
    let argo = bench.insert(boat("Argo", &[("Owner_Account__c", id(&account))]));
    let sister = bench.insert(boat("Sister", &[("Sister__c", id(&argo))]));
    bench.insert(record("Trip__c", &[("Boat__c", id(&argo))]));
    assert_eq!(bench.names("SELECT Name FROM Trip__c"), ["TRIP-0001"]);
    let row = |object: &str, of: &str| vec![record(object, &[("Id", id(of))])];
    assert!(
        refused(&bench, SaveOp::Delete, row("Boat__c", &argo).remove(0))
            .starts_with("DELETE_FAILED, Your attempt to delete")
    );
    bench.save(SaveOp::Delete, row("Boat__c", &sister)).expect("deleted");
    bench.save(SaveOp::Delete, row("Boat__c", &argo)).expect("deleted");
    assert_eq!(bench.query("SELECT Id FROM Trip__c").len(), 0);
    assert_eq!(fired.load(Ordering::SeqCst), 0, "a cascade fires no triggers");
    bench.save(SaveOp::Undelete, row("Boat__c", &argo)).expect("back");
    assert_eq!(bench.query("SELECT Id FROM Trip__c").len(), 1);
    bench.save(SaveOp::Delete, row("Account", &account)).expect("deleted");
    assert_eq!(bench.query("SELECT Id FROM Boat__c WHERE Owner_Account__c = null").len(), 1);
    let fault = bench.save(SaveOp::Undelete, row("Boat__c", &argo)).expect_err("not in the bin");
    assert!(fault.message.contains("UNDELETE_FAILED"));
}

#[test]
fn a_merge_moves_children_and_fires_in_order() {
    let order = Arc::new(Mutex::new(Vec::new()));
    let mut script = Script::default();
    for operation in [TriggerOp::BeforeDelete, TriggerOp::AfterDelete, TriggerOp::BeforeUpdate, TriggerOp::AfterUpdate]
    {
        let order = order.clone();
        script = script.on("Account", operation, move |_, call| {
            let rows = call.old.expect("old rows");
            order.lock().expect("the list").push(format!(
                "{operation:?} {} {}",
                text(&rows[0], "Name"),
                !text(&rows[0], "MasterRecordId").is_empty()
            ));
            Ok(())
        });
    }
    let bench = Bench::with(script);
    let winner = bench.insert(record("Account", &[("Name", word("Winner"))]));
    let loser = bench.insert(record("Account", &[("Name", word("Loser"))]));
    bench.insert(boat("Argo", &[("Owner_Account__c", id(&loser))]));
    let mut row = record("Account", &[("Id", id(&winner)), ("Phone", word("1"))]);
    let losers = [loser.clone()];
    let results = bench.admin(|transaction| transaction.merge(&mut row, &losers, &all_or_none())).expect("merged");
    assert!(results[0].success);
    assert_eq!(
        *order.lock().expect("the list"),
        ["BeforeDelete Loser false", "AfterDelete Loser true", "BeforeUpdate Winner false", "AfterUpdate Winner false"]
    );
    assert_eq!(text(&bench.query("SELECT Owner_Account__c FROM Boat__c")[0], "Owner_Account__c"), winner);
    let gone = bench.query("SELECT MasterRecordId FROM Account WHERE IsDeleted = true ALL ROWS");
    assert_eq!(text(&gone[0], "MasterRecordId"), winner);
    assert_eq!(text(&bench.query("SELECT Phone FROM Account")[0], "Phone"), "1");
}

#[test]
fn savepoints_put_rows_and_events_back() {
    let bench = Bench::new();
    bench
        .admin(|transaction| {
            let mut kept = vec![boat("Kept", &[])];
            transaction.save(SaveOp::Insert, &mut kept, &all_or_none())?;
            let point = transaction.savepoint()?;
            let mut lost = vec![boat("Lost", &[])];
            transaction.save(SaveOp::Insert, &mut lost, &all_or_none())?;
            transaction.publish(vec![record("Boat_Left__e", &[("Boat__c", word("x"))])]);
            transaction.rollback(point)?;
            assert!(lost[0].fields.contains_key("Id"), "the id stays on the row in memory");
            assert_eq!(transaction.spent().dml_statements, 5);
            Ok(())
        })
        .expect("done");
    assert_eq!(bench.names("SELECT Name FROM Boat__c"), ["Kept"]);
    assert!(bench.heard.0.lock().expect("the list").is_empty());
}

#[test]
fn statements_and_rows_are_limited() {
    let bench = Bench::new();
    let fault = bench
        .admin(|transaction| {
            for _ in 0..151 {
                transaction.save(SaveOp::Insert, &mut vec![boat("b", &[])], &all_or_none())?;
            }
            Ok(())
        })
        .expect_err("the limit");
    assert_eq!(fault.message, "Too many DML statements: 151");
    assert_eq!(bench.query("SELECT Id FROM Boat__c").len(), 0, "the transaction is undone");
    let fault = bench.save(SaveOp::Insert, vec![boat("b", &[]); 10_001]).expect_err("the limit");
    assert_eq!((fault.message.as_str(), fault.uncatchable), ("Too many DML rows: 10001", true));
    let fault = bench
        .admin(|transaction| {
            transaction.save(SaveOp::Insert, &mut vec![boat("b", &[])], &all_or_none())?;
            let user =
                record("User", &[("Username", word("n@x.org")), ("LastName", word("N")), ("Email", word("n@x.org"))]);
            transaction.save(SaveOp::Insert, &mut vec![user], &all_or_none())
        })
        .expect_err("mixed");
    assert!(fault.message.contains("MIXED_DML_OPERATION"), "{}", fault.message);
}

#[test]
fn user_mode_refuses_what_permission_sets_do_not_grant() {
    let bench = Bench::new();
    bench.org.add_user("sailor@x.org", "Sam Sailor", false, &["Sailor"]).expect("a sailor");
    let sailor = bench.org.user("sailor@x.org").expect("a sailor");
    let save = |op: SaveOp, row: Record, access: Access| {
        let options = SaveOptions { access, ..partial() };
        let results = bench.org.run(&sailor, |transaction| transaction.save(op, &mut vec![row], &options));
        results.expect("results").remove(0)
    };
    assert!(save(SaveOp::Insert, boat("A", &[("Length__c", number(1.0))]), Access::User).success);
    let hidden = save(SaveOp::Insert, boat("A", &[("Home__c", word("x"))]), Access::User);
    assert_eq!(hidden.errors[0].status_code, "INVALID_FIELD_FOR_INSERT_UPDATE");
    let denied = save(SaveOp::Insert, record("Trip__c", &[]), Access::User);
    assert_eq!(denied.errors[0].message, "Access to entity 'Trip__c' denied");
    assert!(save(SaveOp::Insert, boat("A", &[("Home__c", word("x"))]), Access::System).success);
    let stored = bench.insert(boat("B", &[]));
    let kept = save(SaveOp::Delete, record("Boat__c", &[("Id", id(&stored))]), Access::User);
    assert_eq!(kept.errors[0].status_code, "INSUFFICIENT_ACCESS_OR_READONLY");
}

#[test]
fn a_locked_row_and_the_fault_of_that_name_refuse_the_save() {
    let faults = Arc::new(Faults::new(1));
    let options = OrgOptions { faults: Some(faults.clone()), ..OrgOptions::default() };
    let bench = Bench::open(Script::default(), options).expect("open");
    let argo = bench.insert(boat("Argo", &[]));
    let other = bench.insert(boat("Other", &[]));
    let update = |of: &str| record("Boat__c", &[("Id", id(of)), ("Length__c", number(2.0))]);
    bench.org.lock_row(&argo, Duration::from_secs(10));
    assert_eq!(
        refused(&bench, SaveOp::Update, update(&argo)),
        format!("UNABLE_TO_LOCK_ROW, unable to obtain exclusive access to this record or 1 records: {argo}: []")
    );
    assert!(
        refused(&bench, SaveOp::Insert, record("Trip__c", &[("Boat__c", id(&argo))])).starts_with("UNABLE_TO_LOCK_ROW"),
        "its children too"
    );
    assert!(bench.query_error("SELECT Id FROM Boat__c FOR UPDATE").starts_with("Record Currently Unavailable"));
    bench.save(SaveOp::Update, vec![update(&other)]).expect("not locked");
    bench.org.lock_row(&argo, Duration::ZERO);
    bench.save(SaveOp::Update, vec![update(&argo)]).expect("no longer locked");
    faults.set("locked_row", 1.0).expect("known");
    assert!(refused(&bench, SaveOp::Update, update(&other)).starts_with("UNABLE_TO_LOCK_ROW"));
}

#[test]
fn a_file_makes_its_document_and_its_link() {
    let bench = Bench::new();
    let argo = bench.insert(boat("Argo", &[]));
    let version = |fields: &[(&str, Value)]| record("ContentVersion", fields);
    let first = bench.insert(version(&[
        ("PathOnClient", word("receipt.pdf")),
        ("VersionData", word("aGVsbG8=")),
        ("FirstPublishLocationId", id(&argo)),
    ]));
    let row = bench
        .query("SELECT Title, Checksum, ContentSize, FileExtension, IsLatest, ContentDocumentId FROM ContentVersion")
        .remove(0);
    assert_eq!(text(&row, "Checksum"), "5d41402abc4b2a76b9719d911017c592");
    assert_eq!(
        (text(&row, "Title"), text(&row, "ContentSize"), text(&row, "FileExtension")),
        ("receipt".into(), "5".into(), "pdf".into())
    );
    let linked = bench.query(&format!(
        "SELECT ContentDocument.LatestPublishedVersionId FROM ContentDocumentLink WHERE LinkedEntityId = '{argo}'"
    ));
    let document = linked[0].parents["ContentDocument"].as_ref().expect("a document");
    assert_eq!(text(document, "LatestPublishedVersionId"), first);
    let again = [
        ("PathOnClient", word("r.pdf")),
        ("VersionData", word("aA==")),
        ("ContentDocumentId", row.fields["ContentDocumentId"].clone()),
    ];
    bench.insert(version(&again));
    assert_eq!(bench.query("SELECT Id FROM ContentVersion WHERE IsLatest = true").len(), 1);
    assert_eq!(bench.query("SELECT Id FROM ContentDocument").len(), 1);
    assert!(refused(&bench, SaveOp::Insert, version(&[("VersionData", word("aA=="))])).contains("[PathOnClient]"));
}
