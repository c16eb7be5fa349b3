//! What was measured of Winsock on real sockets, step by step. A step says what Winsock shows, where that is
//! what the script is for; our provider must show the same at every step.

use wsp_events::NetworkEvents;

use super::script::Handle::{Bad, E, F, Null};
use super::script::Op::{self, *};
use super::script::{
    ACCEPT, ALL, CLOSE, CONNECT, Late, NO_SOCKET, NONE, Number, OOB, Port, READ, WRITE,
};
use crate::agree;

/// A step and what it shows, or nothing if that does not matter.
pub(crate) type Step = (Op, &'static str);

/// A connected socket with these events selected, nothing recorded, and e reset.
pub(crate) fn quiet(s: Number, events: NetworkEvents) -> [Step; 4] {
    [
        (NewConnected, ""),
        (Select(s, CONNECT | WRITE, E), ""),
        (Enumerate(s, E), "0, FD_WRITE: success, FD_CONNECT: success, set: none"),
        (Select(s, events, E), "0, set: none"),
    ]
}

/// A table of tests. In the parentheses are the steps that each begins with.
macro_rules! measured {
    ($($(#[$doc:meta])* $name:ident($($begin:expr),*) { $($op:expr => $shows:expr,)* })*) => {
        $(
            $(#[$doc])*
            #[test]
            fn $name() {
                agree(&[$(&$begin[..],)* &[$(($op, $shows)),*][..]].concat());
            }
        )*
    };
}

measured! {
    /// Catches FD_WRITE that comes apart from FD_CONNECT, or not at all.
    r5_a_connection_is_fd_connect_and_fd_write() {
        NewSocket => "set: none",
        Select(0, ALL, E) => "0, set: none",
        Connect(0, Port::Open) => "SOCKET_ERROR, WSAEWOULDBLOCK (10035), set: e",
        Enumerate(0, E) => "0, FD_WRITE: success, FD_CONNECT: success, set: none",
        Enumerate(0, E) => "0, no network events, set: none",
    }

    /// Catches a record that begins with the selection.
    r1_connected_and_then_selected() {
        NewConnected => "set: none",
        Select(0, ALL, E) => "0, set: e",
        Enumerate(0, E) => "0, FD_WRITE: success, FD_CONNECT: success, set: none",
    }

    /// Catches a lost or misplaced code, and FD_WRITE or FD_CLOSE of a connection that never was.
    r2_a_refused_connection_is_fd_connect_with_its_code() {
        NewSocket => "",
        Select(0, ALL, E) => "0, set: none",
        Connect(0, Port::Closed) => "SOCKET_ERROR, WSAEWOULDBLOCK (10035), set: e",
        Enumerate(0, E) => "0, FD_CONNECT: WSAECONNREFUSED (10061), set: none",
        Enumerate(0, E) => "0, no network events, set: none",
    }

    /// Catches an outcome that is forgotten because it was not selected.
    r1_refused_and_then_selected() {
        NewRefused => "set: none",
        Select(0, ALL, E) => "0, set: e",
        Enumerate(0, E) => "0, FD_CONNECT: WSAECONNREFUSED (10061), set: none",
    }

    /// Catches an accept that does not look whether more connections wait, or looks before it re-enables.
    l2_two_connections_wait_and_one_is_accepted() {
        NewListener => "",
        Select(0, ACCEPT, E) => "0, set: none",
        PeerConnects(0) => "set: e",
        PeerConnects(0) => "set: e",
        Enumerate(0, E) => "0, FD_ACCEPT: success, set: none",
        Enumerate(0, E) => "0, no network events, set: none",
        Accept(0) => "0, set: e",
        Enumerate(0, E) => "0, FD_ACCEPT: success, set: none",
        Accept(0) => "0, set: none",
        Enumerate(0, E) => "0, no network events, set: none",
        Accept(0) => "SOCKET_ERROR, WSAEWOULDBLOCK (10035), set: none",
    }

    /// Catches an accepted socket without the listener's selection, or without FD_WRITE.
    s8_an_accepted_socket_has_the_selection_of_the_listener() {
        NewListener => "",
        Select(0, ACCEPT | READ | WRITE, E) => "0, set: none",
        PeerConnects(0) => "set: e",
        Enumerate(0, E) => "0, FD_ACCEPT: success, set: none",
        Accept(0) => "0, set: e",
        Enumerate(0, Null) => "0, no network events, set: e",
        Enumerate(1, E) => "0, FD_WRITE: success, set: none",
        PeerSends(1, 1) => "set: e",
        Enumerate(1, E) => "0, FD_READ: success, set: none",
        Recv(1, 8) => "1, \"b\", set: none",
        Enumerate(1, E) => "0, no network events, set: none",
    }

    /// Catches an accept that leaves FD_ACCEPT in the record.
    r7_a_connection_that_was_accepted_is_not_reported() {
        NewListener => "",
        Select(0, ACCEPT, E) => "0, set: none",
        PeerConnects(0) => "set: e",
        Accept(0) => "0, set: e",
        Enumerate(0, E) => "0, no network events, set: none",
    }

    /// Catches a selection that forgets what was recorded, or that touches the event object that it replaces (S5).
    s2_data_waits_unread_and_a_new_selection_is_signaled() {
        NewConnected => "",
        PeerSends(0, 1) => "set: none",
        Select(0, READ | CLOSE, E) => "0, set: e",
        Select(0, READ | CLOSE, F) => "0, set: e f",
        Enumerate(0, F) => "0, FD_READ: success, set: e",
    }

    /// Catches a receive that does not re-enable, and a selection that does.
    l1_only_a_receive_reenables_fd_read(quiet(0, READ)) {
        PeerSends(0, 1) => "set: e",
        Enumerate(0, E) => "0, FD_READ: success, set: none",
        Enumerate(0, E) => "0, no network events, set: none",
        Select(0, READ, E) => "0, set: none",
        Enumerate(0, E) => "0, no network events, set: none",
        Recv(0, 8) => "1, \"b\", set: none",
        PeerSends(0, 1) => "set: e",
        Enumerate(0, E) => "0, FD_READ: success, set: none",
        Recv(0, 8) => "1, \"c\", set: none",
        Enumerate(0, E) => "0, no network events, set: none",
    }

    /// Catches a receive that leaves FD_READ in the record.
    r7_data_that_was_received_is_not_reported(quiet(0, READ)) {
        PeerSends(0, 1) => "set: e",
        Recv(0, 8) => "1, \"b\", set: e",
        Enumerate(0, E) => "0, no network events, set: none",
    }

    /// Catches a receive that looks for more before it re-enables: the latch drops what it records.
    l2_what_a_receive_leaves_is_reported(quiet(0, READ)) {
        PeerSends(0, 3) => "set: e",
        Recv(0, 1) => "1, \"b\", set: e",
        Enumerate(0, E) => "0, FD_READ: success, set: none",
        Recv(0, 1) => "1, \"c\", set: e",
        Enumerate(0, E) => "0, FD_READ: success, set: none",
        Recv(0, 1) => "1, \"d\", set: none",
        Enumerate(0, E) => "0, no network events, set: none",
    }

    /// Catches a receive with MSG_PEEK that does not count as one.
    l3_peek_reenables(quiet(0, READ)) {
        PeerSends(0, 1) => "set: e",
        Enumerate(0, E) => "0, FD_READ: success, set: none",
        Peek(0, 8) => "1, \"b\", set: e",
        Enumerate(0, E) => "0, FD_READ: success, set: none",
        Peek(0, 8) => "1, \"b\", set: e",
        Enumerate(0, E) => "0, FD_READ: success, set: none",
    }

    /// Catches a send that withdraws FD_WRITE; and one that re-enables it although it found room, which makes every
    /// program that waits for FD_WRITE a busy loop.
    l1_a_send_that_succeeds_does_not_reenable_fd_write() {
        NewConnected => "",
        Select(0, WRITE, E) => "0, set: e",
        Send(0, 1) => "1, set: e",
        Enumerate(0, E) => "0, FD_WRITE: success, set: none",
        Send(0, 1) => "1, set: none",
        Enumerate(0, E) => "0, no network events, set: none",
        Send(0, 1) => "1, set: none",
        PeerDrains(0) => "set: none",
        Enumerate(0, E) => "0, no network events, set: none",
    }

    /// Catches FD_WRITE that never comes again, or comes without a send that found no room.
    l3_a_send_that_finds_no_room_reenables_fd_write(quiet(0, WRITE)) {
        // Some systems still make a little room when the machine is busy: `referee` says how it is at rest.
        FillSendBuffer(0) => "",
        PeerDrains(0) => "set: e",
        Enumerate(0, E) => "0, FD_WRITE: success, set: none",
        Send(0, 1) => "1, set: none",
        PeerDrains(0) => "set: none",
        Enumerate(0, E) => "0, no network events, set: none",
        FillAndDrain(0) => "SOCKET_ERROR, WSAEWOULDBLOCK (10035), set: e",
        Enumerate(0, E) => "0, FD_WRITE: success, set: none",
    }

    /// Catches a send that finds no room and leaves an earlier FD_WRITE in the record.
    l2_room_again_is_news_after_a_send_that_found_none() {
        NewConnected => "",
        Select(0, WRITE, E) => "",
        AppResets(E) => "",
        FillAndDrain(0) => "SOCKET_ERROR, WSAEWOULDBLOCK (10035), set: e",
    }

    /// Catches a repeat that sets the event object.
    r3_more_data_is_a_repeat(quiet(0, READ)) {
        PeerSends(0, 1) => "set: e",
        AppResets(E) => "set: none",
        PeerSends(0, 1) => "set: none",
        Recv(0, 8) => "2, \"bc\", set: none",
    }

    /// Catches a recorded event that keeps another from being signaled.
    r3_out_of_band_data_is_news_behind_data(quiet(0, READ | OOB)) {
        PeerSends(0, 1) => "set: e",
        AppResets(E) => "set: none",
        PeerSends(0, 1) => "set: none",
        PeerSendsOob(0) => "set: e",
        Enumerate(0, E) => "0, FD_READ: success, FD_OOB: success, set: none",
        RecvOob(0) => "1, \"!\", set: none",
        Recv(0, 8) => "2, \"bc\", set: none",
    }

    /// Catches an end that is forgotten because it was not selected.
    r1_a_close_is_remembered_until_it_is_selected(quiet(0, READ)) {
        PeerCloses(0) => "set: none",
        Enumerate(0, E) => "0, no network events, set: none",
        Select(0, READ | CLOSE, E) => "0, set: e",
        Enumerate(0, E) => "0, FD_CLOSE: success, set: none",
    }

    /// Catches an enumeration that resets the selected event object instead of the one that is passed.
    e6_the_event_object_that_is_passed_is_reset(quiet(0, READ)) {
        AppSets(F) => "set: f",
        PeerSends(0, 1) => "set: e f",
        Enumerate(0, F) => "0, FD_READ: success, set: e",
        Enumerate(0, E) => "0, no network events, set: none",
    }

    /// Catches an enumeration without an event object that resets one, or that does not clear.
    e6_without_an_event_object_none_is_reset(quiet(0, READ)) {
        PeerSends(0, 1) => "set: e",
        Enumerate(0, Null) => "0, FD_READ: success, set: e",
        Enumerate(0, Null) => "0, no network events, set: e",
    }

    /// Catches a record that belongs to the event object and not to the socket.
    p3_two_sockets_share_an_event_object(quiet(0, READ), quiet(1, READ)) {
        PeerSends(0, 1) => "set: e",
        PeerSends(1, 1) => "set: e",
        Enumerate(0, E) => "0, FD_READ: success, set: none",
        Enumerate(1, E) => "0, FD_READ: success, set: none",
    }

    /// Catches a selection that knows its event object only by the handle.
    p2_an_event_object_outlives_its_handle(quiet(0, READ)) {
        CloseEvent(E) => "set: none",
        PeerSends(0, 1) => "set: e",
        Enumerate(0, Null) => "0, FD_READ: success, set: e",
    }

    /// Catches a selection that fails half way.
    s4_a_selection_that_fails_leaves_the_earlier_one_at_work(quiet(0, READ)) {
        Select(0, READ | CLOSE, Bad) => "SOCKET_ERROR, WSAEINVAL (10022), set: none",
        Select(0, READ | CLOSE, Null) => "SOCKET_ERROR, WSAEINVAL (10022), set: none",
        PeerSends(0, 1) => "set: e",
        Enumerate(0, E) => "0, FD_READ: success, set: none",
    }

    /// Catches unknown bits that count as events.
    s4_unknown_bits_alone_end_the_selection(quiet(0, READ)) {
        Select(0, NetworkEvents::from_bits_retain(0x400), E) => "0, set: none",
        PeerSends(0, 1) => "set: none",
        Enumerate(0, E) => "0, no network events, set: none",
    }

    /// Catches a zero mask that leaves the selection, or that clears the record.
    s3_a_zero_mask_ends_the_selection(quiet(0, READ)) {
        Select(0, NONE, Null) => "0, set: none",
        PeerSends(0, 1) => "set: none",
        Enumerate(0, E) => "0, no network events, set: none",
        Select(0, READ, F) => "0, set: f",
        Enumerate(0, F) => "0, FD_READ: success, set: none",
    }

    /// Catches a call that checks the event object or the output before the socket.
    e9_no_socket_is_the_first_complaint() {
        Enumerate(NO_SOCKET, E) => "SOCKET_ERROR, WSAENOTSOCK (10038), nothing written, set: none",
        EnumerateToNull(NO_SOCKET, E) => "SOCKET_ERROR, WSAENOTSOCK (10038), set: none",
        Select(NO_SOCKET, READ, E) => "SOCKET_ERROR, WSAENOTSOCK (10038), set: none",
        Enumerate(NO_SOCKET, Null) => "SOCKET_ERROR, WSAENOTSOCK (10038), nothing written, set: none",
        EnumerateToNull(NO_SOCKET, Null) => "SOCKET_ERROR, WSAENOTSOCK (10038), set: none",
        Select(NO_SOCKET, READ, Null) => "SOCKET_ERROR, WSAENOTSOCK (10038), set: none",
        Enumerate(NO_SOCKET, Bad) => "SOCKET_ERROR, WSAENOTSOCK (10038), nothing written, set: none",
        EnumerateToNull(NO_SOCKET, Bad) => "SOCKET_ERROR, WSAENOTSOCK (10038), set: none",
        Select(NO_SOCKET, READ, Bad) => "SOCKET_ERROR, WSAENOTSOCK (10038), set: none",
    }

    /// Catches a close that touches the event object, and a call that still finds the socket.
    s7_a_closed_socket_leaves_the_event_object_alone(quiet(0, READ)) {
        PeerSends(0, 1) => "set: e",
        CloseSocket(0) => "0, set: e",
        Enumerate(0, Null) => "SOCKET_ERROR, WSAENOTSOCK (10038), nothing written, set: e",
        EnumerateToNull(0, Null) => "SOCKET_ERROR, WSAENOTSOCK (10038), set: e",
        Select(0, READ, E) => "SOCKET_ERROR, WSAENOTSOCK (10038), set: e",
    }

    /// Catches an arrival during an enumeration that is lost: not in the report, and not signaled after it.
    e4_what_arrives_during_an_enumeration_is_signaled_after_it(quiet(0, READ | OOB)) {
        EnumerateWhile(0, E, Late::Data) => "0, no network events, set: e",
        EnumerateWhile(0, E, Late::OobData) => "0, FD_READ: success, set: e",
        Enumerate(0, E) => "0, FD_OOB: success, set: none",
    }

    /// As above, for a listener.
    e4_a_connection_during_an_enumeration_is_signaled_after_it() {
        NewListener => "",
        Select(0, ACCEPT, E) => "0, set: none",
        EnumerateWhile(0, E, Late::Connection) => "0, no network events, set: e",
        Enumerate(0, E) => "0, FD_ACCEPT: success, set: none",
        Accept(0) => "0, set: none",
    }

    /// A new arrival is not recorded before its event is re-enabled: so in Wine, and over a one-shot poller. Windows
    /// itself records it.
    #[cfg(windows)]
    l1_a_new_arrival_after_the_report_is_quiet(quiet(0, READ)) {
        PeerSends(0, 1) => "set: e",
        Enumerate(0, E) => "0, FD_READ: success, set: none",
        Enumerate(0, E) => "0, no network events, set: none",
        PeerSends(0, 1) => "set: none",
        Enumerate(0, E) => "0, no network events, set: none",
    }

    /// FD_CLOSE comes after the data: so in Wine, and over a poller that cannot tell. On Windows itself it does not wait.
    #[cfg(windows)]
    l2_fd_close_waits_behind_unread_data(quiet(0, READ | CLOSE)) {
        PeerSends(0, 2) => "set: e",
        PeerCloses(0) => "set: e",
        Enumerate(0, E) => "0, FD_READ: success, set: none",
        Enumerate(0, E) => "0, no network events, set: none",
        Recv(0, 1) => "1, \"b\", set: e",
        Enumerate(0, E) => "0, FD_READ: success, set: none",
        Enumerate(0, E) => "0, no network events, set: none",
        Recv(0, 1) => "1, \"c\", set: e",
        Enumerate(0, E) => "0, FD_CLOSE: success, set: none",
        Recv(0, 1) => "0, \"\", set: none",
    }

    /// Catches FD_CLOSE for the close of the other direction.
    l3_shutting_down_before_the_peer_is_no_fd_close(quiet(0, ALL)) {
        ShutDownSend(0) => "0, set: none",
        Send(0, 1) => "SOCKET_ERROR, WSAESHUTDOWN (10058), set: none",
        PeerShutsDown(0) => "set: e",
        Enumerate(0, E) => "0, FD_CLOSE: success, set: none",
    }

    /// Catches FD_CLOSE that comes again: from the close of the other direction, or from a receive at the end.
    l3_shutting_down_after_the_peer_is_no_fd_close(quiet(0, ALL)) {
        PeerShutsDown(0) => "set: e",
        Enumerate(0, E) => "0, FD_CLOSE: success, set: none",
        ShutDownSend(0) => "0, set: none",
        Enumerate(0, E) => "0, no network events, set: none",
        Recv(0, 8) => "0, \"\", set: none",
        Enumerate(0, E) => "0, no network events, set: none",
        Send(0, 1) => "SOCKET_ERROR, WSAESHUTDOWN (10058), set: none",
    }
}
