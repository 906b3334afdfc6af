//! What a run of tests went through: the lines, and how near to each governor limit a transaction came.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use super::Runtime;
use super::ast::Name;
use super::eval::{CPU_MS, CPU_MS_ASYNC, STATEMENTS_PER_MS};
use super::heap::heap_limit;
use crate::sandbox::org::host::Spent;
use crate::sandbox::org::transaction::{
    DML_ROWS, DML_STATEMENTS, IMMEDIATE_PUBLISHES, QUERY_ROWS, query_limit, queueable_limit,
};

/// One class's or trigger's lines that begin a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileCoverage {
    /// The name of the class or trigger.
    pub name: String,
    pub is_trigger: bool,
    pub lines: usize,
    pub executed: usize,
    pub missed: Vec<u32>,
}

/// The largest use of a governor limit by one transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    pub limit: &'static str,
    pub used: u64,
    pub most: u64,
}

#[derive(Debug, Default)]
pub struct Coverage {
    marks: Vec<(Name, u32)>,
    hits: Vec<AtomicBool>,
    peaks: Mutex<Vec<Use>>,
    /// What stood between `startTest` and `stopTest`, one for each test since the last look.
    measured: Mutex<Vec<Spent>>,
}

impl Coverage {
    pub fn new(marks: Vec<(Name, u32)>) -> Coverage {
        let hits = marks.iter().map(|_| AtomicBool::new(false)).collect();
        Coverage { marks, hits, peaks: Mutex::default(), measured: Mutex::default() }
    }

    pub fn measured(&self, spent: &Spent) {
        self.measured.lock().unwrap_or_else(PoisonError::into_inner).push(spent.clone());
    }

    pub fn hit(&self, mark: u32) {
        if let Some(hit) = self.hits.get(mark as usize) {
            hit.store(true, Ordering::Relaxed);
        }
    }

    /// Notes what a transaction had spent when it ended.
    pub fn spent(&self, spent: &Spent) {
        let cpu = if spent.is_async { CPU_MS_ASYNC } else { CPU_MS };
        let uses = [
            ("SOQL queries", u64::from(spent.queries), u64::from(query_limit(spent.is_async))),
            ("query rows", u64::from(spent.query_rows), u64::from(QUERY_ROWS)),
            ("DML statements", u64::from(spent.dml_statements), u64::from(DML_STATEMENTS)),
            ("DML rows", u64::from(spent.dml_rows), u64::from(DML_ROWS)),
            ("immediate publishes", u64::from(spent.publish_immediate), u64::from(IMMEDIATE_PUBLISHES)),
            ("queueable jobs", u64::from(spent.queueables), u64::from(queueable_limit(spent.is_async))),
            ("CPU ms (estimated)", spent.cpu_statements / STATEMENTS_PER_MS, cpu),
            ("heap bytes (estimated)", spent.heap, heap_limit(spent.is_async)),
        ];
        let mut peaks = self.peaks.lock().unwrap_or_else(PoisonError::into_inner);
        for (limit, used, most) in uses {
            match peaks.iter_mut().find(|peak| peak.limit == limit) {
                Some(peak) if used * peak.most > peak.used * most => *peak = Use { limit, used, most },
                Some(_) => {}
                None => peaks.push(Use { limit, used, most }),
            }
        }
    }
}

impl Runtime {
    /// The peaks since the last call.
    pub fn take_peaks(&self) -> Vec<Use> {
        std::mem::take(&mut *self.coverage.peaks.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What the tests since the last call spent between `startTest` and `stopTest`, their jobs apart.
    pub fn take_measured(&self) -> Vec<Spent> {
        std::mem::take(&mut *self.coverage.measured.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Every class and trigger that is no test, by name.
    pub fn line_coverage(&self) -> Vec<FileCoverage> {
        let tests: Vec<&Name> = self
            .classes
            .iter()
            .filter(|class| class.outer.is_none() && class.has_annotation("istest"))
            .map(|class| &class.file)
            .collect();
        let mut files: BTreeMap<&Name, BTreeMap<u32, bool>> = BTreeMap::new();
        for ((file, line), hit) in self.coverage.marks.iter().zip(&self.coverage.hits) {
            if !tests.contains(&file) {
                *files.entry(file).or_default().entry(*line).or_default() |= hit.load(Ordering::Relaxed);
            }
        }
        let mut found: Vec<FileCoverage> = files
            .into_iter()
            .map(|(file, lines)| {
                let path = Path::new(&**file);
                FileCoverage {
                    name: path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
                    is_trigger: path.extension().is_some_and(|extension| extension == "trigger"),
                    lines: lines.len(),
                    executed: lines.values().filter(|hit| **hit).count(),
                    missed: lines.iter().filter(|(_, hit)| !**hit).map(|(line, _)| *line).collect(),
                }
            })
            .collect();
        found.sort_by(|a, b| a.name.cmp(&b.name));
        found
    }
}
