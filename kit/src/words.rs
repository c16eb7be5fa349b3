//! The library's values in the words of the plain model (`socket`), and back.

use wsp_events::{NetworkEvent, NetworkEvents, Report, WsaError};

use crate::socket::{Events, Record};

pub fn event_at(position: usize) -> NetworkEvent {
    NetworkEvent::from_bit_position(position).unwrap()
}

pub fn flags(events: Events) -> NetworkEvents {
    NetworkEvent::ALL.into_iter().filter(|event| events[event.bit_position()]).collect()
}

pub fn events_of(flags: NetworkEvents) -> Events {
    NetworkEvent::ALL.map(|event| flags.contains(event.flag()))
}

/// What a report carries, by each of the three ways to look at it.
pub fn record_of(report: &Report) -> Record {
    let code = |outcome: Result<(), WsaError>| outcome.map_or_else(WsaError::code, |()| 0);
    let record = NetworkEvent::ALL.map(|event| report.outcome(event).map(code));
    let listed: Vec<_> = report.iter().map(|(event, it)| (event, Some(code(it)))).collect();
    let expected: Vec<_> =
        NetworkEvent::ALL.into_iter().zip(record).filter(|(_, code)| code.is_some()).collect();
    assert_eq!(listed, expected, "E1: `iter` and `outcome` agree");
    assert_eq!(events_of(report.events()), record.map(|code| code.is_some()), "E1: `events` too");
    record
}
