//! Values as text, and types by name.

use std::fmt::Write;

use super::{Interp, Res};
use crate::sandbox::org::apex::ast::Type;
use crate::sandbox::org::apex::value::{Native, SaveResultKind, Val};

/// Printing a collection stops after so many items.
const SHOWN: usize = 10;

impl Interp<'_> {
    /// In `'' + value`: unlike `String.valueOf`, a date brings its midnight and null is a word.
    pub fn joined(&mut self, value: &Val) -> Res<String> {
        match value {
            Val::Date(date) => Ok(format!("{date} 00:00:00")),
            other => self.text(other),
        }
    }

    /// `String.valueOf`.
    pub fn text(&mut self, value: &Val) -> Res<String> {
        Ok(match value {
            Val::Null => "null".to_owned(),
            Val::Bool(value) => value.to_string(),
            Val::Int(value) => value.to_string(),
            Val::Long(value) => value.to_string(),
            Val::Double(value) => double_text(*value),
            Val::Dec(value) => decimal_text(value),
            Val::Str(text) | Val::Id(text) => text.to_string(),
            Val::Date(date) => date.to_string(),
            Val::DateTime(at) => at.to_zoned_datetime(self.zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string(),
            Val::Time(time) => format!("{}.{:03}Z", time.strftime("%H:%M:%S"), time.millisecond()),
            Val::Blob(bytes) => format!("Blob[{}]", bytes.len()),
            Val::List(list) => {
                let items = list.items.borrow().clone();
                format!("({})", self.items(&items)?)
            }
            Val::Set(set) => format!("{{{}}}", self.items(&set.store.keys())?),
            Val::Map(map) => {
                let mut parts = Vec::new();
                for (key, value) in map.store.pairs() {
                    parts.push(format!("{}={}", self.text(&key)?, self.text(&value)?));
                }
                format!("{{{}}}", parts.join(", "))
            }
            Val::SObject(row) => {
                let row = row.borrow().clone();
                let mut parts = Vec::new();
                for (name, value) in &row.fields {
                    parts.push(format!("{name}={}", self.text(value)?));
                }
                format!("{}:{{{}}}", row.object(), parts.join(", "))
            }
            Val::Exception(_) => self.exception_text(value),
            Val::Object(instance) if instance.exception.is_some() => self.exception_text(value),
            Val::Object(instance) => {
                if let Some(method) = self.find_method(instance.class, "tostring", &[]) {
                    let text = self.invoke(&method, Some(instance.clone()), Vec::new())?;
                    return self.text(&text);
                }
                let runtime = self.runtime;
                let class = runtime.class(instance.class);
                let mut parts = Vec::new();
                for field in &class.fields {
                    let value = instance.fields.borrow()[field.slot].clone();
                    parts.push(format!("{}={}", field.name, self.text(&value)?));
                }
                let own = class.name.rsplit('.').next().unwrap_or_default();
                format!("{own}:[{}]", parts.join(", "))
            }
            Val::Enum(class, at) => self.runtime.class(*class).constants[*at].to_string(),
            Val::PlatformEnum(_, constant) => constant.to_string(),
            Val::Type(of) => self.type_text(of),
            Val::SObjectType(object) => object.to_string(),
            Val::SObjectField(_, field) => field.to_string(),
            Val::Native(native) => match &**native {
                Native::Uuid(text) => text.clone(),
                Native::TimeZone(name) => name.clone(),
                _ => self.type_name(value),
            },
        })
    }

    fn exception_text(&self, value: &Val) -> String {
        match self.exception_data(value) {
            Some((name, data)) => {
                let message = data.message.unwrap_or_else(|| "Script-thrown exception".to_owned());
                format!("{name}: {message}")
            }
            None => String::new(),
        }
    }

    fn items(&mut self, items: &[Val]) -> Res<String> {
        let mut text = String::new();
        for (at, item) in items.iter().enumerate() {
            if at > 0 {
                text.push_str(", ");
            }
            if at == SHOWN {
                text.push_str("...");
                break;
            }
            let item = self.text(item)?;
            let _ = write!(text, "{item}");
        }
        Ok(text)
    }

    /// The run-time type, as messages name it.
    pub fn type_name(&self, value: &Val) -> String {
        match value {
            Val::Null => "null".to_owned(),
            Val::Bool(_) => "Boolean".to_owned(),
            Val::Int(_) => "Integer".to_owned(),
            Val::Long(_) => "Long".to_owned(),
            Val::Double(_) => "Double".to_owned(),
            Val::Dec(_) => "Decimal".to_owned(),
            Val::Str(_) => "String".to_owned(),
            Val::Id(_) => "Id".to_owned(),
            Val::Date(_) => "Date".to_owned(),
            Val::DateTime(_) => "Datetime".to_owned(),
            Val::Time(_) => "Time".to_owned(),
            Val::Blob(_) => "Blob".to_owned(),
            Val::List(list) => format!("List<{}>", self.type_text(&list.element)),
            Val::Set(set) => format!("Set<{}>", self.type_text(&set.element)),
            Val::Map(map) => format!("Map<{},{}>", self.type_text(&map.key), self.type_text(&map.value)),
            Val::SObject(row) => row.borrow().object().to_owned(),
            Val::Object(instance) => self.runtime.class(instance.class).name.to_string(),
            Val::Exception(data) => data.borrow().name.clone(),
            Val::Enum(class, _) => self.runtime.class(*class).name.to_string(),
            Val::PlatformEnum(of, _) => of.to_string(),
            Val::Type(_) => "System.Type".to_owned(),
            Val::SObjectType(_) => "Schema.SObjectType".to_owned(),
            Val::SObjectField(..) => "Schema.SObjectField".to_owned(),
            Val::Native(native) => match &**native {
                Native::SaveResult { kind, .. } => match kind {
                    SaveResultKind::Save => "Database.SaveResult",
                    SaveResultKind::Upsert => "Database.UpsertResult",
                    SaveResultKind::Delete => "Database.DeleteResult",
                    SaveResultKind::Undelete => "Database.UndeleteResult",
                },
                Native::Error(_) => "Database.Error",
                Native::Savepoint(_) => "System.Savepoint",
                Native::QueryLocator { .. } => "Database.QueryLocator",
                Native::BatchableContext { .. } => "Database.BatchableContext",
                Native::QueueableContext { .. } => "System.QueueableContext",
                Native::SchedulableContext { .. } => "System.SchedulableContext",
                Native::Iterator { .. } => "System.Iterator",
                Native::ObjectDescribe(_) => "Schema.DescribeSObjectResult",
                Native::FieldDescribe(..) => "Schema.DescribeFieldResult",
                Native::Fields(_) => "Schema.SObjectTypeFields",
                Native::SObjectTypes => "Schema.SObjectType",
                Native::PicklistEntry { .. } => "Schema.PicklistEntry",
                Native::Uuid(_) => "System.UUID",
                Native::TestBus => "EventBus.TestBroker",
                Native::AccessDecision { .. } => "System.SObjectAccessDecision",
                Native::TimeZone(_) => "System.TimeZone",
                Native::JsonGenerator(_) => "System.JSONGenerator",
                Native::Pattern(_) => "System.Pattern",
                Native::Matcher { .. } => "System.Matcher",
                Native::EventContext => "EventBus.TriggerContext",
            }
            .to_owned(),
        }
    }

    pub fn type_text(&self, of: &Type) -> String {
        match of {
            Type::Void => "void".to_owned(),
            Type::Object => "ANY".to_owned(),
            Type::Boolean => "Boolean".to_owned(),
            Type::Integer => "Integer".to_owned(),
            Type::Long => "Long".to_owned(),
            Type::Double => "Double".to_owned(),
            Type::Decimal => "Decimal".to_owned(),
            Type::String => "String".to_owned(),
            Type::Id => "Id".to_owned(),
            Type::Date => "Date".to_owned(),
            Type::Datetime => "Datetime".to_owned(),
            Type::Time => "Time".to_owned(),
            Type::Blob => "Blob".to_owned(),
            Type::List(element) => format!("List<{}>", self.type_text(element)),
            Type::Set(element) => format!("Set<{}>", self.type_text(element)),
            Type::Map(key, value) => format!("Map<{},{}>", self.type_text(key), self.type_text(value)),
            Type::Iterable => "Iterable".to_owned(),
            Type::SObject(None) => "SObject".to_owned(),
            Type::SObject(Some(name)) => name.to_string(),
            Type::Class(class) => self.runtime.class(*class).name.to_string(),
            Type::Exception(name) | Type::Native(name) => name.to_string(),
        }
    }
}

/// As Java prints a double.
pub fn double_text(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 || (1e-3..1e7).contains(&size) {
        return format!("{value:?}");
    }
    let text = format!("{value:E}");
    match text.split_once('E') {
        Some((digits, power)) if !digits.contains('.') => format!("{digits}.0E{power}"),
        _ => text,
    }
}

/// With its scale; a negative scale shows as an exponent.
pub fn decimal_text(value: &bigdecimal::BigDecimal) -> String {
    let (digits, scale) = value.as_bigint_and_exponent();
    if scale >= 0 {
        return value.to_plain_string();
    }
    let digits = digits.to_string();
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits.as_str()), |rest| ("-", rest));
    let power = -scale + digits.len() as i64 - 1;
    match digits.split_at(1) {
        (first, "") => format!("{sign}{first}E+{power}"),
        (first, rest) => format!("{sign}{first}.{rest}E+{power}"),
    }
}
