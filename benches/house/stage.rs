//! The running sandbox that a measure plays on: stand-ins in this process, the daemon as its child.

use std::path::{Path, PathBuf};

use anyhow::Context;
use quittance::sandbox::start::{self, Options, Running};
use serde_json::Value;

use super::Plan;

pub struct Stage {
    pub running: Running,
    _dir: tempfile::TempDir,
}

impl Stage {
    /// An org without records, the daemon ready; its database is SQLite where `database` names no other.
    pub async fn set(plan: &Plan, database: Option<String>) -> anyhow::Result<Stage> {
        Self::with(plan, database, |_| ()).await
    }

    /// With another choice of the sandbox's options.
    pub async fn with(
        plan: &Plan,
        database: Option<String>,
        choose: impl FnOnce(&mut Options),
    ) -> anyhow::Result<Stage> {
        let dir = tempfile::Builder::new().prefix("quittance-bench-").tempdir_in(scratch())?;
        let mut options = Options {
            dir: dir.path().to_owned(),
            package: vec![PathBuf::from("force-app")],
            program: plan.daemon.clone(),
            database,
            console_port: 0,
            page_port: 0,
            faults: Vec::new(),
            seed: 1,
            plant: false,
            daemon: true,
            auth: "client_credentials".to_owned(),
            live_rates: false,
            lightning: "target/lightning".into(),
            request_log: None,
            plaid_request_log: None,
            clock: false,
        };
        choose(&mut options);
        let running = start::start(options).await.context("the sandbox could not be started")?;
        Ok(Stage { running, _dir: dir })
    }

    /// Stops the daemon. Its log is shown where QUITTANCE_BENCH_LOG is set.
    pub async fn end(self) {
        if std::env::var_os("QUITTANCE_BENCH_LOG").is_some() {
            let log = std::fs::read_to_string(self._dir.path().join("daemon.log")).unwrap_or_default();
            eprintln!("{log}");
        }
        self.running.stop().await;
    }

    /// What the stand-in org counted: calls by user, events.
    pub async fn org_counters(&self) -> anyhow::Result<Value> {
        let url = format!("{}/_sandbox/org/counters", self.running.endpoints.salesforce.instance_url);
        self.get(&url).await
    }

    /// What the stand-in Stripe counted, by endpoint.
    pub async fn stripe_counters(&self) -> anyhow::Result<Value> {
        self.get(&format!("{}/rates", self.running.endpoints.stripe.control_url)).await
    }

    /// A figure of the daemon's own: the sum over the lines of `name` that have the label.
    pub async fn figure(&self, name: &str, label: &str) -> anyhow::Result<f64> {
        let url = format!("{}/metrics", self.running.endpoints.page_url);
        let text = self.running.world.http.get(url).send().await?.error_for_status()?.text().await?;
        let line = |line: &&str| {
            line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' '])) && line.contains(label)
        };
        Ok(text.lines().filter(line).filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum())
    }

    async fn get(&self, url: &str) -> anyhow::Result<Value> {
        let answer = self.running.world.http.get(url).send().await?.error_for_status()?;
        Ok(serde_json::from_str(&answer.text().await?)?)
    }

    /// Figures of the daemon's process, in kB, from /proc: all that is resident, and what of it is not a file's.
    pub async fn memory_kb(&self) -> anyhow::Result<(u64, u64)> {
        let id = self.running.daemon.id().await.context("the daemon does not run")?;
        let text =
            std::fs::read_to_string(format!("/proc/{id}/status")).context("memory is read from Linux's /proc")?;
        let field = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse().ok()
        };
        field("VmRSS:").zip(field("RssAnon:")).context("/proc tells no VmRSS")
    }
}

/// Databases of a measure lie on the checkout's disk: /tmp may be memory, where a commit costs nothing.
pub fn scratch() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
}
