//! The figures that a run is compared with, in a file of `key = value` lines.

use std::fmt::Write;
use std::process::Command;

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/instructions.toml");
const HEAD: &str = "\
# Instructions for one event, message or frame, with AVX2. Written by
# `cargo bench --manifest-path benches/counted/Cargo.toml --bench instructions -- --store`.
";

/// The counts, and the tools that counted them.
pub struct Figures {
    pub toolchain: String,
    pub rows: Vec<(String, f64)>,
}

impl Figures {
    /// Creates an empty set of figures for these tools.
    pub fn new() -> Self {
        Self { toolchain: toolchain(), rows: Vec::new() }
    }

    /// Reads the file. Returns no figures if there is none.
    pub fn stored() -> Self {
        let file = std::fs::read_to_string(PATH).unwrap_or_default();
        let mut figures = Self { toolchain: "unknown tools".into(), rows: Vec::new() };
        for (key, value) in file.lines().filter_map(|line| line.split_once(" = ")) {
            if key == "toolchain" {
                figures.toolchain = value.trim_matches('"').into();
            } else {
                figures.rows.push((key.trim_matches('"').into(), value.parse().expect("a figure")));
            }
        }
        figures
    }

    pub fn store(&self) {
        let mut file = format!("{HEAD}toolchain = \"{}\"\n\n[instructions]\n", self.toolchain);
        for (name, figure) in &self.rows {
            writeln!(file, "\"{name}\" = {figure:.2}").expect("a string grows");
        }
        std::fs::write(PATH, file).expect("the file is writable");
    }

    pub fn get(&self, name: &str) -> Option<f64> {
        self.rows.iter().find(|row| row.0 == name).map(|row| row.1)
    }
}

/// Returns the tools that the figures depend on, besides this crate and its dependencies.
fn toolchain() -> String {
    let tools =
        [("rustc", "--version"), ("valgrind", "--version"), ("getconf", "GNU_LIBC_VERSION")];
    tools.map(|(tool, arg)| answer(tool, arg)).join(", ")
}

fn answer(tool: &str, arg: &str) -> String {
    let output = Command::new(tool).arg(arg).output();
    let output = output.unwrap_or_else(|error| panic!("{tool} is needed: {error}"));
    String::from_utf8_lossy(&output.stdout).trim().into()
}
