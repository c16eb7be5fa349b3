//! What was measured of Winsock on real sockets, line by line. Each step says what Winsock shows, where that
//! is what the script is for; and ours must show the same at every step.

use wsp_events::NetworkEvents;

use crate::referee::compare;
use crate::script::EventArg::{self, Bad, E, F, Null};
use crate::script::{EventName, Late, Op, Port};

pub(crate) const ACCEPT: NetworkEvents = NetworkEvents::FD_ACCEPT;
pub(crate) const CONNECT: NetworkEvents = NetworkEvents::FD_CONNECT;
pub(crate) const READ: NetworkEvents = NetworkEvents::FD_READ;
pub(crate) const WRITE: NetworkEvents = NetworkEvents::FD_WRITE;
pub(crate) const OOB: NetworkEvents = NetworkEvents::FD_OOB;
pub(crate) const CLOSE: NetworkEvents = NetworkEvents::FD_CLOSE;
pub(crate) const ALL: NetworkEvents = NetworkEvents::FD_ALL_EVENTS;

/// A step, and what it shows; nothing, if it does not matter.
pub(crate) type Step = (Op, &'static str);

#[track_caller]
pub(crate) fn agree(steps: impl IntoIterator<Item = Step>) {
    let (script, expected): (Vec<_>, Vec<_>) = steps.into_iter().unzip();
    let trace = compare(&script).unwrap_or_else(|difference| panic!("{difference}"));
    for (at, (seen, expected)) in trace.iter().zip(expected).enumerate() {
        let seen = seen.to_string();
        assert!(expected.is_empty() || seen == expected, "step {}: {seen}", at + 1);
    }
}

pub(crate) fn select(s: usize, events: NetworkEvents, e: EventArg) -> Op {
    Op::Select { s, events, e }
}

pub(crate) fn enumerate(s: usize, e: EventArg) -> Op {
    Op::Enumerate { s, e }
}

/// A connected socket with these events selected, nothing recorded, and e reset: two steps and one.
pub(crate) fn quiet(s: usize, events: NetworkEvents) -> [Step; 4] {
    [
        (Op::NewConnected, ""),
        (select(s, CONNECT | WRITE, E), ""),
        (enumerate(s, E), "0, FD_WRITE|FD_CONNECT, set: none"),
        (select(s, events, E), "0, set: none"),
    ]
}

fn then(begin: impl IntoIterator<Item = Step>, steps: impl IntoIterator<Item = Step>) {
    agree(begin.into_iter().chain(steps));
}

#[test]
fn r5_a_connection_is_fd_connect_and_fd_write() {
    agree([
        (Op::NewSocket, "set: none"),
        (select(0, ALL, E), "0, set: none"),
        (Op::Connect { s: 0, port: Port::Open }, "SOCKET_ERROR 10035, set: e"),
        (enumerate(0, E), "0, FD_WRITE|FD_CONNECT, set: none"),
        (enumerate(0, E), "0, no events, set: none"),
    ]);
}

#[test]
fn r1_connected_and_then_selected() {
    agree([
        (Op::NewConnected, "set: none"),
        (select(0, ALL, E), "0, set: e"),
        (enumerate(0, E), "0, FD_WRITE|FD_CONNECT, set: none"),
    ]);
}

#[test]
fn r2_a_refused_connection_is_fd_connect_with_its_code() {
    agree([
        (Op::NewSocket, ""),
        (select(0, ALL, E), "0, set: none"),
        (Op::Connect { s: 0, port: Port::Closed }, "SOCKET_ERROR 10035, set: e"),
        (enumerate(0, E), "0, FD_CONNECT 10061, set: none"),
        (enumerate(0, E), "0, no events, set: none"),
    ]);
}

#[test]
fn r1_refused_and_then_selected() {
    agree([
        (Op::NewRefused, "set: none"),
        (select(0, ALL, E), "0, set: e"),
        (enumerate(0, E), "0, FD_CONNECT 10061, set: none"),
    ]);
}

#[test]
fn l2_two_connections_wait_and_one_is_accepted() {
    agree([
        (Op::NewListener, ""),
        (select(0, ACCEPT, E), "0, set: none"),
        (Op::PeerConnects { s: 0 }, "set: e"),
        (Op::PeerConnects { s: 0 }, "set: e"),
        (enumerate(0, E), "0, FD_ACCEPT, set: none"),
        (Op::Accept { s: 0 }, "0, set: e"),
        (enumerate(0, E), "0, FD_ACCEPT, set: none"),
        (Op::Accept { s: 0 }, "0, set: none"),
        (enumerate(0, E), "0, no events, set: none"),
        (Op::Accept { s: 0 }, "SOCKET_ERROR 10035, set: none"),
    ]);
}

#[test]
fn s8_an_accepted_socket_has_the_selection_of_the_listener() {
    agree([
        (Op::NewListener, ""),
        (select(0, ACCEPT | READ | WRITE, E), "0, set: none"),
        (Op::PeerConnects { s: 0 }, "set: e"),
        (enumerate(0, E), "0, FD_ACCEPT, set: none"),
        (Op::Accept { s: 0 }, "0, set: e"),
        (enumerate(0, Null), "0, no events, set: e"),
        (enumerate(1, E), "0, FD_WRITE, set: none"),
        (Op::PeerSends { s: 1, n: 1 }, "set: e"),
        (enumerate(1, E), "0, FD_READ, set: none"),
    ]);
}

#[test]
fn r7_a_connection_that_was_accepted_is_not_reported() {
    agree([
        (Op::NewListener, ""),
        (select(0, ACCEPT, E), "0, set: none"),
        (Op::PeerConnects { s: 0 }, "set: e"),
        (Op::Accept { s: 0 }, "0, set: e"),
        (enumerate(0, E), "0, no events, set: none"),
    ]);
}

#[test]
fn s2_data_waits_unread_and_a_new_selection_is_signaled() {
    agree([
        (Op::NewConnected, ""),
        (Op::PeerSends { s: 0, n: 1 }, "set: none"),
        (select(0, READ | CLOSE, E), "0, set: e"),
        (select(0, READ | CLOSE, F), "0, set: e f"),
        (enumerate(0, F), "0, FD_READ, set: e"),
    ]);
}

#[test]
fn l1_only_a_receive_reenables_fd_read() {
    then(
        quiet(0, READ),
        [
            (Op::PeerSends { s: 0, n: 1 }, "set: e"),
            (enumerate(0, E), "0, FD_READ, set: none"),
            (enumerate(0, E), "0, no events, set: none"),
            (select(0, READ, E), "0, set: none"),
            (enumerate(0, E), "0, no events, set: none"),
            (Op::Recv { s: 0, n: 8 }, "1, \"b\", set: none"),
            (Op::PeerSends { s: 0, n: 1 }, "set: e"),
            (enumerate(0, E), "0, FD_READ, set: none"),
        ],
    );
}

#[test]
fn r7_data_that_was_received_is_not_reported() {
    then(
        quiet(0, READ),
        [
            (Op::PeerSends { s: 0, n: 1 }, "set: e"),
            (Op::Recv { s: 0, n: 8 }, "1, \"b\", set: e"),
            (enumerate(0, E), "0, no events, set: none"),
        ],
    );
}

#[test]
fn l2_what_a_receive_leaves_is_reported() {
    then(
        quiet(0, READ),
        [
            (Op::PeerSends { s: 0, n: 3 }, "set: e"),
            (Op::Recv { s: 0, n: 1 }, "1, \"b\", set: e"),
            (enumerate(0, E), "0, FD_READ, set: none"),
        ],
    );
}

#[test]
fn l3_peek_reenables() {
    then(
        quiet(0, READ),
        [
            (Op::PeerSends { s: 0, n: 1 }, "set: e"),
            (enumerate(0, E), "0, FD_READ, set: none"),
            (Op::Peek { s: 0, n: 8 }, "1, \"b\", set: e"),
            (enumerate(0, E), "0, FD_READ, set: none"),
        ],
    );
}

#[test]
fn l1_a_send_that_succeeds_does_not_reenable_fd_write() {
    agree([
        (Op::NewConnected, ""),
        (select(0, WRITE, E), "0, set: e"),
        (Op::Send { s: 0, n: 1 }, "1, set: e"),
        (enumerate(0, E), "0, FD_WRITE, set: none"),
        (Op::Send { s: 0, n: 1 }, "1, set: none"),
        (enumerate(0, E), "0, no events, set: none"),
    ]);
}

#[test]
fn l3_a_send_that_finds_no_room_reenables_fd_write() {
    then(
        quiet(0, WRITE),
        [
            (Op::FillSendBuffer { s: 0 }, "SOCKET_ERROR 10035, set: none"),
            (Op::PeerDrains { s: 0 }, "set: e"),
            (enumerate(0, E), "0, FD_WRITE, set: none"),
            (Op::Send { s: 0, n: 1 }, "1, set: none"),
        ],
    );
}

#[test]
fn l2_room_again_is_news_after_a_send_that_found_none() {
    agree([
        (Op::NewConnected, ""),
        (select(0, WRITE, E), ""),
        (Op::AppResets(EventName::E), ""),
        (Op::FillAndDrain { s: 0 }, "SOCKET_ERROR 10035, set: e"),
    ]);
}

#[test]
fn r3_more_data_is_a_repeat_and_out_of_band_data_is_news() {
    then(
        quiet(0, READ | OOB),
        [
            (Op::PeerSends { s: 0, n: 1 }, "set: e"),
            (Op::AppResets(EventName::E), "set: none"),
            (Op::PeerSends { s: 0, n: 1 }, "set: none"),
            (Op::PeerSendsOob { s: 0 }, "set: e"),
            (enumerate(0, E), "0, FD_READ|FD_OOB, set: none"),
        ],
    );
}

#[test]
fn r1_a_close_is_remembered_until_it_is_selected() {
    then(
        quiet(0, READ),
        [
            (Op::PeerCloses { s: 0 }, "set: none"),
            (enumerate(0, E), "0, no events, set: none"),
            (select(0, READ | CLOSE, E), "0, set: e"),
            (enumerate(0, E), "0, FD_CLOSE, set: none"),
        ],
    );
}

#[test]
fn e6_the_event_object_that_is_passed_is_reset() {
    then(
        quiet(0, READ),
        [
            (Op::AppSets(EventName::F), "set: f"),
            (Op::PeerSends { s: 0, n: 1 }, "set: e f"),
            (enumerate(0, F), "0, FD_READ, set: e"),
            (enumerate(0, E), "0, no events, set: none"),
        ],
    );
}

#[test]
fn e6_without_an_event_object_none_is_reset() {
    then(
        quiet(0, READ),
        [
            (Op::PeerSends { s: 0, n: 1 }, "set: e"),
            (enumerate(0, Null), "0, FD_READ, set: e"),
            (enumerate(0, Null), "0, no events, set: e"),
        ],
    );
}

#[test]
fn p3_two_sockets_share_an_event_object() {
    then(
        quiet(0, READ).into_iter().chain(quiet(1, READ)),
        [
            (Op::PeerSends { s: 0, n: 1 }, "set: e"),
            (Op::PeerSends { s: 1, n: 1 }, "set: e"),
            (enumerate(0, E), "0, FD_READ, set: none"),
            (enumerate(1, E), "0, FD_READ, set: none"),
        ],
    );
}

#[test]
fn p2_an_event_object_outlives_its_handle() {
    then(
        quiet(0, READ),
        [
            (Op::CloseEvent(EventName::E), "set: none"),
            (Op::PeerSends { s: 0, n: 1 }, "set: e"),
            (enumerate(0, Null), "0, FD_READ, set: e"),
        ],
    );
}

#[test]
fn s4_a_selection_that_fails_leaves_the_earlier_one_at_work() {
    then(
        quiet(0, READ),
        [
            (select(0, READ | CLOSE, Bad), "SOCKET_ERROR 10022, set: none"),
            (select(0, READ | CLOSE, Null), "SOCKET_ERROR 10022, set: none"),
            (Op::PeerSends { s: 0, n: 1 }, "set: e"),
            (enumerate(0, E), "0, FD_READ, set: none"),
        ],
    );
}

#[test]
fn s4_unknown_bits_alone_end_the_selection() {
    then(
        quiet(0, READ),
        [
            (select(0, NetworkEvents::from_bits_retain(0x400), E), "0, set: none"),
            (Op::PeerSends { s: 0, n: 1 }, "set: none"),
            (enumerate(0, E), "0, no events, set: none"),
        ],
    );
}

#[test]
fn s3_a_zero_mask_ends_the_selection() {
    then(
        quiet(0, READ),
        [
            (Op::Deselect { s: 0 }, "0, set: none"),
            (Op::PeerSends { s: 0, n: 1 }, "set: none"),
            (enumerate(0, E), "0, no events, set: none"),
            (select(0, READ, F), "0, set: f"),
            (enumerate(0, F), "0, FD_READ, set: none"),
        ],
    );
}

#[test]
fn e9_no_socket_is_the_first_complaint() {
    let complaint = "SOCKET_ERROR 10038, set: none";
    let nothing_written = "SOCKET_ERROR 10038, nothing written, set: none";
    agree([E, Null, Bad].into_iter().flat_map(|e| {
        [
            (Op::EnumerateNoSocket { e }, nothing_written),
            (Op::EnumerateNoSocketToNull { e }, complaint),
            (Op::SelectNoSocket { events: READ, e }, complaint),
        ]
    }));
}

#[test]
fn s7_a_closed_socket_leaves_the_event_object_alone() {
    then(
        quiet(0, READ),
        [
            (Op::PeerSends { s: 0, n: 1 }, "set: e"),
            (Op::CloseSocket { s: 0 }, "0, set: e"),
            (enumerate(0, Null), "SOCKET_ERROR 10038, nothing written, set: e"),
            (Op::EnumerateToNull { s: 0, e: Null }, "SOCKET_ERROR 10038, set: e"),
            (select(0, READ, E), "SOCKET_ERROR 10038, set: e"),
        ],
    );
}

/// What comes while the report is being made is not in it, and signaled: for our provider it comes while the
/// event object is reset.
#[test]
fn e4_what_comes_during_an_enumeration_is_signaled_after_it() {
    then(
        quiet(0, READ | OOB),
        [
            (Op::EnumerateWhile { s: 0, e: E, late: Late::Data }, "0, no events, set: e"),
            (Op::EnumerateWhile { s: 0, e: E, late: Late::OobData }, "0, FD_READ, set: e"),
            (enumerate(0, E), "0, FD_OOB, set: none"),
        ],
    );
    agree([
        (Op::NewListener, ""),
        (select(0, ACCEPT, E), "0, set: none"),
        (Op::EnumerateWhile { s: 0, e: E, late: Late::Connection }, "0, no events, set: e"),
        (enumerate(0, E), "0, FD_ACCEPT, set: none"),
        (Op::Accept { s: 0 }, "0, set: none"),
    ]);
}

/// A new arrival is no news before its event is re-enabled: so says Wine, and a provider of conditions.
#[test]
fn l1_a_new_arrival_after_the_report_is_quiet() {
    then(
        quiet(0, READ),
        [
            (Op::PeerSends { s: 0, n: 1 }, "set: e"),
            (enumerate(0, E), "0, FD_READ, set: none"),
            (Op::PeerSends { s: 0, n: 1 }, "set: none"),
            (enumerate(0, E), "0, no events, set: none"),
        ],
    );
}

#[test]
fn l2_fd_close_waits_behind_unread_data() {
    then(
        quiet(0, READ | CLOSE),
        [
            (Op::PeerSends { s: 0, n: 2 }, "set: e"),
            (Op::PeerCloses { s: 0 }, "set: e"),
            (enumerate(0, E), "0, FD_READ, set: none"),
            (Op::Recv { s: 0, n: 1 }, "1, \"b\", set: e"),
            (enumerate(0, E), "0, FD_READ, set: none"),
            (Op::Recv { s: 0, n: 1 }, "1, \"c\", set: e"),
            (enumerate(0, E), "0, FD_CLOSE, set: none"),
            (Op::Recv { s: 0, n: 1 }, "0, \"\", set: none"),
        ],
    );
}

#[test]
fn l3_shutting_down_is_no_fd_close() {
    then(
        quiet(0, ALL),
        [
            (Op::ShutDownSend { s: 0 }, "0, set: none"),
            (Op::Send { s: 0, n: 1 }, "SOCKET_ERROR 10058, set: none"),
            (Op::PeerShutsDown { s: 0 }, "set: e"),
            (enumerate(0, E), "0, FD_CLOSE, set: none"),
        ],
    );
    then(
        quiet(0, ALL),
        [
            (Op::PeerShutsDown { s: 0 }, "set: e"),
            (enumerate(0, E), "0, FD_CLOSE, set: none"),
            (Op::ShutDownSend { s: 0 }, "0, set: none"),
        ],
    );
}
