//! Every pair of calls, a call beside itself included, each from every starting state, through every
//! schedule that loom finds with three preemptions.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

use kit::checker::model::Builder;
use kit::event_object::{Act, End};
use kit::vocabulary::Operation;
use wsp_events::{NetworkEvent, NetworkEvents};

use crate::scene::{Move, Scene, records};
use crate::stage::{ANOTHER, FAILING, PANICKING, SELECTED};

pub(crate) const ACCEPT: NetworkEvent = NetworkEvent::Accept;
pub(crate) const CLOSE: NetworkEvent = NetworkEvent::Close;
const FD_ACCEPT: NetworkEvents = NetworkEvents::FD_ACCEPT;
const FD_CLOSE: NetworkEvents = NetworkEvents::FD_CLOSE;
pub(crate) const BOTH: NetworkEvents = FD_ACCEPT.union(FD_CLOSE);

/// The calls by name. Most are about FD_CLOSE, so that they conflict; each thread has a code of its own.
pub(crate) fn operations(thread: usize) -> Vec<(&'static str, Operation)> {
    use Operation::{
        ApplicationResets, Close, Deselect, Drop, Enumerate, FailToDeliver, Inherit, Record,
        RecordAll, RecordInTwoSteps, RecordUnsignaled, Reenable, Renew, Select, Withdraw,
    };
    let code = code_of(thread);
    vec![
        ("success", Record(CLOSE, 0)),
        ("error", Record(CLOSE, code)),
        ("success of another event", Record(ACCEPT, 0)),
        ("batch", RecordAll(vec![(ACCEPT, 0), (CLOSE, code)])),
        ("record, and never signal", RecordUnsignaled(CLOSE, code)),
        ("record in two steps", RecordInTwoSteps(CLOSE, code)),
        ("withdraw", Withdraw(FD_CLOSE)),
        ("renew", Renew),
        ("re-enable", Reenable(CLOSE)),
        ("select", Select(FD_CLOSE, ANOTHER)),
        ("select a failing one", Select(BOTH, FAILING)),
        ("select a panicking one", Select(FD_ACCEPT, PANICKING)),
        ("deselect", Deselect),
        ("enumerate", Enumerate(None)),
        ("enumerate, the selected one", Enumerate(Some(SELECTED))),
        ("enumerate, another one", Enumerate(Some(ANOTHER))),
        ("enumerate, a failing one", Enumerate(Some(FAILING))),
        ("enumerate, a panicking one", Enumerate(Some(PANICKING))),
        ("enumerate, and fail to deliver", FailToDeliver(Some(SELECTED))),
        ("inherit", Inherit),
        ("close", Close),
        ("the application resets", ApplicationResets(SELECTED)),
        ("drop", Drop),
    ]
}

pub(crate) fn code_of(thread: usize) -> i32 {
    10050 + thread as i32
}

/// A state to start from: the same selection, and then this.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Start {
    NothingRecorded,
    Recorded,
    RecordedWithACode,
    /// The same, and FD_CLOSE latches.
    LatchedWithACode,
    /// FD_CLOSE latches, and was reported.
    Latched,
    /// A set has failed.
    Owed,
    /// The next set is going to fail.
    Failing,
    /// The next set is going to panic.
    Panicking,
    /// The next set records an error, and tries what is refused there.
    Inside,
    /// Recorded, and nothing is selected.
    Unselected,
}

impl Start {
    pub(crate) fn scene(self, threads: Vec<Vec<Operation>>) -> Scene {
        let select = Operation::Select(BOTH, SELECTED);
        let success = Operation::Record(CLOSE, 0);
        let take = Operation::Enumerate(Some(SELECTED));
        let (before, script): (_, Vec<Act>) = match self {
            Self::NothingRecorded => (vec![select], vec![]),
            Self::Recorded => (vec![select, success], vec![]),
            Self::RecordedWithACode | Self::LatchedWithACode => {
                (vec![select, Operation::Record(CLOSE, code_of(9))], vec![])
            }
            Self::Latched => (vec![select, success, take], vec![]),
            Self::Owed => (vec![select, success], vec![End::Fails.into()]),
            Self::Failing => (vec![select], vec![End::Fails.into()]),
            Self::Panicking => (vec![select], vec![End::Panics.into()]),
            Self::Inside => (vec![select], vec![records(CLOSE, code_of(8))]),
            Self::Unselected => (vec![success], vec![]),
        };
        let latches = matches!(self, Self::Latched | Self::LatchedWithACode);
        let moves = |operations: Vec<Operation>| -> Vec<Move> {
            operations.into_iter().map(|operation| (0, operation)).collect()
        };
        Scene {
            latching: if latches { FD_CLOSE } else { NetworkEvents::empty() },
            recorders: 1,
            before: moves(before),
            script,
            threads: threads.into_iter().map(moves).collect(),
        }
    }
}

/// One failure is enough: it ends the other tests too, which may take long. They say so, and do not fail, so that the
/// output is about the one that failed.
static HAS_FAILED: AtomicBool = AtomicBool::new(false);

/// Plays a scene on every schedule within the bound on preemptions, which loom's own variable LOOM_MAX_PREEMPTIONS
/// overrides. Returns how many there are; `None` if another model has failed.
pub(crate) fn explore(preemptions: usize, name: &str, scene: Scene) -> Option<usize> {
    if HAS_FAILED.load(SeqCst) {
        println!("{name}: NOT EXPLORED, since another model has failed");
        return None;
    }
    let schedules = Arc::new(AtomicUsize::new(0));
    let mut builder = Builder::new();
    builder.preemption_bound = builder.preemption_bound.or(Some(preemptions));
    builder.max_branches = 10_000;
    let count = Arc::clone(&schedules);
    let scene = Arc::new(scene);
    let check = || {
        builder.check(move || {
            count.fetch_add(1, SeqCst);
            scene.play();
        });
    };
    if let Err(payload) = catch_unwind(AssertUnwindSafe(check)) {
        HAS_FAILED.store(true, SeqCst);
        println!("failed: {name}");
        resume_unwind(payload);
    }
    Some(schedules.load(SeqCst))
}

fn every_pair_from(start: Start) {
    let (mut pairs, mut schedules) = (0, 0);
    let others = operations(1);
    for (at, (mine, operation)) in operations(0).into_iter().enumerate() {
        for (other, beside) in &others[at..] {
            let name = format!("{start:?}: {mine} beside {other}");
            let scene = start.scene(vec![vec![operation.clone()], vec![beside.clone()]]);
            let Some(explored) = explore(3, &name, scene) else { return };
            schedules += explored;
            pairs += 1;
        }
    }
    println!("{start:?}: {pairs} pairs of calls, {schedules} schedules");
}

macro_rules! every_pair {
    ($($test:ident: $start:ident),* $(,)?) => {$(
        #[test]
        fn $test() {
            every_pair_from(Start::$start);
        }
    )*};
}

every_pair! {
    from_nothing_recorded: NothingRecorded,
    from_recorded: Recorded,
    from_recorded_with_a_code: RecordedWithACode,
    from_latched: Latched,
    from_latched_with_a_code: LatchedWithACode,
    from_owed: Owed,
    from_failing: Failing,
    from_panicking: Panicking,
    from_inside: Inside,
    from_unselected: Unselected,
}
