//! sObjects: their fields, and the methods that every sObject has.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use super::ast::{Name, Type};
use super::eval::{Interp, Res, Thrown};
use super::value::{Native, SObj, Val};
use crate::sandbox::org::host::RowError;
use crate::sandbox::org::schema::FieldKind;

type Row = Rc<RefCell<SObj>>;

/// What a name means for an object.
enum Member {
    Field(Name, Type),
    Parent(Name),
    Children(Name),
}

impl Interp<'_> {
    pub fn blank_sobject(&self, object: &str) -> Res<Row> {
        match self.schema.object(object) {
            Some(object) => Ok(Rc::new(RefCell::new(SObj::new(Arc::from(object.name.as_str()))))),
            None => Err(self.unmodelled(format!("new {object}, an object that the org doesn't have,"))),
        }
    }

    fn member(&self, object: &str, name: &str) -> Option<Member> {
        let declared = self.schema.object(object)?;
        if let Some(field) = declared.field(name) {
            return Some(Member::Field(Arc::from(field.name.as_str()), field_type(&field.kind)));
        }
        if let Some(FieldKind::Reference { relationship: Some(own), .. }) =
            declared.parent(name).map(|field| &field.kind)
        {
            return Some(Member::Parent(Arc::from(own.as_str())));
        }
        let child = self.schema.objects().flat_map(|other| other.fields.values()).find_map(|field| match &field.kind {
            FieldKind::Reference { to, children: Some(own), .. }
                if own.eq_ignore_ascii_case(name) && to.iter().any(|to| to.eq_ignore_ascii_case(object)) =>
            {
                Some(Arc::from(own.as_str()))
            }
            _ => None,
        });
        if let Some(child) = child {
            return Some(Member::Children(child));
        }
        match name.to_lowercase().as_str() {
            "id" => Some(Member::Field(Arc::from("Id"), Type::Id)),
            _ => None,
        }
    }

    /// `row.Field__c`.
    pub fn sobject_get(&mut self, row: &Row, name: &str) -> Res<Val> {
        self.sobject_read(row, name, false)
    }

    fn sobject_read(&mut self, row: &Row, name: &str, by_name: bool) -> Res<Val> {
        let own = row.borrow();
        if let Some(value) = own.get(name) {
            return Ok(value.clone());
        }
        let member = self.member(own.object(), name);
        match member {
            None if by_name || own.object() == "AggregateResult" => Err(self.invalid_field(own.object(), name)),
            None => Err(self.unmodelled(format!("{}.{name}, a field that the org doesn't have,", own.object()))),
            Some(Member::Field(name, _)) if own.queried => Err(self.not_queried(own.object(), &name)),
            Some(Member::Children(name)) if own.queried => Err(self.not_queried(own.object(), &name)),
            Some(Member::Children(_)) => Ok(Val::list(Arc::new(Type::SObject(None)), Vec::new())),
            // A parent that was not asked for reads null like an empty lookup.
            Some(Member::Field(..) | Member::Parent(_)) => Ok(Val::Null),
        }
    }

    fn not_queried(&self, object: &str, name: &str) -> Thrown {
        let text = format!("SObject row was retrieved via SOQL without querying the requested field: {object}.{name}");
        self.throw("System.SObjectException", text)
    }

    fn invalid_field(&self, object: &str, name: &str) -> Thrown {
        self.throw("System.SObjectException", format!("Invalid field {name} for {object}"))
    }

    /// `row.Field__c = value` and `put`; returns what was there.
    pub fn sobject_put(&mut self, row: &Row, name: &str, value: Val) -> Res<Val> {
        self.sobject_write(row, name, value, false)
    }

    fn sobject_write(&mut self, row: &Row, name: &str, value: Val, by_name: bool) -> Res<Val> {
        let (object, read_only) = {
            let row = row.borrow();
            (row.object.clone(), row.read_only)
        };
        let object = object.unwrap_or_else(|| Arc::from("SObject"));
        if read_only {
            return Err(self.throw("System.FinalException", "Record is read-only"));
        }
        let (name, value) = match self.member(&object, name) {
            Some(Member::Field(name, _)) if !by_name && self.is_computed(&object, &name) => {
                return Err(self.unmodelled(format!("Field is not writeable: {object}.{name}; an assignment to it")));
            }
            Some(Member::Field(name, of)) => {
                let value = match (&value, &of) {
                    (Val::Native(native), Type::String) => match &**native {
                        Native::Uuid(text) => Val::str(text),
                        _ => value,
                    },
                    (Val::Double(_), Type::Decimal) => self.coerce(value, &of)?,
                    _ => value,
                };
                let from = self.type_name(&value);
                let value = match self.coerce(value, &of) {
                    Ok(value) => value,
                    Err(Thrown::Exception(error)) if !from.eq_ignore_ascii_case("String") || of != Type::Id => {
                        let _ = error;
                        let text = format!("Illegal assignment from {from} to {}", self.type_text(&of));
                        return Err(self.throw("System.SObjectException", text));
                    }
                    Err(other) => return Err(other),
                };
                (name, value)
            }
            Some(Member::Parent(name)) => (name, self.coerce(value, &Type::SObject(None))?),
            Some(Member::Children(_)) => {
                return Err(self.unmodelled(format!("an assignment to the child list {object}.{name}")));
            }
            None if by_name => return Err(self.invalid_field(&object, name)),
            None => return Err(self.unmodelled(format!("{object}.{name}, a field that the org doesn't have,"))),
        };
        Ok(row.borrow_mut().set(name, value).unwrap_or(Val::Null))
    }

    /// A formula, an auto-number or a system field: nothing that a program may set.
    fn is_computed(&self, object: &str, name: &str) -> bool {
        let field = self.schema.object(object).and_then(|object| object.field(name));
        field.is_some_and(|field| !field.writable && !field.name.eq_ignore_ascii_case("Id"))
    }

    /// Whether a name is the way to a parent, so that what lies behind an empty one reads null.
    pub fn is_lookup(&self, row: &Row, name: &str) -> bool {
        matches!(self.member(row.borrow().object(), name), Some(Member::Parent(_)))
    }

    fn field_name(&self, of: &Val) -> Res<Name> {
        match of {
            Val::Str(name) | Val::SObjectField(_, name) => Ok(name.clone()),
            Val::Null => Err(self.null_argument()),
            other => Err(self.unmodelled(format!("a field named by a {}", self.type_name(other)))),
        }
    }

    #[inline(never)]
    pub fn sobject_method(&mut self, row: &Row, name: &str, args: Vec<Val>) -> Res<Val> {
        match (name, args.as_slice()) {
            ("get", [field]) => {
                let field = self.field_name(field)?;
                if field.contains('.') {
                    return Err(self.invalid_field(row.borrow().object(), &field));
                }
                self.sobject_read(row, &field, true)
            }
            ("put", [field, value]) => {
                let (field, value) = (self.field_name(field)?, value.clone());
                if let Some(declared) =
                    self.schema.object(row.borrow().object()).and_then(|object| object.field(&field))
                    && !declared.writable
                    && !declared.name.eq_ignore_ascii_case("Id")
                {
                    let text = format!("Field {} is not editable", declared.name);
                    return Err(self.throw("System.SObjectException", text));
                }
                self.sobject_write(row, &field, value, true)
            }
            ("getsobject", [field]) => {
                let field = self.field_name(field)?;
                // Also by the lookup field itself.
                let relation =
                    self.schema.object(row.borrow().object()).and_then(|object| match &object.field(&field)?.kind {
                        FieldKind::Reference { relationship: Some(own), .. } => Some(own.clone()),
                        _ => None,
                    });
                self.sobject_read(row, relation.as_deref().unwrap_or(&field), true)
            }
            ("getsobjects", [field]) => {
                let field = self.field_name(field)?;
                self.sobject_read(row, &field, true)
            }
            ("putsobject", [field, value]) => {
                let field = self.field_name(field)?;
                self.sobject_write(row, &field, value.clone(), true)
            }
            ("getsobjecttype", []) => Ok(Val::SObjectType(Arc::from(row.borrow().object()))),
            ("isset", [field]) => {
                let field = self.field_name(field)?;
                let object = row.borrow().object().to_owned();
                if self.member(&object, &field).is_none() {
                    return Err(self.invalid_field(&object, &field));
                }
                Ok(Val::Bool(row.borrow().get(&field).is_some()))
            }
            ("getpopulatedfieldsasmap", []) => {
                let own = row.borrow();
                let pairs = own
                    .fields
                    .iter()
                    .filter(|(_, value)| !(own.queried && value.is_null()))
                    .map(|(name, value)| (Val::Str(name.clone()), value.clone()))
                    .collect::<Vec<_>>();
                Ok(Val::map(Arc::new(Type::String), Arc::new(Type::Object), pairs))
            }
            ("clone", _) => {
                let keep = |at: usize| matches!(args.get(at), Some(Val::Bool(true)));
                let copy = copy_of(&row.borrow(), keep(0), keep(2), keep(3));
                Ok(Val::sobject(copy))
            }
            ("isclone", []) => Ok(Val::Bool(row.borrow().is_clone)),
            ("adderror", [message]) => {
                let message = self.error_text(message)?;
                self.add_error(row, None, message);
                Ok(Val::Null)
            }
            ("adderror", [Val::Str(_) | Val::SObjectField(..), message]) => {
                let field = match &args[0] {
                    first @ (Val::Str(_) | Val::SObjectField(..))
                        if self.member(row.borrow().object(), &self.field_name(first)?).is_some() =>
                    {
                        Some(self.field_name(first)?)
                    }
                    _ => None,
                };
                match field {
                    Some(field) => {
                        let message = self.error_text(message)?;
                        self.field_error(row, &field, &[Val::str(message)])
                    }
                    // `addError(message, escape)`.
                    None => {
                        let message = self.error_text(&args[0])?;
                        self.add_error(row, None, message);
                        Ok(Val::Null)
                    }
                }
            }
            ("haserrors", []) => Ok(Val::Bool(!row.borrow().errors.is_empty())),
            ("geterrors", []) => {
                let errors =
                    row.borrow().errors.iter().map(|error| Val::native(Native::Error(error.clone()))).collect();
                Ok(self.any_list(errors))
            }
            ("getquickactionname" | "recalculateformulas", _) => Err(self.unmodelled(format!("SObject.{name}"))),
            ("equals", [other]) => Ok(Val::Bool(self.equal(&Val::SObject(row.clone()), other)?)),
            ("tostring", []) => Ok(Val::str(self.text(&Val::SObject(row.clone()))?)),
            _ => Err(self.unmodelled(format!("SObject.{name} with {} arguments", args.len()))),
        }
    }

    fn error_text(&mut self, message: &Val) -> Res<String> {
        match message {
            Val::Str(text) => Ok(text.to_string()),
            Val::Null => Err(self.null_argument()),
            other => match self.exception_data(other) {
                Some((_, data)) => Ok(data.message.unwrap_or_default()),
                None => Err(self.unmodelled("addError with something other than a text or an exception")),
            },
        }
    }

    /// `row.Field__c.addError(message)`.
    pub fn field_error(&mut self, row: &Row, field: &str, args: &[Val]) -> Res<Val> {
        let object = row.borrow().object().to_owned();
        let Some(Member::Field(field, _)) = self.member(&object, field) else {
            return Err(self.unmodelled(format!("addError on {object}.{field}")));
        };
        let Some(message) = args.first() else { return Err(self.unmodelled("addError without a message")) };
        let message = self.error_text(message)?;
        self.add_error(row, Some(field.to_string()), message);
        Ok(Val::Null)
    }

    fn add_error(&mut self, row: &Row, field: Option<String>, message: String) {
        row.borrow_mut().errors.push(RowError {
            status_code: "FIELD_CUSTOM_VALIDATION_EXCEPTION".to_owned(),
            message,
            fields: field.into_iter().collect(),
        });
    }
}

/// `clone(preserveId, deep, preserveTimestamps, preserveAutonumber)`.
pub fn copy_of(row: &SObj, id: bool, timestamps: bool, _autonumber: bool) -> SObj {
    let mut copy = row.clone();
    copy.read_only = false;
    copy.in_trigger = false;
    copy.errors = Vec::new();
    copy.is_clone = true;
    copy.fields.retain(|(name, _)| {
        let name = name.to_lowercase();
        (id || name != "id")
            && (timestamps
                || !matches!(name.as_str(), "createddate" | "createdbyid" | "lastmodifieddate" | "lastmodifiedbyid"))
            && name != "systemmodstamp"
    });
    copy
}

const LONGEST_TEXT: usize = 131_072;

/// The Apex type of a field.
pub fn field_type(kind: &FieldKind) -> Type {
    match kind {
        // No text of the platform is longer than this: what is, holds the bytes of a file, kept as Base64.
        FieldKind::LongText { length } if *length > LONGEST_TEXT => Type::Blob,
        FieldKind::Id | FieldKind::Reference { .. } => Type::Id,
        FieldKind::Text { .. }
        | FieldKind::LongText { .. }
        | FieldKind::Email
        | FieldKind::Phone
        | FieldKind::Url
        | FieldKind::Picklist { .. }
        | FieldKind::AutoNumber { .. } => Type::String,
        FieldKind::Checkbox => Type::Boolean,
        FieldKind::Number { .. } | FieldKind::Currency { .. } | FieldKind::Percent { .. } => Type::Decimal,
        FieldKind::Date => Type::Date,
        FieldKind::DateTime => Type::Datetime,
    }
}
