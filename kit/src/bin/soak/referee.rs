//! Runs the threads in rounds, and audits the ledger at each rest.

use std::process::{ExitCode, exit};
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::{Duration, Instant};

use wsp_events::{NetworkEvent, NetworkEvents};

use crate::arguments::Arguments;
use crate::gate::Gate;
use crate::ledger::Faults;
use crate::provider::Provider;
use crate::random::Random;
use crate::socket::Tally;
use crate::switch::Switch;

/// What the providers do between two rests.
const ROUND: u64 = 50_000;

/// No thread has moved for so long: the program hangs.
const HANGS: Duration = Duration::from_secs(30);

struct Referee<'a> {
    switches: &'a [Switch],
    /// How far each thread is.
    meters: &'a [AtomicU64],
    start: Instant,
    told: Instant,
    moved: (u64, Instant),
    rests: u64,
    faults: Faults,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let providers = arguments.threads.div_ceil(2);
    let switches: Vec<_> = (providers..arguments.threads)
        .map(|thread| {
            let step = arguments.threads - providers;
            let numbers = (thread - providers..arguments.recorders).step_by(step);
            Switch::new(&numbers.collect::<Vec<_>>())
        })
        .collect();
    let sockets: Vec<_> = switches
        .iter()
        .flat_map(|switch| &switch.flocks)
        .flat_map(|flock| &flock.sockets)
        .collect();
    let places: Vec<_> =
        sockets.iter().flat_map(|&socket| NetworkEvent::ALL.map(|event| (socket, event))).collect();
    let meters: Vec<_> = (0..arguments.threads).map(|_| AtomicU64::new(0)).collect();
    let (gate, total) = (Gate::default(), Mutex::new(Tally::default()));
    let now = Instant::now();
    let mut referee = Referee {
        switches: &switches,
        meters: &meters,
        start: now,
        told: now,
        moved: (0, now),
        rests: 0,
        faults: Faults::default(),
    };

    thread::scope(|scope| {
        for (thread, meter) in meters.iter().enumerate() {
            let (gate, total) = (&gate, &total);
            let mut random = Random::new(arguments.seed, thread);
            let mut tally = Tally::default();
            if let Some(at) = thread.checked_sub(providers) {
                let switch = &switches[at];
                scope.spawn(move || {
                    switch.run(&mut random, &mut tally, |tally| {
                        meter.store(tally.operations(), Relaxed);
                    });
                    total.lock().expect("nobody panics").add(&tally);
                });
            } else {
                let mine = places.iter().copied().skip(thread).step_by(providers);
                let mut provider = Provider::new(mine, sockets.clone(), random);
                scope.spawn(move || {
                    let mut round = 0;
                    while let Some(next) = gate.next(round) {
                        round = next;
                        provider.round(ROUND / providers as u64, &mut tally);
                        meter.store(tally.operations(), Relaxed);
                        gate.arrive();
                    }
                    total.lock().expect("nobody panics").add(&tally);
                });
            }
        }
        while referee.operations() < arguments.operations {
            gate.start();
            while !gate.have_arrived(providers, Duration::from_millis(200)) {
                referee.look();
            }
            referee.rest();
        }
        referee.finish();
        gate.end();
        switches.iter().for_each(Switch::end);
    });

    let mut total = total.into_inner().expect("nobody panics");
    total.faults.add(referee.faults);
    print(arguments, &total, referee.rests, referee.start.elapsed());
    if total.faults.any() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

impl Referee<'_> {
    fn operations(&self) -> u64 {
        self.meters.iter().map(|meter| meter.load(Relaxed)).sum()
    }

    /// The providers have stopped. Waits for the switches, and compares.
    fn rest(&mut self) {
        loop {
            for switch in self.switches {
                while !switch.is_at_rest() {
                    self.look();
                    thread::yield_now();
                }
            }
            self.rests += 1;
            let flocks = || self.switches.iter().flat_map(|switch| &switch.flocks);
            let stuck: Vec<_> = flocks().filter(|flock| flock.audit(&mut self.faults)).collect();
            if stuck.is_empty() {
                return;
            }
            stuck.iter().for_each(|flock| flock.object().set());
        }
    }

    /// What is recorded and was left out of the last selections comes out.
    fn finish(&mut self) {
        for flock in self.switches.iter().flat_map(|switch| &switch.flocks) {
            flock.select_other(NetworkEvents::FD_ALL_EVENTS);
        }
        self.rest();
    }

    /// Says once a second how far it is; and ends the program when nothing moves.
    fn look(&mut self) {
        if self.told.elapsed() < Duration::from_secs(1) {
            return;
        }
        self.told = Instant::now();
        let operations = self.operations();
        let Faults { lost, duplicated, stuck, torn } = self.faults;
        eprintln!(
            "{:4} s  {operations:12} operations  {:8} rests  lost {lost}  duplicated {duplicated}  \
             stuck {stuck}  torn {torn}",
            self.start.elapsed().as_secs(),
            self.rests
        );
        if operations != self.moved.0 {
            self.moved = (operations, self.told);
        } else if self.moved.1.elapsed() > HANGS {
            eprintln!("HANGS: no thread has moved for {} s", HANGS.as_secs());
            exit(1);
        }
    }
}

fn print(arguments: &Arguments, total: &Tally, rests: u64, time: Duration) {
    let Faults { lost, duplicated, stuck, torn } = total.faults;
    let operations = total.operations();
    println!(
        "{} recorders, {} threads, seed {}: {:.1} s, {:.1} million operations a second",
        arguments.recorders,
        arguments.threads,
        arguments.seed,
        time.as_secs_f64(),
        operations as f64 / time.as_secs_f64() / 1e6
    );
    let rows = [
        ("operations", operations),
        ("  records", total.records),
        ("    repeats", total.repeats),
        ("    errors", total.errors),
        ("  batches", total.batches),
        ("  enumerations", total.enumerations),
        ("    empty", total.empty),
        ("  receives", total.receives),
        ("  selections", total.selections),
        ("wake-ups", total.wakes),
        ("rests", rests),
        ("drained", total.drained),
        ("spurious", total.spurious),
        ("lost", lost),
        ("duplicated", duplicated),
        ("stuck", stuck),
        ("torn", torn),
    ];
    for (name, count) in rows {
        println!("{name:<16}{count:>14}");
    }
}
