//! The main rows as a picture: bars on a logarithmic scale, readable on a light and a dark
//! background.

use crate::harness::{Figure, Kind, Measured};
use crate::machine::Machine;
use std::fmt::{self, Write};

/// The rows of the table are in two columns.
const COLUMN: f64 = 500.0;
const MARGIN: f64 = 8.0;
/// The position at which bars begin, right of the names.
const LEFT: f64 = 186.0;
/// The position at which the longest bar ends, left of its figure.
const RIGHT: f64 = 440.0;
const TOP: f64 = 76.0;
const LINE: f64 = 16.0;
const BAR: f64 = 11.0;
/// The height of a row in addition to its bars.
const GAP: f64 = 32.0;

/// The colours on a light background, followed by those that differ on a dark one.
const STYLE: &str = "
text { font: 11px system-ui, sans-serif; fill: #24292f; }
.head { font-weight: 600; font-size: 13px; }
.title { font-weight: 600; font-size: 16px; }
.dim { fill: #57606a; }
.ours { fill: #0969da; }
.peer { fill: #afb8c1; }
.limit { fill: none; stroke: #8c959f; stroke-dasharray: 3 2; }
.grid { stroke: #d0d7de; }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3; }
.dim { fill: #9198a1; }
.ours { fill: #4493f8; }
.peer { fill: #59636e; }
.limit { stroke: #9198a1; }
.grid { stroke: #30363d; }
}
";

/// Returns `None` if no row is plotted.
pub fn plot(machine: &Machine, rows: &[Measured]) -> Option<String> {
    let rows: Vec<_> = rows.iter().filter(|row| row.plotted).collect();
    let medians = || rows.iter().flat_map(|row| bars(row)).map(|figure| figure.median);
    let low = medians().min_by(f64::total_cmp)?.log10();
    let high = medians().max_by(f64::total_cmp)?.log10();
    // Begin a little below the minimum, so that the shortest bar has a length too.
    let scale = Scale { low: low - (high - low) / 20.0 - 0.01, high };
    let mut out = String::new();
    draw(&mut out, machine, &rows, scale).expect("a string takes all");
    Some(out)
}

/// The fastest first, but without `memcpy`, which would leave all others short of room.
fn bars(row: &Measured) -> Vec<&Figure> {
    let mut figures: Vec<_> = row.figures.iter().filter(|it| it.name != "memcpy").collect();
    figures.sort_by(|a, b| a.median.total_cmp(&b.median));
    figures
}

#[expect(clippy::cast_precision_loss, reason = "a small number")]
fn height(row: &Measured) -> f64 {
    GAP + LINE * bars(row).len() as f64
}

#[derive(Clone, Copy)]
struct Scale {
    low: f64,
    high: f64,
}

impl Scale {
    fn x(self, nanoseconds: f64) -> f64 {
        LEFT + (nanoseconds.log10() - self.low) / (self.high - self.low) * (RIGHT - LEFT)
    }
}

fn draw(out: &mut String, machine: &Machine, rows: &[&Measured], scale: Scale) -> fmt::Result {
    // The first column has the half that is not shorter.
    let total: f64 = rows.iter().map(|row| height(row)).sum();
    let mut longest: f64 = 0.0;
    let mut columns = [String::new(), String::new()];
    let mut rows = rows.iter().peekable();
    for (index, body) in columns.iter_mut().enumerate() {
        let mut y = TOP;
        while let Some(row) = rows.next_if(|_| index == 1 || y - TOP < total / 2.0) {
            group(body, row, scale, y)?;
            y += height(row);
        }
        longest = longest.max(y);
    }
    let (width, height) = (2.0 * COLUMN, longest + MARGIN);
    writeln!(
        out,
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" aria-label="Nanoseconds for each event, by eventwire and by others">
<style>{STYLE}</style>
<text class="title" x="{MARGIN}" y="24">Nanoseconds for each event, message or frame (less is better, logarithmic)</text>
<text class="dim" x="{MARGIN}" y="44">{}</text>"#,
        escape(&machine.to_string())
    )?;
    let mut x = 0.0;
    for body in columns.iter().filter(|body| !body.is_empty()) {
        writeln!(out, r#"<g transform="translate({x} 0)">"#)?;
        grid(out, scale, longest)?;
        writeln!(out, "{body}</g>")?;
        x += COLUMN;
    }
    writeln!(out, "</svg>")
}

/// A line for each power of ten.
fn grid(out: &mut String, scale: Scale, bottom: f64) -> fmt::Result {
    let mut decade = scale.low.ceil();
    while decade <= scale.high {
        let nanoseconds = 10_f64.powf(decade);
        let x = scale.x(nanoseconds);
        writeln!(
            out,
            r#"<line class="grid" x1="{x:.1}" x2="{x:.1}" y1="{TOP}" y2="{bottom:.0}"/>
<text class="dim" x="{x:.1}" y="{:.0}" text-anchor="middle">{nanoseconds}</text>"#,
            TOP - 6.0
        )?;
        decade += 1.0;
    }
    Ok(())
}

/// A row of the table.
fn group(out: &mut String, row: &Measured, scale: Scale, top: f64) -> fmt::Result {
    let Measured { work, shape, .. } = row;
    let title = top + 20.0;
    writeln!(out, r#"<text class="head" x="{MARGIN}" y="{title:.0}">{work}: {shape}</text>"#)?;
    let mut y = top + GAP - 6.0;
    for figure in bars(row) {
        bar(out, figure, scale, y)?;
        y += LINE;
    }
    Ok(())
}

fn bar(out: &mut String, figure: &Figure, scale: Scale, y: f64) -> fmt::Result {
    let Figure { name, kind, median, .. } = figure;
    let (class, owner) = match kind {
        Kind::Ours => ("ours", "eventwire, "),
        Kind::Peer => ("peer", ""),
        Kind::Limit => ("limit", "limit: "),
    };
    let (names, end, text) = (LEFT - 6.0, scale.x(*median), y + BAR - 1.5);
    let width = end - LEFT;
    let digits = usize::from(*median < 100.0);
    writeln!(
        out,
        r#"<text x="{names:.0}" y="{text:.1}" text-anchor="end">{owner}{name}</text>
<rect class="{class}" x="{LEFT}" y="{y:.1}" width="{width:.1}" height="{BAR}" rx="2"/>
<text x="{:.1}" y="{text:.1}">{median:.digits$}</text>"#,
        end + 5.0
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}
