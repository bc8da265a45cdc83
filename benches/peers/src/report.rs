//! The measurements, compared with the goals.

use crate::harness::{Figure, Goal, Kind, Measured, Rival};
use serde::Serialize;
use std::fmt;

/// One of ours and its rival.
#[derive(Serialize)]
pub struct Verdict {
    pub ours: &'static str,
    pub ours_ns: f64,
    pub rival: &'static str,
    pub rival_ns: f64,
    /// How many times faster ours is.
    pub ratio: f64,
    pub goal: Option<f64>,
    pub met: Option<bool>,
}

impl Measured {
    pub fn verdicts(&self) -> Vec<Verdict> {
        self.goals.iter().map(|goal| self.verdict(goal)).collect()
    }

    fn verdict(&self, goal: &Goal) -> Verdict {
        let ours = self.figure(goal.ours);
        let rival = match goal.rival {
            Rival::Named(name) => self.figure(name),
            Rival::BestPeer => self
                .figures
                .iter()
                .filter(|figure| figure.kind == Kind::Peer)
                .min_by(|a, b| a.median.total_cmp(&b.median))
                .expect("a row has peers"),
        };
        let ratio = rival.median / ours.median;
        Verdict {
            ours: ours.name,
            ours_ns: ours.median,
            rival: rival.name,
            rival_ns: rival.median,
            ratio,
            goal: goal.least,
            met: goal.least.map(|least| ratio >= least),
        }
    }

    fn figure(&self, name: &str) -> &Figure {
        self.figures.iter().find(|figure| figure.name == name).expect("goals name contenders")
    }

    /// Prints a line for each goal and, with `all`, one for each contender.
    pub fn print(&self, all: bool) {
        let Self { work, shape, delivery, .. } = self;
        for verdict in self.verdicts() {
            println!("{work:<16} {shape:<20} {delivery:<8} {verdict}");
        }
        for Figure { name, median, lower_quartile, upper_quartile, .. } in
            self.figures.iter().filter(|_| all)
        {
            println!("    {name:<24} {median:>10.1} ({lower_quartile:.1} to {upper_quartile:.1})");
        }
    }
}

/// Returns the first line of the table.
pub fn head() -> String {
    format!(
        "{:<16} {:<20} {:<8} {:<16} {:>9}  {:<18} {:>11} {:>7} {:>7}",
        "work", "shape", "delivery", "ours", "ns", "against", "ns", "ratio", "goal"
    )
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ours, ours_ns, rival, rival_ns, ratio, goal, met } = self;
        write!(f, "{ours:<16} {ours_ns:>9.1}  {rival:<18} {rival_ns:>11.1} {ratio:>7.2}")?;
        let Some(goal) = goal else { return write!(f, " {:>7}", "-") };
        let met = if *met == Some(true) { "met" } else { "MISSED" };
        write!(f, " {goal:>7.2} {met}")
    }
}

/// Returns a table for each kind of work and each of ours: the ratio to its rival, with shapes down
/// and deliveries across.
pub fn markdown(rows: &[Measured]) -> String {
    let mut tables: Vec<Table> = Vec::new();
    for row in rows {
        for (goal, verdict) in row.goals.iter().zip(row.verdicts()) {
            let named = matches!(goal.rival, Rival::Named(_));
            let against = if named { verdict.rival } else { "the best peer" };
            let title = format!("{}, {} against {against}", row.work, verdict.ours);
            let at = tables.iter().position(|table| table.title == title).unwrap_or_else(|| {
                tables.push(Table { title, ..Table::default() });
                tables.len() - 1
            });
            tables[at].put(row, &verdict, named);
        }
    }
    tables.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[derive(Default)]
struct Table {
    title: String,
    deliveries: Vec<&'static str>,
    shapes: Vec<(&'static str, Vec<(&'static str, String)>)>,
}

impl Table {
    fn put(&mut self, row: &Measured, verdict: &Verdict, named: bool) {
        if !self.deliveries.contains(&row.delivery) {
            self.deliveries.push(row.delivery);
        }
        let Verdict { ratio, rival, .. } = verdict;
        let cell = if named { format!("{ratio:.2}") } else { format!("{ratio:.2} ({rival})") };
        let shape = self.shapes.iter_mut().find(|(shape, _)| *shape == row.shape);
        match shape {
            Some((_, cells)) => cells.push((row.delivery, cell)),
            None => self.shapes.push((row.shape, vec![(row.delivery, cell)])),
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { title, deliveries, shapes } = self;
        writeln!(f, "**{title}**\n")?;
        let heads: Vec<_> =
            deliveries.iter().map(|name| if *name == "-" { "ratio" } else { name }).collect();
        writeln!(f, "| | {} |", heads.join(" | "))?;
        writeln!(f, "|---|{}", "---|".repeat(heads.len()))?;
        for (shape, cells) in shapes {
            let cell = |delivery: &&str| {
                let found = cells.iter().find(|(name, _)| name == delivery);
                found.map_or_else(String::new, |(_, cell)| cell.clone())
            };
            let cells: Vec<_> = deliveries.iter().map(cell).collect();
            writeln!(f, "| {shape} | {} |", cells.join(" | "))?;
        }
        Ok(())
    }
}
