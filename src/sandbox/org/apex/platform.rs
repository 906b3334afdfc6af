//! Static methods of the platform's classes.

use std::rc::Rc;

use super::ast::Type;
use super::eval::{Interp, Res, Running, STATEMENTS_PER_MS};
use super::heap::heap_limit;
use super::value::{Native, Val};

impl Interp<'_> {
    /// `class` and `name` in lower case.
    #[inline(never)]
    pub fn platform(&mut self, class: &str, name: &str, args: Vec<Val>) -> Res<Val> {
        match class {
            "string" => self.string_static(name, args),
            "integer" | "long" | "double" | "decimal" => self.number_static(class, name, &args),
            "math" => self.math(name, args),
            "boolean" => match (name, args.as_slice()) {
                ("valueof", [Val::Str(text)]) => Ok(Val::Bool(text.eq_ignore_ascii_case("true"))),
                ("valueof", [Val::Bool(value)]) => Ok(Val::Bool(*value)),
                _ => Err(self.null_argument()),
            },
            "id" => match (name, args.as_slice()) {
                ("valueof", [Val::Str(text)]) => self.id(text),
                ("valueof", [id @ Val::Id(_)]) => Ok(id.clone()),
                _ => Err(self.null_argument()),
            },
            "date" => self.date_static(name, &args),
            "datetime" => self.datetime_static(name, &args),
            "time" => self.time_static(name, &args),
            "blob" => match (name, args.as_slice()) {
                ("valueof", [Val::Str(text)]) => Ok(Val::Blob(Rc::new(text.as_bytes().to_vec()))),
                _ => Err(self.null_argument()),
            },
            "system" => self.system(name, args),
            "database" => self.database(name, args),
            "eventbus" => match (name, args.as_slice()) {
                ("publish", [events]) => self.publish(events.clone()),
                ("getoperationid", [Val::Native(result)]) => Ok(match &**result {
                    Native::SaveResult { errors, success: true, .. } => {
                        errors.first().map_or(Val::Null, |error| Val::str(&error.message))
                    }
                    _ => Val::Null,
                }),
                _ => Err(self.unmodelled(format!("EventBus.{name} with {} arguments", args.len()))),
            },
            "eventbus.triggercontext" => Ok(Val::native(Native::EventContext)),
            "security" => self.security(name, &args),
            "json" => self.json(name, args),
            "limits" => self.limits(name),
            "userinfo" => self.user_info(name),
            "featuremanagement" => match (name, args.as_slice()) {
                ("checkpermission", [Val::Str(permission)]) => Ok(Val::Bool(self.host.has_permission(permission))),
                ("checkpermission", [Val::Null]) => Err(self.null_argument()),
                _ => Err(self.unmodelled(format!("FeatureManagement.{name}"))),
            },
            "crypto" => self.crypto(name, &args),
            "encodingutil" => self.encoding(name, &args),
            "uuid" => self.uuid(name, &args),
            "type" => self.type_static(name, &args),
            "schema" => self.schema_static(name, &args),
            "assert" => self.assert(name, args),
            "test" => self.test(name, &args),
            "pattern" => match (name, args.as_slice()) {
                ("compile", [Val::Str(text)]) => Ok(Val::native(Native::Pattern(self.regex(text)?))),
                ("matches", [Val::Str(pattern), Val::Str(text)]) => {
                    Ok(Val::Bool(self.regex(&format!("^(?:{pattern})$"))?.is_match(text)))
                }
                ("quote", [Val::Str(text)]) => Ok(Val::str(regex::escape(text))),
                _ => Err(self.unmodelled(format!("Pattern.{name}"))),
            },
            _ => Err(self.unmodelled(format!("{class}.{name}"))),
        }
    }

    fn system(&mut self, name: &str, args: Vec<Val>) -> Res<Val> {
        let old_assert = match name {
            "assert" => Some("istrue"),
            "assertequals" => Some("areequal"),
            "assertnotequals" => Some("arenotequal"),
            _ => None,
        };
        if let Some(assert) = old_assert {
            return self.assert(assert, args);
        }
        match (name, args.as_slice()) {
            ("debug", [message]) | ("debug", [_, message]) => {
                let text = self.text(message)?;
                tracing::debug!(target: "apex", "{text}");
                Ok(Val::Null)
            }
            ("now", []) => self.datetime_static("now", &[]),
            ("today", []) => Ok(Val::Date(self.today())),
            ("currenttimemillis", []) => Ok(Val::Long(self.host.now().as_millisecond())),
            ("equals", [a, b]) => Ok(Val::Bool(self.equal(a, b)?)),
            ("hashcode", [value]) => self.any_method(value, "hashcode", &[]),
            ("enqueuejob", [job @ Val::Object(_)]) | ("enqueuejob", [job @ Val::Object(_), Val::Int(0)]) => {
                self.enqueue_job(job)
            }
            ("enqueuejob", [Val::Object(_), ..]) => Err(self.unmodelled("System.enqueueJob with a delay or options")),
            ("schedule", [Val::Str(name), Val::Str(cron), job @ Val::Object(_)]) => self.schedule(name, cron, job),
            ("abortjob", [Val::Id(id) | Val::Str(id)]) => self.abort_job(id),
            ("isbatch", []) => Ok(Val::Bool(self.state.running.get() == Running::Batch)),
            ("isqueueable", []) => Ok(Val::Bool(self.state.running.get() == Running::Queueable)),
            ("isscheduled", []) => Ok(Val::Bool(self.state.running.get() == Running::Scheduled)),
            _ => Err(self.unmodelled(format!("System.{name} with {} arguments", args.len()))),
        }
    }

    fn limits(&mut self, name: &str) -> Res<Val> {
        let spent = self.host.spent().clone();
        let (sync, later) = (!spent.is_async, spent.is_async);
        let count = |value: u32| Ok(Val::Int(value as i32));
        match name {
            "getqueries" => count(spent.queries),
            "getlimitqueries" => count(if later { 200 } else { 100 }),
            "getqueryrows" => count(spent.query_rows),
            "getlimitqueryrows" => count(50_000),
            "getdmlstatements" => count(spent.dml_statements),
            "getlimitdmlstatements" => count(150),
            "getdmlrows" => count(spent.dml_rows),
            "getlimitdmlrows" => count(10_000),
            "getpublishimmediatedml" => count(spent.publish_immediate),
            "getlimitpublishimmediatedml" => count(150),
            "getcputime" => count((spent.cpu_statements / STATEMENTS_PER_MS) as u32),
            "getlimitcputime" => count(if sync { 10_000 } else { 60_000 }),
            "getcallouts" => count(0),
            "getlimitcallouts" => count(100),
            "getheapsize" => count(self.weigh_heap()? as u32),
            "getlimitheapsize" => count(heap_limit(later) as u32),
            "getqueueablejobs" => count(spent.queueables),
            "getlimitqueueablejobs" => count(if sync { 50 } else { 1 }),
            _ => Err(self.unmodelled(format!("Limits.{name}"))),
        }
    }

    fn user_info(&mut self, name: &str) -> Res<Val> {
        let user = self.host.user();
        Ok(match name {
            "getuserid" => {
                let id = Val::str(&user.id);
                self.coerce(id, &Type::Id)?
            }
            "getusername" => Val::str(&user.username),
            "getname" => Val::str(&user.name),
            "getlanguage" | "getlocale" => Val::str(&user.language),
            "gettimezone" => Val::native(Native::TimeZone(user.time_zone)),
            "ismulticurrencyorganization" => Val::Bool(self.host.currency().many),
            "getdefaultcurrency" => Val::str(self.host.currency().corporate),
            other => return Err(self.unmodelled(format!("UserInfo.{other}"))),
        })
    }
}
