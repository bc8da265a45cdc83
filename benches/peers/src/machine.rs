//! The machine that the figures were measured on.

use serde::Serialize;
use std::fmt;
use std::fs;

#[derive(Serialize)]
pub struct Machine {
    cpu: String,
    date: String,
    rustc: &'static str,
    profile: String,
}

impl Machine {
    pub fn this() -> Self {
        let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let cpu = cpus
            .lines()
            .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
            .map_or("unknown CPU", |(_, model)| model);
        Self {
            cpu: cpu.to_owned(),
            date: jiff::Timestamp::now().strftime("%Y-%m-%d").to_string(),
            rustc: env!("RUSTC_VERSION"),
            profile: profile().unwrap_or_else(|| "unknown".to_owned()),
        }
    }
}

/// Cargo names the folder of a program after its profile.
fn profile() -> Option<String> {
    let program = std::env::current_exe().ok()?;
    Some(program.parent()?.file_name()?.to_str()?.to_owned())
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cpu, date, rustc, profile } = self;
        write!(f, "{cpu}, {date}, {rustc}, profile {profile}")
    }
}
