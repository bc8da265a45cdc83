//! eventwire next to other crates that do the same, on the same input, in one process.

mod harness;
mod json;
mod machine;
mod polling;
mod report;
mod sse;
mod svg;
mod ws;

use harness::{Effort, Measured, Row};
use lexopt::prelude::{Long, Short, Value, ValueExt};
use machine::Machine;
use std::error::Error;
use std::fs;
use std::path::PathBuf;

const HELP: &str = "\
Measures eventwire beside its peers.

Usage: cargo run --release --manifest-path benches/peers/Cargo.toml -- [OPTIONS] [FILTER]...

FILTER...      only rows whose `work/shape/delivery` contains one of these
--all          print every contender's time, with quartiles
--quick        a few rounds only: checks that everything runs and agrees
--list         print the names of the rows
--markdown     print the ratios as Markdown tables in the end
--json PATH    write all figures there
--svg PATH     write a plot of the main rows there
-h, --help     print this";

#[derive(Default)]
struct Args {
    filters: Vec<String>,
    all: bool,
    quick: bool,
    markdown: bool,
    json: Option<PathBuf>,
    svg: Option<PathBuf>,
    mode: Mode,
}

#[derive(Default)]
enum Mode {
    #[default]
    Measure,
    List,
    Help,
}

fn args() -> Result<Args, lexopt::Error> {
    let mut args = Args::default();
    let mut parser = lexopt::Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Long("all") => args.all = true,
            Long("quick") => args.quick = true,
            Long("list") => args.mode = Mode::List,
            Long("markdown") => args.markdown = true,
            Long("json") => args.json = Some(parser.value()?.into()),
            Long("svg") => args.svg = Some(parser.value()?.into()),
            Short('h') | Long("help") => args.mode = Mode::Help,
            Value(filter) => args.filters.push(filter.string()?),
            _ => return Err(arg.unexpected()),
        }
    }
    Ok(args)
}

fn main() -> Result<(), Box<dyn Error>> {
    let args = args()?;
    let mut rows = sse::rows();
    rows.extend(ws::rows());
    if !args.filters.is_empty() {
        rows.retain(|row| args.filters.iter().any(|filter| row.name().contains(filter)));
    }
    match args.mode {
        Mode::Measure => measure(rows, &args),
        Mode::List => {
            for row in &rows {
                println!("{}", row.name());
            }
            Ok(())
        }
        Mode::Help => {
            println!("{HELP}");
            Ok(())
        }
    }
}

fn measure(rows: Vec<Row>, args: &Args) -> Result<(), Box<dyn Error>> {
    let machine = Machine::this();
    harness::settle_allocator();
    println!("{machine}\n");
    let effort = if args.quick { Effort::QUICK } else { Effort::FULL };
    if args.quick {
        println!("A quick run: it shows that all agree, its figures mean little.\n");
    }
    println!("{}", report::head());
    let measured: Vec<Measured> = rows
        .into_iter()
        .map(|row| {
            let measured = harness::measure(row, effort);
            measured.print(args.all);
            measured
        })
        .collect();
    let judged: Vec<bool> =
        measured.iter().flat_map(Measured::verdicts).filter_map(|verdict| verdict.met).collect();
    let met = judged.iter().filter(|met| **met).count();
    println!("\ngoals: {met} met, {} missed", judged.len() - met);
    if args.markdown {
        println!("\n{}", report::markdown(&measured));
    }
    if let Some(path) = &args.json {
        fs::write(path, json::report(&machine, &measured)?)?;
    }
    if let Some(path) = &args.svg {
        fs::write(path, svg::plot(&machine, &measured).ok_or("none of these rows is plotted")?)?;
    }
    Ok(())
}
