//! WSPStartup and WSPCleanup.

use std::path::PathBuf;
use std::ptr::{null, null_mut};
use std::{env, fs, process, thread};

use windows_sys::Win32::Foundation::{FreeLibrary, HMODULE};
use windows_sys::Win32::Networking::WinSock::{
    LPWSPSTARTUP, WSANOTINITIALISED, WSAVERNOTSUPPORTED, WSPDATA, WSPPROC_TABLE, WSPUPCALLTABLE,
};

use crate::switch::*;

/// Catches a provider that accepts a version that it does not have, and a table that lacks a function or names one
/// that the provider does not have.
#[test]
fn startup_agrees_on_the_version_and_fills_the_table() {
    let _alone = alone();
    let (_, startup) = load(&dll());
    let startup = |version, data: *mut WSPDATA, table| {
        let upcalls = WSPUPCALLTABLE::default();
        // SAFETY: the outputs are null or valid for the writes.
        unsafe { startup.unwrap()(version, data, null(), upcalls, table) }
    };
    let (mut data, mut table) = (WSPDATA::default(), WSPPROC_TABLE::default());
    for version in [0x0000, 0x0001, 0x0101, 0xff01, 0x0102] {
        assert_eq!(startup(version, &mut data, &mut table), WSAVERNOTSUPPORTED, "{version:#x}");
    }
    assert_eq!(startup(0x0202, null_mut(), &mut table), WSAEFAULT);
    assert_eq!(startup(0x0202, &mut data, null_mut()), WSAEFAULT);
    assert_eq!((data.wVersion, data.szDescription[0]), (0, 0), "nothing is written");
    assert!(table.lpWSPCleanup.is_none(), "nothing is written");

    for version in [0x0202, 0x0302, 0x0003] {
        assert_eq!(startup(version, &mut data, &mut table), 0);
        assert_eq!((data.wVersion, data.wHighVersion), (0x0202, 0x0202));
        assert_ne!(data.szDescription[0], 0);
        assert_eq!(data.szDescription[255], 0);
        assert!(table.lpWSPEventSelect.is_some() && table.lpWSPEnumNetworkEvents.is_some());
        assert!(table.lpWSPSocket.is_some() && table.lpWSPCloseSocket.is_some());
        assert!(table.lpWSPBind.is_some() && table.lpWSPGetSockName.is_some());
        assert!(table.lpWSPListen.is_some() && table.lpWSPAccept.is_some());
        assert!(table.lpWSPConnect.is_some() && table.lpWSPCleanup.is_some());
        assert!(table.lpWSPSend.is_some() && table.lpWSPRecv.is_some());
        assert!(table.lpWSPSendTo.is_some() && table.lpWSPRecvFrom.is_some());
        assert!(table.lpWSPShutdown.is_some() && table.lpWSPIoctl.is_some());
        assert!(table.lpWSPSetSockOpt.is_some() && table.lpWSPGetSockOpt.is_some());
        assert!(table.lpWSPGetPeerName.is_some());
        assert!(table.lpWSPSelect.is_none() && table.lpWSPAsyncSelect.is_none());
    }
}

/// Catches a provider that ends too early, does not end, or does not start again; and a selection or a thread that
/// outlives it.
#[test]
fn e9_after_the_last_cleanup_the_network_is_down() {
    let _alone = alone();
    let provider = OwnProvider::new();
    let startup = provider.startup;
    let name = format!("Local\\wsp-events-dll-{}", process::id());

    for _ in 0..2 {
        let (first, second) = (start(startup), start(startup));
        let s = first.socket().unwrap();
        let event = Event::named(&name);
        second.event_select(s, event.raw(), FD_ACCEPT).unwrap();
        assert_eq!(cleanup(&second), Ok(()));
        assert_eq!(first.enumerate(s, event.raw()), Ok(Report::of(0)), "it is still there");
        event.close();
        assert!(Event::exists(&name), "a selection keeps it");

        assert_eq!(cleanup(&first), Ok(()));
        assert!(!Event::exists(&name), "P2: the selection ended with the provider");
        let event = Event::new();
        assert_eq!(first.event_select(s, event.raw(), FD_ACCEPT), Err(WSAENETDOWN));
        assert_eq!(first.enumerate(s, event.raw()), Err(WSAENETDOWN));
        assert_eq!(first.socket(), Err(WSAENETDOWN));
        assert_eq!(first.close(s), Err(WSAENETDOWN));
        assert_eq!(cleanup(&first), Err(WSANOTINITIALISED));
    }
}

/// Catches a call that waits for ever after the last cleanup.
#[test]
fn e9_the_last_cleanup_cancels_a_call_that_waits() {
    let _alone = alone();
    let provider = OwnProvider::new();
    for round in 0..50 {
        let switch = start(provider.startup);
        let (listener, _) = switch.listener();
        thread::scope(|scope| {
            let accepted = scope.spawn(|| switch.accept(listener).map(drop));
            (0..round).for_each(|_| thread::yield_now());
            assert_eq!(cleanup(&switch), Ok(()));
            let answer = accepted.join().unwrap();
            assert!(matches!(answer, Err(WSAEINTR | WSAENETDOWN | WSAENOTSOCK)), "{answer:?}");
        });
    }
}

/// A copy of the DLL, which for Windows is another one, with its own statics: the other tests' provider must live on.
struct OwnProvider {
    path: PathBuf,
    library: HMODULE,
    startup: LPWSPSTARTUP,
}

impl OwnProvider {
    fn new() -> Self {
        let path = env::temp_dir().join(format!("wsp-events-{}.dll", process::id()));
        fs::copy(dll(), &path).unwrap();
        let (library, startup) = load(&path);
        Self { path, library, startup }
    }
}

impl Drop for OwnProvider {
    fn drop(&mut self) {
        // SAFETY: nothing of the DLL is used any more, and its last cleanup has joined its thread.
        assert_ne!(unsafe { FreeLibrary(self.library) }, 0);
        fs::remove_file(&self.path).unwrap();
    }
}

fn cleanup(switch: &Switch) -> Answer {
    answer_zero(call!(switch.table, lpWSPCleanup,))
}
