//! Where mails are kept.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

/// What was handed over, as it was handed over.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Mail {
    /// Counts from 1 and is never used twice, not even after clearing.
    pub id: u64,
    pub received_at: Timestamp,
    pub from: String,
    pub to: Vec<String>,
    #[serde(skip)]
    pub raw: Vec<u8>,
}

/// All mails that the sandbox took, oldest first.
pub struct Mailbox {
    dir: Option<PathBuf>,
    state: Mutex<State>,
    last: watch::Sender<u64>,
}

struct State {
    mails: Vec<Mail>,
    next: u64,
}

impl Mailbox {
    /// Finds again what an earlier run kept in `dir`.
    pub(super) fn open(dir: Option<PathBuf>) -> io::Result<Mailbox> {
        let mut mails = Vec::new();
        let mut next = 1;
        if let Some(dir) = &dir {
            std::fs::create_dir_all(dir)?;
            mails = kept(dir)?;
            let counted = std::fs::read_to_string(dir.join("next")).ok().and_then(|text| text.trim().parse().ok());
            let past = mails.iter().map(|mail| mail.id + 1).max().unwrap_or(1);
            next = counted.unwrap_or(1).max(past);
        }
        let last = watch::Sender::new(next - 1);
        Ok(Mailbox { dir, state: Mutex::new(State { mails, next }), last })
    }

    /// Takes a mail. Once this returns, it is on disk where there is one.
    pub fn keep(&self, from: String, to: Vec<String>, raw: Vec<u8>) -> io::Result<u64> {
        let mut state = self.state();
        let mail = Mail { id: state.next, received_at: Timestamp::now(), from, to, raw };
        if let Some(dir) = &self.dir {
            write(dir, &mail)?;
        }
        let id = mail.id;
        state.next += 1;
        state.mails.push(mail);
        drop(state);
        self.last.send_replace(id);
        Ok(id)
    }

    pub fn get(&self, id: u64) -> Option<Mail> {
        self.state().mails.iter().find(|mail| mail.id == id).cloned()
    }

    /// Everything after `after`, oldest first; 0 for all.
    pub fn since(&self, after: u64) -> Vec<Mail> {
        self.state().mails.iter().filter(|mail| mail.id > after).cloned().collect()
    }

    pub fn count(&self) -> usize {
        self.state().mails.len()
    }

    /// Throws all mails away. Numbers go on from where they were.
    pub fn clear(&self) -> io::Result<()> {
        let mut state = self.state();
        if let Some(dir) = &self.dir {
            std::fs::write(dir.join("next"), state.next.to_string())?;
            for mail in &state.mails {
                for file in [eml(dir, mail.id), envelope(dir, mail.id)] {
                    match std::fs::remove_file(file) {
                        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                        _ => {}
                    }
                }
            }
        }
        state.mails.clear();
        Ok(())
    }

    /// Tells the number of the newest mail each time that one comes.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.last.subscribe()
    }

    /// Waits until there is a mail after `after`.
    pub async fn wait_for(&self, after: u64) {
        let mut watch = self.watch();
        // The sender lives as long as the mailbox, so this ends only with a mail.
        let _ = watch.wait_for(|last| *last > after).await;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

fn eml(dir: &Path, id: u64) -> PathBuf {
    dir.join(format!("{id:06}.eml"))
}

fn envelope(dir: &Path, id: u64) -> PathBuf {
    dir.join(format!("{id:06}.json"))
}

/// The envelope last: a mail without one was not taken.
fn write(dir: &Path, mail: &Mail) -> io::Result<()> {
    std::fs::write(eml(dir, mail.id), &mail.raw)?;
    std::fs::write(envelope(dir, mail.id), serde_json::to_vec(mail)?)
}

fn kept(dir: &Path) -> io::Result<Vec<Mail>> {
    let mut mails = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        match serde_json::from_slice::<Mail>(&std::fs::read(&path)?) {
            Ok(mut mail) => {
                mail.raw = std::fs::read(eml(dir, mail.id))?;
                mails.push(mail);
            }
            Err(error) => tracing::warn!(%error, file = %path.display(), "a kept mail can't be read; it is left out"),
        }
    }
    mails.sort_by_key(|mail| mail.id);
    Ok(mails)
}
