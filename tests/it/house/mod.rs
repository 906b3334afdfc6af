//! The house: `quittance sandbox` as a process, with what a test needs to build a scene and look at it.

pub mod bank;
mod operator;
mod org;
pub mod payer;
mod postgres;
mod publisher;
mod stripe;

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use quittance::sandbox::load::{Endpoints, Error, World, until};

pub use postgres::Postgres;
pub use publisher::Publisher;

/// A running sandbox. Ends with the test; a test that fails prints the daemon's log.
pub struct House {
    world: World,
    child: Child,
    dir: tempfile::TempDir,
    _database: Option<Postgres>,
}

impl House {
    /// An empty org, SQLite, no faults.
    pub async fn start() -> House {
        House::start_with(&[], None).await
    }

    pub async fn start_with(arguments: &[&str], database: Option<Postgres>) -> House {
        Self::start_in(arguments, &[], database).await
    }

    /// With settings of the daemon that the sandbox doesn't write, by their names in the environment.
    pub async fn start_in(arguments: &[&str], settings: &[(&str, &str)], database: Option<Postgres>) -> House {
        // Fails only where another test of this process was first, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let dir = tempfile::tempdir().expect("a folder for the sandbox");
        let (world, child, dir) = open(dir, arguments, settings, database.as_ref()).await;
        House { world, child, dir, _database: database }
    }

    /// The same folder, and so the same org, Stripe account and database, in another sandbox process.
    pub async fn start_again(mut self, arguments: &[&str]) -> House {
        stop(&mut self.child);
        // The new one writes it when everything answers; until then the old one's addresses would be read.
        std::fs::remove_file(self.dir.path().join("endpoints.json")).expect("the old addresses");
        let dir = std::mem::replace(&mut self.dir, tempfile::tempdir().expect("a folder"));
        let database = self._database.take();
        let (world, child, dir) = open(dir, arguments, &[], database.as_ref()).await;
        House { world, child, dir, _database: database }
    }

    /// What `quittance <arguments>` prints, run by the operator against the daemon's own configuration.
    pub fn quittance(&self, arguments: &[&str]) -> String {
        let output = Command::new(env!("CARGO_BIN_EXE_quittance"))
            .args(arguments)
            .arg("--config")
            .arg(&self.world.endpoints.daemon_config)
            .output()
            .expect("the quittance binary");
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
    }

    pub fn dir(&self) -> PathBuf {
        self.dir.path().to_owned()
    }

    /// What the daemon has logged so far.
    pub fn daemon_log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("daemon.log")).unwrap_or_default()
    }

    /// Switches a fault on, or with 0 off, as the console's "Break something" does.
    pub async fn fault(&self, name: &str, rate: f64) {
        let url = format!("{}/faults/{name}", self.endpoints.console_url);
        let answer = self.http.post(url).form(&[("rate", rate)]).send().await.expect("the console");
        assert!(answer.status().is_redirection(), "the fault {name}: {}", answer.status());
    }

    /// `kill -9` of the daemon.
    pub async fn kill_daemon(&self) {
        self.sidecar("kill").await;
    }

    /// Starts it again and waits until it is ready.
    pub async fn start_daemon(&self) {
        self.sidecar("start").await;
    }

    async fn sidecar(&self, act: &str) {
        let url = format!("{}/sidecar/{act}", self.endpoints.console_url);
        let answer = self.http.post(url).send().await.expect("the console");
        assert!(answer.status().is_redirection(), "{act}: {}", answer.text().await.unwrap_or_default());
    }

    /// Waits until the daemon takes payments.
    pub async fn is_ready(&self) {
        self.eventually("the daemon to be ready", 30, || async {
            let url = format!("{}/readyz", self.endpoints.page_url);
            let status = self.http.get(url).send().await.map(|answer| answer.status().as_u16());
            Ok(if matches!(status, Ok(200)) { Ok(()) } else { Err(format!("{status:?}")) })
        })
        .await;
    }

    /// [`until`], and the test fails where it stays away.
    pub async fn eventually<T, F>(&self, what: &str, seconds: u64, look: impl FnMut() -> F) -> T
    where
        F: Future<Output = Result<Result<T, String>, Error>>,
    {
        until(what, seconds, look).await.unwrap_or_else(|error| panic!("{error}"))
    }
}

impl Deref for House {
    type Target = World;
    fn deref(&self) -> &World {
        &self.world
    }
}

impl Drop for House {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for name in ["sandbox.log", "daemon.log"] {
                let text = std::fs::read_to_string(self.dir.path().join(name)).unwrap_or_default();
                let lines: Vec<&str> = text.lines().collect();
                eprintln!("--- the end of {name}\n{}", lines[lines.len().saturating_sub(60)..].join("\n"));
            }
        }
        stop(&mut self.child);
    }
}

async fn open(
    dir: tempfile::TempDir,
    arguments: &[&str],
    settings: &[(&str, &str)],
    database: Option<&Postgres>,
) -> (World, Child, tempfile::TempDir) {
    let log = std::fs::File::create(dir.path().join("sandbox.log")).expect("a log file");
    let mut command = Command::new(env!("CARGO_BIN_EXE_quittance"));
    command.arg("sandbox").arg("--dir").arg(dir.path()).arg("--no-seed").args(arguments);
    command.envs(settings.iter().copied());
    command.arg("--request-log").arg(request_log("stripe", dir.path()));
    command.arg("--plaid-request-log").arg(request_log("plaid", dir.path()));
    if let Some(database) = database {
        command.arg("--database").arg(database.url());
    }
    let child = command
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("a second handle"))
        .stderr(log)
        .spawn()
        .expect("the quittance binary");
    let mut starting = Starting { child: Some(child), dir: Some(dir) };
    let endpoints = starting.endpoints().await;
    let world = World::open(endpoints).expect("the sandbox's addresses");
    let (child, dir) = starting.done();
    (world, child, dir)
}

/// Kept after the test: `tests/clients/run` holds every request of the daemon against what the company publishes.
fn request_log(company: &str, dir: &Path) -> PathBuf {
    let logs = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("test-output/{company}-requests"));
    std::fs::create_dir_all(&logs).expect("a folder for the logs");
    let name = dir.file_name().unwrap_or_default().to_string_lossy().trim_start_matches('.').to_owned();
    logs.join(format!("it-{}-{name}.jsonl", std::process::id()))
}

/// SIGTERM first, so that the sandbox takes its daemon along.
fn stop(child: &mut Child) {
    if child.try_wait().ok().flatten().is_some() {
        return;
    }
    let _ = Command::new("kill").arg("-TERM").arg(child.id().to_string()).status();
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(20) {
        if child.try_wait().ok().flatten().is_some() {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let _ = child.kill();
    let _ = child.wait();
}

/// Between spawn and the first answer: ends the process where the start fails.
struct Starting {
    child: Option<Child>,
    dir: Option<tempfile::TempDir>,
}

impl Starting {
    async fn endpoints(&mut self) -> Endpoints {
        let dir = self.dir.as_ref().expect("not yet done").path().to_owned();
        let start = Instant::now();
        loop {
            if let Ok(endpoints) = Endpoints::read(&dir.join("endpoints.json")) {
                return endpoints;
            }
            let ended = self.child.as_mut().expect("not yet done").try_wait().ok().flatten();
            if ended.is_some() || start.elapsed() > Duration::from_secs(90) {
                let log = std::fs::read_to_string(dir.join("sandbox.log")).unwrap_or_default();
                panic!("the sandbox did not start ({ended:?}):\n{log}");
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }

    fn done(mut self) -> (Child, tempfile::TempDir) {
        (self.child.take().expect("taken once"), self.dir.take().expect("taken once"))
    }
}

impl Drop for Starting {
    fn drop(&mut self) {
        if let Some(child) = self.child.as_mut() {
            stop(child);
        }
    }
}
