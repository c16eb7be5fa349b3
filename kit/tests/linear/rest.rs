//! What can be seen when all calls are over.

use std::sync::Arc;

use kit::calls::{Recorder, answer};
use kit::event_object::Entry;
use kit::socket::Socket;
use kit::vocabulary::Answer;
use kit::words::{Occurrences, View, occurrences_of};
use wsp_events::{NetworkEvents, RecorderError};

use crate::stage::Stage;

/// What one recorder shows.
#[derive(Debug)]
pub(crate) struct Rest {
    pub(crate) view: View,
    pub(crate) owes: bool,
    /// All that is recorded, with its codes; `None` if the socket is closed.
    pub(crate) left: Option<Occurrences>,
}

/// What the recorder of an accepted socket shows (S8).
pub(crate) struct Child {
    view: View,
    pub(crate) object: Option<usize>,
}

impl Rest {
    /// What shows without changing anything.
    pub(crate) fn of(recorder: &Recorder) -> Self {
        Self { view: View::of(recorder), owes: recorder.owes_set(), left: None }
    }

    /// Makes the recorder try the set that it owes (R6), and empties the record, with its codes (R2).
    pub(crate) fn empty(&mut self, recorder: &Recorder, stage: &Arc<Stage>) {
        if self.owes {
            let sets = || stage.show().map(|object| object.sets);
            let before = sets();
            if let Answer::Recorded { .. } = answer(|| recorder.record_all([])) {
                let has_set = sets() != before && !recorder.owes_set();
                assert!(has_set, "R6: the next record tries again");
            } else {
                assert!(recorder.owes_set(), "R6, K5: it is still owed");
            }
        }
        match recorder.select(NetworkEvents::FD_ALL_EVENTS, stage.fresh()) {
            Ok(()) => self.left = Some(occurrences_of(&recorder.enumerate().unwrap())),
            Err(error) => assert_eq!(error, RecorderError::Closed),
        }
    }
}

impl Child {
    /// A recording shows which event object was inherited.
    pub(crate) fn of(recorder: &Recorder, stage: &Stage) -> Self {
        let view = View::of(recorder);
        let earlier = stage.log.lock().unwrap().len();
        if let Some(event) = (view.selected - view.latched).members().next() {
            answer(|| recorder.record(event, Ok(())));
        }
        let object = match stage.log.lock().unwrap().get(earlier) {
            Some(Entry::Called { object, .. }) => Some(*object),
            _ => None,
        };
        Self { view, object }
    }

    /// Whether it is as the plain model says.
    pub(crate) fn is(&self, socket: &Socket) -> bool {
        self.view == View::expected(socket)
            && self.object == socket.selection.map(|selection| selection.object)
    }
}
