//! The library's values in the words of the plain model (`socket`), and back.

use wsp_events::{NetworkEvent, NetworkEventRecorder, NetworkEvents, Report, WsaError};

use crate::socket::{Events, Record, Socket};

/// Events with their codes, 0 for a success.
pub type Occurrences = Vec<(NetworkEvent, i32)>;

pub fn flags(events: Events) -> NetworkEvents {
    NetworkEvent::ALL.into_iter().filter(|event| events[event.bit_position()]).collect()
}

pub fn events_of(flags: NetworkEvents) -> Events {
    NetworkEvent::ALL.map(|event| flags.contains(event.flag()))
}

pub fn occurrences_in(record: &Record) -> Occurrences {
    let coded = NetworkEvent::ALL.into_iter().zip(record);
    coded.filter_map(|(event, code)| Some((event, (*code)?))).collect()
}

/// By bit position, as the plain model takes them.
pub fn plain(occurrences: &[(NetworkEvent, i32)]) -> Vec<(usize, i32)> {
    occurrences.iter().map(|&(event, code)| (event.bit_position(), code)).collect()
}

/// What a report carries, by each of the three ways to look at it.
pub fn occurrences_of(report: &Report) -> Occurrences {
    let code = |outcome: Result<(), WsaError>| outcome.map_or_else(WsaError::code, |()| 0);
    let listed: Vec<_> = report.iter().map(|(event, outcome)| (event, code(outcome))).collect();
    let record = NetworkEvent::ALL.map(|event| report.outcome(event).map(code));
    assert_eq!(listed, occurrences_in(&record), "E1: `iter` and `outcome` agree");
    assert_eq!(events_of(report.events()), record.map(|code| code.is_some()), "E1: `events` too");
    listed
}

/// What can be seen of a socket without changing it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    pub recorded: NetworkEvents,
    pub selected: NetworkEvents,
    pub latched: NetworkEvents,
}

impl View {
    pub fn of<S>(recorder: &NetworkEventRecorder<S>) -> Self {
        Self {
            recorded: recorder.recorded(),
            selected: recorder.selected(),
            latched: recorder.latched(),
        }
    }

    pub fn expected(socket: &Socket) -> Self {
        Self {
            recorded: flags(socket.recorded()),
            selected: flags(socket.selected()),
            latched: flags(socket.latched),
        }
    }
}
