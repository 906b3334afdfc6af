use super::*;
use crate::sandbox::org::bench::{Bench, boat, number, word};
use crate::sandbox::org::host::Value;

/// Works a formula out on a stored boat, and shows the result as text.
fn worked_out(bench: &Bench, formula: &str) -> String {
    let schema = bench.org.schema();
    let object = schema.object("Boat__c").expect("boats");
    let parsed = match Formula::parse(formula, &schema, object) {
        Ok(parsed) => parsed,
        Err(what) => return format!("refused: {what}"),
    };
    bench
        .admin(|transaction| {
            let reader = transaction.reader();
            let table = reader.store.table("Boat__c").expect("boats");
            let (_, row) = table.rows().next().expect("a boat");
            let scope = Scope { reader: &reader, object, row, before: None, blank_as_zero: false };
            Ok(match parsed.evaluate(&scope) {
                Ok(Value::Null) => "null".to_owned(),
                Ok(Value::Text(text) | Value::Id(text)) => text,
                Ok(Value::Bool(flag)) => flag.to_string(),
                Ok(Value::Number(number)) => number.normalized().to_plain_string(),
                Ok(Value::Date(date)) => date.to_string(),
                Ok(Value::DateTime(time)) => time.to_string(),
                Err(what) => format!("error: {what}"),
            })
        })
        .expect("worked out")
}

#[test]
fn every_function_gives_what_the_org_gives() {
    let bench = Bench::new();
    bench.insert(boat("Argo", &[("Length__c", number(12.5)), ("Kind__c", word("Motor"))]));
    for (formula, expected) in [
        ("IF(Length__c > 10, 'long', 'short')", "long"),
        ("IF(ISPICKVAL(Kind__c, 'Motor'), 1, 2)", "1"),
        ("TEXT(Kind__c) & \"!\"", "Motor!"),
        ("CASE(Kind__c, 'Sail', 1, 'Motor', 2, 3)", "2"),
        ("CASE(Kind__c, 'Sail', 1, 3)", "3"),
        ("MAX(1, Length__c, 3)", "12.5"),
        ("MIN(1, Length__c, 3)", "1"),
        ("ROUND(1.45, 1)", "1.5"),
        ("ROUND(-1.45, 1)", "-1.5"),
        ("ABS(-3)", "3"),
        ("2 + 3 * 4 ^ 2", "50"),
        ("-(2 - 5)", "3"),
        ("10 / 4", "2.5"),
        ("1 / 0", "error: Division by zero"),
        ("MOD(-7, 3)", "2"),
        ("FLOOR(-1.5)", "-1"),
        ("MFLOOR(-1.5)", "-2"),
        ("CEILING(1.2)", "2"),
        ("ISBLANK(Mail__c)", "true"),
        ("ISBLANK(Name)", "false"),
        ("BLANKVALUE(Mail__c, 'none')", "none"),
        ("Price__c + 1", "1"),
        ("Mail__c = ''", "true"),
        ("Built__c > TODAY()", "false"),
        ("LEN('boat') = 4 && NOT(false)", "true"),
        ("LEFT('harbour', 3) & RIGHT('harbour', 2) & MID('harbour', 4, 2)", "harurbo"),
        ("VALUE('12.50') + 1", "13.5"),
        ("VALUE('a dozen')", "error: a dozen is no number"),
        ("REGEX('USD', '[A-Z]{3}')", "true"),
        ("REGEX('usd', '[A-Z]{3}')", "false"),
        ("REGEX('a1', \"\\\\w\\\\d\")", "true"),
        ("CONTAINS('harbour', 'bo')", "true"),
        ("BEGINS('harbour', 'bo')", "false"),
        ("SUBSTITUTE('a-b', '-', '+')", "a+b"),
        ("UPPER('a') & LOWER('B') & TRIM(' c ')", "Abc"),
        ("LPAD('7', 3, '0')", "007"),
        ("FIND('b', 'harbour')", "4"),
        ("TODAY()", "2026-03-15"),
        ("TODAY() + 20", "2026-04-04"),
        ("DATE(2026, 3, 20) - TODAY()", "5"),
        ("YEAR(DATEVALUE(NOW()))", "2026"),
        ("ADDMONTHS(DATE(2026, 1, 31), 1)", "2026-02-28"),
        ("'abc' = 'ABC'", "false"),
        ("1 <> 2 || 1 = 2", "true"),
        ("ISNEW()", "true"),
        ("$User.Username", "administrator@sandbox.example"),
        ("$Permission.Any_Length", "false"),
        ("Owner_Account__r.Name & 'x'", "x"),
        ("SHOUT('a')", "refused: the function SHOUT is unknown"),
        ("Nope__c", "refused: Field Nope__c does not exist. Check spelling."),
        ("IF(true, 1)", "refused: Incorrect number of parameters for function 'IF()'. Expected 3, received 2"),
    ] {
        assert_eq!(worked_out(&bench, formula), expected, "{formula}");
    }
}

#[test]
fn a_formula_field_cuts_ties_upward_and_survives_its_own_errors() {
    let upward = |text: &str| ties_upward(text.parse().expect("a number"), 2).to_plain_string();
    assert_eq!(upward("12.345"), "12.35");
    assert_eq!(upward("-12.345"), "-12.34");
    let bench = Bench::new();
    bench.insert(boat("Argo", &[("Length__c", number(1.23))]));
    bench.insert(boat("Blank", &[]));
    let rows = bench.query("SELECT Double__c FROM Boat__c ORDER BY Name");
    assert_eq!(rows[0].fields["Double__c"], number(2.5));
    assert_eq!(rows[1].fields["Double__c"], Value::Number("0.0".parse().expect("a number")), "a blank counts as zero");
}
