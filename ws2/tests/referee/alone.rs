//! What cannot be in the shared tables.

use std::env;
use std::process::Command;

use crate::referee::{alone, compare};
use crate::scripts::measured::quiet;
use crate::scripts::ours::Ours;
use crate::scripts::player::Player;
use crate::scripts::script::Handle::E;
use crate::scripts::script::Op::*;
use crate::scripts::script::{READ, WRITE};
use crate::scripts::world::{World, until};
use crate::winsock::Winsock;

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

/// Catches FD_WRITE without room. On a busy machine some room may still appear after the last refusal: then the buffer is
/// filled again.
#[test]
fn l3_a_full_socket_is_not_signaled() {
    let _alone = alone();
    full_and_drained(&Winsock);
    full_and_drained(&Ours);
}

fn full_and_drained<W: World>(world: &'static W) {
    let mut player = Player::new(world);
    for (op, _) in quiet(0, WRITE) {
        player.play(op);
    }
    let is_full = |player: &mut Player<W>| {
        let filled = player.play(FillSendBuffer(0)).to_string();
        player.play(Enumerate(0, E));
        filled == "SOCKET_ERROR, WSAEWOULDBLOCK (10035), set: none"
    };
    assert!((0..100).any(|_| is_full(&mut player)), "FD_WRITE without room");
    player.play(PeerDrains(0));
    until("FD_WRITE is signaled", || {
        player.settle();
        player.events_set() == [true, false]
    });
}
