//! All figures as JSON, for programs.

use crate::harness::{Figure, Measured};
use crate::machine::Machine;
use crate::report::Verdict;
use serde::Serialize;

#[derive(Serialize)]
struct Report<'a> {
    machine: &'a Machine,
    unit: &'static str,
    rows: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    work: &'static str,
    shape: &'static str,
    delivery: &'static str,
    contenders: &'a [Figure],
    verdicts: Vec<Verdict>,
}

impl<'a> Row<'a> {
    fn new(row: &'a Measured) -> Self {
        let Measured { work, shape, delivery, figures, .. } = row;
        Self { work, shape, delivery, contenders: figures, verdicts: row.verdicts() }
    }
}

pub fn report(machine: &Machine, rows: &[Measured]) -> serde_json::Result<String> {
    let rows = rows.iter().map(Row::new).collect();
    serde_json::to_string_pretty(&Report { machine, unit: "ns per event", rows })
}
