//! What the bus writes down, so that a sandbox that is started again still has its events: one JSON line per schema,
//! event and position, only ever appended, written afresh without the old ones at each start.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
#[serde(tag = "line", rename_all = "lowercase")]
pub(super) enum Line {
    Schema { json: String },
    Event { topic: String, replay: u64, uuid: String, schema: String, at: Timestamp, payload: String },
    Position { topic: String, replay: u64, at: Timestamp },
}

pub(super) struct Journal {
    file: File,
}

impl Journal {
    pub fn path(folder: &Path) -> PathBuf {
        folder.join("events.jsonl")
    }

    /// The lines of an earlier run. A last line that was cut by a crash is left out.
    pub fn read(folder: &Path) -> std::io::Result<Vec<Line>> {
        let file = match File::open(Journal::path(folder)) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut lines = Vec::new();
        for line in BufReader::new(file).lines() {
            match serde_json::from_str(&line?) {
                Ok(line) => lines.push(line),
                Err(error) => tracing::warn!(%error, "a line of the event journal cannot be read and is left out"),
            }
        }
        Ok(lines)
    }

    /// Writes the journal afresh and goes on appending to it.
    pub fn rewrite(folder: &Path, lines: impl Iterator<Item = Line>) -> std::io::Result<Journal> {
        std::fs::create_dir_all(folder)?;
        let fresh = folder.join("events.jsonl.new");
        let mut text = String::new();
        for line in lines {
            text.push_str(&serde_json::to_string(&line)?);
            text.push('\n');
        }
        let mut file = File::create(&fresh)?;
        file.write_all(text.as_bytes())?;
        std::fs::rename(&fresh, Journal::path(folder))?;
        Ok(Journal { file })
    }

    pub fn append(&mut self, line: &Line) -> std::io::Result<()> {
        let mut text = serde_json::to_string(line)?;
        text.push('\n');
        self.file.write_all(text.as_bytes())
    }
}

pub(super) fn to_text(payload: &[u8]) -> String {
    STANDARD.encode(payload)
}

pub(super) fn from_text(text: &str) -> Vec<u8> {
    STANDARD.decode(text).unwrap_or_default()
}
