//! E11: the pair as programs call it. The provider is the one of the other sections; what it adds here is a startup
//! state and a last error, one of each for every test's thread.

use std::cell::{Cell, RefCell};
use std::ops::Deref;
use std::panic::resume_unwind;
use std::ptr::null_mut;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;

use wsp_events::wsa::{
    LookAlike, WSAEnumNetworkEvents, WSAEventSelect, WSANETWORKEVENTS, wsa_enum_network_events,
    wsa_enum_network_events_with, wsa_event_select,
};
use wsp_events::{INVALID_SOCKET, NetworkEvent, Report, SOCKET, WSAEVENT, WsaError};

use crate::support::*;

thread_local! {
    static CURRENT: RefCell<Option<Arc<TestProvider>>> = const { RefCell::new(None) };
    static LAST_ERROR: Cell<i32> = const { Cell::new(0) };
    /// Calls that have found the provider and not dropped it yet.
    static IN_USE: Cell<usize> = const { Cell::new(0) };
    /// The next one panics when it drops the provider.
    static DROP_PANICS: Cell<bool> = const { Cell::new(false) };
    static LAST_ERROR_PANICS: Cell<bool> = const { Cell::new(false) };
}

/// The provider in use by a call.
struct InUse(Arc<TestProvider>);

impl Deref for InUse {
    type Target = TestProvider;

    fn deref(&self) -> &TestProvider {
        &self.0
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        IN_USE.set(IN_USE.get() - 1);
        if DROP_PANICS.take() {
            resume_unwind(Box::new("from the drop"));
        }
    }
}

impl LookAlike for TestProvider {
    fn current() -> Option<impl Deref<Target = Self>> {
        let current = CURRENT.with_borrow(Clone::clone)?;
        IN_USE.set(IN_USE.get() + 1);
        Some(InUse(current))
    }

    fn set_last_error(error: WsaError) {
        assert_eq!(IN_USE.get(), 0, "the call still uses the provider");
        LAST_ERROR.set(error.code());
        if LAST_ERROR_PANICS.take() {
            resume_unwind(Box::new("from the last error"));
        }
    }
}

/// WSAStartup.
fn started() -> Arc<TestProvider> {
    let provider = Arc::new(TestProvider::new());
    CURRENT.set(Some(Arc::clone(&provider)));
    provider
}

/// WSAEventSelect: the result and the last error, which was -7 before.
fn select(s: SOCKET, event: WSAEVENT, mask: i32) -> (i32, i32) {
    LAST_ERROR.set(-7);
    // SAFETY: the provider only looks the handle up.
    let result = unsafe { WSAEventSelect::<TestProvider>(s, event, mask) };
    (result, LAST_ERROR.get())
}

/// WSAEnumNetworkEvents, likewise, and what it wrote over a struct full of [`UNTOUCHED`].
fn enumerate(s: SOCKET, event: WSAEVENT) -> (i32, i32, WSANETWORKEVENTS) {
    let mut out = untouched();
    let (result, error) = enumerate_into(s, event, &mut out);
    (result, error, out)
}

fn enumerate_into(s: SOCKET, event: WSAEVENT, out: *mut WSANETWORKEVENTS) -> (i32, i32) {
    LAST_ERROR.set(-7);
    // SAFETY: the tests pass null, or memory of their own.
    let result = unsafe { WSAEnumNetworkEvents::<TestProvider>(s, event, out) };
    (result, LAST_ERROR.get())
}

/// Catches checks in another order, a code of the SPI's for a null output or a missing provider, and a function over
/// an instance that has another order than the one for programs.
#[test]
fn e11_five_codes_in_this_order() {
    let bad_event = WSAEVENT(99);
    // Everything is wrong, and one thing after the other is put right.
    assert_eq!(select(0, bad_event, 1), (-1, 10093));
    assert_eq!(enumerate_into(0, bad_event, null_mut()), (-1, 10093));

    let provider = started();
    let ((s, socket), (handle, event)) = (provider.socket(), provider.event());
    socket.record(NetworkEvent::Read, Ok(()));
    let both = |s, event, out: *mut WSANETWORKEVENTS| {
        let functions = [select(s, event, 1), enumerate_into(s, event, out)];
        // SAFETY: as in `select` and `enumerate_into`.
        let over_an_instance = unsafe {
            let selected = wsa_event_select(&*provider, s, event, 1);
            [selected, wsa_enum_network_events(&*provider, s, event, out)]
        };
        let expected = |result: Result<(), WsaError>| {
            result.map_or_else(|error| (-1, error.code()), |()| (0, -7))
        };
        assert_eq!(functions, over_an_instance.map(expected));
        let deliver = (!out.is_null()).then_some(|_: &Report| Ok(()));
        let delivered = wsa_enum_network_events_with(&*provider, s, event, deliver);
        assert_eq!(functions[1], expected(delivered));
        functions.map(|(_, code)| code)
    };
    provider.up.store(false, SeqCst);
    assert_eq!(both(0, bad_event, null_mut()), [10050, 10050]);
    provider.up.store(true, SeqCst);
    assert_eq!(both(0, bad_event, null_mut()), [10038, 10038]);
    assert_eq!(both(INVALID_SOCKET, bad_event, null_mut()), [10038, 10038]);
    assert_eq!(both(s, bad_event, null_mut()), [10022, 10014]);
    let mut out = untouched();
    assert_eq!(both(s, bad_event, &mut out), [10022, 10022]);
    assert_eq!((out, socket.recorded(), socket.selected()), (untouched(), READ, NONE), "E7");
    assert_eq!(both(s, handle, &mut out), [-7, -7]);
    assert_eq!((socket.recorded(), socket.selected(), event.is_set()), (NONE, READ, false));

    CURRENT.set(None);
    assert_eq!(select(s, handle, 1), (-1, 10093), "after WSACleanup");
}

/// Catches a success that overwrites the error of an earlier call, and an error that is not there for WSAGetLastError.
#[test]
fn e11_the_last_error_is_written_on_failure_only() {
    let provider = started();
    let ((s, socket), (handle, event)) = (provider.socket(), provider.event());
    assert_eq!(select(s, handle, 0x3ff), (0, -7));
    socket.record(NetworkEvent::Close, Err(RESET));
    let (result, last_error, out) = enumerate(s, handle);
    assert_eq!((result, last_error), (0, -7));
    assert_eq!((out.lNetworkEvents, out.iErrorCode[5]), (0x20, 10054));
    assert_eq!(out.iErrorCode.iter().filter(|&&code| code == UNTOUCHED).count(), 9, "E2");
    assert!(!event.is_set());
    assert_eq!(enumerate(0, handle), (-1, 10038, untouched()));
    assert_eq!(select(0, handle, 1), (-1, 10038));
    // S3, S4: a mask without an event ends the selection, whatever the handle.
    assert_eq!(select(s, WSAEVENT(99), 0x400), (0, -7));
    assert_eq!(socket.selected(), NONE);
}

/// Catches a report that is taken although there is no place for it.
#[test]
fn e11_a_null_output_takes_nothing() {
    let provider = started();
    let ((s, socket), (handle, event)) = (provider.socket(), provider.event());
    select(s, handle, 1);
    socket.record(NetworkEvent::Read, Ok(()));
    assert_eq!(enumerate_into(s, handle, null_mut()), (-1, 10014));
    assert!(event.is_set());
    assert_eq!(socket.recorded(), READ);
}

/// Catches a report that is final before it is delivered, a code of the delivery that is replaced, and a panic of the
/// delivery that goes on, or takes the report with it.
#[test]
fn e11_a_delivery_inside_the_enumeration() {
    let provider = started();
    let ((s, socket), (handle, event)) = (provider.socket(), provider.event());
    assert_eq!(select(s, handle, 1), (0, -7));
    socket.record(NetworkEvent::Read, Err(DOWN));
    let enumerate = |s, deliver: &dyn Fn(&Report) -> Result<(), WsaError>| {
        let deliver = |report: &Report| {
            assert!(event.is_set(), "the delivery comes before the reset");
            deliver(report)
        };
        wsa_enum_network_events_with(&*provider, s, handle, Some(deliver))
    };
    assert_eq!(enumerate(s, &|_| Err(WsaError::WSAEFAULT)), Err(WsaError::WSAEFAULT));
    assert_eq!(enumerate(s, &|_| Err(REFUSED)), Err(REFUSED));
    let panics =
        |_: &Report| -> Result<(), WsaError> { resume_unwind(Box::new("from the delivery")) };
    assert_eq!(enumerate(s, &panics), Err(DOWN));
    let never =
        |_: &Report| -> Result<(), WsaError> { unreachable!("a call that fails delivers nothing") };
    assert_eq!(enumerate(0, &never), Err(WsaError::WSAENOTSOCK));
    assert_eq!((socket.recorded(), event.is_set()), (READ, true), "E7");

    let delivered = Cell::new(None);
    let keep = |report: &Report| {
        delivered.set(Some(*report));
        Ok(())
    };
    assert_eq!(enumerate(s, &keep), Ok(()));
    let report = delivered.take().unwrap();
    assert_eq!((report.events(), report.outcome(NetworkEvent::Read)), (READ, Some(Err(DOWN))));
    assert_eq!((socket.recorded(), event.is_set()), (NONE, false));
}

/// Catches another signature than the headers have.
#[test]
fn e11_the_c_functions() {
    type Select = unsafe extern "system" fn(usize, WSAEVENT, i32) -> i32;
    type Enumerate = unsafe extern "system" fn(usize, WSAEVENT, *mut WSANETWORKEVENTS) -> i32;
    let select: Select = WSAEventSelect::<TestProvider>;
    let enumerate: Enumerate = WSAEnumNetworkEvents::<TestProvider>;

    let provider = started();
    let ((s, socket), (handle, event)) = (provider.socket(), provider.event());
    let mut out = untouched();
    // SAFETY: the pointer comes from a reference.
    unsafe {
        assert_eq!(select(s, handle, 8), 0);
        socket.record(NetworkEvent::Accept, Err(DOWN));
        assert!(event.is_set());
        assert_eq!(enumerate(s, handle, &mut out), 0);
    }
    assert_eq!((out.lNetworkEvents, out.iErrorCode[3]), (8, 10050));
}

/// Catches an aligned write to a program's packed struct: a debug build checks every such write.
#[test]
fn e11_a_misaligned_output_is_written() {
    #[repr(align(4))]
    struct Aligned([u8; 48]);
    let provider = started();
    let ((s, socket), (handle, _)) = (provider.socket(), provider.event());
    select(s, handle, 0x3ff);
    let mut memory = Aligned([0x11; 48]);
    // 44 bytes from offset 1 on lie inside the array.
    let out: *mut WSANETWORKEVENTS = memory.0[1..].as_mut_ptr().cast();
    socket.record(NetworkEvent::Read, Err(DOWN));
    assert_eq!(enumerate_into(s, handle, out), (0, -7));
    assert_eq!(memory.0[1..5], 1_i32.to_ne_bytes());
    assert_eq!(memory.0[5..9], 10050_i32.to_ne_bytes());
    assert!(memory.0[9..].iter().all(|&byte| byte == 0x11), "E2");
}

/// Catches a panic that crosses the boundary, and a report that is lost with it.
#[test]
fn e11_a_panic_becomes_wsaenetdown() {
    let provider = started();
    let ((s, socket), (handle, event)) = (provider.socket(), provider.event());
    select(s, handle, 0x3ff);
    socket.record(NetworkEvent::Read, Ok(()));
    event.on_reset(blow_up);
    assert_eq!(enumerate(s, handle), (-1, 10050, untouched()));
    event.on_set(blow_up);
    assert_eq!(select(s, handle, 1), (-1, 10050));
    assert_eq!((socket.recorded(), socket.selected()), (READ, ALL));
}

/// Catches a second panic that crosses the boundary, from where the code of the first is kept.
#[test]
fn e11_a_panic_of_the_last_error_is_contained() {
    let provider = started();
    let ((s, _), (handle, event)) = (provider.socket(), provider.event());
    LAST_ERROR_PANICS.set(true);
    assert_eq!(select(0, handle, 1), (-1, 10038));
    LAST_ERROR_PANICS.set(true);
    event.on_reset(blow_up);
    assert_eq!(enumerate(s, handle).0, -1);
    assert!(!LAST_ERROR_PANICS.get(), "it was not called");
}

/// Catches a success that is called a failure because of what happens after it.
#[test]
fn e11_a_provider_whose_drop_panics() {
    let provider = started();
    let ((s, socket), (handle, _)) = (provider.socket(), provider.event());
    DROP_PANICS.set(true);
    assert_eq!(select(s, handle, 1), (0, -7));
    assert!(!DROP_PANICS.get());
    socket.record(NetworkEvent::Read, Ok(()));
    DROP_PANICS.set(true);
    let (result, last_error, out) = enumerate(s, handle);
    assert_eq!((result, last_error, out.lNetworkEvents), (0, -7, 1));
    DROP_PANICS.set(true);
    assert_eq!(select(0, handle, 1), (-1, 10050), "a call that fails may fail for another reason");
}

/// Catches a delivered report that is called a failure because of the drop of a socket that was closed meanwhile.
#[test]
fn e11_a_socket_whose_drop_panics() {
    let provider = TestProvider::<Handle>::of_kind();
    let ((s, socket), (handle, event)) = (provider.socket(), provider.event());
    provider.select(s, handle, 1);
    socket.record(NetworkEvent::Read, Ok(()));
    let closes = |report: &Report| {
        assert_eq!(report.events(), READ);
        provider.sockets.remove(s); // the call has the last reference now
        drop(socket);
        event.on(Call::Drop, blow_up);
        Ok(())
    };
    let result = wsa_enum_network_events_with(&provider, s, WSAEVENT::NULL, Some(closes));
    assert_eq!(result, Ok(()));
}
