//! Where Winsock and our provider differ, and why ours stays as it is: one table, and a test for each row. The
//! random scripts keep clear of these, except for R4, which their comparison allows.

use wsp_events::NetworkEvents;

use super::measured::quiet;
use super::script::Handle::{Bad, E, F};
use super::script::Op::{self, *};
use super::script::{CLOSE, CONNECT, NO_SOCKET, NONE, OOB, Port, READ, WRITE};
use crate::differ;

/// The table. The worlds differ at the last step of a script.
macro_rules! exceptions {
    ($(
        $(#[$reason:meta])*
        $name:ident($($begin:expr)?) [$($op:expr),*] winsock: $winsock:literal, ours: $ours:literal;
    )*) => {
        $(
            $(#[$reason])*
            #[test]
            fn $name() {
                differ(&[$(&$begin[..],)? &[$($op),*][..]].concat(), $winsock, $ours);
            }
        )*

        /// Catches a row whose name does not begin with a rule.
        #[test]
        fn e7_every_exception_names_its_rule() {
            for name in [$(stringify!($name)),*] {
                let rule = name.split('_').next().unwrap().to_uppercase();
                assert!(include_str!("../../../docs/CONTRACT.md").contains(&format!("**{rule}**")));
            }
        }
    };
}

exceptions! {
    /// A failed call changes nothing, and a ResetEvent that fails makes the call fail. Wine reports, clears, and
    /// resets nothing.
    e7_a_bad_event_object_in_an_enumeration(data_has_arrived())
        [Enumerate(0, Bad)]
        winsock: "0, FD_READ: success, set: e",
        ours: "SOCKET_ERROR, WSAEINVAL (10022), nothing written, set: e";

    /// A failed call changes nothing. Wine resets the event object before it looks at the socket.
    e7_an_enumeration_of_no_socket_resets_nothing()
        [AppSets(F), Enumerate(NO_SOCKET, F)]
        winsock: "SOCKET_ERROR, WSAENOTSOCK (10038), nothing written, set: none",
        ours: "SOCKET_ERROR, WSAENOTSOCK (10038), nothing written, set: f";

    /// As above: a closed socket is no socket.
    e7_an_enumeration_of_a_closed_socket_resets_nothing(data_has_arrived())
        [CloseSocket(0), Enumerate(0, E)]
        winsock: "SOCKET_ERROR, WSAENOTSOCK (10038), nothing written, set: none",
        ours: "SOCKET_ERROR, WSAENOTSOCK (10038), nothing written, set: e";

    /// An event that is not selected does not touch the signal. Wine sets it again whenever something happens
    /// while anything is reportable, here FD_WRITE.
    r4_what_is_not_selected_does_not_touch_the_event_object()
        [NewConnected, Select(0, WRITE | CLOSE, E), AppResets(E), PeerSends(0, 1)]
        winsock: "set: e",
        ours: "set: none";

    /// An occurrence is recorded whether or not it is selected. Wine looks for out-of-band data when FD_OOB is
    /// selected, and no longer finds it when the peer is gone.
    r1_out_of_band_data_is_recorded_unselected()
        [NewConnected, Select(0, CLOSE, E), PeerSendsOob(0), PeerCloses(0), Select(0, OOB, E), Enumerate(0, E)]
        winsock: "0, no network events, set: none",
        ours: "0, FD_OOB: success, set: none";

    /// FD_CLOSE after a reset is WSAECONNABORTED, as on Windows. Wine 8.0 reports success.
    v4_a_reset_has_a_code(begin(READ | CLOSE))
        [PeerResets(0), Enumerate(0, E)]
        winsock: "0, FD_CLOSE: success, set: none",
        ours: "0, FD_CLOSE: WSAECONNABORTED (10053), set: none";

    /// With a mask of zero the event object argument is ignored. Wine refuses a bad one.
    s3_a_zero_mask_ignores_the_handle(begin(READ))
        [Select(0, NONE, Bad)]
        winsock: "SOCKET_ERROR, WSAEINVAL (10022), set: none",
        ours: "0, set: none";

    /// No call re-enables FD_CLOSE.
    l3_fd_close_comes_once(begin(READ | CLOSE))
        [PeerCloses(0), Enumerate(0, E), Send(0, 1)]
        winsock: "1, set: e",
        ours: "1, set: none";

    /// After a reset the calls fail with WSAECONNRESET. Wine 8.0 takes the reset for a graceful close.
    v4_a_receive_after_a_reset_fails(begin(READ))
        [PeerResets(0), Recv(0, 1)]
        winsock: "0, \"\", set: none",
        ours: "SOCKET_ERROR, WSAECONNRESET (10054), \"\", set: none";

    /// What FD_OOB has reported stays until a receive with MSG_OOB. Under Wine, Linux drops it when a receive goes
    /// past its place.
    l3_a_receive_without_msg_oob_leaves_out_of_band_data(begin(READ | OOB))
        [PeerSendsOob(0), PeerSends(0, 1), Recv(0, 8), RecvOob(0)]
        winsock: "SOCKET_ERROR, WSAEWOULDBLOCK (10035), \"\", set: e",
        ours: "1, \"!\", set: e";

    /// A new arrival is recorded without a re-enabling call, as on Windows. Wine 8.0 waits for the call.
    l1_a_new_arrival_of_out_of_band_data_is_recorded(begin(OOB))
        [PeerSendsOob(0), Enumerate(0, E), PeerSendsOob(0)]
        winsock: "set: none",
        ours: "set: e";

    /// After the call the provider records again if the condition holds. Linux puts the second byte in the place
    /// of the first, so nothing is left.
    l2_more_out_of_band_data_is_reported(begin(OOB))
        [PeerSendsOob(0), PeerSendsOob(0), Enumerate(0, E), RecvOob(0)]
        winsock: "1, \"!\", set: none",
        ours: "1, \"!\", set: e";

    /// A new WSPConnect re-enables FD_CONNECT, and its outcome is reported. Linux refuses, once, to use the socket
    /// again.
    l3_a_new_attempt_to_connect_reenables_fd_connect()
        [NewSocket, Select(0, CONNECT, E), Connect(0, Port::Closed), Enumerate(0, E), Connect(0, Port::Open)]
        winsock: "SOCKET_ERROR, WSAECONNABORTED (10053), set: none",
        ours: "SOCKET_ERROR, WSAEWOULDBLOCK (10035), set: e";
}

fn begin(events: NetworkEvents) -> Vec<Op> {
    quiet(0, events).map(|(op, _)| op).into()
}

fn data_has_arrived() -> Vec<Op> {
    [begin(READ), vec![PeerSends(0, 1)]].concat()
}
