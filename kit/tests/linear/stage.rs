//! What threads share besides the recorders: event objects, a clock, and a log. The checkers do not see it (but for the
//! state of the event objects): it must order nothing.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use kit::event_object::{self, Act, Call, End, Entry, EventObject, Script};
use kit::socket::{Events, NONE};
use kit::vocabulary::{self, Answer, Operation, unwinding};

use crate::checker::{self, Flag};
use crate::scene::{self, Move};

/// The event objects by number. The first one is selected at the beginning.
pub(crate) const SELECTED: usize = 0;
pub(crate) const ANOTHER: usize = 1;
/// Fails every call.
pub(crate) const FAILING: usize = 2;
/// Panics in every call, and does nothing else.
pub(crate) const PANICKING: usize = 3;
pub(crate) const OBJECTS: usize = 4;

pub(crate) type Recorder = vocabulary::Recorder<Place, Flag>;
pub(crate) type Recorders = Vec<checker::Arc<Recorder>>;
pub(crate) type Handle = event_object::Handle<Place, Flag>;

pub(crate) struct Stage {
    objects: [Arc<EventObject<Flag>>; OBJECTS],
    clock: AtomicUsize,
    log: Mutex<Vec<Entry>>,
    pub(crate) calls: Mutex<Vec<scene::Call>>,
    pub(crate) children: Mutex<Vec<Recorder>>,
    /// For the calls from inside event objects.
    pub(crate) recorders: Mutex<Arc<Recorders>>,
}

/// An event object in the hands of one recorder, by its number.
#[derive(Clone)]
pub(crate) struct Place {
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
        let objects = std::array::from_fn(EventObject::<Flag>::new);
        let script = Script { acts: script.iter().cloned().collect(), then: End::Works };
        objects[SELECTED].arm(Call::Set, &script);
        for (object, end) in [(FAILING, End::Fails), (PANICKING, End::Panics)] {
            objects[object].arm(Call::Set, &Script::always(end));
            objects[object].arm(Call::Reset, &Script::always(end));
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

    /// Makes a call, and logs it with its answer and its moments.
    pub(crate) fn perform(self: &Arc<Self>, recorders: &Recorders, step: &Move) -> Answer {
        let (recorder, operation) = step.clone();
        let place = Place { stage: Arc::clone(self), recorder };
        let handle = |object: usize| Handle {
            object: Arc::clone(&self.objects[object]),
            stage: place.clone(),
        };
        let adopt = |child| {
            let mut children = self.children.lock().unwrap();
            children.push(child);
            children.len() - 1
        };
        let from = self.now();
        let answer = unwinding(|| operation.perform(&recorders[recorder], handle, adopt));
        let answer = answer.unwrap_or_else(|unwound| unwound);
        let to = self.now();
        let call = scene::Call { recorder, operation, answer: answer.clone(), from, to };
        self.calls.lock().unwrap().push(call);
        answer
    }

    /// From now on the first event object works, and nothing is called from inside.
    pub(crate) fn calm(&self) {
        self.objects[SELECTED].arm(Call::Set, &Script::default());
        *self.recorders.lock().unwrap() = Arc::default();
    }

    /// An event object of nobody's.
    pub(crate) fn fresh(self: &Arc<Self>) -> Handle {
        let stage = Place { stage: Arc::clone(self), recorder: 0 };
        Handle { object: EventObject::new(OBJECTS), stage }
    }

    pub(crate) fn show(&self) -> [Shown; OBJECTS] {
        let log = self.log.lock().unwrap();
        std::array::from_fn(|number| {
            let mut shown = Shown {
                signaled: self.objects[number].is_signaled(),
                selections: Arc::strong_count(&self.objects[number]) - 1,
                ..Shown::default()
            };
            for entry in log.iter() {
                match entry {
                    Entry::Called { object, call, end, .. } if *object == number => {
                        *match (end, call) {
                            (End::Works, Call::Set) => &mut shown.sets,
                            (End::Works, Call::Reset) => &mut shown.resets,
                            (End::Fails, _) => &mut shown.failures,
                            _ => &mut shown.panics,
                        } += 1;
                    }
                    _ => {}
                }
            }
            shown
        })
    }

    /// The event object that was called after so many calls, if one was.
    pub(crate) fn called_after(&self, calls: usize) -> Option<usize> {
        match self.log.lock().unwrap().get(calls) {
            Some(Entry::Called { object, .. }) => Some(*object),
            _ => None,
        }
    }

    /// How many calls on event objects there were.
    pub(crate) fn calls_so_far(&self) -> usize {
        self.log.lock().unwrap().len()
    }
}

impl event_object::Stage for Place {
    /// To look would be one step more for the checkers.
    fn recorded(&self) -> Events {
        NONE
    }

    /// K4: what would wait for itself is refused; the rest is a call like any other.
    fn inside(&self, operations: &[Operation]) -> Vec<Answer> {
        let recorders = Arc::clone(&self.stage.recorders.lock().unwrap());
        let recorder = &recorders[self.recorder];
        let perform = |operation: &Operation| {
            if !operation.holds() {
                return self.stage.perform(&recorders, &(self.recorder, operation.clone()));
            }
            let fresh = |_| self.stage.fresh();
            let answer = operation.perform(recorder, fresh, |_| unreachable!("refused"));
            assert_eq!(answer, Answer::Reentrant, "K4");
            answer
        };
        operations.iter().map(perform).collect()
    }

    fn log(&self, entry: Entry) {
        self.stage.log.lock().unwrap().push(entry);
    }
}
