//! One daemon a SQLite file: a lock file beside it, held for as long as the process lives.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

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

    /// Buries the sidecar that ran from `folder` before, at once: this process could lock the file that the other one held
    /// for as long as it lived. Without that, a database that several share frees a killed sidecar's work only when its
    /// silence has lasted long enough. Does nothing where another sidecar runs from the same folder.
    pub async fn succeed_in(&self, folder: &Path, me: &str) -> Result<Lock> {
        let path = folder.join("sidecar");
        let failed = |source| Error::LockFile { path: path.display().to_string(), source };
        let mut file =
            OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(Lock { _file: None }),
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        let mut before = String::new();
        (&file).take(200).read_to_string(&mut before).map_err(failed)?;
        if !before.is_empty() && before != me {
            self.sign_off(&before).await?;
        }
        file.rewind().and_then(|()| file.set_len(0)).and_then(|()| file.write_all(me.as_bytes())).map_err(failed)?;
        Ok(Lock { _file: Some(file) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::harness::{on_both, sqlite};

    #[tokio::test]
    async fn two_daemons_cannot_run_on_one_file() {
        let (store, _folder) = sqlite().await;
        let first = store.lock_for_running().unwrap();
        assert!(matches!(store.lock_for_running(), Err(Error::Locked { .. })));
        drop(first);
        store.lock_for_running().unwrap();
    }

    #[tokio::test]
    async fn who_starts_where_another_was_killed_frees_its_work_at_once_and_where_one_lives_does_not() {
        on_both(async |store| {
            let folder = tempfile::tempdir().unwrap();
            for id in ["first", "second", "third"] {
                store.register_sidecar(id, 0).await.unwrap();
            }
            let first = store.succeed_in(folder.path(), "first").await.unwrap();
            assert!(store.take_lease("events", "first").await.unwrap().is_some());
            let _beside = store.succeed_in(folder.path(), "second").await.unwrap();
            assert!(store.take_lease("events", "second").await.unwrap().is_none(), "the first one lives");
            drop(first);
            let _third = store.succeed_in(folder.path(), "third").await.unwrap();
            assert!(store.take_lease("events", "third").await.unwrap().is_some());
        })
        .await;
    }
}
