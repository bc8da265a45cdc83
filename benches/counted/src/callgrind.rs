//! Instruction counts of valgrind's callgrind. The program runs itself under it, once for each
//! count.

use std::process::Command;

/// The start of the arguments of a counted run.
const RUN: &str = "run";

/// Returns the row to run, if this run is counted.
pub fn counted_run() -> Option<Vec<String>> {
    let mut args = std::env::args().skip(1);
    (args.next()? == RUN).then(|| args.collect())
}

/// Returns the number of instructions of a counted run in functions whose names begin with
/// `measured_`, and in their callees.
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
