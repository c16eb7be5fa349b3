//! Both worlds play a script, step by step, until they differ.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use wsp_events::NetworkEvents;

use crate::observation::Observation;
use crate::ours::Ours;
use crate::player::Player;
use crate::script::Op;
use crate::winsock::Winsock;

/// So long a difference in the event objects may last that is only one world's being late. A script without
/// a difference never waits for it.
const GRACE: Duration = Duration::from_millis(500);

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
        write!(f, "step {step}, {op}:\n    Winsock  {winsock}\n    ours     {ours}")
    }
}

/// What both worlds show, step by step, or the first difference.
pub(crate) fn compare(script: &[Op]) -> Result<Vec<Observation>, Box<Difference>> {
    play(script, false)
}

/// As [`compare`], for scripts that cannot keep clear of one of the exceptions
/// (`r4_what_is_not_selected_does_not_touch_the_event_object`): an event object that Winsock has set again
/// though nothing reportable is new. It is set in our world too, and the script goes on.
pub(crate) fn compare_but_for_r4(script: &[Op]) -> Result<Vec<Observation>, Box<Difference>> {
    play(script, true)
}

fn play(script: &[Op], but_for_r4: bool) -> Result<Vec<Observation>, Box<Difference>> {
    let _alone = alone();
    let (mut winsock, mut ours) = (Player::new(&Winsock), Player::new(&Ours));
    let mut trace = Vec::new();
    for (at, op) in script.iter().enumerate() {
        let before = ours.reportable();
        let (mut by_winsock, mut by_ours) = (winsock.play(op), ours.play(op));
        let deadline = Instant::now() + GRACE;
        while by_winsock.set != by_ours.set && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(5));
            winsock.settle();
            ours.settle();
            by_winsock.set = winsock.events_set();
            by_ours.set = ours.events_set();
        }
        let again = [0, 1].map(|event| by_winsock.set[event] && !by_ours.set[event]);
        if but_for_r4
            && again != [false; 2]
            && may_be_new(op).is_some_and(|new| nothing_new(&before, new, &ours.reportable()))
        {
            ours.set_events(again);
            by_ours.set = ours.events_set();
        }
        if by_winsock != by_ours {
            let (step, op, winsock, ours) = (at + 1, op.clone(), by_winsock, by_ours);
            return Err(Box::new(Difference { step, op, winsock, ours }));
        }
        trace.push(by_winsock);
    }
    Ok(trace)
}

/// What an operation may have taken out of the record and put there again, as news; `None` if it may have set
/// the event object for what is no news.
fn may_be_new(op: &Op) -> Option<NetworkEvents> {
    match op {
        Op::PeerConnects { .. }
        | Op::PeerSends { .. }
        | Op::PeerSendsOob { .. }
        | Op::PeerCloses { .. }
        | Op::PeerShutsDown { .. } => Some(NetworkEvents::empty()),
        Op::FillAndDrain { .. } => Some(NetworkEvents::FD_WRITE),
        Op::Recv { .. } | Op::Peek { .. } => Some(NetworkEvents::FD_READ),
        Op::RecvOob { .. } => Some(NetworkEvents::FD_OOB),
        Op::Accept { .. } => Some(NetworkEvents::FD_ACCEPT),
        // Among them a selection (S2).
        _ => None,
    }
}

/// Something is reportable, and all of it was before.
fn nothing_new(before: &[NetworkEvents], new: NetworkEvents, after: &[NetworkEvents]) -> bool {
    let before = before.iter().map(|before| *before - new);
    let before = before.chain(std::iter::repeat(NetworkEvents::empty()));
    after.iter().zip(before).all(|(after, before)| before.contains(*after))
        && after.iter().any(|events| !events.is_empty())
}

/// One script at a time: Winsock's numbers are the process's handles, and one that was closed must not come
/// back meanwhile as somebody else's.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}
