//! What cannot be in the shared tables.

use std::env;
use std::process::Command;

use crate::referee::{agree, compare};
use crate::scripts::measured::quiet;
use crate::scripts::ours::Ours;
use crate::scripts::player::Player;
use crate::scripts::script::Handle::E;
use crate::scripts::script::Op::*;
use crate::scripts::script::{READ, WRITE};

/// E10: a null output is WSAEINVAL. Wine writes to it, which ends the process, so another process does it.
#[test]
fn e10_a_null_output() {
    const CHILD: &str = "WSP_REFEREE_NULL_OUTPUT";
    let script = [NewConnected, Select(0, READ, E), PeerSends(0, 1), EnumerateToNull(0, E)];
    if env::var_os(CHILD).is_some() {
        println!("{:?}", compare(&script));
        return;
    }
    // Ours alone.
    let mut ours = Player::new(&Ours);
    let shown = script.map(|op| ours.play(op).to_string());
    assert_eq!(shown[3], "SOCKET_ERROR, WSAEINVAL (10022), set: e");
    assert_eq!(ours.play(Enumerate(0, E)).to_string(), "0, FD_READ: success, set: none");

    let winsock = Command::new(env::current_exe().unwrap())
        .args(["--exact", "alone::e10_a_null_output"])
        .env(CHILD, "1")
        .output()
        .unwrap();
    let code = winsock.status.code().unwrap();
    // Which code depends on whether a debugger can be asked; it is an NTSTATUS either way.
    assert!(code < 0, "{winsock:?}");
}

/// Catches FD_WRITE without room. On a busy machine some room may still appear after the last refusal.
#[test]
fn l3_a_full_socket_is_not_signaled() {
    let full = (FillSendBuffer(0), "SOCKET_ERROR, WSAEWOULDBLOCK (10035), set: none");
    agree(&[&quiet(0, WRITE)[..], &[full, (PeerDrains(0), "set: e")]].concat());
}
