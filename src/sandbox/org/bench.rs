//! A small org of invented objects for the tests beside the code: boats, their trips, their secrets.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use serde_json::Value as Json;

use super::host::{
    Access, Bind, Fault, Host, Job, JobStep, Program, QueryOutcome, Record, RowResult, SaveOp, SaveOptions,
    TriggerCall, TriggerOp, Value,
};
use super::{EventSink, Org, OrgError, OrgOptions, Transaction};

type Trigger = Box<dyn Fn(&mut dyn Host, TriggerCall<'_>) -> Result<(), Fault> + Send + Sync>;
type Work = Box<dyn Fn(&mut dyn Host, Job, JobStep) -> Result<Vec<(Job, JobStep)>, Fault> + Send + Sync>;

/// Apex written in Rust.
#[derive(Default)]
pub struct Script {
    triggers: Vec<(&'static str, TriggerOp, Trigger)>,
    work: Option<Work>,
}

impl Script {
    pub fn on(
        mut self,
        object: &'static str,
        operation: TriggerOp,
        trigger: impl Fn(&mut dyn Host, TriggerCall<'_>) -> Result<(), Fault> + Send + Sync + 'static,
    ) -> Script {
        self.triggers.push((object, operation, Box::new(trigger)));
        self
    }

    pub fn work(
        mut self,
        work: impl Fn(&mut dyn Host, Job, JobStep) -> Result<Vec<(Job, JobStep)>, Fault> + Send + Sync + 'static,
    ) -> Script {
        self.work = Some(Box::new(work));
        self
    }
}

impl Program for Script {
    fn has_trigger(&self, object: &str, operation: TriggerOp) -> bool {
        self.triggers.iter().any(|(known, when, _)| *known == object && *when == operation)
    }

    fn fire(&self, host: &mut dyn Host, mut call: TriggerCall<'_>) -> Result<(), Fault> {
        for (object, operation, trigger) in &self.triggers {
            if *object == call.object && *operation == call.operation {
                let again = TriggerCall {
                    object: call.object,
                    operation: call.operation,
                    new: call.new.as_deref_mut(),
                    old: call.old.as_deref_mut(),
                };
                trigger(host, again)?;
            }
        }
        Ok(())
    }

    fn invoke(&self, _: &mut dyn Host, _: &str, _: &str, _: &Json) -> Result<Json, Fault> {
        Ok(Json::Null)
    }

    fn run_job(&self, host: &mut dyn Host, job: Job, step: JobStep) -> Result<Vec<(Job, JobStep)>, Fault> {
        match &self.work {
            Some(work) => work(host, job, step),
            None => Ok(Vec::new()),
        }
    }
}

#[derive(Default)]
pub struct Heard(pub Mutex<Vec<Record>>);

impl EventSink for Heard {
    fn publish(&self, event: Record) {
        self.0.lock().expect("the list").push(event);
    }
}

pub struct Bench {
    pub org: Arc<Org>,
    pub heard: Arc<Heard>,
    _dir: tempfile::TempDir,
}

fn field(kind: &str, rest: &str) -> String {
    format!("<CustomField><label>{{label}}</label><type>{kind}</type>{rest}</CustomField>")
}

fn object(label: &str, rest: &str) -> String {
    format!("<CustomObject><label>{label}</label><pluralLabel>{label}s</pluralLabel>{rest}</CustomObject>")
}

/// Every file of the invented package.
pub fn files() -> Vec<(String, String)> {
    let named =
        "<nameField><label>Boat Name</label><type>Text</type></nameField><sharingModel>ReadWrite</sharingModel>";
    let numbered = "<nameField><label>Trip</label><type>AutoNumber</type><displayFormat>TRIP-{0000}</displayFormat></nameField>\
        <sharingModel>ControlledByParent</sharingModel>";
    let private = "<nameField><label>Secret</label><type>Text</type></nameField><sharingModel>Private</sharingModel>";
    let picklist = |restricted: bool, values: &[&str]| {
        let values: String = values
            .iter()
            .enumerate()
            .map(|(place, value)| {
                format!(
                    "<value><fullName>{value}</fullName><default>{}</default><label>{value} label</label></value>",
                    place == 0
                )
            })
            .collect();
        format!(
            "<valueSet><restricted>{restricted}</restricted><valueSetDefinition>{values}</valueSetDefinition></valueSet>"
        )
    };
    let lookup = |to: &str, children: &str, rest: &str| {
        format!("<referenceTo>{to}</referenceTo><relationshipName>{children}</relationshipName>{rest}")
    };
    let mut files = vec![
        ("objects/Boat__c/Boat__c.object-meta.xml".to_owned(), object("Boat", named)),
        ("objects/Trip__c/Trip__c.object-meta.xml".to_owned(), object("Trip", numbered)),
        ("objects/Secret__c/Secret__c.object-meta.xml".to_owned(), object("Secret", private)),
        (
            "objects/Boat_Left__e/Boat_Left__e.object-meta.xml".to_owned(),
            object("Boat Left", "<publishBehavior>PublishAfterCommit</publishBehavior>"),
        ),
        (
            "objects/Alarm__e/Alarm__e.object-meta.xml".to_owned(),
            object("Alarm", "<publishBehavior>PublishImmediately</publishBehavior>"),
        ),
        ("objects/Harbour__mdt/Harbour__mdt.object-meta.xml".to_owned(), object("Harbour", "")),
        (
            "objects/Boat__c/validationRules/Length_Is_Positive.validationRule-meta.xml".to_owned(),
            "<ValidationRule><fullName>Length_Is_Positive</fullName><active>true</active>\
             <errorConditionFormula>AND(Length__c &lt; 0, NOT($Permission.Any_Length))</errorConditionFormula>\
             <errorDisplayField>Length__c</errorDisplayField><errorMessage>A boat is longer than nothing</errorMessage></ValidationRule>"
                .to_owned(),
        ),
        (
            "objects/Boat__c/validationRules/Kind_Stays.validationRule-meta.xml".to_owned(),
            "<ValidationRule><fullName>Kind_Stays</fullName><active>true</active>\
             <errorConditionFormula>NOT(ISNEW()) &amp;&amp; ISCHANGED(Kind__c) &amp;&amp; ISPICKVAL(PRIORVALUE(Kind__c), 'Ferry')</errorConditionFormula>\
             <errorMessage>A ferry stays a ferry</errorMessage></ValidationRule>"
                .to_owned(),
        ),
        (
            "customPermissions/Any_Length.customPermission-meta.xml".to_owned(),
            "<CustomPermission><label>Any length</label></CustomPermission>".to_owned(),
        ),
        (
            "customMetadata/Harbour.Main.md-meta.xml".to_owned(),
            "<CustomMetadata xmlns:xsi=\"x\"><label>Main</label><values><field>Depth__c</field><value>12.5</value></values></CustomMetadata>"
                .to_owned(),
        ),
        (
            "labels/CustomLabels.labels-meta.xml".to_owned(),
            "<CustomLabels><labels><fullName>Ahoy</fullName><value>Ahoy there</value></labels></CustomLabels>".to_owned(),
        ),
        (
            "permissionsets/Sailor.permissionset-meta.xml".to_owned(),
            "<PermissionSet><label>Sailor</label>\
             <objectPermissions><object>Boat__c</object><allowCreate>true</allowCreate><allowRead>true</allowRead><allowEdit>true</allowEdit></objectPermissions>\
             <objectPermissions><object>Secret__c</object><allowCreate>true</allowCreate><allowRead>true</allowRead></objectPermissions>\
             <fieldPermissions><field>Boat__c.Length__c</field><readable>true</readable><editable>true</editable></fieldPermissions>\
             <fieldPermissions><field>Boat__c.Home__c</field><readable>true</readable><editable>false</editable></fieldPermissions>\
             <classAccesses><apexClass>Boats</apexClass><enabled>true</enabled></classAccesses></PermissionSet>"
                .to_owned(),
        ),
        (
            "permissionsets/Shipwright.permissionset-meta.xml".to_owned(),
            "<PermissionSet><label>Shipwright</label><customPermissions><enabled>true</enabled><name>Any_Length</name></customPermissions></PermissionSet>"
                .to_owned(),
        ),
    ];
    let fields = [
        ("Boat__c", "Length__c", field("Number", "<precision>5</precision><scale>2</scale>")),
        (
            "Boat__c",
            "Price__c",
            field("Currency", "<precision>18</precision><scale>2</scale><defaultValue>0</defaultValue>"),
        ),
        ("Boat__c", "Kind__c", field("Picklist", &picklist(true, &["Sail", "Motor", "Ferry"]))),
        ("Boat__c", "Home__c", field("Text", "<length>10</length><defaultValue>\"Har\" &amp; \"bour\"</defaultValue>")),
        (
            "Boat__c",
            "Number__c",
            field(
                "Text",
                "<length>20</length><unique>true</unique><externalId>true</externalId><caseSensitive>true</caseSensitive>",
            ),
        ),
        ("Boat__c", "Sign__c", field("Text", "<length>20</length><unique>true</unique><externalId>true</externalId>")),
        ("Boat__c", "Afloat__c", field("Checkbox", "<defaultValue>true</defaultValue>")),
        ("Boat__c", "Mail__c", field("Email", "")),
        ("Boat__c", "Built__c", field("Date", "")),
        ("Boat__c", "Seen__c", field("DateTime", "")),
        ("Boat__c", "Log__c", field("LongTextArea", "<length>1000</length>")),
        ("Boat__c", "Owner_Account__c", field("Lookup", &lookup("Account", "Boats", ""))),
        (
            "Boat__c",
            "Sister__c",
            field("Lookup", &lookup("Boat__c", "Sisters", "<deleteConstraint>Restrict</deleteConstraint>")),
        ),
        (
            "Boat__c",
            "Double__c",
            field("Number", "<precision>18</precision><scale>1</scale><formula>Length__c * 2</formula>"),
        ),
        (
            "Boat__c",
            "Hail__c",
            field("Text", "<formula>UPPER(Name) &amp; \" of \" &amp; Owner_Account__r.Name</formula>"),
        ),
        ("Trip__c", "Boat__c", field("MasterDetail", &lookup("Boat__c", "Trips", ""))),
        ("Trip__c", "Miles__c", field("Number", "<precision>6</precision><scale>0</scale>")),
        ("Boat_Left__e", "Boat__c", field("Text", "<length>18</length><required>true</required>")),
        ("Boat_Left__e", "Crew__c", field("Number", "<precision>3</precision><scale>0</scale>")),
        ("Alarm__e", "What__c", field("Text", "<length>40</length>")),
        ("Harbour__mdt", "Depth__c", field("Number", "<precision>4</precision><scale>1</scale>")),
        ("Account", "Berth__c", field("Text", "<length>20</length>")),
    ];
    for (object, name, text) in fields {
        let label = name.trim_end_matches("__c").replace('_', " ");
        files.push((format!("objects/{object}/fields/{name}.field-meta.xml"), text.replace("{label}", &label)));
    }
    files
}

pub fn write(dir: &Path, files: &[(String, String)]) {
    for (path, text) in files {
        let path = dir.join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(path, text).expect("written");
    }
}

impl Bench {
    pub fn new() -> Bench {
        Bench::with(Script::default())
    }

    pub fn with(script: Script) -> Bench {
        Bench::open(script, OrgOptions::default()).expect("the invented package loads")
    }

    pub fn open(script: Script, options: OrgOptions) -> Result<Bench, OrgError> {
        let dir = tempfile::tempdir().expect("a folder");
        write(dir.path(), &files());
        let heard = Arc::new(Heard::default());
        let clock: super::Clock = Arc::new(|| "2026-03-15T12:00:00.789Z".parse().expect("a time"));
        let options = OrgOptions { clock, ..options };
        let org = Org::open(&[dir.path().to_owned()], Arc::new(script), heard.clone(), options)?;
        Ok(Bench { org, heard, _dir: dir })
    }

    pub fn admin<T>(&self, work: impl FnOnce(&mut Transaction) -> Result<T, Fault>) -> Result<T, Fault> {
        let admin = self.org.user(super::ADMINISTRATOR).expect("an administrator");
        self.org.run(&admin, work)
    }

    pub fn insert(&self, record: Record) -> String {
        self.save(SaveOp::Insert, vec![record]).expect("saved").remove(0).id.expect("an id")
    }

    pub fn save(&self, op: SaveOp, mut rows: Vec<Record>) -> Result<Vec<RowResult>, Fault> {
        self.admin(|transaction| transaction.save(op, &mut rows, &all_or_none()))
    }

    pub fn query(&self, soql: &str) -> Vec<Record> {
        self.admin(|transaction| rows(transaction, soql)).expect("the query runs")
    }

    pub fn query_error(&self, soql: &str) -> String {
        self.admin(|transaction| rows(transaction, soql)).expect_err("the query is refused").message
    }

    pub fn names(&self, soql: &str) -> Vec<String> {
        self.query(soql).iter().map(|row| text(row, "Name")).collect()
    }
}

pub fn rows(host: &mut dyn Host, soql: &str) -> Result<Vec<Record>, Fault> {
    match host.query(soql, &BTreeMap::new(), Access::System, false)? {
        QueryOutcome::Rows(rows) => Ok(rows),
        QueryOutcome::Count(count) => Ok(vec![record("Count", &[("n", number(count as f64))])]),
    }
}

pub fn bound(host: &mut dyn Host, soql: &str, binds: &[(&str, Bind)]) -> Result<Vec<Record>, Fault> {
    let binds = binds.iter().map(|(name, bind)| ((*name).to_owned(), bind.clone())).collect();
    match host.query(soql, &binds, Access::System, false)? {
        QueryOutcome::Rows(rows) => Ok(rows),
        QueryOutcome::Count(_) => Ok(Vec::new()),
    }
}

pub fn all_or_none() -> SaveOptions {
    SaveOptions { all_or_none: true, access: Access::System, sharing: false, external_id: None }
}

pub fn partial() -> SaveOptions {
    SaveOptions { all_or_none: false, ..all_or_none() }
}

pub fn record(object: &str, fields: &[(&str, Value)]) -> Record {
    let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    Record { object: object.to_owned(), fields, ..Record::default() }
}

pub fn boat(name: &str, fields: &[(&str, Value)]) -> Record {
    let mut boat = record("Boat__c", fields);
    boat.fields.insert("Name".to_owned(), word(name));
    boat
}

pub fn word(text: &str) -> Value {
    Value::Text(text.to_owned())
}

pub fn id(text: &str) -> Value {
    Value::Id(text.to_owned())
}

pub fn number(number: f64) -> Value {
    Value::Number(number.to_string().parse().expect("a number"))
}

/// A field as text, empty for null.
pub fn text(record: &Record, field: &str) -> String {
    match record.fields.get(field) {
        Some(Value::Text(text) | Value::Id(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_plain_string(),
        Some(Value::Bool(flag)) => flag.to_string(),
        Some(Value::Date(date)) => date.to_string(),
        Some(Value::DateTime(time)) => time.to_string(),
        Some(Value::Null) | None => String::new(),
    }
}
