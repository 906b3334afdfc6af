//! What every exception can be asked.

use std::cell::RefCell;
use std::sync::Arc;

use super::eval::{Interp, Res};
use super::value::{ExceptionData, Val};

impl Interp<'_> {
    /// `()`, `(message)`, `(cause)`, `(message, cause)`.
    pub fn exception_arguments(&mut self, data: &mut ExceptionData, args: Vec<Val>) -> Res<()> {
        let aura = data.name.ends_with("AuraHandledException");
        for arg in args {
            match arg {
                Val::Str(text) => {
                    data.message = Some(text.to_string());
                    data.message_set = !aura;
                }
                Val::Null => {}
                cause if self.exception_data(&cause).is_some() => data.cause = Some(cause),
                other => {
                    return Err(self.unmodelled(format!("an exception made with a {}", self.type_name(&other))));
                }
            }
        }
        Ok(())
    }

    fn exception_cell<'v>(&self, value: &'v Val) -> Option<&'v RefCell<ExceptionData>> {
        match value {
            Val::Exception(data) => Some(data),
            Val::Object(instance) => instance.exception.as_ref(),
            _ => None,
        }
    }

    /// The methods that a class inherits from the platform: those of exceptions, and of every object.
    pub fn inherited(&mut self, value: &Val, name: &str, args: Vec<Val>) -> Res<Val> {
        match (name, args.as_slice()) {
            ("tostring", []) => return Ok(Val::str(self.text(value)?)),
            ("equals", [other]) => return Ok(Val::Bool(value.same(other))),
            _ => {}
        }
        let Some(cell) = self.exception_cell(value) else {
            return Err(self.unmodelled(format!("{}.{name}", self.type_name(value))));
        };
        let data = cell.borrow().clone();
        let row = |this: &Self, at: &Val| match at {
            Val::Int(at) => match usize::try_from(*at).ok().and_then(|at| data.rows.get(at)) {
                Some(row) => Ok(row.clone()),
                None => Err(this.out_of_bounds(*at)),
            },
            _ => Err(this.null_argument()),
        };
        Ok(match (name, args.as_slice()) {
            ("getmessage", []) => {
                // An AuraHandledException keeps its text for the client alone, once thrown.
                let hidden = data.thrown && !data.message_set;
                match data.message {
                    Some(message) if !hidden => Val::str(message),
                    _ if data.thrown || hidden => Val::str("Script-thrown exception"),
                    Some(message) => Val::str(message),
                    None => Val::Null,
                }
            }
            ("setmessage", [Val::Str(text)]) => {
                let mut data = cell.borrow_mut();
                data.message = Some(text.to_string());
                data.message_set = true;
                Val::Null
            }
            ("gettypename", []) => match self.exception_data(value) {
                Some((name, _)) => Val::str(name),
                None => Val::Null,
            },
            ("getcause", []) => data.cause.unwrap_or(Val::Null),
            ("initcause", [cause]) => {
                if data.cause.is_some() {
                    return Err(self.throw("System.IllegalStateException", "Can't overwrite cause"));
                }
                cell.borrow_mut().cause = Some(cause.clone());
                Val::Null
            }
            ("getlinenumber", []) => Val::Int(data.line as i32),
            ("getstacktracestring", []) => Val::str(data.stack.join("\n")),
            ("getnumdml", []) => Val::Int(data.rows.len() as i32),
            ("getdmlmessage", [at]) => Val::str(row(self, at)?.1.message),
            ("getdmlstatuscode", [at]) => Val::str(row(self, at)?.1.status_code),
            ("getdmltype", [at]) => Val::platform_enum("StatusCode", &row(self, at)?.1.status_code),
            ("getdmlindex", [at]) => Val::Int(row(self, at)?.0 as i32),
            ("getdmlfieldnames", [at]) => Val::strings(row(self, at)?.1.fields),
            ("getdmlid", [at]) => match data.ids.get(row(self, at)?.0).cloned().flatten() {
                Some(id) => Val::Id(Arc::from(id)),
                None => Val::Null,
            },
            _ => return Err(self.unmodelled(format!("Exception.{name}"))),
        })
    }
}

/// Java's hash of a text.
pub fn hash(text: &str) -> i32 {
    text.encode_utf16().fold(0i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(i32::from(unit)))
}
