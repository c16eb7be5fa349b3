//! Where the referee and ours differ, and why ours stays as it is: one table, and a test for each row that
//! shows the difference. The random scripts keep clear of these, but for R4, which their comparison knows.

use std::env;
use std::process::Command;

use wsp_events::NetworkEvents;

use crate::measured::{CLOSE, CONNECT, OOB, READ, Step, WRITE, enumerate, quiet, select};
use crate::referee::compare;
use crate::script::EventArg::{Bad, E, F};
use crate::script::{EventName, Op, Port};

/// The table. Of a script the last step is the one at which the worlds differ.
macro_rules! exceptions {
    ($($rule:literal, $test:ident: $reason:literal;
        $script:expr => winsock: $winsock:literal, ours: $ours:literal;)*) => {
        $(
            #[doc = concat!($rule, ": ", $reason)]
            #[test]
            fn $test() {
                differ($script, $winsock, $ours);
            }
        )*

        /// Catches a row that no longer says which rule it stands on.
        #[test]
        fn e7_every_exception_names_its_rule() {
            for (rule, test) in [$(($rule, stringify!($test))),*] {
                let named = test.split('_').next().unwrap().to_uppercase();
                assert_eq!(named, rule);
                assert!(include_str!("../../../docs/CONTRACT.md").contains(&format!("**{rule}**")));
            }
        }
    };
}

exceptions! {
    "E7", e7_a_bad_event_object_in_an_enumeration:
        "a failed call changes nothing, and a ResetEvent that fails makes the call fail; Wine reports, \
         clears, and resets nothing";
    data_has_come().chain([enumerate(0, Bad)])
        => winsock: "0, FD_READ, set: e", ours: "SOCKET_ERROR 10022, nothing written, set: e";

    "E7", e7_an_enumeration_of_no_socket_resets_nothing:
        "a failed call changes nothing; Wine resets the event object before it looks at the socket";
    [Op::AppSets(EventName::F), Op::EnumerateNoSocket { e: F }]
        => winsock: "SOCKET_ERROR 10038, nothing written, set: none",
           ours: "SOCKET_ERROR 10038, nothing written, set: f";

    "E7", e7_an_enumeration_of_a_closed_socket_resets_nothing:
        "as above: what is closed is no socket";
    data_has_come().chain([Op::CloseSocket { s: 0 }, enumerate(0, E)])
        => winsock: "SOCKET_ERROR 10038, nothing written, set: none",
           ours: "SOCKET_ERROR 10038, nothing written, set: e";

    "R4", r4_what_is_not_selected_does_not_touch_the_event_object:
        "an event that is not selected does not touch the signal; Wine sets it again whenever something \
         happens and anything is reportable, here FD_WRITE";
    [
        Op::NewConnected,
        select(0, WRITE | CLOSE, E),
        Op::AppResets(EventName::E),
        Op::PeerSends { s: 0, n: 1 },
    ]
        => winsock: "set: e", ours: "set: none";

    "R1", r1_out_of_band_data_is_recorded_unselected:
        "recorded whether or not it is selected; Wine has a look for it when it is, and with the peer gone \
         finds it no more";
    [
        Op::NewConnected,
        select(0, CLOSE, E),
        Op::PeerSendsOob { s: 0 },
        Op::PeerCloses { s: 0 },
        select(0, OOB, E),
        enumerate(0, E),
    ]
        => winsock: "0, no events, set: none", ours: "0, FD_OOB, set: none";

    "V4", v4_a_reset_has_a_code:
        "FD_CLOSE after a reset is WSAECONNRESET or WSAECONNABORTED, as on Windows; Wine reports 0";
    begin(READ | CLOSE).chain([Op::PeerResets { s: 0 }, enumerate(0, E)])
        => winsock: "0, FD_CLOSE, set: none", ours: "0, FD_CLOSE 10054, set: none";

    "S3", s3_a_zero_mask_ignores_the_handle:
        "with a mask of zero the event object argument is ignored; Wine refuses a bad one";
    begin(READ).chain([select(0, NetworkEvents::empty(), Bad)])
        => winsock: "SOCKET_ERROR 10022, set: none", ours: "0, set: none";

    "L3", l3_fd_close_comes_once:
        "no call re-enables FD_CLOSE";
    begin(READ | CLOSE).chain([
        Op::PeerCloses { s: 0 },
        enumerate(0, E),
        Op::Send { s: 0, n: 1 },
    ])
        => winsock: "1, set: e", ours: "1, set: none";

    "V4", v4_a_receive_after_a_reset_fails:
        "what FD_CLOSE says, the calls say; Wine takes it for a graceful close";
    begin(READ).chain([Op::PeerResets { s: 0 }, Op::Recv { s: 0, n: 1 }])
        => winsock: "0, \"\", set: none", ours: "SOCKET_ERROR 10054, \"\", set: none";

    "L3", l3_a_receive_without_msg_oob_leaves_out_of_band_data:
        "what FD_OOB has told of is there until a receive with MSG_OOB; under Wine it is Linux that drops it \
         when a receive goes past its place";
    begin(READ | OOB).chain([
        Op::PeerSendsOob { s: 0 },
        Op::PeerSends { s: 0, n: 1 },
        Op::Recv { s: 0, n: 8 },
        Op::RecvOob { s: 0 },
    ])
        => winsock: "SOCKET_ERROR 10035, \"\", set: e", ours: "1, \"!\", set: e";

    "L2", l2_more_out_of_band_data_is_told_of:
        "after the call the provider records again if the condition holds; Linux puts the second byte in the \
         place of the first, and there is no more";
    begin(OOB).chain([
        Op::PeerSendsOob { s: 0 },
        enumerate(0, E),
        Op::PeerSendsOob { s: 0 },
        Op::RecvOob { s: 0 },
    ])
        => winsock: "1, \"!\", set: none", ours: "1, \"!\", set: e";

    "L3", l3_a_new_attempt_to_connect_reenables_fd_connect:
        "a new WSPConnect re-enables FD_CONNECT, and its outcome is told; Linux refuses, once, to use the \
         socket again";
    [
        Op::NewSocket,
        select(0, CONNECT, E),
        Op::Connect { s: 0, port: Port::Closed },
        enumerate(0, E),
        Op::Connect { s: 0, port: Port::Open },
    ]
        => winsock: "SOCKET_ERROR 10053, set: none", ours: "SOCKET_ERROR 10035, set: e";
}

fn begin(events: NetworkEvents) -> impl Iterator<Item = Op> {
    quiet(0, events).into_iter().map(|(op, _): Step| op)
}

fn data_has_come() -> impl Iterator<Item = Op> {
    begin(READ).chain([Op::PeerSends { s: 0, n: 1 }])
}

/// E10: a null output is WSAEINVAL. Wine writes to it, and that is the end of the process: so of another one.
#[test]
fn e10_a_null_output() {
    const CHILD: &str = "WSP_REFEREE_NULL_OUTPUT";
    let to_null = || {
        let script: Vec<_> = begin(READ).chain([Op::EnumerateToNull { s: 0, e: E }]).collect();
        compare(&script)
    };
    if env::var_os(CHILD).is_some() {
        println!("{:?}", to_null());
        return;
    }
    // What ours says, without the referee.
    let mut ours = crate::player::Player::new(&crate::ours::Ours);
    for op in data_has_come() {
        ours.play(&op);
    }
    let to_null = ours.play(&Op::EnumerateToNull { s: 0, e: E }).to_string();
    assert_eq!(to_null, "SOCKET_ERROR 10022, set: e");
    assert_eq!(ours.play(&enumerate(0, E)).to_string(), "0, FD_READ, set: none");

    let winsock = Command::new(env::current_exe().unwrap())
        .args(["--exact", "exceptions::e10_a_null_output"])
        .env(CHILD, "1")
        .output()
        .unwrap();
    let code = winsock.status.code().unwrap();
    // What it dies of depends on whether there is a debugger to be asked; it is an NTSTATUS either way.
    assert!(code < 0, "{winsock:?}");
}

/// The worlds agree up to the last step, and there they differ just so.
#[track_caller]
fn differ(script: impl IntoIterator<Item = Op>, winsock: &str, ours: &str) {
    let script: Vec<_> = script.into_iter().collect();
    let Err(difference) = compare(&script) else {
        panic!("no difference, so no exception");
    };
    println!("{difference}");
    assert_eq!(difference.step, script.len(), "{difference}");
    let seen = (difference.winsock.to_string(), difference.ours.to_string());
    assert_eq!(seen, (winsock.to_owned(), ours.to_owned()));
}
