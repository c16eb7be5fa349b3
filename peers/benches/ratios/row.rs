//! A row: sides that were measured beside each other, what ours may be, and the verdict.

use std::sync::LazyLock;

use crate::measure::{ENOUGH, Spread, spread};

const FIRST_RELEASE: &str = include_str!("../../first-release.txt");

/// A row of a table: sides that were measured in turns, ours first.
pub(crate) struct Row {
    key: String,
    pub(crate) what: String,
    pub(crate) sides: Vec<&'static str>,
    /// Otherwise its figures are no times, and not compared.
    in_turns: bool,
    /// A round has a figure for ours, and for each other side that was not interrupted.
    pub(crate) rounds: Vec<Vec<Option<f64>>>,
    /// One of them must be kept.
    bounds: Vec<Bound>,
    /// Why a miss does not count.
    pub(crate) excuse: Option<&'static str>,
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

/// Why a row is not told.
pub(crate) const BUSY: &str = "not told: the machine was busy";
/// Then nobody knows whether a row of one thread had the core for itself, and two threads do not take the cache line from
/// each other.
pub(crate) const ON_ONE_CORE: &str = "not told: two processors of one core";

/// All targets are multiplied by it: `.ci/speed check` divides them by ten, to see the bench fail.
static TARGETS: LazyLock<f64> = LazyLock::new(|| {
    std::env::var("TARGETS").map_or(1.0, |factor| factor.parse().expect("TARGETS is a number"))
});

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Verdict {
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
            excuse: None,
        }
    }

    /// With figures that were not measured in turns.
    pub(crate) fn of(mut self, sides: &[(&'static str, f64)]) -> Self {
        self.sides = sides.iter().map(|side| side.0).collect();
        self.in_turns = false;
        self.rounds = vec![sides.iter().map(|side| Some(side.1)).collect(); ENOUGH];
        self
    }

    pub(crate) fn has_target(&self) -> bool {
        !self.bounds.is_empty()
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
        let (spread, limit) = match bound {
            Bound::Of(side, limit) => (self.ratio(side), limit),
            Bound::AtMost(limit) => (self.spread(|round| round[0]), limit),
        };
        (spread, limit * *TARGETS)
    }

    fn judge(&self, bound: Bound) -> Verdict {
        let (spread, limit) = self.bounded(bound);
        match spread {
            Some(spread) if spread.high <= limit => Verdict::Kept,
            Some(spread) if spread.low > limit => Verdict::Missed,
            _ => Verdict::NotTold,
        }
    }

    pub(crate) fn verdict(&self) -> Verdict {
        let verdicts: Vec<_> = self.bounds.iter().map(|&bound| self.judge(bound)).collect();
        let first =
            [Verdict::Kept, Verdict::NotTold].into_iter().find(|one| verdicts.contains(one));
        first.unwrap_or(match verdicts.is_empty() {
            true => Verdict::Kept,
            false if self.excuse.is_some() => Verdict::NotTold,
            false => Verdict::Missed,
        })
    }

    pub(crate) fn is_missed(&self) -> bool {
        self.verdict() == Verdict::Missed
    }

    pub(crate) fn is_kept(&self) -> bool {
        self.verdict() == Verdict::Kept
    }

    /// In words. A run whose parts agree and that still cannot tell is at the target.
    pub(crate) fn says(&self) -> &'static str {
        let Some(&first) = self.bounds.first() else { return "" };
        let agrees = |&bound: &Bound| {
            self.bounded(bound).0.is_some_and(|Spread { low, high, .. }| high < 1.03 * low)
        };
        match self.verdict() {
            Verdict::Kept if self.judge(first) == Verdict::Kept => "passed",
            Verdict::Kept => "passed by its floor",
            Verdict::Missed => "FAILED",
            Verdict::NotTold if self.sides.is_empty() => "not told: one processor",
            Verdict::NotTold if self.excuse.is_none() && self.bounds.iter().all(agrees) => {
                "not told: at the target"
            }
            Verdict::NotTold => self.excuse.unwrap_or(BUSY),
        }
    }

    pub(crate) fn print_for_scripts(&self) {
        if self.has_target() {
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
    pub(crate) fn before(&self) -> String {
        let line = FIRST_RELEASE.lines().find(|line| line.split(' ').next() == Some(&self.key));
        line.and_then(|line| line.split_once(' ')).map_or(String::new(), |(_, rest)| rest.into())
    }

    /// What ours took, what another side took, and what part of it ours is.
    pub(crate) fn cell(&self, side: &str) -> String {
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
