//! Methods called on a value: which noun's file answers.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use super::ast::Type;
use super::eval::{Interp, Res};
use super::value::{Native, Val};

impl Interp<'_> {
    /// `name` in lower case.
    #[inline(never)]
    pub fn method_on(&mut self, value: Val, name: &str, args: Vec<Val>) -> Res<Val> {
        match &value {
            Val::Null => Err(self.null_pointer()),
            Val::Object(instance) => {
                if let Some(method) = self.find_method(instance.class, name, &args) {
                    return self.invoke(&method, Some(instance.clone()), args);
                }
                self.inherited(&value, name, args)
            }
            Val::Exception(_) => self.inherited(&value, name, args),
            Val::Str(text) => self.string_method(text, name, &args),
            Val::Id(id) => self.id_method(id, name, &args),
            Val::Int(_) | Val::Long(_) | Val::Double(_) | Val::Dec(_) => self.number_method(&value, name, &args),
            Val::Bool(_) | Val::Time(_) => self.any_method(&value, name, &args),
            Val::Date(date) => self.date_method(*date, name, &args),
            Val::DateTime(at) => self.datetime_method(*at, name, &args),
            Val::Blob(bytes) => match (name, args.as_slice()) {
                ("size", []) => Ok(Val::Int(bytes.len() as i32)),
                ("tostring", []) => match std::str::from_utf8(bytes) {
                    Ok(text) => Ok(Val::str(text)),
                    Err(_) => Err(self.throw("System.StringException", "BLOB is not a valid UTF-8 string")),
                },
                _ => self.any_method(&value, name, &args),
            },
            Val::List(list) => self.list_method(list, name, args),
            Val::Set(set) => self.set_method(set, name, args),
            Val::Map(map) => self.map_method(map, name, args),
            Val::SObject(row) => self.sobject_method(row, name, args),
            Val::Enum(class, at) => {
                let constant = self.runtime.class(*class).constants[*at].clone();
                match (name, args.len()) {
                    ("name" | "tostring", 0) => Ok(Val::Str(constant)),
                    ("ordinal", 0) => Ok(Val::Int(*at as i32)),
                    _ => self.any_method(&value, name, &args),
                }
            }
            Val::PlatformEnum(_, constant) => match (name, args.len()) {
                ("name" | "tostring", 0) => Ok(Val::Str(constant.clone())),
                _ => self.any_method(&value, name, &args),
            },
            Val::Type(of) => self.type_method(of, name, &args),
            Val::SObjectType(object) => self.object_token_method(object, name, args),
            Val::SObjectField(object, field) => self.field_token_method(object, field, name, &args),
            Val::Native(native) => self.native_method(native, &value, name, args),
        }
    }

    /// What any value can be asked.
    pub fn any_method(&mut self, value: &Val, name: &str, args: &[Val]) -> Res<Val> {
        match (name, args) {
            ("equals", [other]) => Ok(Val::Bool(value.key() == other.key())),
            ("tostring", []) => Ok(Val::str(self.text(value)?)),
            _ => Err(self.unmodelled(format!("{}.{name} with {} arguments", self.type_name(value), args.len()))),
        }
    }

    fn type_method(&mut self, of: &Rc<Type>, name: &str, args: &[Val]) -> Res<Val> {
        match (name, args) {
            ("getname" | "tostring", []) => Ok(Val::str(self.type_text(of))),
            ("newinstance", []) => match &**of {
                Type::SObject(Some(object)) => Ok(Val::SObject(self.blank_sobject(object)?)),
                of => self.create(of, Vec::new()),
            },
            ("isassignablefrom", [Val::Type(from)]) => Ok(Val::Bool(match (&**of, &**from) {
                (a, b) if a == b => true,
                (Type::Object, _) => true,
                (Type::Class(to), Type::Class(from)) => self.runtime.steps(*from, *to).is_some(),
                (Type::Native(to), Type::Class(from)) => self.runtime.implements(*from, to),
                (Type::SObject(None), Type::SObject(_)) => true,
                _ => false,
            })),
            ("equals", [Val::Type(other)]) => Ok(Val::Bool(of == other)),
            _ => self.any_method(&Val::Type(of.clone()), name, args),
        }
    }

    fn native_method(&mut self, native: &Rc<Native>, value: &Val, name: &str, args: Vec<Val>) -> Res<Val> {
        let given = args.as_slice();
        Ok(match (&**native, name, given) {
            (Native::SaveResult { id, .. }, "getid", []) => match id {
                Some(id) => Val::Id(Arc::from(id.as_str())),
                None => Val::Null,
            },
            (Native::SaveResult { success, .. }, "issuccess", []) => Val::Bool(*success),
            (Native::SaveResult { created, .. }, "iscreated", []) => Val::Bool(*created),
            (Native::SaveResult { errors, .. }, "geterrors", []) => {
                let errors = errors.iter().map(|error| Val::native(Native::Error(error.clone()))).collect();
                Val::list(Arc::new(Type::Native(Arc::from("error"))), errors)
            }
            (Native::Error(error), "getmessage", []) => Val::str(&error.message),
            (Native::Error(error), "getstatuscode", []) => Val::platform_enum("StatusCode", &error.status_code),
            (Native::Error(error), "getfields", []) => Val::strings(error.fields.clone()),
            (Native::BatchableContext { job } | Native::QueueableContext { job }, "getjobid" | "getchildjobid", []) => {
                Val::Id(Arc::from(job.as_str()))
            }
            (Native::SchedulableContext { job }, "gettriggerid", []) => Val::Id(Arc::from(job.as_str())),
            (Native::Iterator { list, at }, "hasnext", []) => Val::Bool(at.get() < list.items.borrow().len()),
            (Native::Iterator { list, at }, "next", []) => {
                let item = list.items.borrow().get(at.get()).cloned();
                at.set(at.get() + 1);
                match item {
                    Some(item) => item,
                    None => return Err(self.throw("System.NoSuchElementException", "Iterator has no more elements.")),
                }
            }
            (Native::QueryLocator { rows: Val::List(list) }, "iterator", []) => {
                Val::native(Native::Iterator { list: list.clone(), at: Cell::new(0) })
            }
            (Native::ObjectDescribe(object), ..) => return self.object_describe_method(object, name, &args),
            (Native::FieldDescribe(object, field), ..) => {
                return self.field_describe_method(object, field, name, &args);
            }
            (Native::Fields(object), "getmap", []) => return self.field_map(object),
            (Native::PicklistEntry { value, .. }, "getvalue", []) => Val::str(value),
            (Native::PicklistEntry { label, .. }, "getlabel", []) => Val::str(label),
            (Native::PicklistEntry { default, .. }, "isdefaultvalue", []) => Val::Bool(*default),
            (Native::PicklistEntry { .. }, "isactive", []) => Val::Bool(true),
            (Native::Uuid(text), "tostring", []) => Val::str(text),
            (Native::Uuid(text), "equals", [Val::Native(other)]) => {
                Val::Bool(matches!(&**other, Native::Uuid(other) if other == text))
            }
            (Native::TestBus, "deliver", []) => return self.deliver_events(),
            (Native::TimeZone(name), "getid" | "getdisplayname" | "tostring", []) => Val::str(name),
            (Native::TimeZone(_), "getoffset", [Val::DateTime(at)]) => {
                Val::Int(self.zone.to_offset(*at).seconds() * 1000)
            }
            (Native::AccessDecision { .. }, ..) => return self.decision_method(native, name, given),
            (Native::JsonGenerator(generator), ..) => return self.generator_method(generator, name, &args),
            (Native::Pattern(_) | Native::Matcher { .. }, ..) => return self.pattern_method(native, name, &args),
            _ => return self.any_method(value, name, &args),
        })
    }
}
