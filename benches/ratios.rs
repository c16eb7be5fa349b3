//! What recording and enumerating cost, as ratios against a bare operation and against what people write
//! by hand, measured side by side in one run:
//!
//!     cargo bench --bench ratios
//!
//! A ratio is the median over rounds; in each round the two sides run one right after the other. A table
//! goes to standard error, one line `ratio NAME VALUE` each to standard output. The program fails when a
//! ratio is over its target.

use std::hint::black_box;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use wsp_events::{
    EventSignal, FD_MAX_EVENTS, NetworkEvent, NetworkEventRecorder, NetworkEvents, SignalError,
    WsaError,
};

const ROUNDS: usize = 101;
const CALLS: u32 = 50_000;

/// An event object that costs nothing, so that what is measured is the record around it.
struct Empty;

impl EventSignal for Empty {
    fn set_event(&self) -> Result<(), SignalError> {
        Ok(())
    }

    fn reset_event(&self) -> Result<(), SignalError> {
        Ok(())
    }
}

/// The record as it is written by hand: the plain struct, and the event object, under one lock.
struct ByHand<S>(Mutex<Plain<S>>);

struct Plain<S> {
    recorded: u32,
    codes: [i32; FD_MAX_EVENTS],
    selected: u32,
    signal: S,
}

impl<S: EventSignal> ByHand<S> {
    fn new(selected: NetworkEvents, signal: S) -> Self {
        let selected = selected.bits();
        Self(Mutex::new(Plain { recorded: 0, codes: [0; FD_MAX_EVENTS], selected, signal }))
    }

    fn record(&self, event: NetworkEvent, outcome: Result<(), WsaError>) {
        let mut plain = self.0.lock().unwrap();
        let bit = event.flag().bits();
        if plain.recorded & bit == 0 {
            plain.recorded |= bit;
            plain.codes[event.bit_position()] = outcome.map_or_else(WsaError::code, |()| 0);
            if plain.selected & bit != 0 {
                plain.signal.set_event().unwrap();
            }
        }
    }

    fn enumerate(&self) -> (u32, [i32; FD_MAX_EVENTS]) {
        let mut plain = self.0.lock().unwrap();
        let reported = plain.recorded & plain.selected;
        plain.recorded &= !reported;
        plain.signal.reset_event().unwrap();
        (reported, plain.codes)
    }
}

fn time(mut call: impl FnMut()) -> Duration {
    let start = Instant::now();
    for _ in 0..CALLS {
        call();
    }
    start.elapsed()
}

struct Ratio {
    name: &'static str,
    target: f64,
    value: f64,
    /// Nanoseconds a call, ours and the other's.
    ours: f64,
    other: f64,
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn compare(
    name: &'static str,
    target: f64,
    mut ours: impl FnMut(),
    mut other: impl FnMut(),
) -> Ratio {
    let mut rounds = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let (one, two) = (time(&mut ours), time(&mut other));
        let per_call = |time: Duration| time.as_secs_f64() * 1e9 / f64::from(CALLS);
        rounds.push((per_call(one), per_call(two)));
    }
    Ratio {
        name,
        target,
        value: median(rounds.iter().map(|(ours, other)| ours / other).collect()),
        ours: median(rounds.iter().map(|round| round.0).collect()),
        other: median(rounds.iter().map(|round| round.1).collect()),
    }
}

fn main() -> ExitCode {
    let recorder = NetworkEventRecorder::new();
    recorder.select(NetworkEvents::FD_ALL_EVENTS, Empty).unwrap();
    recorder.record(NetworkEvent::Read, Ok(())).unwrap();
    let word = AtomicU64::new(0);
    let repeat = compare(
        "repeat_vs_rmw",
        1.15,
        || _ = black_box(black_box(&recorder).record(NetworkEvent::Read, Ok(())).is_ok()),
        || _ = black_box(black_box(&word).fetch_add(1, Ordering::AcqRel)),
    );

    let by_hand = ByHand::new(NetworkEvents::FD_ALL_EVENTS, Empty);
    let cycle = compare(
        "cycle_vs_mutex",
        1.05,
        || {
            _ = black_box(black_box(&recorder).record(NetworkEvent::Read, Ok(())));
            _ = black_box(black_box(&recorder).enumerate_and_reset(&Empty));
        },
        || {
            black_box(&by_hand).record(NetworkEvent::Read, Ok(()));
            _ = black_box(black_box(&by_hand).enumerate());
        },
    );

    let ratios = [repeat, cycle];
    eprintln!("{:<16} {:>7} {:>7} {:>9} {:>9}", "", "ratio", "target", "ours, ns", "other, ns");
    for Ratio { name, target, value, ours, other } in &ratios {
        eprintln!("{name:<16} {value:>7.2} {target:>7.2} {ours:>9.1} {other:>9.1}");
        println!("ratio {name} {value:.3}");
    }
    let over = ratios.iter().filter(|ratio| ratio.value > ratio.target).count();
    if over > 0 {
        eprintln!("{over} over target");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
