//! Every request as it came, for people and for the check against Stripe's published document.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use serde_json::Value;

use super::wire::form;

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

/// The body without card and account numbers.
pub fn masked(body: &str) -> String {
    let secret = |part: &&str| {
        let name = part.split('=').next().unwrap_or_default();
        let name =
            form::pairs(name).ok().and_then(|pairs| pairs.into_iter().next()).map_or(String::new(), |pair| pair.0);
        ["[number]", "[cvc]", "[account_number]"].iter().any(|end| name.ends_with(end))
    };
    let parts = body.split('&').map(|part| {
        if secret(&part) { format!("{}=masked", part.split('=').next().unwrap_or_default()) } else { part.to_owned() }
    });
    parts.collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    #[test]
    fn numbers_never_reach_the_log() {
        let body = "type=card&card%5Bnumber%5D=4242424242424242&card[cvc]=123&card[exp_month]=12";
        assert_eq!(super::masked(body), "type=card&card%5Bnumber%5D=masked&card[cvc]=masked&card[exp_month]=12");
    }
}
