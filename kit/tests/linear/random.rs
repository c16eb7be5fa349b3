//! Random schedules of programs that are too large for loom: four threads of thirty calls each, on two
//! recorders that may share an event object (P3), with event objects that fail, panic, and record from
//! inside.
//!
//! The program is drawn at random together with its schedule, so that one string replays both. Shuttle's
//! atomics are sequentially consistent whatever the code asks for: what depends on a weaker order is
//! loom's to find.
//!
//! `WSP_SCHEDULES` says how many schedules each test draws, and a failing one prints its schedule;
//! `WSP_REPLAY`, set to that, plays it again. `.ci/threads shuttle` sets both.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Instant;

use kit::checker::rand::{Rng, thread_rng};
use kit::checker::scheduler::{PctScheduler, RandomScheduler, Scheduler};
use kit::checker::{Config, MaxSteps, Runner, replay};
use kit::event_object::{Act, End};
use kit::vocabulary::Operation;
use wsp_events::{NetworkEvent, NetworkEvents};

use crate::scene::{Move, Scene, records};
use crate::stage::{ANOTHER, FAILING, OBJECTS, SELECTED};

/// At most. They may share one event object.
const RECORDERS: usize = 2;
const THREADS: usize = 4;
const CALLS: usize = 30;

/// Few events, so that calls are about the same ones.
const FEW: [NetworkEvent; 3] = [NetworkEvent::Read, NetworkEvent::Accept, NetworkEvent::Close];

/// Draws a scene. Every error has a code of its own, so that the search tells them apart.
fn draw() -> Scene {
    let mut codes = 10_000..;
    let mut code = || codes.next().unwrap();
    let recorders = thread_rng().gen_range(1..=RECORDERS);
    let select = |recorder| (recorder, Operation::Select(some(), SELECTED));
    let script = (0..thread_rng().gen_range(0..4)).map(|_| match thread_rng().gen_range(0..8) {
        0 | 1 => End::Fails.into(),
        2 => End::Panics.into(),
        3 | 4 => records(event(), code()),
        _ => Act::default(),
    });
    let script = script.collect();
    let latching = if thread_rng().gen_bool(0.3) { some() } else { NetworkEvents::empty() };
    let mut program = || -> Vec<Move> {
        (0..CALLS).map(|_| (thread_rng().gen_range(0..recorders), call(&mut code))).collect()
    };
    let mut threads: Vec<_> = (0..THREADS).map(|_| program()).collect();
    if thread_rng().gen_bool(0.1) {
        threads[0].push((0, Operation::Drop)); // The last thread drops the recorders.
    }
    Scene { latching, recorders, before: (0..recorders).map(select).collect(), script, threads }
}

fn event() -> NetworkEvent {
    FEW[thread_rng().gen_range(0..FEW.len())]
}

/// Some of the few, never none.
fn some() -> NetworkEvents {
    let always = event();
    FEW.into_iter().filter(|event| *event == always || thread_rng().gen_bool(0.7)).collect()
}

fn object() -> usize {
    match thread_rng().gen_range(0..10) {
        0..7 => SELECTED,
        7..9 => ANOTHER,
        _ => thread_rng().gen_range(FAILING..OBJECTS),
    }
}

fn call(code: &mut impl FnMut() -> i32) -> Operation {
    match thread_rng().gen_range(0..100) {
        0..22 => Operation::Record(event(), 0),
        22..37 => Operation::Record(event(), code()),
        37..42 => Operation::RecordInTwoSteps(event(), code()),
        42..44 => Operation::RecordUnsignaled(event(), 0),
        44 => Operation::Renew,
        45..55 => {
            let batch = FEW.into_iter().filter(|_| thread_rng().gen_bool(0.6));
            let coded = |event| (event, if thread_rng().gen_bool(0.5) { 0 } else { code() });
            Operation::RecordAll(batch.map(coded).collect())
        }
        55..60 => Operation::Withdraw(some()),
        60..68 => Operation::Reenable(event()),
        68..76 => Operation::Select(some(), object()),
        76..78 => Operation::Deselect,
        78..82 => Operation::Enumerate(None),
        82..95 => Operation::Enumerate(Some(object())),
        95 | 96 => Operation::FailToDeliver(Some(object())),
        97 => Operation::Inherit,
        98 => Operation::ApplicationResets(object().min(ANOTHER)),
        // Seldom: what comes after it is refused.
        _ if thread_rng().gen_bool(0.05) => Operation::Close,
        _ => Operation::Record(event(), 0),
    }
}

fn play() {
    Arc::new(draw()).play();
}

fn config() -> Config {
    let mut config = Config::new();
    config.stack_size = 1 << 16;
    config.max_steps = MaxSteps::FailAfter(100_000);
    config.silence_warnings = true;
    config
}

fn schedules() -> usize {
    let wanted = std::env::var("WSP_SCHEDULES");
    wanted.map_or(2_000, |number| number.parse().expect("WSP_SCHEDULES is a number"))
}

fn run(name: &str, scheduler: impl Scheduler + 'static) {
    static SCHEDULES: AtomicUsize = AtomicUsize::new(0);
    let start = Instant::now();
    let schedules = Runner::new(scheduler, config()).run(play);
    let rate = schedules as f64 / start.elapsed().as_secs_f64();
    let total = SCHEDULES.fetch_add(schedules, SeqCst) + schedules;
    println!(
        "{name}: {schedules} schedules, {rate:.0} a second; {total} so far, no difference from the model"
    );
}

#[test]
fn schedules_at_random() {
    if let Ok(schedule) = std::env::var("WSP_REPLAY") {
        return replay(play, &schedule);
    }
    run("at random", RandomScheduler::new(schedules()));
}

/// Few preemptions, at random places: this finds what only happens if a thread is delayed for long.
#[test]
fn schedules_with_few_preemptions() {
    run("with few preemptions", PctScheduler::new(3, schedules()));
}
