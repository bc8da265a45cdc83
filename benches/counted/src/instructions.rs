//! Checks that no hot path takes more instructions than before.
//!
//! `cargo bench --manifest-path benches/counted/Cargo.toml --bench instructions` counts them under
//! valgrind's callgrind, so that noise can neither hide a regression nor fake one. It fails if a
//! row takes over 4 % more than is stored in `benches/counted/instructions.toml`. It also fails if
//! a row takes over 15 % less, because the stale figure would hide a later regression. With
//! `-- --store` it stores the counts.

mod callgrind;
mod figures;
mod hot_paths;

use figures::Figures;
use std::process::ExitCode;

/// How much more than stored is a regression, in per cent.
const MORE: f64 = 4.0;
/// How much less than stored makes the stored figure stale, in per cent.
const LESS: f64 = 15.0;
const STORE: &str =
    "cargo bench --manifest-path benches/counted/Cargo.toml --bench instructions -- --store";

/// Valgrind offers a program at most AVX2, and only if the machine has it.
#[cfg(target_arch = "x86_64")]
fn has_avx2() -> bool {
    use std::arch::is_x86_feature_detected as has;
    has!("avx2") && has!("bmi1") && has!("bmi2") && has!("lzcnt") && has!("popcnt")
}

#[cfg(not(target_arch = "x86_64"))]
fn has_avx2() -> bool {
    false
}

/// Converts to hundredths, as stored.
fn count(name: &str) -> f64 {
    let each = callgrind::instructions(&[name]) / f64::from(hot_paths::COUNT);
    (each * 100.0).round() / 100.0
}

/// Returns how much more than stored a row takes, in per cent.
fn change(stored: f64, now: f64) -> f64 {
    (now / stored - 1.0) * 100.0
}

/// Returns the fault of a row, if there is one.
fn fault(change: Option<f64>) -> Option<String> {
    match change {
        None => Some("not stored".into()),
        Some(change) if change > MORE => Some(format!("over {MORE} % more: a regression")),
        Some(change) if change < -LESS => Some(format!("over {LESS} % less: store anew")),
        Some(_) => None,
    }
}

/// Prints a row. Returns whether it is as stored.
fn show(name: &str, stored: Option<f64>, now: f64) -> bool {
    let change = stored.map(|stored| change(stored, now));
    let fault = fault(change);
    let stored = stored.map_or("-".into(), |stored| format!("{stored:.2}"));
    let change = change.map_or("-".into(), |change| format!("{change:+.2} %"));
    let remark = fault.as_deref().unwrap_or_default();
    let line = format!("{name:>34} {stored:>9} {now:>9.2} {change:>10}  {remark}");
    println!("{}", line.trim_end());
    fault.is_none()
}

/// Counts all rows and prints them next to the stored figures. Returns the counts, and the number
/// of rows that are not as stored.
fn compare(stored: &Figures) -> (Figures, usize) {
    let mut counted = Figures::new();
    let mut faults = 0;
    println!("With AVX2, whatever else the machine has: valgrind shows programs no more.");
    println!("{:>34} {:>9} {:>9} {:>10}", "instructions for each", "stored", "now", "change");
    for name in hot_paths::ROWS.iter().map(|row| row.name) {
        let now = count(name);
        faults += usize::from(!show(name, stored.get(name), now));
        counted.rows.push((name.into(), now));
    }
    (counted, faults)
}

/// Returns the advice about rows that are not as stored.
fn advise(faults: usize, stored: &Figures, counted: &Figures) {
    eprintln!(
        "{faults} of {} rows are not as stored. If that is meant, store new figures:\n    {STORE}\n\
         A figure that is too high must be replaced: a later regression would hide behind it.",
        counted.rows.len()
    );
    if stored.toolchain != counted.toolchain {
        eprintln!("Stored with {},\ncounted with {}.", stored.toolchain, counted.toolchain);
    }
}

fn main() -> ExitCode {
    if let Some(args) = callgrind::counted_run() {
        hot_paths::run(&args[0]);
        return ExitCode::SUCCESS;
    }
    if !has_avx2() {
        eprintln!("The stored figures are for x86-64 with AVX2 and BMI, which this machine lacks.");
        return ExitCode::FAILURE;
    }
    let stored = Figures::stored();
    let (counted, faults) = compare(&stored);
    if std::env::args().any(|arg| arg == "--store") {
        counted.store();
        println!("These are stored now.");
    } else if faults > 0 {
        advise(faults, &stored, &counted);
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
