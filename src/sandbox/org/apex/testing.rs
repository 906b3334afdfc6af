//! Test classes: which there are, running one method, `Test.…` and `Assert.…`.

use super::Runtime;
use super::eval::{Interp, Res, Thrown};
use super::value::{Native, Val};
use crate::sandbox::org::host::{
    Bind, Fault, Host, Job, JobStep, Program, QueryOutcome, Record, Spent, TriggerCall, TriggerOp, User, Value,
};
use crate::sandbox::org::schema::ObjectKind;
use crate::sandbox::org::transaction::queueable_limit;

/// What the platform says to a batch of several chunks in a test.
const ONE_BATCH: &str = "No more than one executeBatch can be called from within a test method. Please make sure the \
    iterable returned from your start method matches the batch size, resulting in one executeBatch invocation.";

/// What a test method has under way.
#[derive(Debug, Default)]
pub struct TestState {
    jobs: Vec<(Job, String)>,
    /// Those published at once. Those published at commit wait in the transaction, where a rollback takes them along.
    events: Vec<Record>,
    started: bool,
    /// The counters outside `startTest` … `stopTest`.
    outside: Option<Spent>,
    /// Inside a job that stopTest runs: no further job may be queued from a Queueable.
    running_jobs: bool,
    numbered: u32,
}

/// How many times `execute` is called for what a batch's `start` found.
fn executions(steps: &[(Job, JobStep)]) -> usize {
    let chunks = steps.iter().map(|(job, step)| match (job, step) {
        (Job::Batch { scope, .. }, JobStep::Execute(rows)) => rows.len().div_ceil((*scope).max(1)),
        _ => 0,
    });
    chunks.sum()
}

impl Runtime {
    /// Every test method, as (class, method).
    pub fn tests(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        for class in self.classes.iter().filter(|class| class.has_annotation("istest")) {
            for method in class.methods.values().flatten().filter(|method| method.annotation("istest").is_some()) {
                found.push((class.name.to_string(), method.name.to_string()));
            }
        }
        found.sort();
        found
    }

    /// Runs one test method after its class's `@TestSetup`, in the transaction of `host`. The caller rolls back.
    pub fn run_test(&self, host: &mut dyn Host, class: &str, method: &str) -> Result<(), Fault> {
        let missing = || Fault {
            exception: "Unmodelled".to_owned(),
            message: format!("there is no test method {class}.{method}"),
            rows: Vec::new(),
            stack: Vec::new(),
            uncatchable: true,
        };
        let declared = self.class_named(class).ok_or_else(missing)?;
        let setup: Vec<_> =
            declared.methods.values().flatten().filter(|one| one.annotation("testsetup").is_some()).collect();
        let test = declared.methods.get(&method.to_lowercase()).and_then(|all| all.first()).ok_or_else(missing)?;
        for one in setup.into_iter().chain([test]) {
            // Each its own transaction as far as statics and counters go.
            *host.runtime_state() = None;
            *host.spent() = Spent::default();
            let user = host.user();
            let mut interp = Interp::new(self, host);
            *interp.state.test.borrow_mut() = Some(TestState::default());
            let mut outcome = interp.invoke(one, None, Vec::new()).map(|_| ());
            if outcome.is_ok() {
                outcome = interp.run_test_jobs();
            }
            let outcome = outcome.map_err(|thrown| interp.fault_of(thrown));
            host.set_user(user);
            self.coverage.spent(host.spent());
            outcome?;
        }
        Ok(())
    }
}

impl Interp<'_> {
    pub fn is_test(&self) -> bool {
        self.state.test.borrow().is_some()
    }

    /// In a test a job waits for `stopTest`; its made-up id.
    pub fn queue_only_in_test(&mut self, job: &Job) -> Res<Option<String>> {
        let state = self.state.clone();
        let mut test = state.test.borrow_mut();
        let Some(test) = test.as_mut() else { return Ok(None) };
        if test.running_jobs && matches!(job, Job::Queueable { .. }) {
            return Err(self.throw("System.AsyncException", "Maximum stack depth has been reached."));
        }
        if let Job::Queueable { .. } = job {
            let spent = self.host.spent();
            spent.queueables += 1;
            let count = spent.queueables;
            if count > queueable_limit(spent.is_async) {
                let text = format!("Too many queueable jobs added to the queue: {count}");
                return Err(self.fatal("System.LimitException", text));
            }
        }
        test.numbered += 1;
        let id =
            super::eval::full_id(&format!("707{:012}", test.numbered)).map(|id| id.to_string()).unwrap_or_default();
        test.jobs.push((job.clone(), id.clone()));
        Ok(Some(id))
    }

    pub fn queue_in_test(&mut self, job: Job, id: &str) {
        if let Some(test) = self.state.test.borrow_mut().as_mut() {
            test.jobs.push((job, id.to_owned()));
        }
    }

    /// Whether such a job was waiting.
    pub fn forget_in_test(&mut self, id: &str) -> bool {
        let mut state = self.state.test.borrow_mut();
        let Some(test) = state.as_mut() else { return false };
        let before = test.jobs.len();
        test.jobs.retain(|(_, own)| own != id);
        test.jobs.len() < before
    }

    /// Events published at once wait in a test for `stopTest` or `deliver`, whatever is rolled back meanwhile.
    pub fn note_events(&mut self, events: impl Iterator<Item = Record>) {
        if let Some(test) = self.state.test.borrow_mut().as_mut() {
            let schema = &self.schema;
            test.events.extend(events.filter(|event| {
                let object = schema.object(&event.object);
                object.is_some_and(|object| object.kind == ObjectKind::PlatformEvent { after_commit: false })
            }));
        }
    }

    fn events_to_deliver(&mut self) -> Vec<Record> {
        let mut events = self.state.test.borrow_mut().as_mut().map(|test| std::mem::take(&mut test.events));
        if let Some(events) = &mut events {
            events.extend(self.host.waiting_events());
        }
        events.unwrap_or_default()
    }

    /// Runs what waits, each transaction with statics of its own, until nothing does.
    fn run_test_jobs(&mut self) -> Res<()> {
        let mine = self.host.runtime_state().take();
        let user = self.host.user();
        let outcome = self.drain();
        self.host.set_user(user);
        *self.host.runtime_state() = mine;
        outcome
    }

    fn drain(&mut self) -> Res<()> {
        loop {
            let jobs = match self.state.test.borrow_mut().as_mut() {
                Some(test) => std::mem::take(&mut test.jobs),
                None => return Ok(()),
            };
            let events = self.events_to_deliver();
            if jobs.is_empty() && events.is_empty() {
                return Ok(());
            }
            self.deliver(events)?;
            for (job, _) in jobs {
                let mut steps = std::collections::VecDeque::from([(job, JobStep::Start)]);
                while let Some((job, step)) = steps.pop_front() {
                    let starts = matches!(step, JobStep::Start);
                    let next = self.test_job_step(job, step)?;
                    if starts && executions(&next) > 1 {
                        return Err(self.throw("System.UnexpectedException", ONE_BATCH));
                    }
                    steps.extend(next);
                }
            }
        }
    }

    fn test_job_step(&mut self, job: Job, step: JobStep) -> Res<Vec<(Job, JobStep)>> {
        let runtime = self.runtime;
        let before = std::mem::take(self.host.spent());
        self.host.spent().is_async = true;
        *self.host.runtime_state() = None;
        let mut inner = Interp::new(runtime, &mut *self.host);
        *inner.state.test.borrow_mut() = Some(TestState { running_jobs: true, ..TestState::default() });
        let outcome = inner.job_step(job, step);
        // A failing job fails the test at stopTest.
        let queued = inner.state.test.borrow_mut().take().unwrap_or_default();
        *self.host.runtime_state() = None;
        let spent = std::mem::replace(self.host.spent(), before);
        runtime.coverage.spent(&spent);
        if let Some(test) = self.state.test.borrow_mut().as_mut() {
            test.events.extend(queued.events);
            test.jobs.extend(queued.jobs.into_iter().filter(|(job, _)| !matches!(job, Job::Scheduled { .. })));
        }
        outcome
    }

    fn deliver(&mut self, events: Vec<Record>) -> Res<()> {
        let runtime = self.runtime;
        let mut objects: Vec<String> = events.iter().map(|event| event.object.clone()).collect();
        objects.dedup();
        for object in objects {
            if !runtime.has_trigger(&object, TriggerOp::AfterInsert) {
                continue;
            }
            let mut rows: Vec<Record> = events.iter().filter(|event| event.object == object).cloned().collect();
            let before = std::mem::take(self.host.spent());
            *self.host.runtime_state() = None;
            let call =
                TriggerCall { object: &object, operation: TriggerOp::AfterInsert, new: Some(&mut rows), old: None };
            // A transaction of its own, as another user. An exception in it undoes it and doesn't reach the test.
            let automated = self.host.event_user();
            let user = self.host.set_user(automated);
            let start = self.host.savepoint().map_err(|fault| self.thrown_by(fault))?;
            *self.host.spent() = Spent::default();
            let outcome = super::trigger::fire(runtime, &mut *self.host, call);
            if outcome.is_err() {
                *self.host.spent() = Spent::default();
                self.host.rollback(start).map_err(|fault| self.thrown_by(fault))?;
            }
            self.host.set_user(user);
            let spent = std::mem::replace(self.host.spent(), before);
            runtime.coverage.spent(&spent);
            if let Err(fault) = outcome
                && fault.uncatchable
            {
                return Err(Thrown::Fatal(Box::new(fault)));
            }
        }
        Ok(())
    }

    pub fn deliver_events(&mut self) -> Res<Val> {
        let events = self.events_to_deliver();
        let mine = self.host.runtime_state().take();
        let outcome = self.deliver(events);
        *self.host.runtime_state() = mine;
        outcome.map(|()| Val::Null)
    }

    /// `Test.…`.
    pub fn test(&mut self, name: &str, args: &[Val]) -> Res<Val> {
        match (name, args) {
            ("isrunningtest", []) => Ok(Val::Bool(self.is_test())),
            ("starttest", []) => {
                let again = self
                    .state
                    .test
                    .borrow_mut()
                    .as_mut()
                    .is_some_and(|test| std::mem::replace(&mut test.started, true));
                if again {
                    return Err(self.throw("System.FinalException", "Testing already started"));
                }
                let counters = std::mem::take(self.host.spent());
                self.runtime.coverage.spent(&counters);
                if let Some(test) = self.state.test.borrow_mut().as_mut() {
                    test.outside = Some(counters);
                }
                Ok(Val::Null)
            }
            ("stoptest", []) => {
                self.run_test_jobs()?;
                let outside = self.state.test.borrow_mut().as_mut().and_then(|test| test.outside.take());
                if let Some(outside) = outside {
                    let inside = std::mem::replace(self.host.spent(), outside);
                    self.runtime.coverage.spent(&inside);
                    self.runtime.coverage.measured(&inside);
                }
                Ok(Val::Null)
            }
            ("geteventbus", []) => Ok(Val::native(Native::TestBus)),
            _ => Err(self.unmodelled(format!("Test.{name} with {} arguments", args.len()))),
        }
    }

    /// `Assert.…`, and the older `System.assert…`.
    pub fn assert(&mut self, name: &str, args: Vec<Val>) -> Res<Val> {
        let expected = |name: &str| match name {
            "areequal" | "arenotequal" | "isinstanceoftype" | "isnotinstanceoftype" => 2,
            "fail" => 0,
            _ => 1,
        };
        let count = expected(name);
        let note = match args.get(count) {
            Some(Val::Null) | None => String::new(),
            Some(note) => format!(": {}", self.text(note)?),
        };
        let Some(values) = args.get(..count) else {
            return Err(self.unmodelled(format!("Assert.{name} with {} arguments", args.len())));
        };
        let failure = match (name, values) {
            ("areequal", [a, b]) => match self.assert_equal(a, b)? {
                true => None,
                false => Some(format!("{note}: Expected: {}, Actual: {}", self.text(a)?, self.text(b)?)),
            },
            ("arenotequal", [a, b]) => match self.assert_equal(a, b)? {
                true => Some(format!("{note}: Same value: {}", self.text(a)?)),
                false => None,
            },
            ("istrue", [Val::Bool(true)]) | ("isfalse", [Val::Bool(false)]) | ("isnull", [Val::Null]) => None,
            ("istrue" | "isfalse", [_]) => Some(note),
            ("isnull", [value]) => {
                Some(if note.is_empty() { format!(": Expected: null, Actual: {}", self.text(value)?) } else { note })
            }
            ("isnotnull", [value]) => value.is_null().then_some(note),
            ("isinstanceoftype", [value, Val::Type(of)]) => (!self.is_instance(value, &of.clone())).then_some(note),
            ("isnotinstanceoftype", [value, Val::Type(of)]) => self.is_instance(value, &of.clone()).then_some(note),
            ("fail", []) => Some(note),
            _ => return Err(self.unmodelled(format!("Assert.{name}"))),
        };
        match failure {
            None => Ok(Val::Null),
            Some(text) => Err(self.fatal("System.AssertException", format!("Assertion Failed{text}"))),
        }
    }

    /// By `==`, except that texts of another case are not what was expected.
    fn assert_equal(&mut self, a: &Val, b: &Val) -> Res<bool> {
        match (a, b) {
            (Val::Str(a), Val::Str(b)) => Ok(a == b),
            _ => self.equal(a, b),
        }
    }

    /// The user that a `User` record stands for, with the permission sets assigned to it.
    pub fn user_of(&mut self, value: &Val) -> Res<User> {
        let Val::SObject(row) = value else { return Err(self.null_argument()) };
        let current = self.host.user();
        if row.borrow().id().is_none() {
            self.save_statement(
                crate::sandbox::org::host::SaveOp::Insert,
                value.clone(),
                crate::sandbox::org::host::Access::System,
                None,
            )?;
        }
        let Some(id) = row.borrow().id().map(|id| id.to_string()) else { return Err(self.null_argument()) };
        if id == current.id {
            return Ok(current);
        }
        let binds = std::collections::BTreeMap::from([("b0".to_owned(), Bind::One(Value::Id(id.clone())))]);
        let text = "SELECT PermissionSet.Name FROM PermissionSetAssignment WHERE AssigneeId = :b0";
        // Not the program's query: it costs the program nothing.
        let before = self.host.spent().clone();
        let outcome = self.host.query(text, &binds, crate::sandbox::org::host::Access::System, false);
        *self.host.spent() = before;
        let rows = match outcome {
            Ok(QueryOutcome::Rows(rows)) => rows,
            Ok(QueryOutcome::Count(_)) => Vec::new(),
            Err(fault) => return Err(self.thrown_by(fault)),
        };
        let sets = rows
            .iter()
            .filter_map(|row| match row.parents.get("PermissionSet")?.as_ref()?.fields.get("Name")? {
                Value::Text(name) => Some(name.clone()),
                _ => None,
            })
            .collect();
        let field = |name: &str| match row.borrow().get(name) {
            Some(Val::Str(text)) => Some(text.to_string()),
            _ => None,
        };
        Ok(User {
            id,
            username: field("Username").unwrap_or_default(),
            name: field("Name").or(field("LastName")).unwrap_or_default(),
            permission_sets: Some(sets),
            time_zone: field("TimeZoneSidKey").unwrap_or(current.time_zone),
            language: field("LanguageLocaleKey").unwrap_or(current.language),
        })
    }
}
