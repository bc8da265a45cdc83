//! Medians, ratios and goals, for people and as JSON.

use crate::harness::Running;
use crate::load::Sample;
use crate::servers::Kind;
use crate::{BATCH, CONNECTIONS};
use serde_json::{Value, json};
use std::fmt;
use std::fs;
use std::process::Command;

/// The maximum of an echo by hand, as a multiple of the cost of the raw TCP echo.
const OVER_RAW: f64 = 1.25;
/// The maximum of the driver, as a multiple of the cost of the loop that is written by hand.
const OVER_HAND: f64 = 1.15;

/// All contenders, with messages of one length.
pub struct Table {
    work: &'static str,
    message_len: usize,
    /// What the cost of raw TCP is compared with. Raw TCP does not look at a feed at all, so its
    /// cost there is no goal.
    over_raw: Option<f64>,
    /// The raw TCP echo comes first.
    pub rows: Vec<Row>,
}

pub struct Row {
    name: String,
    kind: Kind,
    /// One measurement for each round.
    pub samples: Vec<Sample>,
}

impl Table {
    pub fn echo(message_len: usize, servers: &[Running]) -> Self {
        Self::new("echoed", message_len, Some(OVER_RAW), servers)
    }

    pub fn feed(work: &'static str, message_len: usize, clients: &[Running]) -> Self {
        Self::new(work, message_len, None, clients)
    }

    fn new(
        work: &'static str,
        message_len: usize,
        over_raw: Option<f64>,
        contenders: &[Running],
    ) -> Self {
        let row = |server: &Running| {
            let name = match version(server.name) {
                Some(version) => format!("{} {version}", server.name),
                None => server.name.to_owned(),
            };
            Row { name, kind: server.kind, samples: Vec::new() }
        };
        Self { work, message_len, over_raw, rows: contenders.iter().map(row).collect() }
    }

    fn raw(&self) -> &Row {
        &self.rows[0]
    }

    fn of(&self, kind: Kind) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(move |row| row.kind == kind)
    }

    fn ours(&self) -> impl Iterator<Item = &Row> {
        self.of(Kind::Ours).chain(self.of(Kind::Driver))
    }

    /// Returns the goals of ours, and whether they were reached. A single round proves nothing
    /// about that.
    fn goals(&self) -> Vec<(String, bool)> {
        if self.raw().samples.len() == 1 {
            return Vec::new();
        }
        let mut goals = Vec::new();
        for ours in self.of(Kind::Ours) {
            goals.extend(self.over_raw.map(|goal| within(ours, self.raw(), goal)));
            goals.push(self.lead(ours));
        }
        for driver in self.of(Kind::Driver) {
            // The driver returns whole messages, as the last of the loops does.
            goals.extend(self.of(Kind::Ours).last().map(|hand| within(driver, hand, OVER_HAND)));
            goals.push(self.lead(driver));
        }
        goals
    }

    fn lead(&self, ours: &Row) -> (String, bool) {
        let peers = self.of(Kind::Peer).map(|peer| (peer.ratio(ours), &peer.name));
        let nearest = peers.min_by(|(a, _), (b, _)| a.total_cmp(b));
        let (ratio, peer) = nearest.expect("there are peers");
        (format!("{} is ahead of all: {peer} takes {ratio:.2} of it", ours.name), ratio > 1.0)
    }
}

fn within(ours: &Row, other: &Row, goal: f64) -> (String, bool) {
    let ratio = ours.ratio(other);
    (format!("{} takes {ratio:.2} of {}, at most {goal}", ours.name, other.name), ratio <= goal)
}

impl Row {
    fn median(&self, of: impl Fn(&Sample) -> f64) -> f64 {
        median(self.samples.iter().map(of).collect())
    }

    /// Returns the cost of a message here as a multiple of its cost there, in the same round.
    fn ratio(&self, other: &Self) -> f64 {
        let rounds = self.samples.iter().zip(&other.samples);
        median(rounds.map(|(a, b)| a.total_ns() / b.total_ns()).collect())
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "Text of {} B {}, {CONNECTIONS} connections x {BATCH} messages, medians of {} rounds; \
             CPU time of the contender's thread for each message",
            self.message_len,
            self.work,
            self.raw().samples.len()
        )?;
        write!(f, "{:26}{:>8}{:>8}{:>8}{:>9}", "", "ns", "user", "system", "raw TCP")?;
        for ours in self.ours() {
            write!(f, "{:>21}", ours.name)?;
        }
        writeln!(f, "{:>14}", "sleeps/batch")?;
        for row in &self.rows {
            let [total, user, system] =
                [Sample::total_ns, |s: &Sample| s.user_ns, |s: &Sample| s.system_ns]
                    .map(|of| row.median(of));
            let raw = row.ratio(self.raw());
            write!(f, "{:26}{total:>8.0}{user:>8.0}{system:>8.0}{raw:>9.2}", row.name)?;
            for ours in self.ours() {
                write!(f, "{:>21.2}", row.ratio(ours))?;
            }
            writeln!(f, "{:>14.2}", row.median(|sample| sample.sleeps))?;
        }
        for (goal, met) in self.goals() {
            writeln!(f, "{:6} {goal}", verdict(met))?;
        }
        Ok(())
    }
}

pub fn environment() -> String {
    let model = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = model.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("unknown processor", |(_, model)| model);
    let (date, rustc) = (output("date", &["-u", "+%F"]), output("rustc", &["--version"]));
    format!("{model}; {date}; {rustc}")
}

pub fn json(tables: &[Table]) -> String {
    let tables: Vec<Value> = tables
        .iter()
        .map(|table| {
            let rows = table.rows.iter().map(|row| {
                json!({
                    "contender": row.name,
                    "ns": row.median(Sample::total_ns),
                    "user_ns": row.median(|sample| sample.user_ns),
                    "system_ns": row.median(|sample| sample.system_ns),
                    "to_raw_tcp": row.ratio(table.raw()),
                    "sleeps_per_batch": row.median(|sample| sample.sleeps),
                    "rounds_ns": row.samples.iter().map(Sample::total_ns).collect::<Vec<_>>(),
                })
            });
            let goals = table.goals().into_iter();
            let goals = goals.map(|(goal, met)| json!({ "goal": goal, "result": verdict(met) }));
            json!({
                "work": table.work,
                "message_len": table.message_len,
                "connections": CONNECTIONS,
                "batch": BATCH,
                "contenders": rows.collect::<Vec<_>>(),
                "goals": goals.collect::<Vec<_>>(),
            })
        })
        .collect();
    format!("{:#}\n", json!({ "environment": environment(), "tables": tables }))
}

fn verdict(met: bool) -> &'static str {
    if met { "met" } else { "MISSED" }
}

/// Returns the version of a dependency, which is pinned.
fn version(package: &str) -> Option<&'static str> {
    let manifest = include_str!("../Cargo.toml").lines();
    let mut pins = manifest.filter_map(|line| line.split_once(" = "));
    let (_, pin) = pins.find(|(name, _)| *name == package)?;
    let (_, pin) = pin.split_once("\"=")?;
    pin.split('"').next()
}

fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let output = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    output.unwrap_or_else(|_| format!("no {program}"))
}

/// Returns the median, which is the upper one of an even number.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
