//! Asynchronous Apex: jobs wait as rows of `AsyncApexJob`, schedules as rows of `CronTrigger`, so that a transaction
//! that is undone takes its jobs with it and a restart loses none.

use serde_json::{Value as Json, json};

use super::cron::Cron;
use super::fault;
use super::host::{Fault, Host, Job, JobStep, User, Value};
use super::org::Org;
use super::reader;
use super::seed;
use super::transaction::{Transaction, queueable_limit};

/// Steps in one [`Org::run_jobs`]: a job that queues itself for ever must not hold its caller for ever.
const STEPS_AT_ONCE: usize = 10_000;

pub fn enqueue(transaction: &mut Transaction, job: Job) -> Result<String, Fault> {
    match &job {
        Job::Scheduled { name, cron, .. } => schedule(transaction, name, cron, &job),
        Job::Batch { class, scope, .. } => {
            if !(1..=2_000).contains(scope) {
                return Err(fault::fault(
                    "System.InvalidParameterValueException",
                    format!("The batch scope size must be from 1 to 2000, not {scope}"),
                ));
            }
            Ok(queue(transaction, class, "BatchApex", &job))
        }
        Job::Queueable { class, .. } => {
            transaction.spent.queueables += 1;
            let count = transaction.spent.queueables;
            if count > queueable_limit(transaction.spent.is_async) {
                return Err(fault::limit(format!("Too many queueable jobs added to the queue: {count}")));
            }
            Ok(queue(transaction, class, "Queueable", &job))
        }
    }
}

fn queue(transaction: &mut Transaction, class: &str, kind: &str, job: &Job) -> String {
    let class_id = seed::find_or_create(transaction, "ApexClass", "Name", class, &[]);
    let steps = steps_to_text(&[(job.clone(), JobStep::Start)]);
    let fields = [
        ("Status", text("Queued")),
        ("JobType", text(kind)),
        ("ApexClassId", Value::Id(class_id)),
        ("TotalJobItems", Value::Number(0.into())),
        ("JobItemsProcessed", Value::Number(0.into())),
        ("NumberOfErrors", Value::Number(0.into())),
        ("_steps", Value::Text(steps)),
    ];
    transaction.create("AsyncApexJob", &fields)
}

fn schedule(transaction: &mut Transaction, name: &str, cron: &str, job: &Job) -> Result<String, Fault> {
    let Some(parsed) = Cron::parse(cron) else {
        return Err(fault::fault("System.StringException", format!("Illegal cron expression format: {cron}")));
    };
    let known = transaction
        .store()
        .table("CronJobDetail")
        .is_some_and(|table| table.find("Name", &text(name)).is_some_and(|ids| !ids.is_empty()));
    if known {
        let message = format!("The Apex job named \"{name}\" is already scheduled for execution.");
        return Err(fault::fault("System.AsyncException", message));
    }
    let Some(next) = parsed.next_after(transaction.now, &transaction.reader().zone()) else {
        let message = format!("Based on configured schedule, the given trigger '{name}' will never fire.");
        return Err(fault::fault("System.AsyncException", message));
    };
    let detail = transaction.create("CronJobDetail", &[("Name", text(name)), ("JobType", text("7"))]);
    let fields = [
        ("CronJobDetailId", Value::Id(detail)),
        ("CronExpression", text(cron)),
        ("State", text("WAITING")),
        ("TimesTriggered", Value::Number(0.into())),
        ("StartTime", Value::DateTime(transaction.now)),
        ("NextFireTime", Value::DateTime(next)),
        ("_steps", Value::Text(steps_to_text(&[(job.clone(), JobStep::Start)]))),
    ];
    Ok(transaction.create("CronTrigger", &fields))
}

/// Takes a scheduled job out, or marks a queued one as aborted.
pub fn abort(transaction: &mut Transaction, id: &str) -> bool {
    let Some(id) = super::record_id::parse(id) else { return false };
    if let Some(row) = transaction.store().row("CronTrigger", &id).cloned() {
        transaction.put("CronJobDetail", &reader::text(&row, "CronJobDetailId"), None);
        transaction.put("CronTrigger", &id, None);
        return true;
    }
    if transaction.store().row("AsyncApexJob", &id).is_some() {
        transaction.amend("AsyncApexJob", &id, &[("Status", text("Aborted")), ("_steps", Value::Null)]);
        return true;
    }
    false
}

impl Org {
    /// Runs what is queued until the queue is empty, each step in a transaction of its own. Returns how many steps ran.
    pub fn run_jobs(&self) -> usize {
        let mut ran = 0;
        while ran < STEPS_AT_ONCE
            && let Some(id) = self.next_job()
        {
            self.run_step(&id);
            ran += 1;
        }
        ran
    }

    /// Runs the scheduled classes whose time has come. Returns how many.
    pub fn due_schedules(&self, now: jiff::Timestamp) -> usize {
        let due: Vec<(String, String)> = {
            let world = self.world();
            let Some(table) = world.store.table("CronTrigger") else { return 0 };
            table
                .rows()
                .filter(|(_, row)| matches!(row.get("NextFireTime"), Some(Value::DateTime(time)) if *time <= now))
                .map(|(id, row)| (id.clone(), reader::text(row, "OwnerId")))
                .collect()
        };
        for (id, owner) in &due {
            let user = self.user_by_id(owner).unwrap_or_else(|| reader::system_user(&self.options.time_zone));
            let mut steps = Vec::new();
            let advanced = self.transact(&user, true, |transaction| {
                let Some(row) = transaction.store().row("CronTrigger", id).cloned() else { return Ok(()) };
                steps = steps_from_text(&reader::text(&row, "_steps"));
                let next = Cron::parse(&reader::text(&row, "CronExpression"))
                    .and_then(|cron| cron.next_after(now, &transaction.reader().zone()));
                let times = match row.get("TimesTriggered") {
                    Some(Value::Number(times)) => times.clone(),
                    _ => 0.into(),
                };
                let fields = [
                    ("PreviousFireTime", Value::DateTime(now)),
                    ("NextFireTime", next.map_or(Value::Null, Value::DateTime)),
                    ("TimesTriggered", Value::Number(times + 1)),
                    ("State", text(if next.is_some() { "WAITING" } else { "COMPLETE" })),
                ];
                transaction.amend("CronTrigger", id, &fields);
                Ok(())
            });
            if advanced.is_err() {
                continue;
            }
            for (job, step) in steps {
                let outcome = self.step(&user, job, step);
                if let Err(fault) = outcome {
                    tracing::warn!(
                        schedule = id,
                        exception = fault.exception,
                        reason = fault.message,
                        "a schedule failed"
                    );
                }
            }
        }
        due.len()
    }

    fn next_job(&self) -> Option<String> {
        let world = self.world();
        let table = world.store.table("AsyncApexJob")?;
        ["Processing", "Queued"].iter().find_map(|status| table.find("Status", &text(status))?.into_iter().next())
    }

    fn step(&self, user: &User, job: Job, step: JobStep) -> Result<Vec<(Job, JobStep)>, Fault> {
        let program = self.program.clone();
        self.run_async(user, |transaction| program.run_job(transaction, job, step))
    }

    fn run_step(&self, id: &str) {
        let Some((owner, mut steps)) = ({
            let world = self.world();
            world
                .store
                .row("AsyncApexJob", id)
                .map(|row| (reader::text(row, "CreatedById"), steps_from_text(&reader::text(row, "_steps"))))
        }) else {
            return;
        };
        let user = self.user_by_id(&owner).unwrap_or_else(|| reader::system_user(&self.options.time_zone));
        if steps.is_empty() {
            self.note(id, &user, &steps, None, false);
            return;
        }
        let (job, step) = steps.remove(0);
        let (chunk, scope) = match (&step, &job) {
            (JobStep::Execute(items), Job::Batch { scope, .. }) => (Some(items.clone()), *scope),
            _ => (None, 0),
        };
        let outcome = self.step(&user, job.clone(), step);
        let failure = match outcome {
            Ok(next) => {
                steps.splice(0..0, next);
                None
            }
            Err(fault) => {
                tracing::warn!(job = id, exception = fault.exception, reason = fault.message, "a job's step failed");
                // A failing chunk is lost alone: the batch goes on behind it.
                if let Some(items) = &chunk
                    && steps.is_empty()
                {
                    match items.get(scope..).filter(|rest| !rest.is_empty()) {
                        Some(rest) => steps.push((job, JobStep::Execute(rest.to_vec()))),
                        None => steps.push((job, JobStep::Finish)),
                    }
                }
                Some(fault)
            }
        };
        self.note(id, &user, &steps, failure, chunk.is_some());
    }

    /// Writes down how far a job has come.
    fn note(&self, id: &str, user: &User, steps: &[(Job, JobStep)], failure: Option<Fault>, was_chunk: bool) {
        let outcome = self.transact(user, true, |transaction| {
            let Some(row) = transaction.store().row("AsyncApexJob", id).cloned() else { return Ok(()) };
            if reader::text(&row, "Status") == "Aborted" {
                return Ok(());
            }
            let count = |field: &str| match row.get(field) {
                Some(Value::Number(count)) => count.clone(),
                _ => 0.into(),
            };
            let status = match (&failure, steps.is_empty()) {
                (_, false) => "Processing",
                (Some(_), true) if !was_chunk => "Failed",
                (_, true) => "Completed",
            };
            let mut fields = vec![
                ("Status", text(status)),
                ("_steps", if steps.is_empty() { Value::Null } else { Value::Text(steps_to_text(steps)) }),
            ];
            if was_chunk {
                fields.push(("JobItemsProcessed", Value::Number(count("JobItemsProcessed") + 1)));
                fields.push(("TotalJobItems", Value::Number(count("TotalJobItems") + 1)));
            }
            if let Some(fault) = &failure {
                let message: String = format!("{}: {}", fault.exception, fault.message).chars().take(255).collect();
                fields.push(("NumberOfErrors", Value::Number(count("NumberOfErrors") + 1)));
                fields.push(("ExtendedStatus", Value::Text(message)));
            }
            if steps.is_empty() {
                fields.push(("CompletedDate", Value::DateTime(transaction.now())));
            }
            transaction.amend("AsyncApexJob", id, &fields);
            Ok(())
        });
        if let Err(fault) = outcome {
            tracing::warn!(job = id, reason = fault.message, "a job's progress could not be written down");
        }
    }
}

fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

fn steps_to_text(steps: &[(Job, JobStep)]) -> String {
    let steps: Vec<Json> = steps.iter().map(|(job, step)| json!([job_to_json(job), step_to_json(step)])).collect();
    Json::Array(steps).to_string()
}

fn steps_from_text(text: &str) -> Vec<(Job, JobStep)> {
    let Ok(Json::Array(steps)) = serde_json::from_str(text) else { return Vec::new() };
    steps.iter().filter_map(|pair| Some((job_from_json(&pair[0])?, step_from_json(&pair[1])?))).collect()
}

fn job_to_json(job: &Job) -> Json {
    match job {
        Job::Batch { class, instance, scope } => json!({"batch": class, "instance": instance, "scope": scope}),
        Job::Queueable { class, instance } => json!({"queueable": class, "instance": instance}),
        Job::Scheduled { name, cron, class, instance } => {
            json!({"scheduled": class, "instance": instance, "name": name, "cron": cron})
        }
    }
}

fn job_from_json(json: &Json) -> Option<Job> {
    let word = |key: &str| json.get(key)?.as_str().map(str::to_owned);
    let instance = json["instance"].clone();
    if let Some(class) = word("batch") {
        return Some(Job::Batch { class, instance, scope: usize::try_from(json["scope"].as_u64()?).ok()? });
    }
    if let Some(class) = word("queueable") {
        return Some(Job::Queueable { class, instance });
    }
    Some(Job::Scheduled { class: word("scheduled")?, instance, name: word("name")?, cron: word("cron")? })
}

fn step_to_json(step: &JobStep) -> Json {
    match step {
        JobStep::Start => json!("start"),
        JobStep::Execute(items) => json!(items),
        JobStep::Finish => json!("finish"),
    }
}

fn step_from_json(json: &Json) -> Option<JobStep> {
    match json {
        Json::Array(items) => Some(JobStep::Execute(items.clone())),
        Json::String(word) if word == "start" => Some(JobStep::Start),
        Json::String(word) if word == "finish" => Some(JobStep::Finish),
        _ => None,
    }
}
