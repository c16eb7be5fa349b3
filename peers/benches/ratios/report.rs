//! What was measured, what it may be, and how it is printed: tables for people, lines for scripts.

use std::process::ExitCode;

use crate::machine::Core;
use crate::measure::{ENOUGH, Side, Spread, in_turns, spread};

const FIRST_RELEASE: &str = include_str!("../../first-release.txt");

/// A row of a table: sides that were measured in turns, ours first.
pub(crate) struct Row {
    key: String,
    what: String,
    sides: Vec<&'static str>,
    /// Otherwise its figures are no times, and not compared.
    in_turns: bool,
    /// A round has a figure for ours, and for each other side that was not interrupted.
    pub(crate) rounds: Vec<Vec<Option<f64>>>,
    /// One of them must be kept.
    bounds: Vec<Bound>,
    /// The two processors were halves of one core. Then it is not known whether a row of one thread had it for itself, and
    /// two threads do not take the cache line from each other.
    pub(crate) on_one_core: bool,
}

/// The most that ours may be: a multiple of another side, or a figure.
#[derive(Clone, Copy)]
pub(crate) enum Bound {
    Of(&'static str, f64),
    AtMost(f64),
}

/// One thread: what the calls need at least is measured in the same run.
pub(crate) const NEAR_ITS_FLOOR: &[Bound] = &[Bound::Of("floor", 1.15)];
/// Two threads on one record: what people write does not win, unless the exchanges alone cost as much.
pub(crate) const BEFORE_THE_MUTEX: &[Bound] = &[Bound::Of("mutex", 1.0), Bound::Of("floor", 1.15)];

#[derive(Clone, Copy, PartialEq)]
enum Verdict {
    Kept,
    NotTold,
    Missed,
}

impl Row {
    pub(crate) fn new(key: impl Into<String>, what: impl Into<String>, bounds: &[Bound]) -> Self {
        let (sides, rounds) = (Vec::new(), Vec::new());
        Self {
            key: key.into(),
            what: what.into(),
            sides,
            in_turns: true,
            rounds,
            bounds: bounds.to_vec(),
            on_one_core: false,
        }
    }

    fn spread(&self, of: impl Fn(&[Option<f64>]) -> Option<f64>) -> Option<Spread> {
        spread(&self.rounds.iter().filter_map(|round| of(round)).collect::<Vec<_>>())
    }

    /// Ours, as a multiple of another side.
    fn ratio(&self, side: &str) -> Option<Spread> {
        let at = self.sides.iter().position(|name| *name == side).filter(|_| self.in_turns)?;
        self.spread(|round| Some(round[0]? / round[at]?))
    }

    /// What is bounded, and the most that it may be.
    fn bounded(&self, bound: Bound) -> (Option<Spread>, f64) {
        match bound {
            Bound::Of(side, limit) => (self.ratio(side), limit),
            Bound::AtMost(limit) => (self.spread(|round| round[0]), limit),
        }
    }

    fn judge(&self, bound: Bound) -> Verdict {
        let (spread, limit) = self.bounded(bound);
        match spread {
            Some(spread) if spread.high <= limit => Verdict::Kept,
            Some(spread) if spread.low > limit => Verdict::Missed,
            _ => Verdict::NotTold,
        }
    }

    fn verdict(&self) -> Verdict {
        let verdicts: Vec<_> = self.bounds.iter().map(|&bound| self.judge(bound)).collect();
        let first =
            [Verdict::Kept, Verdict::NotTold].into_iter().find(|one| verdicts.contains(one));
        first.unwrap_or(match verdicts.is_empty() {
            true => Verdict::Kept,
            false if self.on_one_core => Verdict::NotTold,
            false => Verdict::Missed,
        })
    }

    pub(crate) fn is_missed(&self) -> bool {
        self.verdict() == Verdict::Missed
    }

    pub(crate) fn is_told(&self) -> bool {
        self.verdict() != Verdict::NotTold
    }

    /// In words. A run whose parts agree and that still cannot tell is at the target.
    fn says(&self) -> &'static str {
        let Some(&first) = self.bounds.first() else { return "" };
        let agrees = |&bound: &Bound| {
            self.bounded(bound).0.is_some_and(|Spread { low, high, .. }| high < 1.03 * low)
        };
        match self.verdict() {
            Verdict::Kept if self.judge(first) == Verdict::Kept => "passed",
            Verdict::Kept => "passed by its floor",
            Verdict::Missed => "FAILED",
            Verdict::NotTold if self.sides.is_empty() => "not told: one processor",
            Verdict::NotTold if self.on_one_core => "not told: two processors of one core",
            Verdict::NotTold if self.bounds.iter().all(agrees) => "not told: at the target",
            Verdict::NotTold => "not told: the machine was busy",
        }
    }

    fn print_for_scripts(&self) {
        if !self.bounds.is_empty() {
            println!("verdict {} {}", self.key, self.says());
        }
        for (at, side) in self.sides.iter().enumerate() {
            let Some(Spread { value, .. }) = self.spread(|round| round[at]) else { continue };
            println!("cost {}.{side} {value:.1}", self.key);
            if let Some(ratio) = self.ratio(side).filter(|_| at > 0) {
                println!("ratio {}_vs_{side} {:.3}", self.key, ratio.value);
            }
        }
    }

    /// What the first release took of the side that it was compared with.
    fn before(&self) -> String {
        let line = FIRST_RELEASE.lines().find(|line| line.split(' ').next() == Some(&self.key));
        line.and_then(|line| line.split_once(' ')).map_or(String::new(), |(_, rest)| rest.into())
    }

    /// What ours took, what another side took, and what part of it ours is.
    fn cell(&self, side: &str) -> String {
        let Some(at) = self.sides.iter().position(|name| *name == side) else {
            return String::new();
        };
        let Some(Spread { value, .. }) = self.spread(|round| round[at]) else { return "-".into() };
        let digits = if value < 1000.0 { 1 } else { 0 };
        let ratio = self.ratio(side).filter(|_| at > 0);
        let ratio = ratio.map_or(String::new(), |ratio| format!(" ({:.2})", ratio.value));
        format!("{value:.digits$}{ratio}")
    }
}

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
        self.tables.last_mut().unwrap().1.extend(rows);
    }

    /// Adds rows that this machine cannot measure.
    pub(crate) fn leave_out<const N: usize>(&mut self, rows: [Row; N]) {
        self.tables.last_mut().unwrap().1.extend(rows);
    }

    /// Adds a row that was not measured in turns.
    pub(crate) fn figures(&mut self, mut row: Row, sides: &[(&'static str, f64)]) {
        row.sides = sides.iter().map(|side| side.0).collect();
        row.in_turns = false;
        row.rounds = vec![sides.iter().map(|side| Some(side.1)).collect(); ENOUGH];
        self.tables.last_mut().unwrap().1.push(row);
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
        let free = rows().filter(|row| row.bounds.is_empty()).count();
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
