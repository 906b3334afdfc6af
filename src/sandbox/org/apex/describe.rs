//! Describe calls and schema tokens.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use super::ast::{Name, Type};
use super::eval::{Interp, Res};
use super::value::{Native, Val};
use crate::sandbox::org::host::{Access, Bind, QueryOutcome, Value};
use crate::sandbox::org::schema::{FieldKind, ObjectKind};

impl Interp<'_> {
    /// A dotted path that is neither variable nor class: `Account.Name`, `Account.SObjectType`, `SObjectType.Account`.
    pub fn token(&mut self, path: &[Name]) -> Res<Val> {
        let (first, rest) = match path {
            [] => return Err(self.unmodelled("an empty path")),
            [first, rest @ ..] => (first, rest),
        };
        let mut value = match self.schema.object(first) {
            Some(object) => Val::SObjectType(Arc::from(object.name.as_str())),
            None if first.eq_ignore_ascii_case("sobjecttype") => Val::native(Native::SObjectTypes),
            None => return Err(self.unmodelled(format!("{}, which is nothing known,", path.join(".")))),
        };
        for name in rest {
            value = self.other_field(&value, name)?;
        }
        Ok(value)
    }

    /// `.name` on something that is neither an sObject nor an instance.
    pub fn other_field(&mut self, value: &Val, name: &str) -> Res<Val> {
        let lower = name.to_lowercase();
        match value {
            Val::SObjectType(object) => {
                if lower == "sobjecttype" {
                    return Ok(value.clone());
                }
                let field = self.schema.object(object).and_then(|object| object.field(name));
                match field {
                    Some(field) => Ok(Val::SObjectField(object.clone(), Arc::from(field.name.as_str()))),
                    None => Err(self.unmodelled(format!("{object}.{name}, a field that the org doesn't have,"))),
                }
            }
            Val::Native(native) => match (&**native, lower.as_str()) {
                (Native::SObjectTypes, _) => match self.schema.object(name) {
                    Some(object) => Ok(Val::native(Native::ObjectDescribe(Arc::from(object.name.as_str())))),
                    None => Err(self.unmodelled(format!("SObjectType.{name}, an object that the org doesn't have,"))),
                },
                (Native::ObjectDescribe(object), "fields") => Ok(Val::native(Native::Fields(object.clone()))),
                (Native::ObjectDescribe(object), method) => {
                    let (object, method) = (object.clone(), format!("get{method}"));
                    self.object_describe_method(&object, &method, &[])
                }
                (Native::Fields(object), _) => {
                    let field = self.schema.object(object).and_then(|object| object.field(name));
                    match field {
                        Some(field) => {
                            Ok(Val::native(Native::FieldDescribe(object.clone(), Arc::from(field.name.as_str()))))
                        }
                        None => Err(self.unmodelled(format!("{object}.{name}, a field that the org doesn't have,"))),
                    }
                }
                (Native::FieldDescribe(object, field), method) => {
                    let (object, field, method) = (object.clone(), field.clone(), format!("get{method}"));
                    self.field_describe_method(&object, &field, &method, &[])
                }
                _ => Err(self.unmodelled(format!("{}.{name}", self.type_name(value)))),
            },
            _ => Err(self.unmodelled(format!("the field {name} of a {}", self.type_name(value)))),
        }
    }

    pub fn object_token_method(&mut self, object: &Name, name: &str, args: Vec<Val>) -> Res<Val> {
        match (name, args.as_slice()) {
            ("getdescribe", _) => Ok(Val::native(Native::ObjectDescribe(object.clone()))),
            ("newsobject", []) => Ok(Val::SObject(self.blank_sobject(object)?)),
            ("newsobject", [id @ (Val::Id(_) | Val::Str(_))]) => {
                let row = self.blank_sobject(object)?;
                self.sobject_put(&row, "Id", id.clone())?;
                Ok(Val::SObject(row))
            }
            ("getname", []) => Ok(Val::Str(object.clone())),
            ("getinstance", [Val::Str(name)]) => self.metadata_record(object, name),
            _ => self.any_method(&Val::SObjectType(object.clone()), name, &args),
        }
    }

    /// `X__mdt.getInstance(developerName)`: null if there is none. Costs no query.
    fn metadata_record(&mut self, object: &Name, name: &Name) -> Res<Val> {
        let schema = self.schema.clone();
        let Some(own) = schema.object(object).filter(|own| own.kind == ObjectKind::CustomMetadata) else {
            return Err(self.unmodelled(format!("{object}.getInstance")));
        };
        let fields: Vec<&str> = own.fields.values().map(|field| field.name.as_str()).collect();
        let text = format!("SELECT {} FROM {object} WHERE DeveloperName = :b0", fields.join(", "));
        let binds = BTreeMap::from([("b0".to_owned(), Bind::One(Value::Text(name.to_string())))]);
        let before = self.host.spent().clone();
        let outcome = self.host.query(&text, &binds, Access::System, false);
        *self.host.spent() = before;
        match outcome {
            Ok(QueryOutcome::Rows(rows)) => Ok(rows.first().map_or(Val::Null, |row| self.sobject_of(row))),
            Ok(QueryOutcome::Count(_)) => Ok(Val::Null),
            Err(fault) => Err(self.thrown_by(fault)),
        }
    }

    pub fn field_token_method(&mut self, object: &Name, field: &Name, name: &str, args: &[Val]) -> Res<Val> {
        match name {
            "getdescribe" => Ok(Val::native(Native::FieldDescribe(object.clone(), field.clone()))),
            "getname" => Ok(Val::Str(field.clone())),
            _ => self.any_method(&Val::SObjectField(object.clone(), field.clone()), name, args),
        }
    }

    pub fn object_describe_method(&mut self, object: &Name, name: &str, args: &[Val]) -> Res<Val> {
        let schema = self.schema.clone();
        let Some(own) = schema.object(object) else {
            return Err(self.unmodelled(format!("a describe of {object}")));
        };
        Ok(match (name, args) {
            ("getname" | "getlocalname", []) => Val::str(&own.name),
            ("getlabel", []) => Val::str(&own.label),
            ("getlabelplural", []) => Val::str(&own.plural_label),
            ("getkeyprefix", []) => Val::str(&own.key_prefix),
            ("getsobjecttype", []) => Val::SObjectType(object.clone()),
            ("iscustom", []) => Val::Bool(own.name.contains("__")),
            ("getfields", []) => Val::native(Native::Fields(object.clone())),
            ("isaccessible", []) => Val::Bool(self.host.object_access(object).read),
            ("iscreateable", []) => Val::Bool(self.host.object_access(object).create),
            ("isupdateable", []) => Val::Bool(self.host.object_access(object).edit),
            ("isdeletable", []) => Val::Bool(self.host.object_access(object).delete),
            _ => return Err(self.unmodelled(format!("DescribeSObjectResult.{name}"))),
        })
    }

    pub fn field_describe_method(&mut self, object: &Name, field: &Name, name: &str, args: &[Val]) -> Res<Val> {
        let schema = self.schema.clone();
        let Some(own) = schema.object(object).and_then(|object| object.field(field)) else {
            return Err(self.unmodelled(format!("a describe of {object}.{field}")));
        };
        Ok(match (name, args) {
            ("getname" | "getlocalname", []) => Val::str(&own.name),
            ("getlabel", []) => Val::str(&own.label),
            ("getsobjectfield", []) => Val::SObjectField(object.clone(), field.clone()),
            ("getlength", []) => Val::Int(match own.kind {
                FieldKind::Text { length } | FieldKind::LongText { length } => length as i32,
                FieldKind::Email => 80,
                FieldKind::Phone => 40,
                FieldKind::Url | FieldKind::Picklist { .. } => 255,
                FieldKind::Id | FieldKind::Reference { .. } => 18,
                _ => 0,
            }),
            ("getscale", []) => Val::Int(match own.kind {
                FieldKind::Number { scale, .. }
                | FieldKind::Currency { scale, .. }
                | FieldKind::Percent { scale, .. } => scale as i32,
                _ => 0,
            }),
            ("getprecision", []) => Val::Int(match own.kind {
                FieldKind::Number { precision, .. }
                | FieldKind::Currency { precision, .. }
                | FieldKind::Percent { precision, .. } => precision as i32,
                _ => 0,
            }),
            ("getpicklistvalues", []) => {
                let FieldKind::Picklist { values, .. } = &own.kind else {
                    return Err(self.unmodelled(format!("the picklist values of {object}.{field}")));
                };
                let entries = values.iter().map(|value| {
                    Val::native(Native::PicklistEntry {
                        value: value.name.clone(),
                        label: value.label.clone(),
                        default: value.default,
                    })
                });
                Val::list(Arc::new(Type::Native(Arc::from("picklistentry"))), entries.collect())
            }
            ("getreferenceto", []) => {
                let to: &[String] = match &own.kind {
                    FieldKind::Reference { to, .. } => to,
                    _ => &[],
                };
                let tokens = to.iter().map(|name| Val::SObjectType(Arc::from(name.as_str()))).collect();
                Val::list(Arc::new(Type::Native(Arc::from("sobjecttype"))), tokens)
            }
            ("isaccessible", []) => Val::Bool(self.host.field_access(object, field).readable),
            ("isupdateable" | "iscreateable", []) => {
                Val::Bool(own.writable && self.host.field_access(object, field).editable)
            }
            ("iscalculated", []) => Val::Bool(own.formula.is_some()),
            ("isunique", []) => Val::Bool(own.unique),
            ("isexternalid", []) => Val::Bool(own.external_id),
            ("isnillable", []) => Val::Bool(!own.required),
            ("gettype", []) => Val::platform_enum(
                "DisplayType",
                match own.kind {
                    FieldKind::Id => "ID",
                    FieldKind::Text { .. } | FieldKind::AutoNumber { .. } => "STRING",
                    FieldKind::LongText { .. } => "TEXTAREA",
                    FieldKind::Email => "EMAIL",
                    FieldKind::Phone => "PHONE",
                    FieldKind::Url => "URL",
                    FieldKind::Checkbox => "BOOLEAN",
                    FieldKind::Number { .. } => "DOUBLE",
                    FieldKind::Currency { .. } => "CURRENCY",
                    FieldKind::Percent { .. } => "PERCENT",
                    FieldKind::Date => "DATE",
                    FieldKind::DateTime => "DATETIME",
                    FieldKind::Picklist { .. } => "PICKLIST",
                    FieldKind::Reference { .. } => "REFERENCE",
                },
            ),
            _ => return Err(self.unmodelled(format!("DescribeFieldResult.{name}"))),
        })
    }

    pub fn field_map(&mut self, object: &Name) -> Res<Val> {
        let schema = self.schema.clone();
        let Some(own) = schema.object(object) else {
            return Err(self.unmodelled(format!("a describe of {object}")));
        };
        let pairs = own.fields.values().map(|field| {
            let token = Val::SObjectField(object.clone(), Arc::from(field.name.as_str()));
            (Val::str(field.name.to_lowercase()), token)
        });
        Ok(Val::map(Arc::new(Type::String), Arc::new(Type::Native(Arc::from("sobjectfield"))), pairs))
    }

    /// `Schema.getGlobalDescribe()`.
    pub fn schema_static(&mut self, name: &str, args: &[Val]) -> Res<Val> {
        match (name, args) {
            ("getglobaldescribe", []) => {
                let schema = self.schema.clone();
                let pairs = schema.objects().map(|object| {
                    (Val::str(object.name.to_lowercase()), Val::SObjectType(Arc::from(object.name.as_str())))
                });
                let tokens = Arc::new(Type::Native(Arc::from("sobjecttype")));
                Ok(Val::map(Arc::new(Type::String), tokens, pairs))
            }
            _ => Err(self.unmodelled(format!("Schema.{name}"))),
        }
    }

    /// `Type.…`.
    pub fn type_static(&mut self, name: &str, args: &[Val]) -> Res<Val> {
        match (name, args) {
            ("forname", [Val::Str(text)]) | ("forname", [_, Val::Str(text)]) => {
                Ok(match self.runtime.class_named(text) {
                    Some(class) => Val::Type(Rc::new(Type::Class(class.id))),
                    None => match self.schema.object(text) {
                        Some(object) => Val::Type(Rc::new(Type::SObject(Some(Arc::from(object.name.as_str()))))),
                        None => Val::Null,
                    },
                })
            }
            _ => Err(self.unmodelled(format!("Type.{name}"))),
        }
    }
}
