//! The daemon as a child process of the sandbox: started, killed and started again from outside. It knows nothing of
//! the stand-ins but the addresses in its configuration file.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::process::{Child, Command};
use tokio::sync::Mutex;

/// How to start the daemon.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The `quittance` binary.
    pub program: PathBuf,
    pub config: PathBuf,
    /// Where its log lines go; appended to at each start.
    pub log: PathBuf,
    /// The base of its own address, for `/readyz`.
    pub page_url: String,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the daemon could not be started: {0}")]
    Start(#[source] std::io::Error),
    #[error("the daemon stopped by itself ({status}); its log is {log}:\n{tail}")]
    Stopped { status: String, log: String, tail: String },
    #[error("the daemon was not ready after {seconds} s; its log is {log}:\n{tail}")]
    NotReady { seconds: u64, log: String, tail: String },
}

/// The running daemon, or the place where it was.
pub struct Daemon {
    plan: Plan,
    child: Mutex<Option<Child>>,
    http: reqwest::Client,
}

impl Daemon {
    pub fn new(plan: Plan, http: reqwest::Client) -> Arc<Daemon> {
        Arc::new(Daemon { plan, child: Mutex::new(None), http })
    }

    pub fn page_url(&self) -> &str {
        &self.plan.page_url
    }

    /// Starts it; does nothing where it runs already.
    pub async fn start(&self) -> Result<(), Error> {
        let mut child = self.child.lock().await;
        if let Some(running) = child.as_mut()
            && running.try_wait().ok().flatten().is_none()
        {
            return Ok(());
        }
        let log = std::fs::OpenOptions::new().create(true).append(true).open(&self.plan.log).map_err(Error::Start)?;
        let errors = log.try_clone().map_err(Error::Start)?;
        let started = Command::new(&self.plan.program)
            .arg("run")
            .arg("--config")
            .arg(&self.plan.config)
            // As systemd names it to a unit that has one.
            .env("STATE_DIRECTORY", self.plan.config.parent().unwrap_or(&self.plan.config))
            .stdin(Stdio::null())
            .stdout(Stdio::from(log))
            .stderr(Stdio::from(errors))
            .kill_on_drop(true)
            .spawn()
            .map_err(Error::Start)?;
        *child = Some(started);
        Ok(())
    }

    /// Waits until `/readyz` says yes. Fails at once where the process has ended.
    pub async fn ready(&self, seconds: u64) -> Result<(), Error> {
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(seconds) {
            if let Some(running) = self.child.lock().await.as_mut()
                && let Ok(Some(status)) = running.try_wait()
            {
                return Err(Error::Stopped { status: status.to_string(), log: self.log_name(), tail: self.log_tail() });
            }
            let answer =
                self.http.get(format!("{}/readyz", self.plan.page_url)).timeout(Duration::from_secs(2)).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        Err(Error::NotReady { seconds, log: self.log_name(), tail: self.log_tail() })
    }

    /// `kill -9`, and waits until it is gone.
    pub async fn kill(&self) {
        if let Some(mut running) = self.child.lock().await.take() {
            // Both fail only where the process has ended by itself, which is what was wanted.
            let _ = running.start_kill();
            let _ = running.wait().await;
        }
    }

    /// SIGTERM, as a service manager stops it; `kill -9` after `patience`.
    pub async fn stop(&self, patience: Duration) {
        let Some(id) = self.id().await else { return };
        let asked =
            Command::new("kill").arg("-TERM").arg(id.to_string()).status().await.is_ok_and(|status| status.success());
        let mut child = self.child.lock().await;
        if let Some(running) = child.as_mut()
            && asked
            && tokio::time::timeout(patience, running.wait()).await.is_ok()
        {
            *child = None;
            return;
        }
        drop(child);
        self.kill().await;
    }

    /// The process id, where it runs.
    pub async fn id(&self) -> Option<u32> {
        let mut child = self.child.lock().await;
        let running = child.as_mut()?;
        if running.try_wait().ok().flatten().is_some() { None } else { running.id() }
    }

    fn log_name(&self) -> String {
        self.plan.log.display().to_string()
    }

    fn log_tail(&self) -> String {
        let text = std::fs::read_to_string(&self.plan.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(15)..].join("\n")
    }
}
