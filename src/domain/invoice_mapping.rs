//! Which object is the invoice of the org, and which of its fields mean what.
//!
//! The engine knows one invoice, with the names of `Invoice__c`. A query is written in the org's names and its answer put
//! into ours; a write gets the org's lookup in place of ours as it leaves.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// Our own name for every lookup to the invoice.
const LOOKUP: &str = "Invoice__c";
/// The account's fields that an invoice brings with it.
const ACCOUNT: [&str; 8] = [
    "Name",
    "Billing_Email__c",
    "Stripe_Customer_Id__c",
    "BillingStreet",
    "BillingCity",
    "BillingState",
    "BillingPostalCode",
    "BillingCountry",
];

/// The names. Text fields as they stand in the record of the custom metadata type; blank is none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvoiceMapping {
    #[serde(rename = "Object__c")]
    pub object: String,
    #[serde(rename = "Number_Field__c")]
    number: String,
    #[serde(rename = "Account_Field__c")]
    account: Option<String>,
    #[serde(rename = "Contact_Field__c")]
    contact: Option<String>,
    #[serde(rename = "Email_Field__c")]
    email: Option<String>,
    #[serde(rename = "Currency_Field__c")]
    currency: Option<String>,
    #[serde(rename = "Currency_Code__c")]
    currency_code: Option<String>,
    #[serde(rename = "Total_Field__c")]
    total: String,
    #[serde(rename = "Due_Date_Field__c")]
    due_date: Option<String>,
    #[serde(rename = "Description_Field__c")]
    description: Option<String>,
    #[serde(rename = "Status_Field__c")]
    status: Option<String>,
    #[serde(rename = "Payable_Values__c")]
    payable: Option<String>,
    #[serde(rename = "Cancelled_Values__c")]
    cancelled: Option<String>,
    #[serde(rename = "Paid_Value__c")]
    paid: Option<String>,
    #[serde(rename = "Extra_Fields__c")]
    extra: Option<String>,
    #[serde(rename = "Payment_Field__c")]
    pub payment_lookup: String,
    #[serde(rename = "Request_Field__c")]
    pub request_lookup: String,
    #[serde(rename = "Link_Field__c")]
    pub link_lookup: String,
    #[serde(rename = "Error_Field__c")]
    error_lookup: Option<String>,
}

/// The record can't be worked with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MappingError {
    #[error("{field} of the invoice mapping is blank")]
    Blank { field: &'static str },
    #[error("{field} of the invoice mapping is {name:?}, which is not a name")]
    NotAName { field: &'static str, name: String },
    #[error("the invoice mapping can't be read: {0}")]
    Unreadable(String),
}

/// The record's fields, in the order of the type.
const FIELDS: [&str; 19] = [
    "Object__c",
    "Number_Field__c",
    "Account_Field__c",
    "Contact_Field__c",
    "Email_Field__c",
    "Currency_Field__c",
    "Currency_Code__c",
    "Total_Field__c",
    "Due_Date_Field__c",
    "Description_Field__c",
    "Status_Field__c",
    "Payable_Values__c",
    "Cancelled_Values__c",
    "Paid_Value__c",
    "Extra_Fields__c",
    "Payment_Field__c",
    "Request_Field__c",
    "Link_Field__c",
    "Error_Field__c",
];
/// Those that hold a name, and whether they may be blank.
const NAMES: [(&str, bool); 14] = [
    ("Object__c", false),
    ("Number_Field__c", false),
    ("Account_Field__c", true),
    ("Contact_Field__c", true),
    ("Email_Field__c", true),
    ("Currency_Field__c", true),
    ("Total_Field__c", false),
    ("Due_Date_Field__c", true),
    ("Description_Field__c", true),
    ("Status_Field__c", true),
    ("Payment_Field__c", false),
    ("Request_Field__c", false),
    ("Link_Field__c", false),
    ("Error_Field__c", true),
];

impl Default for InvoiceMapping {
    /// The one that is shipped with `Invoice__c`.
    fn default() -> Self {
        let some = |name: &str| Some(name.to_owned());
        Self {
            object: LOOKUP.into(),
            number: "Name".into(),
            account: some("Account__c"),
            contact: None,
            email: some("Billing_Email__c"),
            currency: some("Currency_Code__c"),
            currency_code: None,
            total: "Total__c".into(),
            due_date: some("Due_Date__c"),
            description: some("Description__c"),
            status: some("Status__c"),
            payable: some("Open;Partly Paid"),
            cancelled: some("Cancelled"),
            paid: some("Paid"),
            extra: None,
            payment_lookup: LOOKUP.into(),
            request_lookup: LOOKUP.into(),
            link_lookup: LOOKUP.into(),
            error_lookup: some(LOOKUP),
        }
    }
}

impl InvoiceMapping {
    /// The query that finds the record.
    pub fn query() -> String {
        format!("SELECT {} FROM Invoice_Mapping__mdt WHERE DeveloperName = 'Default'", FIELDS.join(", "))
    }

    /// From the record as Salesforce gives it. Fails on a name that is missing or is none, since names go into queries.
    pub fn from_record(record: &Value) -> Result<Self, MappingError> {
        let mut given = Map::new();
        for field in FIELDS {
            let text = record.get(field).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
            given.insert(field.to_owned(), text.map_or(Value::Null, Value::from));
        }
        for (field, may_be_blank) in NAMES {
            match given.get(field).and_then(Value::as_str) {
                None if may_be_blank => {}
                None => return Err(MappingError::Blank { field }),
                Some(name) if is_name(name) => {}
                Some(name) => return Err(MappingError::NotAName { field, name: name.to_owned() }),
            }
        }
        if given["Account_Field__c"].is_null() && given["Contact_Field__c"].is_null() {
            return Err(MappingError::Blank { field: "Account_Field__c" });
        }
        let mapping: Self = serde_json::from_value(Value::Object(given))
            .map_err(|error| MappingError::Unreadable(error.to_string()))?;
        match mapping.extras().into_iter().find(|(_, path)| !path.split('.').all(is_name)) {
            Some((_, path)) => Err(MappingError::NotAName { field: "Extra_Fields__c", name: path.to_owned() }),
            None => Ok(mapping),
        }
    }

    /// The fields of the invoice itself, for a look at whether they can be read.
    pub fn own_fields(&self) -> Vec<&str> {
        let optional = [
            &self.account,
            &self.contact,
            &self.email,
            &self.currency,
            &self.due_date,
            &self.description,
            &self.status,
        ];
        let mut fields = vec![self.number.as_str(), self.total.as_str()];
        fields.extend(optional.into_iter().flatten().map(String::as_str));
        fields
    }

    /// The query that reads one invoice, by an id in quotes.
    pub fn invoice_query(&self, quoted_id: &str) -> String {
        let mut fields = vec!["Id".to_owned()];
        fields.extend(self.own_fields().into_iter().map(str::to_owned));
        if let (None, Some(contact)) = (&self.account, &self.contact) {
            fields.push(format!("{}.AccountId", relationship(contact)));
            fields.push(format!("{}.Email", relationship(contact)));
        }
        let account = self.account_path();
        fields.extend(ACCOUNT.iter().map(|field| format!("{account}.{field}")));
        fields.extend(self.extras().into_iter().map(|(_, path)| path.to_owned()));
        let mut seen = std::collections::HashSet::new();
        fields.retain(|field| seen.insert(field.to_ascii_lowercase()));
        format!("SELECT {} FROM {} WHERE Id = {quoted_id}", fields.join(", "), self.object)
    }

    /// An invoice in our names: `Status__c` is Open, Cancelled or Draft, and `Extras` a list of label and text.
    pub fn canonical_invoice(&self, record: &Value) -> Value {
        let at = |path: &str| record.pointer(&format!("/{}", path.replace('.', "/"))).cloned().unwrap_or(Value::Null);
        let own = |field: &Option<String>| field.as_deref().map_or(Value::Null, at);
        let account = self.account_path();
        let account_id = match (&self.account, &self.contact) {
            (Some(field), _) => at(field),
            (None, Some(contact)) => at(&format!("{}.AccountId", relationship(contact))),
            (None, None) => Value::Null,
        };
        let email = match (own(&self.email), &self.account, &self.contact) {
            (Value::Null, None, Some(contact)) => at(&format!("{}.Email", relationship(contact))),
            (email, _, _) => email,
        };
        let code = match &self.currency {
            Some(field) => at(field),
            None => self.currency_code.clone().map_or(Value::Null, Value::from),
        };
        let of_account: Map<String, Value> =
            ACCOUNT.iter().map(|field| ((*field).to_owned(), at(&format!("{account}.{field}")))).collect();
        let extras: Vec<Value> =
            self.extras().into_iter().filter_map(|(label, path)| Some(json!([label, words(&at(path))?]))).collect();
        json!({
            "Id": at("Id"),
            "Name": at(&self.number),
            "Account__c": account_id,
            "Account__r": of_account,
            "Billing_Email__c": email,
            "Currency_Code__c": code,
            "Total__c": at(&self.total),
            "Due_Date__c": own(&self.due_date),
            "Description__c": own(&self.description),
            "Status__c": self.status_word(record),
            "Extras": extras,
        })
    }

    /// What the org's status means.
    fn status_word(&self, record: &Value) -> &'static str {
        let Some(field) = &self.status else { return "Open" };
        let Some(status) = record.get(field).and_then(Value::as_str) else { return "Draft" };
        let among = |values: &Option<String>| {
            values.iter().flat_map(|values| values.split(';')).any(|own| own.trim() == status)
        };
        match () {
            () if among(&self.cancelled) => "Cancelled",
            () if among(&self.payable) || self.paid.as_deref() == Some(status) => "Open",
            () => "Draft",
        }
    }

    /// A record that points at an invoice by `lookup`, with our name for it.
    pub fn canonical_lookup(lookup: &str, mut record: Value) -> Value {
        if lookup != LOOKUP
            && let Some(fields) = record.as_object_mut()
            && let Some(invoice) = fields.remove(lookup)
        {
            fields.insert(LOOKUP.to_owned(), invoice);
        }
        record
    }

    /// What is written to a record of `object`: its lookup to the invoice has the org's name.
    pub fn outgoing<'a>(&self, object: &str, fields: &'a Map<String, Value>) -> Cow<'a, Map<String, Value>> {
        let lookup = match object {
            "Payment__c" => Some(self.payment_lookup.as_str()),
            "Payment_Request__c" => Some(self.request_lookup.as_str()),
            "Payment_Link__c" => Some(self.link_lookup.as_str()),
            "Payment_Error__c" => self.error_lookup.as_deref(),
            _ => return Cow::Borrowed(fields),
        };
        if lookup == Some(LOOKUP) || !fields.contains_key(LOOKUP) {
            return Cow::Borrowed(fields);
        }
        let mut renamed = fields.clone();
        if let (Some(invoice), Some(lookup)) = (renamed.remove(LOOKUP), lookup) {
            renamed.insert(lookup.to_owned(), invoice);
        }
        Cow::Owned(renamed)
    }

    fn account_path(&self) -> String {
        match (&self.account, &self.contact) {
            (Some(account), _) => relationship(account),
            (None, Some(contact)) => format!("{}.Account", relationship(contact)),
            (None, None) => "Account".to_owned(),
        }
    }

    /// Label and field of each; a field without a label is its own.
    fn extras(&self) -> Vec<(&str, &str)> {
        let pairs = self.extra.iter().flat_map(|extra| extra.split(';')).map(str::trim).filter(|pair| !pair.is_empty());
        pairs
            .map(|pair| pair.split_once('=').map_or((pair, pair), |(label, path)| (label.trim(), path.trim())))
            .collect()
    }
}

/// What a customer reads; blank is nothing.
fn words(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(yes) => Some(if *yes { "yes" } else { "no" }.to_owned()),
        _ => None,
    }
}

/// The way from a lookup to what it points at: `Invoice__r` of `Invoice__c`, `Account` of `AccountId`.
fn relationship(lookup: &str) -> String {
    match lookup.strip_suffix("__c") {
        Some(stem) => format!("{stem}__r"),
        None => lookup.strip_suffix("Id").unwrap_or(lookup).to_owned(),
    }
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An org whose bills hang on contacts.
    fn bills() -> Value {
        json!({
            "Object__c": "Bill__c", "Number_Field__c": "Number__c", "Contact_Field__c": "Payer__c", "Total_Field__c": "Sum__c",
            "Currency_Code__c": "CHF", "Status_Field__c": "Stage__c", "Payable_Values__c": "Sent; Overdue", "Paid_Value__c": "Closed",
            "Cancelled_Values__c": "Void", "Extra_Fields__c": "Order=Order__r.Number__c; PO__c", "Payment_Field__c": "Bill__c",
            "Request_Field__c": "Bill__c", "Link_Field__c": "Bill__c", "Error_Field__c": " ",
        })
    }

    #[test]
    fn a_foreign_invoice_is_asked_for_in_its_own_names_and_read_in_ours() {
        let mapping = InvoiceMapping::from_record(&bills()).unwrap();
        let query = mapping.invoice_query("'a00'");
        assert!(query.contains("Payer__r.Account.Billing_Email__c"), "{query}");
        assert!(query.ends_with("FROM Bill__c WHERE Id = 'a00'"), "{query}");
        let invoice = mapping.canonical_invoice(&json!({
            "Id": "a00", "Number__c": "B-7", "Sum__c": 12.5, "Stage__c": "Overdue", "PO__c": null,
            "Payer__c": "003", "Payer__r": {"AccountId": "001", "Email": "ada@x.example", "Account": {"Name": "Acme"}},
            "Order__r": {"Number__c": "O-1"},
        }));
        assert_eq!(invoice["Name"], "B-7");
        assert_eq!(invoice["Account__c"], "001");
        assert_eq!(invoice["Account__r"]["Name"], "Acme");
        assert_eq!(invoice["Billing_Email__c"], "ada@x.example");
        assert_eq!(invoice["Currency_Code__c"], "CHF");
        assert_eq!(invoice["Status__c"], "Open");
        assert_eq!(invoice["Extras"], json!([["Order", "O-1"]]));
    }

    #[test]
    fn each_status_means_what_the_mapping_says() {
        let mapping = InvoiceMapping::from_record(&bills()).unwrap();
        for (status, means) in
            [("Sent", "Open"), ("Closed", "Open"), ("Void", "Cancelled"), ("Draft", "Draft"), ("sent", "Draft")]
        {
            assert_eq!(mapping.status_word(&json!({ "Stage__c": status })), means, "{status}");
        }
        assert_eq!(mapping.status_word(&json!({ "Stage__c": null })), "Draft");
    }

    #[test]
    fn what_is_written_points_at_the_invoice_by_the_orgs_own_lookup() {
        let mapping = InvoiceMapping::from_record(&bills()).unwrap();
        let fields = json!({"Invoice__c": "a00", "State__c": "Settled"});
        let fields = fields.as_object().unwrap();
        let payment = mapping.outgoing("Payment__c", fields);
        assert_eq!(payment["Bill__c"], "a00");
        assert!(!payment.contains_key("Invoice__c"));
        assert!(!mapping.outgoing("Payment_Error__c", fields).contains_key("Invoice__c"), "errors have no lookup here");
        assert_eq!(*InvoiceMapping::default().outgoing("Payment__c", fields), *fields);
    }

    #[test]
    fn nothing_but_a_name_gets_into_a_query() {
        let mut record = bills();
        record["Total_Field__c"] = json!("Sum__c FROM User");
        let error = InvoiceMapping::from_record(&record).unwrap_err();
        assert!(error.to_string().contains("Total_Field__c"), "{error}");
        record["Total_Field__c"] = Value::Null;
        assert_eq!(InvoiceMapping::from_record(&record), Err(MappingError::Blank { field: "Total_Field__c" }));
        let mut record = bills();
        record["Extra_Fields__c"] = json!("X=Id, Name");
        assert!(InvoiceMapping::from_record(&record).is_err());
    }

    #[cfg(feature = "sandbox")]
    #[test]
    fn the_shipped_mapping_is_read_from_its_record() {
        let file = include_str!("../../force-app/invoice/default/customMetadata/Invoice_Mapping.Default.md-meta.xml");
        let document = roxmltree::Document::parse(file).unwrap();
        let mut record = Map::new();
        for values in document.descendants().filter(|node| node.tag_name().name() == "values") {
            let text =
                |name| values.children().find(|child| child.tag_name().name() == name).and_then(|child| child.text());
            record.insert(text("field").unwrap().to_owned(), text("value").map_or(Value::Null, Value::from));
        }
        assert_eq!(InvoiceMapping::from_record(&Value::Object(record)), Ok(InvoiceMapping::default()));
    }
}
