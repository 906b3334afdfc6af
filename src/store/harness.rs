//! Runs a store test on SQLite and on PostgreSQL.
//!
//! One PostgreSQL cluster is started for the test binary, reached over a socket in its own folder; each test gets a database.
//! A shell owns the server and ends it when the test binary is gone, however it went.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions, Executor};

use super::Store;

struct Cluster {
    folder: PathBuf,
    // its input is the shell's sign of life
    _owner: Child,
}

static CLUSTER: OnceLock<Cluster> = OnceLock::new();
static DATABASES: AtomicU32 = AtomicU32::new(0);

const OWNER: &str = r#"
set -e
folder=$(mktemp -d /tmp/quittance-pg.XXXXXX)
chmod 755 "$folder"
"$1/initdb" -D "$folder/data" -A trust -U quittance -E UTF8 --no-sync >"$folder/initdb.log" 2>&1 || { cat "$folder/initdb.log" >&2; exit 1; }
"$1/postgres" -D "$folder/data" -k "$folder" -c listen_addresses= -c fsync=off -c max_connections=200 </dev/null >"$folder/log" 2>&1 &
server=$!
for _ in $(seq 200); do [ -S "$folder/.s.PGSQL.5432" ] && break; sleep 0.05; done
echo "$folder"
cat >/dev/null || true
kill -INT $server; wait $server || true
rm -rf "$folder"
"#;

fn binaries() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    if let Ok(versions) = std::fs::read_dir("/usr/lib/postgresql") {
        let mut versions: Vec<PathBuf> = versions.flatten().map(|entry| entry.path().join("bin")).collect();
        versions.sort();
        folders.extend(versions.into_iter().rev());
    }
    folders.into_iter().find(|folder| folder.join("initdb").exists() && folder.join("postgres").exists()).unwrap_or_else(
        || panic!("PostgreSQL's initdb is neither in PATH nor in /usr/lib/postgresql; install it: apt-get install postgresql"),
    )
}

fn start() -> Cluster {
    let binaries = binaries();
    let root = Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout.starts_with(b"0\n"));
    let script = format!("set -- {}\n{OWNER}", binaries.display());
    // PostgreSQL refuses to run as root; its package makes the user.
    let mut command = if root {
        let mut command = Command::new("su");
        command.args(["postgres", "-s", "/bin/bash", "-c", &script]);
        command
    } else {
        let mut command = Command::new("/bin/bash");
        command.args(["-c", &script]);
        command
    };
    let mut owner = command
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a shell to run PostgreSQL from");
    let mut folder = String::new();
    BufReader::new(owner.stdout.take().expect("piped")).read_line(&mut folder).expect("the shell's answer");
    let folder = folder.trim();
    assert!(!folder.is_empty(), "PostgreSQL did not start; what it said is above");
    Cluster { folder: Path::new(folder).to_owned(), _owner: owner }
}

fn options(cluster: &Cluster) -> PgConnectOptions {
    PgConnectOptions::new_without_pgpass()
        .socket(&cluster.folder)
        .username("quittance")
        .database("postgres")
        .log_statements(tracing::log::LevelFilter::Off)
}

/// A new, empty PostgreSQL database.
pub(crate) async fn postgres() -> (Store, PgConnectOptions) {
    let cluster = tokio::task::spawn_blocking(|| CLUSTER.get_or_init(start)).await.expect("the cluster");
    let name = format!("test_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
    let maker =
        PgPoolOptions::new().max_connections(1).connect_with(options(cluster)).await.expect("the cluster answers");
    maker.execute(AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.expect("a database");
    maker.close().await;
    let options = options(cluster).database(&name);
    (Store::open_postgres(options.clone()).await.expect("migrations"), options)
}

/// A new, empty SQLite file, which is gone with the folder.
pub(crate) async fn sqlite() -> (Store, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open_sqlite(&folder.path().join("test.db")).await.expect("migrations");
    (store, folder)
}

/// Runs the test on both.
pub(crate) async fn on_both(test: impl AsyncFn(Store)) {
    let (store, _folder) = sqlite().await;
    test(store.clone()).await;
    store.close().await;
    let (store, _) = postgres().await;
    test(store.clone()).await;
    store.close().await;
}
