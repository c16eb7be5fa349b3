//! What threads share besides the recorders: event objects, a clock, and a log. The checkers do not see it, except for
//! the state of the event objects: it must order nothing.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use kit::calls::{Recorder, answer, perform};
use kit::checker;
use kit::event_object::{self, Act, Call, End, Entry, EventObject, Handle, Script};
use kit::vocabulary::{Answer, Operation};
use wsp_events::NetworkEvents;

use crate::scene::{self, Move};

/// The event objects by number. The first one is selected at the beginning.
pub(crate) const SELECTED: usize = 0;
pub(crate) const ANOTHER: usize = 1;
/// Fails every call.
pub(crate) const FAILING: usize = 2;
/// Panics in every call, and does nothing else.
pub(crate) const PANICKING: usize = 3;
pub(crate) const OBJECTS: usize = 4;

pub(crate) type Recorders = Vec<checker::sync::Arc<Recorder>>;

pub(crate) struct Stage {
    objects: [Arc<EventObject>; OBJECTS],
    clock: AtomicUsize,
    pub(crate) log: Mutex<Vec<Entry>>,
    pub(crate) calls: Mutex<Vec<scene::Call>>,
    pub(crate) children: Mutex<Vec<Recorder>>,
    /// For the calls from inside event objects.
    pub(crate) recorders: Mutex<Arc<Recorders>>,
}

/// Where one recorder, by its number, uses event objects.
struct Place {
    stage: Arc<Stage>,
    recorder: usize,
}

/// What an event object shows at rest.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Shown {
    pub(crate) signaled: bool,
    pub(crate) sets: usize,
    pub(crate) resets: usize,
    pub(crate) failures: usize,
    pub(crate) panics: usize,
    /// The selections that keep it alive (P2).
    pub(crate) selections: usize,
}

impl Stage {
    /// The first event object follows a script when it is set.
    pub(crate) fn new(script: &[Act]) -> Arc<Self> {
        let objects = std::array::from_fn(EventObject::new);
        let script = Script { acts: script.iter().cloned().collect(), then: End::Works };
        objects[SELECTED].arm(Call::Set, &script);
        for call in [Call::Set, Call::Reset] {
            objects[FAILING].arm(call, &Script::always(End::Fails));
            objects[PANICKING].arm(call, &Script::always(End::Panics));
        }
        Arc::new(Self {
            objects,
            clock: AtomicUsize::new(0),
            log: Mutex::default(),
            calls: Mutex::default(),
            children: Mutex::default(),
            recorders: Mutex::default(),
        })
    }

    fn now(&self) -> usize {
        self.clock.fetch_add(1, SeqCst)
    }

    fn handle(self: &Arc<Self>, object: Arc<EventObject>, recorder: usize) -> Handle {
        Handle { object, stage: Arc::new(Place { stage: Arc::clone(self), recorder }) }
    }

    /// An event object that nothing else uses.
    pub(crate) fn fresh(self: &Arc<Self>) -> Handle {
        self.handle(EventObject::new(OBJECTS), 0)
    }

    /// Makes a call, and logs it with its answer and its times.
    pub(crate) fn perform(self: &Arc<Self>, recorders: &Recorders, step: &Move) -> Answer {
        let (recorder, operation) = step.clone();
        let handle = |object: usize| self.handle(Arc::clone(&self.objects[object]), recorder);
        let adopt = |child| {
            let mut children = self.children.lock().unwrap();
            children.push(child);
            children.len() - 1
        };
        let from = self.now();
        let answer = answer(|| perform(&operation, &recorders[recorder], handle, adopt));
        let to = self.now();
        let call = scene::Call { recorder, operation, answer: answer.clone(), from, to };
        self.calls.lock().unwrap().push(call);
        answer
    }

    /// From now on the first event object works, and event objects make no calls from inside.
    pub(crate) fn calm(&self) {
        self.objects[SELECTED].arm(Call::Set, &Script::default());
        *self.recorders.lock().unwrap() = Arc::default();
    }

    pub(crate) fn show(&self) -> [Shown; OBJECTS] {
        let log = self.log.lock().unwrap();
        std::array::from_fn(|number| {
            let ends: Vec<_> = log
                .iter()
                .filter_map(|entry| match entry {
                    Entry::Called { object, call, end, .. } => {
                        (*object == number).then_some((*call, *end))
                    }
                    Entry::Selected { .. } => None,
                })
                .collect();
            let count = |kind: fn(_) -> bool| ends.iter().filter(|end| kind(**end)).count();
            Shown {
                signaled: self.objects[number].is_signaled(),
                sets: count(|end| end == (Call::Set, End::Works)),
                resets: count(|end| end == (Call::Reset, End::Works)),
                failures: count(|(_, end)| end == End::Fails),
                panics: count(|(_, end)| matches!(end, End::Panics | End::WorksThenPanics)),
                selections: Arc::strong_count(&self.objects[number]) - 1,
            }
        })
    }
}

impl event_object::Stage for Place {
    /// To look would be one more step for the checkers.
    fn recorded(&self) -> NetworkEvents {
        NetworkEvents::empty()
    }

    /// What would wait for itself is refused (K4); the rest is a call like any other.
    fn inside(&self, own: &Handle, operations: &[Operation]) -> Vec<Answer> {
        let recorders = Arc::clone(&self.stage.recorders.lock().unwrap());
        let call = |operation: &Operation| {
            if !operation.holds() {
                return self.stage.perform(&recorders, &(self.recorder, operation.clone()));
            }
            let recorder = &recorders[self.recorder];
            let answer = perform(operation, recorder, |_| own.clone(), |_| unreachable!());
            assert_eq!(answer, Answer::Reentrant, "K4");
            answer
        };
        operations.iter().map(call).collect()
    }

    fn log(&self, entry: Entry) {
        self.stage.log.lock().unwrap().push(entry);
    }
}
