//! Runs the threads in rounds, and audits the ledger at each rest.

use std::process::{ExitCode, exit};
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use wsp_events::{NetworkEvent, NetworkEvents};

use crate::arguments::Arguments;
use crate::provider::Provider;
use crate::random::Random;
use crate::socket::Flock;
use crate::switch::Switch;
use crate::tally::{Count, Tally};

/// How many operations the providers do between two rests.
const ROUND: u64 = 50_000;

/// If no thread has done an operation for so long, the program hangs.
const HANGS: Duration = Duration::from_secs(30);

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let Arguments { operations: wanted, recorders, threads, seed } = *arguments;
    let (start, providers) = (Instant::now(), threads.div_ceil(2));
    let switches: Vec<_> = (0..threads - providers)
        .map(|at| Switch::new(&(at..recorders).step_by(threads - providers).collect::<Vec<_>>()))
        .collect();
    let flocks = || switches.iter().flat_map(|switch| &switch.flocks);
    let sockets: Vec<_> = flocks().flat_map(|flock| &flock.sockets).collect();
    let places =
        || sockets.iter().flat_map(|&socket| NetworkEvent::ALL.map(|event| (socket, event)));
    let mut providers: Vec<_> = (0..providers)
        .map(|at| {
            let mine = places().skip(at).step_by(providers);
            Provider::new(mine, sockets.clone(), Random::new(seed, at))
        })
        .collect();
    let share = ROUND / providers.len() as u64;

    let (operations, total) = (&AtomicU64::new(0), &Mutex::new(Tally::default()));
    let (end, is_over) = mpsc::channel();
    thread::scope(|scope| {
        for (at, switch) in switches.iter().enumerate() {
            let mut random = Random::new(seed, providers.len() + at);
            scope.spawn(move || {
                let tally = switch.run(&mut random, operations);
                total.lock().expect("nothing panics").add(&tally);
            });
        }
        scope.spawn(move || watch(start, operations, total, &is_over));
        while operations.load(Relaxed) < wanted {
            thread::scope(|round| {
                for provider in &mut providers {
                    round.spawn(move || {
                        let before = provider.tally.operations();
                        provider.round(share);
                        operations.fetch_add(provider.tally.operations() - before, Relaxed);
                    });
                }
            });
            rest(&switches, total);
        }
        // What is recorded and was left out of the last selections is reported.
        flocks().for_each(|flock| flock.select_other(NetworkEvents::FD_ALL_EVENTS));
        rest(&switches, total);
        switches.iter().for_each(Switch::end);
        drop(end);
    });

    let mut total = total.lock().expect("nothing panics");
    providers.iter().for_each(|provider| total.add(&provider.tally));
    let (seconds, operations) = (start.elapsed().as_secs_f64(), total.operations());
    total.print();
    println!(
        "{recorders} recorders, {threads} threads, seed {seed}: {seconds:.1} s, {:.1} million operations a second",
        operations as f64 / seconds / 1e6
    );
    if total.has_faults() {
        println!("FAILED: {}", total.faults());
        return ExitCode::FAILURE;
    }
    println!("passed: nothing was lost, duplicated, stuck or torn in {operations} operations");
    ExitCode::SUCCESS
}

/// The providers have stopped. Waits until the switches are at rest, and compares.
fn rest(switches: &[Switch], total: &Mutex<Tally>) {
    loop {
        for switch in switches {
            while !switch.is_at_rest() {
                thread::yield_now();
            }
        }
        let mut tally = total.lock().expect("nothing panics");
        tally[Count::Rests] += 1;
        let flocks = switches.iter().flat_map(|switch| &switch.flocks);
        let stuck: Vec<&Flock> = flocks.filter(|flock| flock.audit(&mut tally)).collect();
        if stuck.is_empty() {
            return;
        }
        // So that the program can go on.
        stuck.iter().for_each(|flock| flock.object().set());
    }
}

/// Prints the progress once a second, and ends the program if it hangs.
fn watch(
    start: Instant,
    operations: &AtomicU64,
    total: &Mutex<Tally>,
    is_over: &mpsc::Receiver<()>,
) {
    let mut moved = (0, start);
    while is_over.recv_timeout(Duration::from_secs(1)) == Err(mpsc::RecvTimeoutError::Timeout) {
        let now = operations.load(Relaxed);
        let seconds = start.elapsed().as_secs();
        let tally = total.lock().expect("nothing panics");
        let (rests, faults) = (tally[Count::Rests], tally.faults());
        eprintln!("{seconds:4} s  {now:12} operations  {rests:8} rests  {faults}");
        if now != moved.0 {
            moved = (now, Instant::now());
        } else if moved.1.elapsed() > HANGS {
            eprintln!("HANGS: no operation for {} s", HANGS.as_secs());
            exit(1);
        }
    }
}
