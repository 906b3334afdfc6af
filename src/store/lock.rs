//! One daemon a SQLite file: a lock file beside it, held for as long as the process lives.

use std::fs::{File, OpenOptions, TryLockError};

use super::{Db, Error, Result, Store};

/// Dropped, the lock is free; the operating system sees to that when the process is killed, too.
#[derive(Debug)]
pub struct Lock {
    _file: Option<File>,
}

impl Store {
    /// Fails if another daemon runs on this file. PostgreSQL may be shared, so there it always succeeds.
    pub fn lock_for_running(&self) -> Result<Lock> {
        let Db::Sqlite { file, .. } = &self.db else { return Ok(Lock { _file: None }) };
        let mut path = file.clone().into_os_string();
        path.push(".lock");
        let shown = path.to_string_lossy().into_owned();
        let failed = |source| Error::LockFile { path: shown.clone(), source };
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => Ok(Lock { _file: Some(lock) }),
            Err(TryLockError::WouldBlock) => Err(Error::Locked { path: file.display().to_string() }),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::harness::sqlite;

    #[tokio::test]
    async fn two_daemons_cannot_run_on_one_file() {
        let (store, _folder) = sqlite().await;
        let first = store.lock_for_running().unwrap();
        assert!(matches!(store.lock_for_running(), Err(Error::Locked { .. })));
        drop(first);
        store.lock_for_running().unwrap();
    }
}
