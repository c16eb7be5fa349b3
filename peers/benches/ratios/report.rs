//! A run, and how it is printed: tables for people, lines for scripts.

use std::process::ExitCode;

use crate::machine::Core;
use crate::measure::Side;
use crate::row::{Row, Verdict};
use crate::turns::in_turns;

/// Everything that was measured.
#[derive(Default)]
pub(crate) struct Run {
    /// The tables, each with its title.
    tables: Vec<(&'static str, Vec<Row>)>,
    curves: Vec<(&'static str, &'static str, usize, f64)>,
    core: Core,
}

impl Run {
    pub(crate) fn table(&mut self, title: &'static str) {
        self.tables.push((title, Vec::new()));
    }

    /// Measures rows in turns, and adds them to the last table.
    pub(crate) fn rows<const N: usize>(
        &mut self,
        mut rows: [Row; N],
        rounds: usize,
        mut sides: Vec<Side<'_, N>>,
    ) {
        for row in &mut rows {
            row.sides = sides.iter().map(|side| side.name).collect();
        }
        in_turns(&mut rows, rounds, &mut sides, &mut self.core);
        self.add(rows);
    }

    /// Adds rows that are not measured in turns, or that this machine cannot measure.
    pub(crate) fn add<const N: usize>(&mut self, rows: [Row; N]) {
        self.tables.last_mut().unwrap().1.extend(rows);
    }

    pub(crate) fn curve(&mut self, plot: &'static str, series: &'static str, x: usize, y: f64) {
        self.curves.push((plot, series, x, y));
    }

    /// Prints all of it, and says how it ended: 1 if a target is missed, else 3 if a row is not told.
    pub(crate) fn finish(&self) -> ExitCode {
        for (title, rows) in &self.tables {
            print_table(title, rows);
        }
        let rows = || self.tables.iter().flat_map(|(_, rows)| rows);
        for row in rows() {
            row.print_for_scripts();
        }
        let count = |verdict| rows().filter(|row| row.verdict() == verdict).count();
        let [kept, not_told, missed] =
            [Verdict::Kept, Verdict::NotTold, Verdict::Missed].map(count);
        let free = rows().filter(|row| !row.has_target()).count();
        for (plot, series, x, y) in &self.curves {
            println!("curve {plot} {series} {x} {y:.1}");
        }
        let passed = kept - free;
        println!(
            "{passed} rows passed, {not_told} not told, {missed} FAILED, {free} without a target"
        );
        ExitCode::from(if missed > 0 {
            1
        } else if not_told > 0 {
            3
        } else {
            0
        })
    }
}

/// In Markdown, aligned.
fn print_table(title: &str, rows: &[Row]) {
    let mut sides = Vec::new();
    for side in rows.iter().flat_map(|row| &row.sides) {
        if !sides.contains(side) {
            sides.push(*side);
        }
    }
    let mut lines = vec![vec![title.to_owned()]];
    lines[0].extend(sides.iter().map(|side| side.to_string()));
    lines[0].extend(["verdict".into(), "0.1".into()]);
    for row in rows {
        let mut line = vec![row.what.clone()];
        line.extend(sides.iter().map(|side| row.cell(side)));
        line.extend([row.says().into(), row.before()]);
        lines.push(line);
    }
    // A column without anything is left out.
    let is_used = |at: &usize| lines[1..].iter().any(|line| !line[*at].is_empty());
    let columns: Vec<_> = (0..lines[0].len()).filter(is_used).collect();
    let width =
        |at: usize| lines.iter().map(|line| line[at].chars().count()).max().unwrap_or_default();
    for (number, line) in lines.iter().enumerate() {
        let cells = columns.iter().map(|&at| format!("{:<1$}", line[at], width(at)));
        println!("| {} |", cells.collect::<Vec<_>>().join(" | "));
        if number == 0 {
            let dashes = columns.iter().map(|&at| "-".repeat(width(at)));
            println!("| {} |", dashes.collect::<Vec<_>>().join(" | "));
        }
    }
    println!();
}
