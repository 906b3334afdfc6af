//! Batchable, Queueable and Schedulable: handing them to the org, and running one transaction of them.

use std::rc::Rc;
use std::sync::Arc;

use serde_json::Value as Json;

use super::Runtime;
use super::ast::Type;
use super::eval::{Interp, Res, Running};
use super::value::{Instance, Native, Val};
use crate::sandbox::org::host::{Fault, Host, Job, JobStep};

pub fn run(runtime: &Runtime, host: &mut dyn Host, job: Job, step: JobStep) -> Result<Vec<(Job, JobStep)>, Fault> {
    host.spent().is_async = true;
    let mut interp = Interp::new(runtime, host);
    let outcome = interp.job_step(job, step);
    outcome.map_err(|thrown| interp.fault_of(thrown))
}

impl Interp<'_> {
    pub fn job_step(&mut self, job: Job, step: JobStep) -> Res<Vec<(Job, JobStep)>> {
        self.state.running.set(match &job {
            Job::Batch { .. } => Running::Batch,
            Job::Queueable { .. } => Running::Queueable,
            Job::Scheduled { .. } => Running::Scheduled,
        });
        match job {
            Job::Queueable { instance, .. } => {
                let instance = self.thaw_instance(&instance)?;
                let context = Val::native(Native::QueueableContext { job: String::new() });
                self.call_job(&instance, "execute", vec![context])?;
                Ok(Vec::new())
            }
            Job::Scheduled { instance, .. } => {
                let instance = self.thaw_instance(&instance)?;
                let context = Val::native(Native::SchedulableContext { job: String::new() });
                self.call_job(&instance, "execute", vec![context])?;
                Ok(Vec::new())
            }
            Job::Batch { class, instance, scope } => self.batch_step(class, instance, scope, step),
        }
    }

    fn call_job(&mut self, instance: &Rc<Instance>, name: &str, args: Vec<Val>) -> Res<Val> {
        match self.find_method(instance.class, name, &args) {
            Some(method) => self.invoke(&method, Some(instance.clone()), args),
            None => Err(self.unmodelled(format!("{}.{name}", self.runtime.class(instance.class).name))),
        }
    }

    fn batch_step(&mut self, class: String, frozen: Json, scope: usize, step: JobStep) -> Res<Vec<(Job, JobStep)>> {
        let instance = self.thaw_instance(&frozen)?;
        let stateful = self.runtime.implements(instance.class, "stateful");
        let context = Val::native(Native::BatchableContext { job: String::new() });
        let job = |instance: Json| Job::Batch { class: class.clone(), instance, scope };
        match step {
            JobStep::Start => {
                let found = self.call_job(&instance, "start", vec![context])?;
                let rows = self.start_rows(found)?;
                let rows = rows.iter().map(|row| self.freeze(row)).collect::<Res<Vec<_>>>()?;
                // Without `Database.Stateful` each chunk starts from the instance as it was handed in.
                if !stateful {
                    let mut steps: Vec<_> = rows
                        .chunks(scope.max(1))
                        .map(|chunk| (job(frozen.clone()), JobStep::Execute(chunk.to_vec())))
                        .collect();
                    steps.push((job(frozen), JobStep::Finish));
                    return Ok(steps);
                }
                let next = if rows.is_empty() { JobStep::Finish } else { JobStep::Execute(rows) };
                Ok(vec![(job(self.freeze(&Val::Object(instance))?), next)])
            }
            JobStep::Execute(rows) => {
                let (now, later) = rows.split_at(rows.len().min(scope.max(1)));
                let now = now.iter().map(|row| self.thaw(row)).collect::<Res<Vec<_>>>()?;
                let element = match now.first() {
                    Some(Val::SObject(row)) => Type::SObject(row.borrow().object.clone()),
                    _ => Type::Object,
                };
                let args = vec![context, Val::list(Arc::new(element), now)];
                // A chunk that fails undoes its transaction; the org notes the error and goes on behind it.
                self.call_job(&instance, "execute", args)?;
                if !stateful {
                    return Ok(Vec::new());
                }
                let state = self.freeze(&Val::Object(instance))?;
                let next = if later.is_empty() { JobStep::Finish } else { JobStep::Execute(later.to_vec()) };
                Ok(vec![(job(state), next)])
            }
            JobStep::Finish => {
                self.call_job(&instance, "finish", vec![context])?;
                Ok(Vec::new())
            }
        }
    }

    fn start_rows(&mut self, found: Val) -> Res<Vec<Val>> {
        match &found {
            Val::List(list) => Ok(list.items.borrow().clone()),
            Val::Set(set) => Ok(set.store.keys()),
            Val::Native(native) => match &**native {
                Native::QueryLocator { rows: Val::List(list) } => Ok(list.items.borrow().clone()),
                _ => Err(self.unmodelled("what start returned")),
            },
            Val::Object(_) => {
                let iterator = self.method_on(found, "iterator", Vec::new())?;
                let mut rows = Vec::new();
                while let Val::Bool(true) = self.method_on(iterator.clone(), "hasnext", Vec::new())? {
                    rows.push(self.method_on(iterator.clone(), "next", Vec::new())?);
                }
                Ok(rows)
            }
            Val::Null => Err(self.null_pointer()),
            other => Err(self.unmodelled(format!("a batch over {}", self.type_name(other)))),
        }
    }

    fn class_of(&self, instance: &Val, interface: &str) -> Res<String> {
        match instance {
            Val::Object(own) if self.runtime.implements(own.class, interface) => {
                Ok(self.runtime.class(own.class).name.to_string())
            }
            other => Err(self.unmodelled(format!("{} as a {interface}", self.type_name(other)))),
        }
    }

    pub fn execute_batch(&mut self, instance: &Val, scope: usize) -> Res<Val> {
        let class = self.class_of(instance, "batchable")?;
        let instance = self.freeze(instance)?;
        self.enqueue(Job::Batch { class, instance, scope })
    }

    /// `System.enqueueJob`.
    pub fn enqueue_job(&mut self, instance: &Val) -> Res<Val> {
        let class = self.class_of(instance, "queueable")?;
        let instance = self.freeze(instance)?;
        self.enqueue(Job::Queueable { class, instance })
    }

    /// `System.schedule`.
    pub fn schedule(&mut self, name: &str, cron: &str, instance: &Val) -> Res<Val> {
        let class = self.class_of(instance, "schedulable")?;
        let instance = self.freeze(instance)?;
        let job = Job::Scheduled { name: name.to_owned(), cron: cron.to_owned(), class, instance };
        // Also in a test: its CronTrigger can be queried.
        let id = match self.host.enqueue(job.clone()) {
            Ok(id) => id,
            Err(fault) => return Err(self.thrown_by(fault)),
        };
        self.queue_in_test(job, &id);
        Ok(Val::Id(Arc::from(id)))
    }

    fn enqueue(&mut self, job: Job) -> Res<Val> {
        self.must_write("a job")?;
        if let Some(id) = self.queue_only_in_test(&job)? {
            return Ok(Val::Id(Arc::from(id)));
        }
        match self.host.enqueue(job) {
            Ok(id) => Ok(Val::Id(Arc::from(id))),
            Err(fault) => Err(self.thrown_by(fault)),
        }
    }

    /// `System.abortJob`.
    pub fn abort_job(&mut self, id: &str) -> Res<Val> {
        let Some(id) = super::eval::full_id(id) else {
            return Err(self.throw("System.StringException", format!("Invalid id: {id}")));
        };
        let waiting = self.forget_in_test(&id);
        match self.host.abort_job(&id) || waiting {
            true => Ok(Val::Null),
            false => Err(self.throw("System.AsyncException", format!("Job does not exist: {id}"))),
        }
    }
}
