use crate::sandbox::org::bench::{Bench, boat, bound, id, number, record, rows, text, word};
use crate::sandbox::org::host::{Access, Bind, Host, QueryOutcome, SaveOp, Value};
use std::collections::BTreeMap;

/// Three boats of one account, and one of nobody.
fn fleet() -> (Bench, String) {
    let bench = Bench::new();
    let account = bench.insert(record("Account", &[("Name", word("Harbour Ltd"))]));
    let of = id(&account);
    bench.insert(boat(
        "argo",
        &[
            ("Length__c", number(10.0)),
            ("Kind__c", word("Ferry")),
            ("Owner_Account__c", of.clone()),
            ("Number__c", word("N1")),
        ],
    ));
    bench.insert(boat(
        "Beagle",
        &[
            ("Length__c", number(20.0)),
            ("Kind__c", word("Sail")),
            ("Owner_Account__c", of.clone()),
            ("Mail__c", word("b@x.org")),
        ],
    ));
    let built = Value::Date("2026-03-14".parse().expect("a date"));
    let seen = Value::DateTime("2026-03-15T03:00:00Z".parse().expect("a time"));
    bench.insert(boat(
        "Calypso",
        &[
            ("Length__c", number(30.0)),
            ("Kind__c", word("Motor")),
            ("Owner_Account__c", of),
            ("Built__c", built),
            ("Seen__c", seen),
        ],
    ));
    bench.insert(boat("drifter_", &[("Kind__c", word("Motor")), ("Afloat__c", Value::Bool(false))]));
    (bench, account)
}

#[test]
fn conditions_follow_the_rules_for_case_and_null() {
    let (bench, _) = fleet();
    for (condition, expected) in [
        ("Name = 'ARGO'", "argo"),
        ("Number__c = 'n1'", ""),
        ("Number__c = 'N1'", "argo"),
        ("Length__c > 10", "Beagle Calypso"),
        ("Length__c != 10", "Beagle Calypso drifter_"),
        ("Length__c <= 20 AND Kind__c = 'Sail'", "Beagle"),
        ("Length__c = null", "drifter_"),
        ("Length__c != null", "argo Beagle Calypso"),
        ("Mail__c = ''", "argo Calypso drifter_"),
        ("NOT Length__c > 10", "argo drifter_"),
        ("(Name = 'argo' OR Name = 'beagle') AND Length__c = 20", "Beagle"),
        ("Name LIKE '%a%'", "argo Beagle Calypso"),
        ("Name LIKE 'drifter\\_'", "drifter_"),
        ("Name LIKE 'a__o'", "argo"),
        ("Kind__c IN ('Sail', 'Ferry')", "argo Beagle"),
        ("Mail__c NOT IN ('b@x.org')", "argo Calypso drifter_"),
        ("Kind__c INCLUDES ('Motor', 'Sail')", "Beagle Calypso drifter_"),
        ("Afloat__c = null", "drifter_"),
        ("Afloat__c = true", "argo Beagle Calypso"),
        ("Owner_Account__r.Name = 'harbour ltd'", "argo Beagle Calypso"),
        ("Owner_Account__r.Name = null", "drifter_"),
        ("Owner_Account__c IN (SELECT Id FROM Account WHERE Name LIKE 'Har%')", "argo Beagle Calypso"),
        ("Id NOT IN (SELECT Sister__c FROM Boat__c)", "argo Beagle Calypso drifter_"),
        ("Built__c = YESTERDAY", "Calypso"),
        ("Built__c = LAST_N_DAYS:1", "Calypso"),
        ("Built__c >= TODAY", ""),
        ("Built__c = 2026-03-14", "Calypso"),
        ("Seen__c = TODAY", "Calypso"),
        ("Seen__c < 2026-03-15T04:00:00Z", "Calypso"),
        ("Seen__c > 2026-03-15T04:00:00.000+0000", ""),
        ("Double__c = 40", "Beagle"),
        ("Hail__c = 'ARGO of Harbour Ltd'", "argo"),
    ] {
        let names = bench.names(&format!("SELECT Name FROM Boat__c WHERE {condition} ORDER BY Name"));
        assert_eq!(names.join(" "), expected, "{condition}");
    }
}

#[test]
fn rows_come_sorted_cut_and_with_nulls_first() {
    let (bench, _) = fleet();
    let names = |tail: &str| bench.names(&format!("select name from boat__C b {tail}")).join(" ");
    assert_eq!(names("ORDER BY b.Length__c DESC"), "drifter_ Calypso Beagle argo");
    assert_eq!(names("ORDER BY Length__c NULLS LAST LIMIT 2"), "argo Beagle");
    assert_eq!(
        names("ORDER BY Kind__c, Name DESC"),
        "Beagle drifter_ Calypso argo",
        "a picklist sorts as it is listed"
    );
    assert_eq!(names("ORDER BY Name LIMIT 2 OFFSET 1"), "Beagle Calypso");
    assert_eq!(names("LIMIT 0"), "");
}

#[test]
fn parents_and_children_come_along() {
    let (bench, account) = fleet();
    let boats = bench.query("SELECT Name, Owner_Account__r.Name, Owner.Username FROM Boat__c ORDER BY Name");
    let parent = boats[0].parents["Owner_Account__r"].as_ref().expect("an owner");
    assert_eq!(text(parent, "Name"), "Harbour Ltd");
    assert_eq!(text(parent, "Id"), account);
    assert!(boats[3].parents["Owner_Account__r"].is_none());
    assert!(boats[0].parents["Owner"].is_some());
    let accounts =
        bench.query("SELECT Id, (SELECT Name FROM Boats__r WHERE Length__c < 25 ORDER BY Name DESC) FROM Account");
    let children: Vec<String> = accounts[0].children["Boats__r"].iter().map(|boat| text(boat, "Name")).collect();
    assert_eq!(children, ["Beagle", "argo"]);
    let all = bench.query("SELECT FIELDS(ALL) FROM Boat__c WHERE Name = 'argo' LIMIT 1");
    assert_eq!(text(&all[0], "Double__c"), "20.0");
    assert_eq!(all[0].fields.get("Mail__c"), Some(&Value::Null), "asked for and empty");
    let labelled = bench.query("SELECT toLabel(Kind__c) FROM Boat__c WHERE Name = 'argo'");
    assert_eq!(text(&labelled[0], "Kind__c"), "Ferry label");
}

#[test]
fn aggregates_count_and_add_up() {
    let (bench, _) = fleet();
    let all =
        bench.query("SELECT COUNT(Id), SUM(Length__c) total, AVG(Length__c), MIN(Name), MAX(Length__c) FROM Boat__c");
    assert_eq!(text(&all[0], "expr0"), "4");
    assert_eq!(text(&all[0], "total"), "60");
    assert_eq!(text(&all[0], "expr1"), "20");
    assert_eq!(text(&all[0], "expr2"), "argo");
    assert_eq!(text(&all[0], "expr3"), "30");
    let none = bench.query("SELECT SUM(Length__c) FROM Boat__c WHERE Name = 'nobody'");
    assert_eq!(none[0].fields["expr0"], Value::Null, "a sum over nothing is one row with null");
    let groups = bench.query(
        "SELECT Kind__c, COUNT(Id) n, COUNT_DISTINCT(Owner_Account__c) FROM Boat__c GROUP BY Kind__c \
         HAVING COUNT(Id) > 0 ORDER BY COUNT(Id) DESC, Kind__c",
    );
    let shown: Vec<String> = groups
        .iter()
        .map(|row| format!("{} {} {}", text(row, "Kind__c"), text(row, "n"), text(row, "expr0")))
        .collect();
    assert_eq!(shown, ["Motor 2 1", "Ferry 1 1", "Sail 1 1"]);
    let by_parent = bench.query("SELECT Owner_Account__r.Name, SUM(Length__c) FROM Boat__c GROUP BY Owner_Account__r.Name HAVING SUM(Length__c) > 1");
    assert_eq!(text(&by_parent[0], "Name"), "Harbour Ltd");
    assert_eq!(by_parent.len(), 1);
    assert_eq!(text(&bench.query("SELECT COUNT() FROM Boat__c WHERE Length__c > 10")[0], "n"), "2");
}

#[test]
fn binds_take_single_values_and_lists() {
    let (bench, account) = fleet();
    let found = |soql: &str, bind: Bind| {
        let rows = bench.admin(|transaction| bound(transaction, soql, &[("b0", bind)])).expect("found");
        rows.len()
    };
    assert_eq!(found("SELECT Id FROM Boat__c WHERE Owner_Account__c = :b0", Bind::One(word(&account[..15]))), 3);
    assert_eq!(found("SELECT Id FROM Boat__c WHERE Name IN :b0", Bind::Many(vec![word("ARGO"), word("beagle")])), 2);
    assert_eq!(found("SELECT Id FROM Boat__c WHERE Name IN :b0", Bind::Many(Vec::new())), 0);
    assert_eq!(found("SELECT Id FROM Boat__c WHERE Name NOT IN :b0", Bind::Many(Vec::new())), 4);
    assert_eq!(found("SELECT Id FROM Boat__c WHERE Name LIKE :b0", Bind::Many(vec![word("a%"), word("b%")])), 2);
    assert_eq!(found("SELECT Id FROM Boat__c LIMIT :b0", Bind::One(number(3.0))), 3);
    assert_eq!(found("SELECT Id FROM Boat__c WHERE Length__c = :b0", Bind::One(Value::Null)), 1);
}

#[test]
fn what_the_org_refuses_is_refused_in_its_words() {
    let bench = Bench::new();
    for (soql, expected) in [
        ("SELECT Id FORM Boat__c", "unexpected token: 'Boat__c'"),
        ("SELECT Id", "unexpected token: '<EOF>'"),
        (
            "SELECT Nope__c FROM Boat__c",
            "No such column 'Nope__c' on entity 'Boat__c'. If you are attempting to use a custom field",
        ),
        ("SELECT Id FROM Ship__c", "sObject type 'Ship__c' is not supported."),
        ("SELECT Ship__r.Name FROM Boat__c", "Didn't understand relationship 'Ship__r' in field path."),
        ("SELECT Id, (SELECT Id FROM Ships__r) FROM Boat__c", "Didn't understand relationship 'Ships__r' in FROM part"),
        ("SELECT Id FROM Boat__c WHERE Log__c = 'x'", "field 'Log__c' can not be filtered in a query call"),
        ("SELECT Id FROM Boat__c WHERE Name = 5", "value of filter criterion for field 'Name' must be of type string"),
        ("SELECT Id FROM Boat__c WHERE Id = 'abc'", "invalid ID field: abc"),
        ("SELECT Id FROM Boat__c WHERE Name = :gone", "Variable does not exist: gone"),
        ("SELECT Name, COUNT(Id) FROM Boat__c", "Field must be grouped or aggregated: Name"),
        ("SELECT SUM(Name) FROM Boat__c", "field Name does not support aggregate operator"),
        ("SELECT FIELDS(ALL) FROM Boat__c", "The SOQL FIELDS function must have a LIMIT of at most 200"),
        ("SELECT Id FROM Boat__c OFFSET 2001", "Maximum SOQL offset allowed is 2000"),
        ("SELECT Id FROM Boat__c ORDER BY Id FOR UPDATE", "FOR UPDATE can't stand beside ORDER BY"),
        ("SELECT Id FROM Boat__c WHERE Name = 'a' AND Name = 'b' OR Name = 'c'", "unexpected token: 'OR'"),
        ("SELECT Id FROM Boat_Left__e", "sObject type 'Boat_Left__e' is not supported."),
    ] {
        let message = bench.query_error(soql);
        assert!(message.starts_with(expected), "{soql}: {message}");
    }
}

#[test]
fn user_mode_hides_what_permission_sets_do_not_show() {
    let (bench, _) = fleet();
    bench.org.add_user("sailor@x.org", "Sam Sailor", false, &["Sailor"]).expect("a sailor");
    let sailor = bench.org.user("SAILOR@x.org").expect("found whatever the case");
    let ask = |soql: &str, access: Access| {
        bench.org.run(&sailor, |transaction| match transaction.query(soql, &BTreeMap::new(), access, false)? {
            QueryOutcome::Rows(rows) => Ok(rows.len() as u64),
            QueryOutcome::Count(count) => Ok(count),
        })
    };
    assert_eq!(ask("SELECT Name, Length__c, Home__c FROM Boat__c", Access::User).expect("readable"), 4);
    let hidden = ask("SELECT Price__c FROM Boat__c", Access::User).expect_err("hidden");
    assert!(hidden.message.starts_with("No such column 'Price__c'"), "{}", hidden.message);
    assert!(ask("SELECT Id FROM Boat__c WHERE Price__c = 0", Access::User).is_err());
    assert!(ask("SELECT Price__c FROM Boat__c WITH SYSTEM_MODE", Access::User).is_ok());
    assert!(ask("SELECT Price__c FROM Boat__c WITH USER_MODE", Access::System).is_err());
    assert!(ask("SELECT Id FROM Trip__c", Access::User).is_err(), "no right to the object");
    assert!(ask("SELECT Id, Phone FROM Account", Access::User).is_ok(), "the profile gives standard objects");
}

#[test]
fn private_records_are_their_owners_alone() {
    let bench = Bench::new();
    bench.org.add_user("sailor@x.org", "Sam Sailor", false, &["Sailor"]).expect("a sailor");
    let sailor = bench.org.user("sailor@x.org").expect("a sailor");
    bench.insert(record("Secret__c", &[("Name", word("the admin's"))]));
    bench.insert(record("Secret__c", &[("Name", word("the sailor's")), ("OwnerId", id(&sailor.id))]));
    let count = |sharing: bool| {
        bench.org.run(&sailor, |transaction| {
            match transaction.query("SELECT COUNT() FROM Secret__c", &BTreeMap::new(), Access::System, sharing)? {
                QueryOutcome::Count(count) => Ok(count),
                QueryOutcome::Rows(_) => Ok(0),
            }
        })
    };
    assert_eq!(count(true).expect("counted"), 1);
    assert_eq!(count(false).expect("counted"), 2);
}

#[test]
fn the_bin_is_seen_with_all_rows_only() {
    let (bench, _) = fleet();
    let argo = bench.query("SELECT Id FROM Boat__c WHERE Name = 'argo'").remove(0);
    bench.save(SaveOp::Delete, vec![record("Boat__c", &[("Id", argo.fields["Id"].clone())])]).expect("deleted");
    assert_eq!(bench.query("SELECT Id FROM Boat__c").len(), 3);
    assert_eq!(bench.query("SELECT Id FROM Boat__c WHERE IsDeleted = true ALL ROWS").len(), 1);
}

#[test]
fn the_hundred_and_first_query_ends_the_transaction() {
    let bench = Bench::new();
    let fault = bench
        .admin(|transaction| {
            for _ in 0..100 {
                rows(transaction, "SELECT Id FROM Account")?;
            }
            assert_eq!(transaction.spent().queries, 100);
            rows(transaction, "SELECT Id FROM Account")
        })
        .expect_err("the limit");
    assert_eq!(
        (fault.exception.as_str(), fault.message.as_str()),
        ("System.LimitException", "Too many SOQL queries: 101")
    );
    assert!(fault.uncatchable);
}

#[test]
fn ten_thousand_records_are_found_by_their_external_id_without_a_scan() {
    let bench = Bench::new();
    for start in (0..10_000).step_by(5_000) {
        let boats: Vec<_> =
            (start..start + 5_000).map(|place| boat("b", &[("Number__c", word(&format!("N{place}")))])).collect();
        bench.save(SaveOp::Insert, boats).expect("saved");
    }
    let begun = std::time::Instant::now();
    for place in (0..10_000).step_by(200) {
        assert_eq!(bench.query(&format!("SELECT Id FROM Boat__c WHERE Number__c = 'N{place}'")).len(), 1);
    }
    assert!(begun.elapsed() < std::time::Duration::from_secs(2), "{:?}", begun.elapsed());
}
