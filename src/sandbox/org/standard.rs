//! Salesforce's own objects and fields, those that a package like this one meets. One line describes one field:
//! name, label and type; `!` after the type means required, `=` begins a formula, `~` marks a field nobody writes, `cascade` one
//! whose record goes with its parent.

use super::org::OrgOptions;
use super::schema::{Field, FieldKind, Object, ObjectKind, OnDelete, PicklistValue};

struct Standard {
    name: &'static str,
    label: &'static str,
    plural: &'static str,
    key_prefix: &'static str,
    fields: &'static [&'static str],
}

const OBJECTS: &[Standard] = &[
    Standard {
        name: "Account",
        label: "Account",
        plural: "Accounts",
        key_prefix: "001",
        fields: &[
            "Name|Account Name|text 255 !",
            "Type|Account Type|picklist Prospect,Customer - Direct,Customer - Channel,Channel Partner / Reseller,Installation Partner,Technology Partner,Other",
            "ParentId|Parent Account ID|ref Account Parent ChildAccounts",
            "BillingStreet|Billing Street|text 255",
            "BillingCity|Billing City|text 40",
            "BillingState|Billing State/Province|text 80",
            "BillingPostalCode|Billing Zip/Postal Code|text 20",
            "BillingCountry|Billing Country|text 80",
            "ShippingStreet|Shipping Street|text 255",
            "ShippingCity|Shipping City|text 40",
            "ShippingState|Shipping State/Province|text 80",
            "ShippingPostalCode|Shipping Zip/Postal Code|text 20",
            "ShippingCountry|Shipping Country|text 80",
            "Phone|Account Phone|phone",
            "Fax|Account Fax|phone",
            "AccountNumber|Account Number|text 40",
            "Website|Website|url",
            "Sic|SIC Code|text 20",
            "Industry|Industry|text 255",
            "AnnualRevenue|Annual Revenue|currency 18 0",
            "NumberOfEmployees|Employees|number 8 0",
            "Rating|Account Rating|picklist Hot,Warm,Cold",
            "Site|Account Site|text 80",
            "AccountSource|Account Source|text 255",
            "Description|Account Description|long 32000",
            "MasterRecordId|Master Record ID|ref Account MasterRecord ~",
            "LastActivityDate|Last Activity|date ~",
        ],
    },
    Standard {
        name: "Contact",
        label: "Contact",
        plural: "Contacts",
        key_prefix: "003",
        fields: &[
            "AccountId|Account ID|ref Account Account Contacts",
            "LastName|Last Name|text 80 !",
            "FirstName|First Name|text 40",
            "Salutation|Salutation|text 40",
            "Name|Full Name|text 121 = IF(ISBLANK(FirstName), LastName, FirstName & \" \" & LastName)",
            "MailingStreet|Mailing Street|text 255",
            "MailingCity|Mailing City|text 40",
            "MailingState|Mailing State/Province|text 80",
            "MailingPostalCode|Mailing Zip/Postal Code|text 20",
            "MailingCountry|Mailing Country|text 80",
            "Phone|Business Phone|phone",
            "MobilePhone|Mobile Phone|phone",
            "Email|Email|email",
            "Title|Title|text 128",
            "Department|Department|text 80",
            "Birthdate|Birthdate|date",
            "Description|Contact Description|long 32000",
            "MasterRecordId|Master Record ID|ref Contact MasterRecord ~",
        ],
    },
    Standard {
        name: "User",
        label: "User",
        plural: "Users",
        key_prefix: "005",
        fields: &[
            "Username|Username|text 80 ! unique",
            "LastName|Last Name|text 80 !",
            "FirstName|First Name|text 40",
            "Name|Full Name|text 121 = IF(ISBLANK(FirstName), LastName, FirstName & \" \" & LastName)",
            "Email|Email|email !",
            "Alias|Alias|text 8",
            "IsActive|Active|checkbox",
            "UserType|User Type|text 40 ~",
            "ProfileId|Profile ID|ref Profile Profile Users",
            "TimeZoneSidKey|Time Zone|text 40",
            "LocaleSidKey|Locale|text 40",
            "LanguageLocaleKey|Language|text 40",
            "EmailEncodingKey|Email Encoding|text 40",
            "CompanyName|Company Name|text 80",
            "Title|Title|text 80",
        ],
    },
    Standard {
        name: "Organization",
        label: "Organization",
        plural: "Organizations",
        key_prefix: "00D",
        fields: &[
            "Name|Name|text 80",
            "OrganizationType|Edition|text 40 ~",
            "IsSandbox|Is Sandbox|checkbox ~",
            "InstanceName|Instance Name|text 20 ~",
            "NamespacePrefix|Namespace Prefix|text 15 ~",
            "TimeZoneSidKey|Time Zone|text 40",
            "DefaultLocaleSidKey|Locale|text 40",
            "LanguageLocaleKey|Language|text 40",
        ],
    },
    Standard {
        name: "Profile",
        label: "Profile",
        plural: "Profiles",
        key_prefix: "00e",
        fields: &["Name|Name|text 255 !"],
    },
    Standard {
        name: "PermissionSet",
        label: "Permission Set",
        plural: "Permission Sets",
        key_prefix: "0PS",
        fields: &[
            "Name|Permission Set Name|text 80 !",
            "Label|Permission Set Label|text 80",
            "IsOwnedByProfile|Is Owned By Profile|checkbox",
            "ProfileId|Profile ID|ref Profile Profile",
            "Type|Permission Set Type|text 40",
            "NamespacePrefix|Namespace Prefix|text 15",
        ],
    },
    Standard {
        name: "PermissionSetAssignment",
        label: "Permission Set Assignment",
        plural: "Permission Set Assignments",
        key_prefix: "0Pa",
        fields: &[
            "AssigneeId|Assignee ID|ref User Assignee PermissionSetAssignments !",
            "PermissionSetId|PermissionSet ID|ref PermissionSet PermissionSet Assignments !",
            "IsActive|Is Active|checkbox",
        ],
    },
    Standard {
        name: "CustomPermission",
        label: "Custom Permission",
        plural: "Custom Permissions",
        key_prefix: "0CP",
        fields: &[
            "DeveloperName|Custom Permission Name|text 80 !",
            "MasterLabel|Custom Permission Label|text 80",
            "NamespacePrefix|Namespace Prefix|text 15",
        ],
    },
    Standard {
        name: "SetupEntityAccess",
        label: "Setup Entity Access",
        plural: "Setup Entity Access",
        key_prefix: "0J0",
        fields: &[
            "ParentId|Parent ID|ref PermissionSet Parent SetupEntityAccessItems !",
            "SetupEntityId|Setup Entity ID|ref CustomPermission,ApexClass SetupEntity !",
            "SetupEntityType|Setup Entity Type|text 40",
        ],
    },
    Standard {
        name: "ContentVersion",
        label: "Content Version",
        plural: "Content Versions",
        key_prefix: "068",
        fields: &[
            "ContentDocumentId|ContentDocument ID|ref ContentDocument ContentDocument ContentVersions cascade",
            "Title|Title|text 255",
            "PathOnClient|Path On Client|text 500",
            "VersionData|Version Data|long 52428800",
            "FileExtension|File Extension|text 40 ~",
            "FileType|File Type|text 40 ~",
            "ContentSize|Size|number 10 0 ~",
            "Checksum|Checksum|text 50 ~",
            "VersionNumber|Version Number|text 20 ~",
            "IsLatest|Is Latest|checkbox ~",
            "Description|Description|text 1000",
            "Origin|Content Origin|text 40",
            "FirstPublishLocationId|First Publish Location ID|ref * FirstPublishLocation",
        ],
    },
    Standard {
        name: "ContentDocument",
        label: "Content Document",
        plural: "Content Documents",
        key_prefix: "069",
        fields: &[
            "Title|Title|text 255",
            "LatestPublishedVersionId|Latest Published Version ID|ref ContentVersion LatestPublishedVersion ~",
            "FileExtension|File Extension|text 40 ~",
            "FileType|File Type|text 40 ~",
            "ContentSize|Size|number 10 0 ~",
            "Description|Description|text 1000",
        ],
    },
    Standard {
        name: "ContentDocumentLink",
        label: "Content Document Link",
        plural: "Content Document Links",
        key_prefix: "06A",
        fields: &[
            "ContentDocumentId|ContentDocument ID|ref ContentDocument ContentDocument ContentDocumentLinks ! cascade",
            "LinkedEntityId|Linked Entity ID|ref * LinkedEntity ContentDocumentLinks ! cascade",
            "ShareType|Share Type|text 40",
            "Visibility|Visibility|text 40",
        ],
    },
    Standard {
        name: "ApexClass",
        label: "Apex Class",
        plural: "Apex Classes",
        key_prefix: "01p",
        fields: &["Name|Name|text 255 !", "NamespacePrefix|Namespace Prefix|text 15"],
    },
    Standard {
        name: "AsyncApexJob",
        label: "Apex Job",
        plural: "Apex Jobs",
        key_prefix: "707",
        fields: &[
            "ApexClassId|Class ID|ref ApexClass ApexClass ~",
            "JobType|Job Type|text 40 ~",
            "Status|Status|text 40 ~",
            "ExtendedStatus|Status Detail|text 255 ~",
            "TotalJobItems|Total Batches|number 9 0 ~",
            "JobItemsProcessed|Batches Processed|number 9 0 ~",
            "NumberOfErrors|Failures|number 9 0 ~",
            "MethodName|Apex Method|text 255 ~",
            "CompletedDate|Completion Date|datetime ~",
        ],
    },
    Standard {
        name: "CronJobDetail",
        label: "Cron Job",
        plural: "Cron Jobs",
        key_prefix: "08a",
        fields: &["Name|Name|text 255 ~", "JobType|Job Type|text 40 ~"],
    },
    Standard {
        name: "CronTrigger",
        label: "Scheduled Job",
        plural: "Scheduled Jobs",
        key_prefix: "08e",
        fields: &[
            "CronJobDetailId|Job ID|ref CronJobDetail CronJobDetail ~",
            "CronExpression|Cron Expression|text 255 ~",
            "State|State|text 40 ~",
            "StartTime|Schedule Start|datetime ~",
            "EndTime|Schedule End|datetime ~",
            "NextFireTime|Next Run|datetime ~",
            "PreviousFireTime|Last Run|datetime ~",
            "TimesTriggered|Times Triggered|number 9 0 ~",
        ],
    },
];

const PERSON_ACCOUNT: &[&str] = &[
    "IsPersonAccount|Is Person Account|checkbox = NOT(ISBLANK(LastName))",
    "FirstName|First Name|text 40",
    "LastName|Last Name|text 80",
    "Salutation|Salutation|text 40",
    "PersonEmail|Email|email",
    "PersonMobilePhone|Mobile|phone",
    "PersonHomePhone|Home Phone|phone",
    "PersonTitle|Title|text 80",
    "PersonBirthdate|Birthdate|date",
    "PersonMailingStreet|Mailing Street|text 255",
    "PersonMailingCity|Mailing City|text 40",
    "PersonMailingState|Mailing State/Province|text 80",
    "PersonMailingPostalCode|Mailing Zip/Postal Code|text 20",
    "PersonMailingCountry|Mailing Country|text 80",
];

const CURRENCY_TYPE: Standard = Standard {
    name: "CurrencyType",
    label: "Currency Type",
    plural: "Currency Types",
    key_prefix: "01L",
    fields: &[
        "IsoCode|Currency ISO Code|text 3 !",
        "ConversionRate|Conversion Rate|number 18 6",
        "DecimalPlaces|Decimal Places|number 1 0",
        "IsActive|Active|checkbox",
        "IsCorporate|Corporate Currency|checkbox",
    ],
};

const SYSTEM: &[&str] = &[
    "CreatedDate|Created Date|datetime ~",
    "CreatedById|Created By ID|ref User CreatedBy ~",
    "LastModifiedDate|Last Modified Date|datetime ~",
    "LastModifiedById|Last Modified By ID|ref User LastModifiedBy ~",
    "SystemModstamp|System Modstamp|datetime ~",
    "IsDeleted|Deleted|checkbox ~",
];

const OWNER: &str = "OwnerId|Owner ID|ref User Owner";

/// Objects without an owner.
const UNOWNED: &[&str] = &[
    "User",
    "Organization",
    "Profile",
    "PermissionSet",
    "PermissionSetAssignment",
    "CustomPermission",
    "SetupEntityAccess",
    "ContentDocumentLink",
    "ApexClass",
    "AsyncApexJob",
    "CronJobDetail",
    "CurrencyType",
];

/// Every standard object, with its system fields.
pub fn objects(options: &OrgOptions) -> Vec<Object> {
    let extra = options.multi_currency.then_some(&CURRENCY_TYPE);
    OBJECTS
        .iter()
        .chain(extra)
        .map(|standard| {
            let mut object = Object {
                name: standard.name.to_owned(),
                label: standard.label.to_owned(),
                plural_label: standard.plural.to_owned(),
                key_prefix: standard.key_prefix.to_owned(),
                kind: ObjectKind::Standard,
                fields: Default::default(),
                validation_rules: Vec::new(),
            };
            let person = options.person_accounts && standard.name == "Account";
            let lines = standard.fields.iter().chain(if person { PERSON_ACCOUNT } else { &[] });
            for line in lines {
                object.fields.extend(described(line));
            }
            add_system_fields(&mut object, !UNOWNED.contains(&standard.name), options);
            object
        })
        .collect()
}

/// Id, who and when, the owner, and in an org of several currencies the record's own.
pub fn add_system_fields(object: &mut Object, owned: bool, options: &OrgOptions) {
    let id = Field { kind: FieldKind::Id, writable: false, ..plain("Id", &format!("{} ID", object.label)) };
    object.add(id);
    for line in SYSTEM.iter().chain(owned.then_some(&OWNER)) {
        object.fields.extend(described(line));
    }
    let has_money = matches!(object.kind, ObjectKind::Custom) || matches!(object.name.as_str(), "Account" | "Contact");
    if options.multi_currency && has_money {
        object.fields.extend(described("CurrencyIsoCode|Currency ISO Code|text 3"));
    }
}

/// Custom metadata's own fields.
pub fn add_metadata_fields(object: &mut Object) {
    for line in [
        "DeveloperName|Name|text 40",
        "MasterLabel|Label|text 40",
        "Label|Label|text 40",
        "QualifiedApiName|Qualified API Name|text 70",
        "NamespacePrefix|Namespace Prefix|text 15",
        "Language|Language|text 40",
        "SystemModstamp|System Modstamp|datetime ~",
    ] {
        object.fields.extend(described(line));
    }
    object.add(Field { kind: FieldKind::Id, writable: false, ..plain("Id", "Record ID") });
}

/// What the bus fills in on each event.
pub fn add_event_fields(object: &mut Object) {
    for line in [
        "ReplayId|Replay ID|text 1000 ~",
        "EventUuid|Event UUID|text 36 ~",
        "CreatedDate|Created Date|datetime ~",
        "CreatedById|Created By ID|ref User CreatedBy ~",
    ] {
        object.fields.extend(described(line));
    }
}

/// A text field with nothing special about it.
pub fn plain(name: &str, label: &str) -> Field {
    Field {
        name: name.to_owned(),
        label: label.to_owned(),
        kind: FieldKind::Text { length: 255 },
        required: false,
        unique: false,
        case_sensitive: false,
        external_id: false,
        default_formula: None,
        formula: None,
        blank_as_zero: true,
        writable: true,
    }
}

/// Reads one line of the tables above.
fn described(line: &str) -> Option<(String, Field)> {
    let mut parts = line.splitn(3, '|');
    let (name, label, rest) = (parts.next()?, parts.next()?, parts.next()?);
    let (kind, formula) = match rest.split_once(" = ") {
        Some((kind, formula)) => (kind, Some(formula.to_owned())),
        None => (rest, None),
    };
    let mut field = plain(name, label);
    let (word, list) = kind.split_once(' ').unwrap_or((kind, ""));
    let words: Vec<&str> = list.split_whitespace().collect();
    let number = |place: usize| words.get(place).and_then(|word| word.parse::<u32>().ok());
    field.kind = match word {
        "text" => FieldKind::Text { length: number(0)? as usize },
        "long" => FieldKind::LongText { length: number(0)? as usize },
        "email" => FieldKind::Email,
        "phone" => FieldKind::Phone,
        "url" => FieldKind::Url,
        "checkbox" => FieldKind::Checkbox,
        "date" => FieldKind::Date,
        "datetime" => FieldKind::DateTime,
        "number" => FieldKind::Number { precision: number(0)?, scale: number(1)? },
        "currency" => FieldKind::Currency { precision: number(0)?, scale: number(1)? },
        "picklist" => FieldKind::Picklist {
            values: list
                .split(',')
                .map(|value| PicklistValue { name: value.to_owned(), label: value.to_owned(), default: false })
                .collect(),
            restricted: false,
        },
        "ref" => FieldKind::Reference {
            to: words.first()?.split(',').map(str::to_owned).collect(),
            relationship: words.get(1).map(|name| (*name).to_owned()),
            children: words.get(2).filter(|name| name.starts_with(char::is_uppercase)).map(|name| (*name).to_owned()),
            master_detail: false,
            on_delete: if words.contains(&"cascade") { OnDelete::Cascade } else { OnDelete::SetNull },
        },
        _ => return None,
    };
    if word != "picklist" {
        field.required = words.contains(&"!");
        field.unique = words.contains(&"unique");
        field.writable = !words.contains(&"~") && formula.is_none();
    }
    field.formula = formula;
    Some((name.to_lowercase(), field))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_tables_describes_a_field() {
        let lines = OBJECTS.iter().flat_map(|object| object.fields).chain(PERSON_ACCOUNT).chain(SYSTEM);
        for line in lines.chain(CURRENCY_TYPE.fields) {
            assert!(described(line).is_some(), "{line}");
        }
    }

    #[test]
    fn person_accounts_and_currencies_come_with_their_switches() {
        let plain = objects(&OrgOptions::default());
        let account = plain.iter().find(|object| object.name == "Account").expect("an account");
        assert!(account.field("PersonEmail").is_none());
        assert!(account.field("CurrencyIsoCode").is_none());
        assert!(account.field("name").is_some_and(|name| name.required));
        let rich = objects(&OrgOptions { person_accounts: true, multi_currency: true, ..OrgOptions::default() });
        let account = rich.iter().find(|object| object.name == "Account").expect("an account");
        assert!(account.field("IsPersonAccount").is_some_and(|field| field.formula.is_some()));
        assert!(account.field("CurrencyIsoCode").is_some());
    }
}
