//! A PostgreSQL cluster of the test's own.

use std::path::{Path, PathBuf};
use std::process::Command;

pub struct Postgres {
    dir: tempfile::TempDir,
    bin: PathBuf,
    port: u16,
}

impl Postgres {
    pub fn start() -> Postgres {
        let bin = find_bin();
        let dir = tempfile::tempdir().expect("a folder for the cluster");
        let data = dir.path().join("data");
        std::fs::create_dir(&data).expect("the cluster's folder");
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .and_then(|socket| socket.local_addr())
            .expect("a free port")
            .port();
        if is_root() {
            // initdb refuses root, and the postgres user must be able to enter the folder.
            run(Command::new("chmod").arg("755").arg(dir.path()));
            run(Command::new("chown").arg("postgres").arg(&data));
        }
        let postgres = Postgres { dir, bin, port };
        postgres.as_postgres("initdb", &format!("-D '{}' -A trust -U quittance", data.display()));
        let options = format!("-p {port} -k {} -c listen_addresses=127.0.0.1", data.display());
        postgres.as_postgres("pg_ctl", &format!("-D '{0}' -w -l '{0}/log' -o '{options}' start", data.display()));
        run(Command::new(postgres.bin.join("createdb")).args([
            "-h",
            "127.0.0.1",
            "-p",
            &port.to_string(),
            "-U",
            "quittance",
            "quittance",
        ]));
        postgres
    }

    pub fn url(&self) -> String {
        format!("postgres://quittance@127.0.0.1:{}/quittance", self.port)
    }

    fn as_postgres(&self, program: &str, arguments: &str) {
        let line = format!("'{}' {arguments}", self.bin.join(program).display());
        let mut command = if is_root() { Command::new("su") } else { Command::new("bash") };
        if is_root() {
            command.args(["postgres", "-s", "/bin/bash"]);
        }
        run(command.arg("-c").arg(line));
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let data = self.dir.path().join("data");
        let stopped = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            self.as_postgres("pg_ctl", &format!("-D '{}' -m immediate stop", data.display()))
        }));
        if stopped.is_err() {
            eprintln!("the PostgreSQL cluster in {} may still run", data.display());
        }
    }
}

fn find_bin() -> PathBuf {
    let on_path = std::process::Command::new("sh")
        .args(["-c", "command -v initdb"])
        .output()
        .ok()
        .filter(|output| output.status.success());
    if let Some(output) = on_path
        && let Some(dir) = Path::new(String::from_utf8_lossy(&output.stdout).trim())
            .canonicalize()
            .ok()
            .and_then(|path| path.parent().map(Path::to_owned))
    {
        return dir;
    }
    let mut found: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().join("bin"))
        .filter(|bin| bin.join("initdb").exists())
        .collect();
    found.sort();
    found.pop().expect("PostgreSQL's initdb, on the PATH or under /usr/lib/postgresql: apt-get install postgresql")
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| String::from_utf8_lossy(&output.stdout).trim() == "0")
}

fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
