//! Instruction counts of valgrind's callgrind: the program runs itself under it, once for each.

use std::process::Command;

/// What the arguments of a counted run begin with.
const RUN: &str = "run";

/// What to run, if this run is counted.
pub fn counted_run() -> Option<Vec<String>> {
    let mut args = std::env::args().skip(1);
    (args.next()? == RUN).then(|| args.collect())
}

/// How many instructions a counted run takes in functions whose names begin with `measured_`, and
/// in what they call.
pub fn instructions(run: &[&str]) -> f64 {
    let output = Command::new("valgrind")
        .args([
            "--tool=callgrind",
            "--toggle-collect=*measured_*",
            "--callgrind-out-file=/dev/null",
        ])
        .arg(std::env::current_exe().unwrap())
        .arg(RUN)
        .args(run)
        .output()
        .expect("valgrind is installed");
    let report = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{report}");
    let collected = report.split("Collected : ").nth(1).expect("a count");
    collected.split_whitespace().next().unwrap().parse().unwrap()
}
