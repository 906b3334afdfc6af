//! The values that a running program holds.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use bigdecimal::BigDecimal;
use jiff::Timestamp;
use jiff::civil;

use super::ast::{ClassId, Name, Type};
use super::ordered::{Key, OrderedMap};
use crate::sandbox::org::host::RowError;

#[derive(Clone, Debug)]
pub enum Val {
    Null,
    Bool(bool),
    Int(i32),
    Long(i64),
    Double(f64),
    Dec(BigDecimal),
    Str(Name),
    /// Always 18 characters.
    Id(Name),
    Date(civil::Date),
    DateTime(Timestamp),
    Time(civil::Time),
    Blob(Rc<Vec<u8>>),
    List(Rc<List>),
    Set(Rc<Set>),
    Map(Rc<Map>),
    SObject(Rc<RefCell<SObj>>),
    Object(Rc<Instance>),
    /// A platform exception.
    Exception(Rc<RefCell<ExceptionData>>),
    Enum(ClassId, usize),
    /// A platform enum's constant: type (`TriggerOperation`) and constant.
    PlatformEnum(Name, Name),
    Type(Rc<Type>),
    SObjectType(Name),
    /// A field token: object and field, in the schema's spelling.
    SObjectField(Name, Name),
    Native(Rc<Native>),
}

#[derive(Debug)]
pub struct List {
    pub element: Arc<Type>,
    pub items: RefCell<Vec<Val>>,
    pub iterating: Cell<u32>,
}

/// A set, or the live `keySet()` of a map: then `store` is the map's own.
#[derive(Debug)]
pub struct Set {
    pub element: Arc<Type>,
    pub store: Rc<OrderedMap>,
}

#[derive(Debug)]
pub struct Map {
    pub key: Arc<Type>,
    pub value: Arc<Type>,
    pub store: Rc<OrderedMap>,
}

/// An sObject. Parents and child lists stand beside the fields under their relationship names.
#[derive(Clone, Debug, Default)]
pub struct SObj {
    pub object: Option<Name>,
    pub fields: Vec<(Name, Val)>,
    pub errors: Vec<RowError>,
    /// From a query: a field that was not asked for can't be read.
    pub queried: bool,
    pub read_only: bool,
    pub is_clone: bool,
    /// Stands in `Trigger.new` or `Trigger.old`: no DML statement takes it.
    pub in_trigger: bool,
}

#[derive(Debug)]
pub struct Instance {
    pub class: ClassId,
    pub fields: RefCell<Vec<Val>>,
    /// For classes that extend `Exception`.
    pub exception: Option<RefCell<ExceptionData>>,
}

#[derive(Clone, Debug, Default)]
pub struct ExceptionData {
    /// `System.DmlException`, or the class's own name.
    pub name: String,
    pub message: Option<String>,
    pub cause: Option<Val>,
    pub rows: Vec<(usize, RowError)>,
    /// The Ids of the statement's rows, by row.
    pub ids: Vec<Option<String>>,
    pub line: u32,
    pub stack: Vec<String>,
    pub thrown: bool,
    pub message_set: bool,
}

/// Platform objects that are neither data nor the program's own.
#[derive(Debug)]
pub enum Native {
    SaveResult {
        kind: SaveResultKind,
        id: Option<String>,
        success: bool,
        created: bool,
        errors: Vec<RowError>,
    },
    Error(RowError),
    Savepoint(usize),
    QueryLocator {
        rows: Val,
    },
    BatchableContext {
        job: String,
    },
    QueueableContext {
        job: String,
    },
    SchedulableContext {
        job: String,
    },
    Iterator {
        list: Rc<List>,
        at: Cell<usize>,
    },
    ObjectDescribe(Name),
    FieldDescribe(Name, Name),
    /// `Schema.SObjectType.X.fields`.
    Fields(Name),
    /// What `Schema.SObjectType` is by itself, waiting for the object's name.
    SObjectTypes,
    PicklistEntry {
        value: String,
        label: String,
        default: bool,
    },
    Uuid(String),
    TestBus,
    TimeZone(String),
    JsonGenerator(RefCell<super::json::Generator>),
    Pattern(regex::Regex),
    Matcher {
        regex: regex::Regex,
        text: Name,
        at: Cell<usize>,
        groups: RefCell<Vec<Option<(usize, usize)>>>,
    },
    EventContext,
    /// What `Security.stripInaccessible` answers.
    AccessDecision {
        records: Val,
        removed: Val,
        modified: Val,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SaveResultKind {
    Save,
    Upsert,
    Delete,
    Undelete,
}

impl Val {
    pub fn str(text: impl AsRef<str>) -> Val {
        Val::Str(Arc::from(text.as_ref()))
    }

    pub fn list(element: Arc<Type>, items: Vec<Val>) -> Val {
        Val::List(Rc::new(List { element, items: RefCell::new(items), iterating: Cell::new(0) }))
    }

    pub fn strings(items: impl IntoIterator<Item = String>) -> Val {
        Val::list(Arc::new(Type::String), items.into_iter().map(Val::str).collect())
    }

    pub fn set(element: Arc<Type>, items: impl IntoIterator<Item = Val>) -> Val {
        let store = OrderedMap::default();
        for item in items {
            store.insert(item, Val::Null);
        }
        Val::Set(Rc::new(Set { element, store: Rc::new(store) }))
    }

    pub fn map(key: Arc<Type>, value: Arc<Type>, pairs: impl IntoIterator<Item = (Val, Val)>) -> Val {
        let store = OrderedMap::default();
        for (k, v) in pairs {
            store.insert(k, v);
        }
        Val::Map(Rc::new(Map { key, value, store: Rc::new(store) }))
    }

    pub fn native(native: Native) -> Val {
        Val::Native(Rc::new(native))
    }

    pub fn sobject(row: SObj) -> Val {
        Val::SObject(Rc::new(RefCell::new(row)))
    }

    pub fn platform_enum(of: &str, constant: &str) -> Val {
        Val::PlatformEnum(Arc::from(of), Arc::from(constant))
    }

    pub fn is_null(&self) -> bool {
        matches!(self, Val::Null)
    }

    /// What a set or a map's key set compares by.
    pub fn key(&self) -> Key {
        match self {
            Val::Null => Key::Null,
            Val::Bool(value) => Key::Number(i64::from(*value)),
            Val::Int(value) => Key::Number(i64::from(*value)),
            Val::Long(value) => Key::Number(*value),
            Val::Str(text) | Val::Id(text) => Key::Text(text.clone()),
            Val::Double(value) => Key::Other(format!("double {value:?}")),
            // 1.1 and 1.10 are equal but different keys: their hash codes differ.
            Val::Dec(value) => {
                let (digits, scale) = value.as_bigint_and_exponent();
                Key::Other(format!("decimal {digits} {scale}"))
            }
            Val::Date(date) => Key::Other(format!("date {date}")),
            Val::DateTime(at) => Key::Other(format!("datetime {}", at.as_nanosecond())),
            Val::Time(time) => Key::Other(format!("time {time}")),
            Val::Blob(bytes) => Key::Other(format!("blob {}", hex::encode(&**bytes))),
            Val::List(list) => {
                Key::Many(std::iter::once(Key::Null).chain(list.items.borrow().iter().map(Val::key)).collect())
            }
            Val::Set(set) => Key::Many(set.store.keys().iter().map(Val::key).collect()),
            Val::Map(map) => Key::Many(map.store.pairs().iter().flat_map(|(k, v)| [k.key(), v.key()]).collect()),
            Val::SObject(row) => {
                let row = row.borrow();
                let mut fields: Vec<(String, Key)> =
                    row.fields.iter().map(|(name, value)| (name.to_lowercase(), value.key())).collect();
                fields.sort_by(|a, b| a.0.cmp(&b.0));
                let named = fields.into_iter().flat_map(|(name, key)| [Key::Other(name), key]);
                Key::Many(
                    std::iter::once(Key::Other(row.object.as_deref().unwrap_or_default().to_owned()))
                        .chain(named)
                        .collect(),
                )
            }
            Val::Object(instance) => Key::Place(Rc::as_ptr(instance) as usize),
            Val::Exception(data) => Key::Place(Rc::as_ptr(data) as usize),
            Val::Enum(class, at) => Key::Other(format!("enum {class} {at}")),
            Val::PlatformEnum(of, constant) => Key::Other(format!("enum {of} {constant}")),
            Val::Type(of) => Key::Other(format!("type {of:?}")),
            Val::SObjectType(object) => Key::Other(format!("object {object}")),
            Val::SObjectField(object, field) => Key::Other(format!("field {object}.{field}")),
            Val::Native(native) => match &**native {
                Native::Uuid(text) => Key::Other(format!("uuid {text}")),
                _ => Key::Place(Rc::as_ptr(native) as *const u8 as usize),
            },
        }
    }

    /// Whether two references are to the same thing (`===`).
    pub fn same(&self, other: &Val) -> bool {
        match (self, other) {
            (Val::List(a), Val::List(b)) => Rc::ptr_eq(a, b),
            (Val::Set(a), Val::Set(b)) => Rc::ptr_eq(a, b),
            (Val::Map(a), Val::Map(b)) => Rc::ptr_eq(a, b),
            (Val::SObject(a), Val::SObject(b)) => Rc::ptr_eq(a, b),
            (Val::Object(a), Val::Object(b)) => Rc::ptr_eq(a, b),
            (Val::Exception(a), Val::Exception(b)) => Rc::ptr_eq(a, b),
            (a, b) => a.key() == b.key(),
        }
    }
}

impl SObj {
    pub fn new(object: Name) -> SObj {
        SObj { object: Some(object), ..SObj::default() }
    }

    pub fn get(&self, name: &str) -> Option<&Val> {
        self.fields.iter().find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// `name` in the schema's spelling.
    pub fn set(&mut self, name: Name, value: Val) -> Option<Val> {
        match self.fields.iter_mut().find(|(field, _)| field.eq_ignore_ascii_case(&name)) {
            Some((_, old)) => Some(std::mem::replace(old, value)),
            None => {
                self.fields.push((name, value));
                None
            }
        }
    }

    pub fn id(&self) -> Option<Name> {
        match self.get("Id") {
            Some(Val::Id(id)) => Some(id.clone()),
            _ => None,
        }
    }

    pub fn object(&self) -> &str {
        self.object.as_deref().unwrap_or("SObject")
    }
}
