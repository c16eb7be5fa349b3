//! Both worlds play a script, step by step, until they differ.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use wsp_events::{NetworkEvents, Provider};

use crate::scripts::measured::Step;
use crate::scripts::ours::{Ours, provider};
use crate::scripts::player::{Observation, Player};
use crate::scripts::script::{ACCEPT, NONE, OOB, Op, READ, WRITE};
use crate::scripts::world::LIMIT;
use crate::winsock::Winsock;

/// How long the event objects may differ as R4 allows (`compare_but_for_r4`) before they do so for good. Every script
/// with that exception waits so long.
pub(crate) const GRACE: Duration = Duration::from_millis(500);

/// The first step at which the worlds differ.
#[derive(Debug)]
pub(crate) struct Difference {
    /// From 1.
    pub(crate) step: usize,
    pub(crate) op: Op,
    pub(crate) winsock: Observation,
    pub(crate) ours: Observation,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { step, op, winsock, ours } = self;
        write!(f, "step {step}, {op:?}:\n    Winsock  {winsock}\n    ours     {ours}")
    }
}

/// The worlds agree, and show what the steps say.
#[track_caller]
pub(crate) fn agree(steps: &[Step]) {
    let (script, expected): (Vec<_>, Vec<_>) = steps.iter().copied().unzip();
    let trace = compare(&script).unwrap_or_else(|difference| panic!("{difference}"));
    for (at, (seen, expected)) in trace.iter().zip(expected).enumerate() {
        let seen = seen.to_string();
        assert!(expected.is_empty() || seen == expected, "step {}: {seen}", at + 1);
    }
}

/// The worlds agree up to the last step, and there they differ just so.
#[track_caller]
pub(crate) fn differ(script: &[Op], winsock: &str, ours: &str) {
    let Err(difference) = play(script, Some([winsock, ours]), false, LIMIT) else {
        panic!("no difference, so no exception");
    };
    println!("{difference}");
    assert_eq!(difference.step, script.len(), "{difference}");
    let seen = (difference.winsock.to_string(), difference.ours.to_string());
    assert_eq!(seen, (winsock.to_owned(), ours.to_owned()));
}

/// What both worlds show, step by step, or the first difference.
pub(crate) fn compare(script: &[Op]) -> Result<Vec<Observation>, Box<Difference>> {
    play(script, None, false, LIMIT)
}

/// As [`compare`], for scripts that cannot keep clear of one of the exceptions
/// (`r4_what_is_not_selected_does_not_touch_the_event_object`): Winsock has set an event object again though
/// nothing reportable is new. Then it is set in our world too, and the script goes on.
pub(crate) fn compare_but_for_r4(
    script: &[Op],
    patience: Duration,
) -> Result<Vec<Observation>, Box<Difference>> {
    play(script, None, true, patience)
}

/// Plays a script in both worlds, which are to show `end` at the last step, and otherwise the same. What is late is waited
/// for.
fn play(
    script: &[Op],
    end: Option<[&str; 2]>,
    but_for_r4: bool,
    patience: Duration,
) -> Result<Vec<Observation>, Box<Difference>> {
    let _alone = alone();
    let (mut winsock, mut ours) = (Player::new(&Winsock), Player::new(&Ours));
    let mut trace = Vec::new();
    for (at, &op) in script.iter().enumerate() {
        let before = reportable(&ours);
        let (mut by_winsock, mut by_ours) = (winsock.play(op), ours.play(op));
        let begun = Instant::now();
        loop {
            let come = match end {
                Some(end) if at + 1 == script.len() => {
                    [&by_winsock, &by_ours].map(Observation::to_string) == end
                }
                _ => by_winsock.set == by_ours.set,
            };
            let again = [0, 1].map(|event| by_winsock.set[event] && !by_ours.set[event]);
            let is_r4 = but_for_r4
                && again != [false; 2]
                && may_be_new(op).is_some_and(|new| nothing_new(&before, new, &reportable(&ours)));
            if come || begun.elapsed() > if is_r4 { GRACE } else { patience } {
                let set_again = ours.events.iter().zip(again).filter(|(_, again)| is_r4 && *again);
                set_again.for_each(|(event, _)| event.set());
                by_ours.set = ours.events_set();
                break;
            }
            thread::sleep(Duration::from_millis(5));
            winsock.settle();
            ours.settle();
            by_winsock.set = winsock.events_set();
            by_ours.set = ours.events_set();
        }
        if by_winsock != by_ours {
            let (step, winsock, ours) = (at + 1, by_winsock, by_ours);
            return Err(Box::new(Difference { step, op, winsock, ours }));
        }
        trace.push(by_winsock);
    }
    Ok(trace)
}

/// What is recorded and selected of each socket.
fn reportable(ours: &Player<Ours>) -> Vec<NetworkEvents> {
    let of = |s| {
        let socket = provider().find_socket(s)?;
        let recorder = ws2::Winsock::recorder_of(&socket);
        Some(recorder.recorded() & recorder.selected())
    };
    ours.sockets.iter().map(|socket| of(socket.s).unwrap_or(NONE)).collect()
}

/// What an operation may have taken out of the record and recorded anew; `None` if it may have set the event
/// object without that.
fn may_be_new(op: Op) -> Option<NetworkEvents> {
    match op {
        Op::PeerConnects(_)
        | Op::PeerSends(..)
        | Op::PeerSendsOob(_)
        | Op::PeerCloses(_)
        | Op::PeerShutsDown(_) => Some(NONE),
        Op::FillAndDrain(_) => Some(WRITE),
        Op::Recv(..) | Op::Peek(..) => Some(READ),
        Op::RecvOob(_) => Some(OOB),
        Op::Accept(_) => Some(ACCEPT),
        // Among them a selection (S2).
        _ => None,
    }
}

/// Something is reportable, and all of it was before.
fn nothing_new(before: &[NetworkEvents], new: NetworkEvents, after: &[NetworkEvents]) -> bool {
    let before = before.iter().map(|before| *before - new);
    let before = before.chain(std::iter::repeat(NONE));
    after.iter().zip(before).all(|(after, before)| before.contains(*after))
        && after.iter().any(|events| !events.is_empty())
}

/// One script at a time: Winsock's descriptors are handles of the process, and a closed one must not come back
/// meanwhile as that of another script.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}
