//! A load run: accounts are inserted, links are sent, customers pay, the daemon is killed meanwhile if that is asked
//! for; then everything is left to settle, and the auditor reads what there is. Where customers paid by bank, days pass
//! then, with faults and kills as before, and the auditor reads it all again once the banks have answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::json;
use tokio::sync::Semaphore;

use super::auditor::Report;
use super::customer::{Customer, Outcome};
use super::phone::Verifying;
use super::{Error, World};
use crate::sandbox::daemon::Daemon;
use crate::sandbox::faults::Faults;

#[derive(Clone, Debug)]
pub struct Plan {
    pub payments: usize,
    pub accounts: usize,
    pub kills: usize,
    pub seed: u64,
    /// How many customers are on the page at the same time.
    pub at_once: usize,
    /// How many customers in a hundred pay by bank. Above zero the banks' clock must be movable, so that debits end.
    pub banks: u32,
    /// How long everything may take to settle after the last customer has left.
    pub settle: Duration,
}

/// What happened.
#[derive(Debug, Default)]
pub struct Outcomes {
    pub paid: usize,
    pub declined: usize,
    /// Bank payments that customers were told have started.
    pub started: usize,
    /// Bank accounts that were taken down on the phone, which are verified and debited in the days that pass.
    pub taken_down: usize,
    pub gave_up: usize,
    pub kills: usize,
    pub elapsed: Duration,
    pub problems: Vec<String>,
    pub report: Report,
}

/// Runs the plan against a running sandbox. `progress` is told a line now and then.
pub async fn run(
    world: &World,
    daemon: &Arc<Daemon>,
    faults: &Arc<Faults>,
    plan: &Plan,
    progress: impl Fn(String) + Send + Sync + 'static,
) -> Result<Outcomes, Error> {
    let start = Instant::now();
    let progress = Arc::new(move |line: String| progress(format!("{:6.1} s  {line}", start.elapsed().as_secs_f64())));
    let finished = Arc::new(AtomicUsize::new(0));
    // A fifth of the kills is kept for the days on which the banks answer.
    let later = if plan.banks > 0 { plan.kills / 5 } else { 0 };
    let first = Plan { kills: plan.kills - later, ..plan.clone() };
    let killer = tokio::spawn(kill_at_random(Arc::clone(daemon), first, Arc::clone(&finished), Arc::clone(&progress)));
    let accounts = insert_accounts(world, plan).await?;
    let (mut outcomes, verifying) = pay(world, plan, &accounts, &finished, &progress).await?;
    finished.store(usize::MAX, Ordering::SeqCst);
    outcomes.kills = killer.await.unwrap_or_default();
    let rates: Vec<(&str, f64)> = faults.list().iter().map(|(name, _, rate, _)| (*name, *rate)).collect();
    // The audit asks what the state becomes once the bad days are over, so the faults end here.
    switch(faults, &rates.iter().map(|(name, _)| (*name, 0.0)).collect::<Vec<_>>())?;
    progress("waiting for everything to settle".to_owned());
    sync_now(world).await?;
    outcomes.report = settle(world, plan, &*progress).await?;
    let (started, sent) = (outcomes.started, outcomes.report.debits);
    if started > sent {
        outcomes.problems.push(format!(
            "customers were told {started} times that a bank payment is on its way, and the banks have {sent}"
        ));
    }
    // What is wrong already would only be hidden by more days.
    if plan.banks > 0 && outcomes.report.findings.is_empty() {
        if outcomes.report.processing == 0 {
            outcomes.problems.push("no bank debit was on its way, so that nothing was proven of banks".to_owned());
        }
        progress(format!("{} debits are on their way; days pass", outcomes.report.processing));
        switch(faults, &rates)?;
        let second = Plan { kills: later, ..plan.clone() };
        let killer =
            tokio::spawn(kill_at_random(Arc::clone(daemon), second, Arc::clone(&finished), Arc::clone(&progress)));
        let mut verifying = Some(verifying);
        for day in 0..DAYS {
            world.stripe_control("clock", &json!({"advance_days": 1})).await?;
            if day == ARRIVED
                && let Some(verifying) = verifying.take()
            {
                outcomes.problems.extend(tell_deposits(verifying).await);
            }
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        outcomes.kills += killer.await.unwrap_or_default();
        switch(faults, &rates.iter().map(|(name, _)| (*name, 0.0)).collect::<Vec<_>>())?;
        sync_now(world).await?;
        outcomes.report = settle(world, plan, &*progress).await?;
        let (debits, wanted) = (outcomes.report.debits, sent + outcomes.taken_down);
        if debits != wanted {
            outcomes.problems.push(format!("the banks have {debits} debits where {wanted} were agreed to"));
        }
        if outcomes.report.processing > 0 {
            outcomes.problems.push(format!("{} debits are on their way after {DAYS} days", outcomes.report.processing));
        }
    }
    if outcomes.kills < plan.kills {
        outcomes.problems.push(format!("the daemon was killed {} times, not {}", outcomes.kills, plan.kills));
    }
    let unanswered: u64 = faults.list().iter().filter(|fault| fault.0 == "lost_mail_reply").map(|fault| fault.3).sum();
    if outcomes.report.repeated_mails > 0 && plan.kills == 0 && unanswered == 0 {
        outcomes.problems.push(format!("{} mails came twice for no reason", outcomes.report.repeated_mails));
    }
    if outcomes.report.succeeded < outcomes.paid {
        outcomes.problems.push(format!(
            "customers were told {} times that they had paid, and Stripe has {} payments",
            outcomes.paid, outcomes.report.succeeded
        ));
    }
    outcomes.elapsed = start.elapsed();
    Ok(outcomes)
}

/// Enough for a debit to settle and come back: four business days and one more, over a weekend and holidays.
const DAYS: usize = ARRIVED + 11;
/// After so many days the small deposits are there.
const ARRIVED: usize = 2;

fn switch(faults: &Faults, rates: &[(&str, f64)]) -> Result<(), Error> {
    for (name, rate) in rates {
        faults
            .set(name, *rate)
            .map_err(|error| Error::Unreadable { what: "the faults".to_owned(), why: error.to_string() })?;
    }
    Ok(())
}

/// Accounts come as an import would bring them: in chunks, some of which are updated again at once.
async fn insert_accounts(world: &World, plan: &Plan) -> Result<Vec<String>, Error> {
    let mut ids = Vec::new();
    let wanted = plan.accounts.max(plan.payments.min(50)).max(1);
    for chunk in (0..wanted).collect::<Vec<_>>().chunks(100) {
        let rows: Vec<_> = chunk
            .iter()
            .map(|index| json!({"Name": format!("Load Customer {:05} of run {}", index, plan.seed), "Billing_Email__c": format!("load-{}-{index}@customers.example", plan.seed)}))
            .collect();
        ids.extend(retry(|| world.insert_many("Account", &rows)).await?);
    }
    for id in ids.iter().step_by(10) {
        let phone = json!({"Phone": "+1 555 0100"});
        retry(|| world.update("Account", id, &phone)).await?;
    }
    Ok(ids)
}

async fn pay(
    world: &World,
    plan: &Plan,
    accounts: &[String],
    finished: &Arc<AtomicUsize>,
    progress: &Arc<impl Fn(String) + Send + Sync + 'static>,
) -> Result<(Outcomes, Vec<Verifying>), Error> {
    let places = Arc::new(Semaphore::new(plan.at_once));
    let mut walks = tokio::task::JoinSet::new();
    for number in 0..plan.payments {
        let (world, places, account, seed) =
            (world.clone(), Arc::clone(&places), accounts[number % accounts.len()].clone(), plan.seed);
        let banks = plan.banks;
        walks.spawn(async move {
            let _place = places.acquire_owned().await;
            let customer = Customer::new(world, seed.wrapping_mul(1_000_003).wrapping_add(number as u64), banks);
            customer.be_sent_and_pay(&account, number).await
        });
    }
    let mut outcomes = Outcomes::default();
    let mut verifying = Vec::new();
    while let Some(walk) = walks.join_next().await {
        match walk {
            Ok(Ok(Outcome::Paid)) => outcomes.paid += 1,
            Ok(Ok(Outcome::Declined)) => outcomes.declined += 1,
            Ok(Ok(Outcome::OnItsWay)) => outcomes.started += 1,
            Ok(Ok(Outcome::Verifying(one))) => verifying.push(*one),
            Ok(Ok(Outcome::GaveUp(why))) => {
                outcomes.gave_up += 1;
                outcomes.problems.push(why);
            }
            Ok(Err(error)) => outcomes.problems.push(error.to_string()),
            Err(error) => outcomes.problems.push(error.to_string()),
        }
        let done = finished.fetch_add(1, Ordering::SeqCst) + 1;
        if done.is_multiple_of(10) {
            progress(format!("{done} of {} customers are through", plan.payments));
        }
    }
    outcomes.taken_down = verifying.len();
    Ok((outcomes, verifying))
}

/// The customers call back, all on the same day.
async fn tell_deposits(verifying: Vec<Verifying>) -> Vec<String> {
    let calls: tokio::task::JoinSet<_> = verifying.into_iter().map(Verifying::tell).collect();
    let told = calls.join_all().await;
    told.into_iter().filter_map(Result::err).map(|error| format!("the deposits could not be told: {error}")).collect()
}

/// Kills the daemon at random moments, evenly over the run, and starts it again each time.
async fn kill_at_random(
    daemon: Arc<Daemon>,
    plan: Plan,
    finished: Arc<AtomicUsize>,
    progress: Arc<impl Fn(String) + Send + Sync>,
) -> usize {
    let mut dice = StdRng::seed_from_u64(plan.seed ^ 0x6b69_6c6c);
    let mut kills = 0;
    while kills < plan.kills {
        // Short enough that a kill falls into start-up too, long enough that work gets done in between.
        tokio::time::sleep(Duration::from_millis(dice.random_range(150..1_800))).await;
        // Spread over the run: while fewer customers are through than their share, the next kill waits a little.
        let lags = || finished.load(Ordering::SeqCst).saturating_mul(plan.kills) < kills.saturating_mul(plan.payments);
        for _ in 0..50 {
            if !lags() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        daemon.kill().await;
        kills += 1;
        if let Err(error) = daemon.start().await {
            progress(error.to_string());
            return kills;
        }
        if kills.is_multiple_of(10) {
            progress(format!("killed {kills} times"));
        }
        if finished.load(Ordering::SeqCst) == usize::MAX && kills >= plan.kills {
            break;
        }
    }
    // Whatever was killed last must come up, or nothing will settle.
    if let Err(error) = daemon.ready(60).await {
        progress(error.to_string());
    }
    kills
}

/// A webhook that Stripe never delivered is found by the sweep, every 15 minutes; the clerk's button asks for it now.
async fn sync_now(world: &World) -> Result<(), Error> {
    world.press("SyncNowController", "start", &json!({})).await.map(|_| ())
}

/// Audits until nothing is found or the time is up: what is still on its way is not yet wrong.
async fn settle(world: &World, plan: &Plan, progress: &impl Fn(String)) -> Result<Report, Error> {
    let start = Instant::now();
    let mut told = Duration::from_secs(20);
    loop {
        let report = world.audit().await?;
        if start.elapsed() > told
            && let Some(first) = report.findings.first()
        {
            progress(format!("{} things are not right yet; {first}", report.findings.len()));
            told += Duration::from_secs(20);
        }
        if report.findings.is_empty() || start.elapsed() > plan.settle {
            return Ok(report);
        }
        tokio::time::sleep(Duration::from_millis(700)).await;
    }
}

/// A clerk tries again where Salesforce refused in passing.
async fn retry<T, F: Future<Output = Result<T, Error>>>(mut attempt: impl FnMut() -> F) -> Result<T, Error> {
    let mut tries = 0;
    loop {
        match attempt().await {
            Ok(done) => return Ok(done),
            Err(error) if tries >= 8 => return Err(error),
            Err(_) => tries += 1,
        }
        tokio::time::sleep(Duration::from_millis(100 * tries)).await;
    }
}
