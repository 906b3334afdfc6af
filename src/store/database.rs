//! Opening the database and transactions.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{PgPool, Postgres, Sqlite, SqlitePool, Transaction};

use super::hints::Arrivals;
use super::{Error, Result};

static SQLITE_MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES_MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("migrations/postgres");

/// Which database.
#[derive(Clone, Debug)]
pub enum Db {
    /// One file. All writing goes through one connection; SQLite has one writer anyway, and so nobody meets SQLITE_BUSY.
    Sqlite {
        /// The one that writes.
        writer: SqlitePool,
        /// Those that only read.
        reader: SqlitePool,
        /// The file.
        file: PathBuf,
    },
    /// A server, which several sidecars share.
    Postgres(PgPool),
}

/// The daemon's memory.
#[derive(Clone, Debug)]
pub struct Store {
    /// Where it lies.
    pub(crate) db: Db,
    /// Webhook events on their way into it.
    pub(super) arrivals: Arc<Arrivals>,
}

/// A writing transaction. Dropped without [`Tx::commit`], it never was.
pub enum Tx {
    /// Begun with BEGIN IMMEDIATE, so nothing it read can change before it writes.
    Sqlite(Transaction<'static, Sqlite>),
    /// READ COMMITTED: take [`Tx::lock`] or `FOR UPDATE` where a decision rests on what was read.
    Postgres(Transaction<'static, Postgres>),
}

impl Store {
    /// Opens `sqlite://file` or `postgres://…`, makes the file if it is not there, and brings the tables up to date.
    pub async fn open(url: &str) -> Result<Self> {
        if url.starts_with("sqlite:") {
            let options = SqliteConnectOptions::from_str(url)?;
            let file = options.get_filename().to_owned();
            Self::open_sqlite(&file).await
        } else if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            Self::open_postgres(PgConnectOptions::from_str(url)?).await
        } else {
            Err(Error::Url { found: without_password(url) })
        }
    }

    /// Opens a file.
    pub async fn open_sqlite(file: &Path) -> Result<Self> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(5));
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .min_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_with(options.clone())
            .await?;
        SQLITE_MIGRATIONS.run(&writer).await?;
        let journal: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&writer).await?;
        if !journal.eq_ignore_ascii_case("wal") {
            return Err(Error::NotDurable { pragma: "journal_mode", found: journal, expected: "wal" });
        }
        let synchronous: i64 = sqlx::query_scalar("PRAGMA synchronous").fetch_one(&writer).await?;
        if synchronous != 2 {
            return Err(Error::NotDurable {
                pragma: "synchronous",
                found: synchronous.to_string(),
                expected: "2 (FULL)",
            });
        }
        let reader = SqlitePoolOptions::new().max_connections(4).connect_with(options.read_only(true)).await?;
        Ok(Self { db: Db::Sqlite { writer, reader, file: file.to_owned() }, arrivals: Arc::default() })
    }

    /// Opens a server's database.
    pub async fn open_postgres(options: PgConnectOptions) -> Result<Self> {
        let pool = PgPoolOptions::new()
            .max_connections(16)
            .acquire_timeout(Duration::from_secs(15))
            .connect_with(options.application_name("quittance"))
            .await?;
        POSTGRES_MIGRATIONS.run(&pool).await?;
        Ok(Self { db: Db::Postgres(pool), arrivals: Arc::default() })
    }

    /// Begins a writing transaction. Hold none over an outside call.
    pub async fn begin(&self) -> Result<Tx> {
        Ok(match &self.db {
            Db::Sqlite { writer, .. } => Tx::Sqlite(writer.begin_with("BEGIN IMMEDIATE").await?),
            Db::Postgres(pool) => Tx::Postgres(pool.begin().await?),
        })
    }

    /// Begins a transaction that only reads, and on SQLite waits for no writer.
    pub async fn reading(&self) -> Result<Tx> {
        Ok(match &self.db {
            Db::Sqlite { reader, .. } => Tx::Sqlite(reader.begin().await?),
            Db::Postgres(pool) => Tx::Postgres(pool.begin().await?),
        })
    }

    /// The database in words for logs and `status`, without a password.
    pub fn kind(&self) -> &'static str {
        match &self.db {
            Db::Sqlite { .. } => "SQLite",
            Db::Postgres(_) => "PostgreSQL",
        }
    }

    /// Waits until everything is written and closes.
    pub async fn close(&self) {
        match &self.db {
            Db::Sqlite { writer, reader, .. } => {
                reader.close().await;
                writer.close().await;
            }
            Db::Postgres(pool) => pool.close().await,
        }
    }
}

impl Tx {
    /// Makes it so.
    pub async fn commit(self) -> Result<()> {
        match self {
            Self::Sqlite(inner) => inner.commit().await?,
            Self::Postgres(inner) => inner.commit().await?,
        }
        Ok(())
    }

    /// The statement of the dialect that is open.
    pub(crate) fn either(&self, sqlite: &'static str, postgres: &'static str) -> &'static str {
        match self {
            Self::Sqlite(_) => sqlite,
            Self::Postgres(_) => postgres,
        }
    }

    /// Keeps every other transaction out that locks the same name, until this one ends. On SQLite the transaction alone
    /// does that. A row rather than an advisory lock, since clusters that speak PostgreSQL have no advisory locks.
    pub async fn lock(&mut self, name: &str) -> Result<()> {
        if let Self::Postgres(inner) = self {
            sqlx::query("INSERT INTO locks (name) VALUES ($1) ON CONFLICT (name) DO NOTHING")
                .bind(name)
                .execute(&mut **inner)
                .await?;
            sqlx::query("SELECT name FROM locks WHERE name = $1 FOR UPDATE").bind(name).execute(&mut **inner).await?;
        }
        Ok(())
    }
}

/// The URL without what stands between `:` and `@`.
pub fn without_password(url: &str) -> String {
    match (url.find("://"), url.rfind('@')) {
        (Some(scheme), Some(at)) if at > scheme => {
            let user = url[scheme + 3..at].split(':').next().unwrap_or_default();
            format!("{}://{user}@{}", &url[..scheme], &url[at + 1..])
        }
        _ => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::harness::on_both;
    use crate::store::{execute, fetch_scalar};

    #[tokio::test]
    async fn a_transaction_that_is_dropped_never_was() {
        on_both(async |store| {
            let mut tx = store.begin().await.unwrap();
            execute!(&mut tx, "INSERT INTO meta (name, value) VALUES ($1, $2)", "a", "1").unwrap();
            drop(tx);
            let mut tx = store.begin().await.unwrap();
            execute!(&mut tx, "INSERT INTO meta (name, value) VALUES ($1, $2)", "b", "2").unwrap();
            tx.commit().await.unwrap();
            let mut tx = store.reading().await.unwrap();
            let names = fetch_scalar!(&mut tx, i64, "SELECT COUNT(*) FROM meta WHERE name IN ('a', 'b')").unwrap();
            assert_eq!(names, Some(1));
        })
        .await;
    }

    #[test]
    fn a_password_is_not_shown() {
        assert_eq!(without_password("postgres://me:secret@host/db"), "postgres://me@host/db");
        assert_eq!(without_password("mysql://host/db"), "mysql://host/db");
    }
}
