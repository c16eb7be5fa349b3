//! Two sides, measured in turns: round by round, and each round they change who comes first. A ratio is
//! the median over the rounds' ratios, so that what disturbs a round disturbs one vote. Rounds are short,
//! some ten microseconds, so that most of them see no interrupt; and many, so that what disturbs the machine
//! for a tenth of a second does not decide. No thread is held to a processor, but those that wake each other
//! (`cases::wake`).

use std::time::Instant;

pub(crate) const ROUNDS: usize = 3001;
const CALLS: u32 = 2_000;

/// What was measured so far.
pub(crate) struct Run {
    ratios: Vec<Ratio>,
    curves: Vec<(&'static str, &'static str, usize, f64)>,
}

pub(crate) struct Ratio {
    pub(crate) name: &'static str,
    pub(crate) value: f64,
    /// Nanoseconds a call; of a ratio that is a figure of its own, none.
    sides: Option<(f64, f64)>,
}

/// In cache lines of its own, as far as the processor fetches them together.
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

/// The value below which that part of them lies.
pub(crate) fn quantile(values: &mut [f64], part: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values[((values.len() - 1) as f64 * part) as usize]
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    quantile(&mut values, 0.5)
}

impl Run {
    pub(crate) fn new() -> Self {
        Self { ratios: Vec::new(), curves: Vec::new() }
    }

    /// One call of ours against one of the other's, each many times over.
    pub(crate) fn calls(
        &mut self,
        name: &'static str,
        mut ours: impl FnMut(),
        mut other: impl FnMut(),
    ) {
        self.rounds(name, ROUNDS, || time(CALLS, &mut ours), || time(CALLS, &mut other));
    }

    /// A round of ours against a round of the other's; each says how many nanoseconds a call took.
    pub(crate) fn rounds(
        &mut self,
        name: &'static str,
        rounds: usize,
        mut ours: impl FnMut() -> f64,
        mut other: impl FnMut() -> f64,
    ) {
        // Both have run before they count.
        ours();
        other();
        let pairs = (0..rounds).map(|round| {
            if round % 2 == 0 {
                let ours = ours();
                (ours, other())
            } else {
                let other = other();
                (ours(), other)
            }
        });
        self.pairs(name, pairs.collect());
    }

    pub(crate) fn pairs(&mut self, name: &'static str, pairs: Vec<(f64, f64)>) {
        let value = median(pairs.iter().map(|(ours, other)| ours / other).collect());
        let ours = median(pairs.iter().map(|pair| pair.0).collect());
        let other = median(pairs.iter().map(|pair| pair.1).collect());
        self.ratios.push(Ratio { name, value, sides: Some((ours, other)) });
    }

    /// A figure that comes from elsewhere.
    pub(crate) fn figure(&mut self, name: &'static str, value: f64) {
        self.ratios.push(Ratio { name, value, sides: None });
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
