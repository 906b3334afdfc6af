//! A PostgreSQL server on which each measure gets a database of its own.

use sqlx::{Connection, Executor};

/// Where the server is, without a database: `postgres://user@host:port`.
pub struct Server(String);

impl Server {
    pub fn new(url: &str) -> Server {
        Server(url.trim_end_matches('/').to_owned())
    }

    /// The URL of a new, empty database; one of that name is dropped.
    pub async fn database(&self, name: &'static str) -> anyhow::Result<String> {
        let mut connection = sqlx::PgConnection::connect(&format!("{}/postgres", self.0)).await?;
        for statement in ["DROP DATABASE IF EXISTS", "CREATE DATABASE"] {
            connection.execute(sqlx::AssertSqlSafe(format!("{statement} {name}"))).await?;
        }
        connection.close().await?;
        Ok(format!("{}/{name}", self.0))
    }
}
