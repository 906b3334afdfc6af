//! What the operator of a sandbox does with the daemon's database: copies, restores, looks into it.

use std::path::PathBuf;

use super::House;

impl House {
    fn database(&self) -> Vec<PathBuf> {
        ["quittance.db", "quittance.db-wal", "quittance.db-shm"].map(|name| self.dir().join(name)).to_vec()
    }

    /// Copies the database away; the daemon must not run.
    pub fn back_up(&self, folder: &std::path::Path) {
        for file in self.database().iter().filter(|file| file.exists()) {
            std::fs::copy(file, folder.join(file.file_name().expect("a name"))).expect("a copy");
        }
    }

    /// Puts the copy back; the daemon must not run.
    pub fn restore(&self, folder: &std::path::Path) {
        for file in self.database() {
            let _ = std::fs::remove_file(&file); // two of them need not be there
            let kept = folder.join(file.file_name().expect("a name"));
            if kept.exists() {
                std::fs::copy(kept, file).expect("a copy");
            }
        }
    }

    /// Changes the daemon's database under it, as the passing of time would.
    pub async fn sql(&self, statement: &'static str) -> u64 {
        let url = format!("sqlite://{}", self.dir().join("quittance.db").display());
        let pool = sqlx::SqlitePool::connect(&url).await.expect("the database");
        let done = sqlx::query(statement).execute(&pool).await.expect("the statement");
        pool.close().await;
        done.rows_affected()
    }
}
