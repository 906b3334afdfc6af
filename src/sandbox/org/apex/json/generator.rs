//! `JSON.createGenerator` and what it is asked.

use std::cell::RefCell;

use super::document::quoted;
use crate::sandbox::org::apex::eval::{Interp, Res};
use crate::sandbox::org::apex::value::Val;

/// `JSON.createGenerator`.
#[derive(Debug, Default)]
pub struct Generator {
    text: String,
    /// Whether something stands already in each open object or array.
    open: Vec<bool>,
    after_name: bool,
}

impl Generator {
    fn separate(&mut self) {
        if std::mem::take(&mut self.after_name) {
            return;
        }
        if let Some(begun) = self.open.last_mut() {
            if *begun {
                self.text.push(',');
            }
            *begun = true;
        }
    }
}

impl Interp<'_> {
    pub fn generator_method(&mut self, generator: &RefCell<Generator>, name: &str, args: &[Val]) -> Res<Val> {
        let write = |this: &mut Self, value: &Val| -> Res<()> {
            let mut text = String::new();
            this.write_json(&mut text, value, false)?;
            let mut own = generator.borrow_mut();
            own.separate();
            own.text.push_str(&text);
            Ok(())
        };
        let field = |name: &Val| -> Option<()> {
            let Val::Str(name) = name else { return None };
            let mut own = generator.borrow_mut();
            own.separate();
            let mut text = String::new();
            quoted(&mut text, name);
            own.text.push_str(&text);
            own.text.push(':');
            own.after_name = true;
            Some(())
        };
        match (name, args) {
            ("writestartobject" | "writestartarray", []) => {
                let mut own = generator.borrow_mut();
                own.separate();
                own.text.push(if name == "writestartobject" { '{' } else { '[' });
                own.open.push(false);
            }
            ("writeendobject" | "writeendarray", []) => {
                let mut own = generator.borrow_mut();
                own.open.pop();
                own.text.push(if name == "writeendobject" { '}' } else { ']' });
            }
            ("writefieldname", [name]) => {
                field(name).ok_or_else(|| self.null_argument())?;
            }
            ("writenullfield", [name]) => {
                field(name).ok_or_else(|| self.null_argument())?;
                write(self, &Val::Null)?;
            }
            ("writenull", []) => write(self, &Val::Null)?,
            ("getasstring", []) => return Ok(Val::str(generator.borrow().text.clone())),
            (
                "writestringfield" | "writenumberfield" | "writebooleanfield" | "writeidfield" | "writedatefield"
                | "writedatetimefield" | "writeobjectfield" | "writeblobfield",
                [name, value],
            ) => {
                field(name).ok_or_else(|| self.null_argument())?;
                write(self, value)?;
            }
            (
                "writestring" | "writenumber" | "writeboolean" | "writeid" | "writedate" | "writedatetime"
                | "writeobject" | "writeblob",
                [value],
            ) => write(self, value)?,
            _ => return Err(self.unmodelled(format!("JSONGenerator.{name}"))),
        }
        Ok(Val::Null)
    }
}
