//! `Security.stripInaccessible`: copies of records without the fields on which the user has no right.

use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

use super::ast::Type;
use super::eval::{Interp, Res};
use super::value::{Native, SObj, Val};
use crate::sandbox::org::host::{FieldAccess, ObjectAccess};

/// What the records are to be used for.
#[derive(Clone, Copy)]
enum Purpose {
    Create,
    Read,
    Update,
    Upsert,
}

impl Purpose {
    fn named(constant: &str) -> Option<Purpose> {
        Some(match constant.to_uppercase().as_str() {
            "CREATABLE" => Purpose::Create,
            "READABLE" => Purpose::Read,
            "UPDATABLE" => Purpose::Update,
            "UPSERTABLE" => Purpose::Upsert,
            _ => return None,
        })
    }

    fn of_object(self, access: ObjectAccess) -> bool {
        match self {
            Purpose::Create => access.create,
            Purpose::Read => access.read,
            Purpose::Update => access.edit,
            Purpose::Upsert => access.create && access.edit,
        }
    }

    fn of_field(self, access: FieldAccess) -> bool {
        match self {
            Purpose::Read => access.readable,
            _ => access.editable,
        }
    }
}

impl Interp<'_> {
    /// `Security.…`, `name` in lower case.
    pub fn security(&mut self, name: &str, args: &[Val]) -> Res<Val> {
        let (purpose, rows, enforce) = match (name, args) {
            ("stripinaccessible", [Val::PlatformEnum(of, purpose), Val::List(rows), more @ ..])
                if &**of == "AccessType" && more.len() < 2 =>
            {
                let enforce = match more {
                    [] => true,
                    [Val::Bool(enforce)] => *enforce,
                    _ => return Err(self.null_argument()),
                };
                (Purpose::named(purpose), rows, enforce)
            }
            ("stripinaccessible", [_, Val::Null, ..] | [Val::Null, ..]) => return Err(self.null_argument()),
            _ => return Err(self.unmodelled(format!("Security.{name} with these {} arguments", args.len()))),
        };
        let Some(purpose) = purpose else { return Err(self.unmodelled("this AccessType")) };
        let mut kept = Vec::new();
        let mut modified = Vec::new();
        let mut removed: Vec<(String, BTreeSet<String>)> = Vec::new();
        for (at, row) in rows.items.borrow().iter().enumerate() {
            let Val::SObject(row) = row else { return Err(self.null_pointer()) };
            let row = row.borrow();
            if enforce && !purpose.of_object(self.host.object_access(row.object())) {
                return Err(self.throw("System.NoAccessException", format!("No access to entity: {}", row.object())));
            }
            let (copy, gone) = self.stripped(&row, purpose)?;
            if !gone.is_empty() {
                modified.push(Val::Int(at as i32));
                match removed.iter_mut().find(|(object, _)| object == row.object()) {
                    Some((_, fields)) => fields.extend(gone),
                    None => removed.push((row.object().to_owned(), gone)),
                }
            }
            kept.push(Val::sobject(copy));
        }
        let text = Arc::new(Type::String);
        let names = |fields: BTreeSet<String>| Val::set(text.clone(), fields.into_iter().map(Val::str));
        Ok(Val::native(Native::AccessDecision {
            records: Val::list(rows.element.clone(), kept),
            removed: Val::map(
                text.clone(),
                Arc::new(Type::Set(text.clone())),
                removed.into_iter().map(|(object, fields)| (Val::str(object), names(fields))),
            ),
            modified: Val::set(Arc::new(Type::Integer), modified),
        }))
    }

    /// A copy without the fields that the user has no right on, and their names. The Id always stays.
    fn stripped(&self, row: &SObj, purpose: Purpose) -> Res<(SObj, BTreeSet<String>)> {
        let mut gone = BTreeSet::new();
        let mut copy =
            SObj { fields: Vec::new(), errors: Vec::new(), read_only: false, in_trigger: false, ..row.clone() };
        for (name, value) in &row.fields {
            if matches!(value, Val::SObject(_) | Val::List(_)) {
                let what =
                    format!("Security.stripInaccessible on a {} with {name}, records of their own,", row.object());
                return Err(self.unmodelled(what));
            }
            let may = name.eq_ignore_ascii_case("Id") || purpose.of_field(self.host.field_access(row.object(), name));
            match may {
                true => copy.fields.push((name.clone(), value.clone())),
                false => drop(gone.insert(name.to_string())),
            }
        }
        Ok((copy, gone))
    }

    pub fn decision_method(&mut self, decision: &Rc<Native>, name: &str, args: &[Val]) -> Res<Val> {
        match (&**decision, name, args) {
            (Native::AccessDecision { records, .. }, "getrecords", []) => Ok(records.clone()),
            (Native::AccessDecision { removed, .. }, "getremovedfields", []) => Ok(removed.clone()),
            (Native::AccessDecision { modified, .. }, "getmodifiedindexes", []) => Ok(modified.clone()),
            _ => self.any_method(&Val::Native(decision.clone()), name, args),
        }
    }
}
