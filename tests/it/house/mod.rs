//! The house: `quittance sandbox` as a process, with what a test needs to build a scene and look at it.

mod operator;
pub mod payer;
mod postgres;

use std::ops::Deref;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use quittance::sandbox::load::{Endpoints, World};

pub use postgres::Postgres;

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
        // Fails only where another test of this process was first, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let dir = tempfile::tempdir().expect("a folder for the sandbox");
        let log = std::fs::File::create(dir.path().join("sandbox.log")).expect("a log file");
        let mut command = Command::new(env!("CARGO_BIN_EXE_quittance"));
        command.arg("sandbox").arg("--dir").arg(dir.path()).arg("--no-seed").args(arguments);
        if let Some(database) = &database {
            command.arg("--database").arg(database.url());
        }
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a second handle"))
            .stderr(log)
            .spawn()
            .expect("the quittance binary");
        let mut house = Starting { child: Some(child), dir: Some(dir) };
        let endpoints = house.endpoints().await;
        let world = World::open(endpoints).expect("the sandbox's addresses");
        let (child, dir) = house.done();
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

/// SIGTERM first, so that the sandbox takes its daemon along.
fn stop(child: &mut Child) {
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
