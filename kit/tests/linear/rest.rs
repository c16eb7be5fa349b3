//! What can be seen when all calls are over.

use std::fmt;
use std::sync::Arc;

use kit::socket::{Events, NONE, Record, Socket};
use kit::vocabulary::unwinding;
use kit::words::{events_of, flags, record_of};
use wsp_events::{NetworkEvents, RecorderError};

use crate::stage::{Recorder, Stage};

/// What one recorder shows.
pub(crate) struct Rest {
    pub(crate) recorded: Events,
    pub(crate) selected: Events,
    pub(crate) latched: Events,
    pub(crate) owes: bool,
    /// All that is recorded, with its codes; `None` if the socket is closed.
    pub(crate) left: Option<Record>,
}

/// What the recorder of an accepted socket shows (S8).
pub(crate) struct Child {
    recorded: Events,
    selected: Events,
    latched: Events,
    pub(crate) object: Option<usize>,
}

impl Rest {
    /// What shows without touching anything.
    pub(crate) fn of(recorder: &Recorder) -> Self {
        Self {
            recorded: events_of(recorder.recorded()),
            selected: events_of(recorder.selected()),
            latched: events_of(recorder.latched()),
            owes: recorder.owes_set(),
            left: None,
        }
    }

    /// Then the debt is collected (R6), and the record emptied, codes and all (R2).
    pub(crate) fn empty(&mut self, recorder: &Recorder, stage: &Arc<Stage>) {
        if self.owes {
            let sets = || stage.show().map(|object| object.sets);
            let before = sets();
            let paid = unwinding(|| recorder.record_all([]))
                .is_ok_and(|recorded| recorded.signal_error.is_none());
            if paid {
                assert!(
                    sets() != before && !recorder.owes_set(),
                    "R6: the next record tries again"
                );
            } else {
                assert!(recorder.owes_set(), "R6, K5: it is still owed");
            }
        }
        match recorder.select(NetworkEvents::FD_ALL_EVENTS, stage.fresh()) {
            Ok(()) => self.left = Some(record_of(&recorder.enumerate().unwrap())),
            Err(error) => assert_eq!(error, RecorderError::Closed),
        }
    }
}

impl fmt::Debug for Rest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [recorded, selected, latched] = [self.recorded, self.selected, self.latched].map(flags);
        write!(f, "recorded {recorded}, selected {selected}, latched {latched}, ")?;
        write!(f, "owes a set: {}, left: {:?}", self.owes, self.left)
    }
}

impl Child {
    pub(crate) fn of(recorder: &Recorder, stage: &Arc<Stage>) -> Self {
        let (recorded, selected) = (recorder.recorded(), recorder.selected());
        let latched = events_of(recorder.latched());
        let earlier = stage.calls_so_far();
        if let Some(event) = (selected - recorder.latched()).members().next() {
            let _outcome = unwinding(|| recorder.record(event, Ok(())));
        }
        Self {
            recorded: events_of(recorded),
            selected: events_of(selected),
            latched,
            object: stage.called_after(earlier),
        }
    }

    /// Whether it is as the plain model says.
    pub(crate) fn is(&self, socket: &Socket) -> bool {
        self.recorded == NONE
            && self.selected == socket.selected()
            && self.latched == socket.latched
            && self.object == socket.selection.map(|selection| selection.object)
    }
}
