//! A line of the table, and figures from samples.

use std::fmt;
use std::time::Duration;

/// One figure.
pub struct Row {
    what: String,
    figure: String,
    /// What it is held to, and whether this run held it.
    aim: Option<(&'static str, bool)>,
    /// What stands beside it in the same run.
    beside: String,
}

impl Row {
    /// A figure that is held to nothing.
    pub fn new(what: impl Into<String>, figure: impl Into<String>, beside: impl Into<String>) -> Row {
        Row { what: what.into(), figure: figure.into(), aim: None, beside: beside.into() }
    }

    /// Names the aim, and whether the figure met it.
    pub fn held_to(mut self, aim: &'static str, met: bool) -> Row {
        self.aim = Some((aim, met));
        self
    }

    /// The aim, where it was missed.
    pub fn missed(&self) -> Option<String> {
        let (aim, met) = self.aim?;
        (!met).then(|| format!("{}: {}, aim {aim}", self.what, self.figure))
    }

    pub fn head() -> &'static str {
        "| measure | figure | aim | beside it, in the same run |\n|---|---|---|---|"
    }
}

impl fmt::Display for Row {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let aim = match self.aim {
            None => String::new(),
            Some((aim, true)) => format!("{aim}: met"),
            Some((aim, false)) => format!("{aim}: **missed**"),
        };
        write!(out, "| {} | {} | {aim} | {} |", self.what, self.figure, self.beside)
    }
}

/// Times of one thing done many times.
#[derive(Default)]
pub struct Samples(Vec<Duration>);

impl Samples {
    pub fn add(&mut self, one: Duration) {
        self.0.push(one);
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The nearest-rank percentile, in milliseconds.
    pub fn percentile_ms(&self, percent: usize) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let rank = (sorted.len() * percent).div_ceil(100).clamp(1, sorted.len().max(1));
        sorted.get(rank - 1).map_or(f64::NAN, |one| one.as_secs_f64() * 1_000.0)
    }

    /// As "p50 12 ms, p99 40 ms".
    pub fn halves(&self) -> String {
        format!("p50 {:.1} ms, p99 {:.1} ms", self.percentile_ms(50), self.percentile_ms(99))
    }
}

impl Extend<Duration> for Samples {
    fn extend<I: IntoIterator<Item = Duration>>(&mut self, more: I) {
        self.0.extend(more);
    }
}
