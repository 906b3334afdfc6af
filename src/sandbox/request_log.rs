//! Every request as it came, for people and for the checks against the published documents.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use serde_json::Value;

const KEPT: usize = 5_000;

#[derive(Debug, Default)]
pub struct RequestLog {
    ring: VecDeque<Value>,
    file: Option<File>,
    seen: u64,
}

impl RequestLog {
    pub fn open(path: Option<&Path>) -> io::Result<RequestLog> {
        let file = path.map(|path| OpenOptions::new().create(true).append(true).open(path)).transpose()?;
        Ok(RequestLog { ring: VecDeque::new(), file, seen: 0 })
    }

    pub fn add(&mut self, entry: Value) {
        if let Some(file) = &mut self.file
            && let Err(error) = file.write_all(format!("{entry}\n").as_bytes())
        {
            tracing::warn!(%error, "the request log can't be written; it stays incomplete");
        }
        self.seen += 1;
        if self.ring.len() == KEPT {
            self.ring.pop_front();
        }
        self.ring.push_back(entry);
    }

    /// The newest `limit` entries, oldest first, and how many there ever were.
    pub fn newest(&self, limit: usize) -> (u64, Vec<Value>) {
        let skip = self.ring.len().saturating_sub(limit);
        (self.seen, self.ring.iter().skip(skip).cloned().collect())
    }
}
