//! Two sides, measured in turns: round by round, and the side that comes first changes each round. A ratio is the median
//! of the rounds' ratios, so that a disturbance of one round counts once. Rounds are short, some ten microseconds, so that
//! most of them see no interrupt; and many, so that a disturbance of a tenth of a second does not decide. No thread is
//! held to a processor, except those that wake each other (`cases::wake`).

use std::time::Instant;

pub(crate) const ROUNDS: usize = 3001;
const CALLS: u32 = 2_000;

/// What was measured so far.
#[derive(Default)]
pub(crate) struct Run {
    ratios: Vec<Ratio>,
    curves: Vec<(&'static str, &'static str, usize, f64)>,
}

pub(crate) struct Ratio {
    pub(crate) name: String,
    pub(crate) value: f64,
    /// Nanoseconds a call of both sides; `None` if the value was not made from them.
    sides: Option<(f64, f64)>,
}

/// In cache lines of its own; some processors fetch two together.
#[repr(align(128))]
pub(crate) struct Apart<T>(pub(crate) T);

/// Nanoseconds a call, over a round of calls.
pub(crate) fn time(calls: u32, mut call: impl FnMut()) -> f64 {
    let start = Instant::now();
    for _ in 0..calls {
        call();
    }
    nanoseconds(start) / f64::from(calls)
}

pub(crate) fn nanoseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e9
}

/// The value below which this part of the values is.
pub(crate) fn quantile(values: &mut [f64], part: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values[((values.len() - 1) as f64 * part) as usize]
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    quantile(&mut values, 0.5)
}

/// Rounds of both sides. The side that comes first changes each round.
pub(crate) fn in_turns<T>(
    rounds: usize,
    mut ours: impl FnMut() -> T,
    mut other: impl FnMut() -> T,
) -> Vec<(T, T)> {
    let pair = |round| {
        if round % 2 == 0 {
            let ours = ours();
            (ours, other())
        } else {
            let other = other();
            (ours(), other)
        }
    };
    (0..rounds).map(pair).collect()
}

impl Run {
    /// A call of ours against one of the other side, many times each.
    pub(crate) fn calls(
        &mut self,
        name: impl Into<String>,
        mut ours: impl FnMut(),
        mut other: impl FnMut(),
    ) {
        self.rounds(name, ROUNDS, || time(CALLS, &mut ours), || time(CALLS, &mut other));
    }

    /// A round of ours against one of the other side. Each returns the nanoseconds a call.
    pub(crate) fn rounds(
        &mut self,
        name: impl Into<String>,
        rounds: usize,
        mut ours: impl FnMut() -> f64,
        mut other: impl FnMut() -> f64,
    ) {
        // The first round of each is not counted.
        ours();
        other();
        self.pairs(name, in_turns(rounds, ours, other));
    }

    pub(crate) fn pairs(&mut self, name: impl Into<String>, pairs: Vec<(f64, f64)>) {
        let value = median(pairs.iter().map(|(ours, other)| ours / other).collect());
        let ours = median(pairs.iter().map(|pair| pair.0).collect());
        let other = median(pairs.iter().map(|pair| pair.1).collect());
        self.ratios.push(Ratio { name: name.into(), value, sides: Some((ours, other)) });
    }

    /// A figure that is not the ratio of two times.
    pub(crate) fn figure(&mut self, name: impl Into<String>, value: f64) {
        self.ratios.push(Ratio { name: name.into(), value, sides: None });
    }

    pub(crate) fn curve(&mut self, plot: &'static str, series: &'static str, x: usize, y: f64) {
        self.curves.push((plot, series, x, y));
    }

    pub(crate) fn value(&self, name: &str) -> Option<f64> {
        self.ratios.iter().find(|ratio| ratio.name == name).map(|ratio| ratio.value)
    }

    pub(crate) fn ratios(&self) -> &[Ratio] {
        &self.ratios
    }

    /// For scripts.
    pub(crate) fn print(&self) {
        for Ratio { name, value, sides } in &self.ratios {
            println!("ratio {name} {value:.3}");
            if let Some((ours, other)) = sides {
                println!("cost {name}.ours {ours:.1}");
                println!("cost {name}.other {other:.1}");
            }
        }
        for (plot, series, x, y) in &self.curves {
            println!("curve {plot} {series} {x} {y:.1}");
        }
    }
}

impl Ratio {
    /// For people: a row of the table.
    pub(crate) fn row(&self, target: Option<f64>) -> String {
        let Self { name, value, sides } = self;
        let target = target.map_or(String::new(), |target| format!("{target:.2}"));
        let sides =
            sides.map_or(String::new(), |(ours, other)| format!("{ours:>9.1} {other:>9.1}"));
        format!("{name:<34} {value:>8.2} {target:>8} {sides}")
    }
}
