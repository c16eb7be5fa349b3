//! E: enumerating.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread;

use wsp_events::spi::{
    CurrentProvider, WSANETWORKEVENTS, WSPEnumNetworkEvents, WSPEventSelect,
    wsp_enum_network_events, wsp_event_select,
};
use wsp_events::{
    EventSignal, FD_MAX_EVENTS, ManualResetEvent, NetworkEvent, NetworkEventRecorder,
    ProviderError, RecorderError, ReenablingCall, Report, SOCKET, SignalError, WSAEVENT, Wake,
    enum_network_events, enum_network_events_with, event_select,
};

use crate::support::*;

/// Catches a report with an event that is not selected, or without one that is.
#[test]
fn e1_the_report_is_what_is_recorded_and_selected() {
    let (recorder, _event) = selected(READ | CONNECT | CLOSE);
    for event in [NetworkEvent::Read, NetworkEvent::Write, NetworkEvent::Accept] {
        recorder.record(event, Ok(()));
    }
    recorder.record(NetworkEvent::Connect, Err(REFUSED));
    let report = recorder.enumerate().unwrap();
    assert_eq!(report.events(), READ | CONNECT);
    assert!(
        report.iter().eq([(NetworkEvent::Read, Ok(())), (NetworkEvent::Connect, Err(REFUSED))])
    );
}

/// Catches an element written whose bit is not in the report (viosock's DLL zeroes them), and a mask
/// that is merged with the old one.
#[test]
fn e2_other_elements_keep_the_callers_bytes() {
    let (provider, s, socket, handle, _) = serving(0x3ff);
    socket.record(NetworkEvent::Accept, Ok(()));
    socket.record(NetworkEvent::Connect, Err(REFUSED));

    let mut expected = untouched();
    expected.lNetworkEvents = 0x18;
    expected.iErrorCode[3] = 0;
    expected.iErrorCode[4] = 10061;
    assert_eq!(provider.enumerate(s, handle), (0, -7, expected));

    let mut stored = untouched();
    stored.store(&wsp_events::Report::default());
    assert_eq!(stored, WSANETWORKEVENTS { lNetworkEvents: 0, ..untouched() });
}

/// Catches a reader that returns an element whose bit is not in the mask, or a bit that is no event.
#[test]
fn e2_a_switch_reads_what_the_mask_names() {
    let mut out = untouched();
    out.lNetworkEvents = 0x21 | 0x400;
    (out.iErrorCode[0], out.iErrorCode[5]) = (0, 10054);
    assert!(out.iter().eq([(NetworkEvent::Read, Ok(())), (NetworkEvent::Close, Err(RESET))]));
}

/// Catches an event that is cleared without being reported, or reported twice.
#[test]
fn e3_the_report_clears_exactly_what_it_carries() {
    let (recorder, _event) = selected(READ);
    recorder.record(NetworkEvent::Read, Ok(()));
    recorder.record(NetworkEvent::Close, Err(RESET));
    assert_eq!(recorder.enumerate().unwrap().events(), READ);
    assert_eq!(recorder.recorded(), CLOSE);
    assert_eq!(recorder.enumerate().unwrap().events(), NONE);

    recorder.select(CLOSE, Event::new()).unwrap();
    assert_eq!(recorder.enumerate().unwrap().outcome(NetworkEvent::Close), Some(Err(RESET)));
}

/// Catches a reset before the clear: an event that is recorded while ResetEvent runs must be new.
#[test]
fn e4_reset_comes_after_clear() {
    let (recorder, event) = selected(ACCEPT);
    recorder.record(NetworkEvent::Accept, Ok(()));
    event.on_reset(with(&recorder, |recorder| {
        assert_eq!(recorder.recorded(), NONE);
        let again = recorder.record(NetworkEvent::Accept, Ok(()));
        assert_eq!((again.new, again.wake), (ACCEPT, Wake::Set));
        Ok(())
    }));
    event.log();
    assert_eq!(recorder.enumerate_and_reset(&*event).unwrap().events(), ACCEPT);
    assert_eq!(event.log(), [Call::Set, Call::Reset, Call::Set], "the reset wipes out the first");
    assert_eq!(recorder.recorded(), ACCEPT);
}

/// Catches a signal that is lost between a reset and the end of the call, and one that stays set with
/// nothing to report.
#[test]
fn e5_the_signal_is_set_as_long_as_something_is_reportable() {
    let (recorder, event) = selected(READ | CLOSE);
    let at_rest =
        || assert_eq!(event.is_set(), recorder.recorded().intersects(recorder.selected()));
    at_rest();
    recorder.record(NetworkEvent::Read, Ok(()));
    at_rest();
    event.on_reset(with(&recorder, |recorder| {
        recorder.record(NetworkEvent::Close, Ok(())).signaled().map(drop)
    }));
    recorder.enumerate_and_reset(&*event).unwrap();
    at_rest();
    recorder.enumerate_and_reset(&*event).unwrap();
    at_rest();
    recorder.record(NetworkEvent::Write, Ok(()));
    at_rest();
}

/// A program that waits, resets the event object itself, receives, and finds more, on real threads. Catches a
/// record that leaves its set to another that is inside, and a set that orders nothing because it changes
/// nothing. `WSP_ROUNDS` says how many rounds; it prints what was lost.
#[test]
fn e5_an_application_that_resets_its_event_object_itself() {
    let rounds: u64 = std::env::var("WSP_ROUNDS").map_or(30_000, |rounds| rounds.parse().unwrap());
    let (recorder, event) = (NetworkEventRecorder::new(), ManualResetEvent::new());
    recorder.select(READ, &event).unwrap();
    let (turn, done) = (AtomicU64::new(0), AtomicU64::new(0));
    // A few looks, then the other thread may need the processor.
    let wait_until = |holds: &dyn Fn() -> bool| {
        let mut looks = 0..100;
        while !holds() {
            looks.next().map_or_else(thread::yield_now, |_| std::hint::spin_loop());
        }
    };
    let wait_for = |counter: &AtomicU64, round| wait_until(&|| counter.load(SeqCst) >= round);
    let lost = thread::scope(|scope| {
        scope.spawn(|| {
            for round in 1..=rounds {
                wait_for(&turn, round);
                recorder.record(NetworkEvent::Read, Ok(()));
                done.store(round, SeqCst);
            }
        });
        let mut lost = 0;
        for round in 1..=rounds {
            turn.store(round, SeqCst);
            wait_until(&|| event.is_set());
            event.reset();
            recorder.reenable_for(ReenablingCall::Recv { oob: false });
            recorder.record(NetworkEvent::Read, Ok(()));
            wait_for(&done, round);
            lost += u64::from(!event.is_set() && !recorder.owes_set());
            recorder.enumerate_and_reset(&event).unwrap();
        }
        lost
    });
    println!("{rounds} rounds, {lost} wake-ups lost");
    assert_eq!(lost, 0, "E5: of {rounds} wake-ups");
}

/// Catches a reset of the selected event object where another, or none, was passed.
#[test]
fn e6_the_event_object_that_was_passed_is_reset() {
    let (recorder, selected_one) = selected(READ);
    recorder.record(NetworkEvent::Read, Ok(()));
    selected_one.log();
    let of_another_kind = ManualResetEvent::new();
    of_another_kind.set();
    assert_eq!(recorder.enumerate_and_reset(&of_another_kind).unwrap().events(), READ);
    assert!(!of_another_kind.is_set());
    recorder.record(NetworkEvent::Read, Ok(()));
    assert_eq!(recorder.enumerate().unwrap().events(), READ);
    assert_eq!(selected_one.log(), [Call::Set], "set by the second record, never reset");
    // A trait object will do.
    let any: &dyn EventSignal = &*selected_one;
    assert_eq!(recorder.enumerate_and_reset(any).unwrap().events(), NONE);
    assert_eq!(selected_one.log(), [Call::Reset]);
}

/// Catches a failed call that loses the report, an error code, or what came meanwhile; or that touches
/// the event object or the caller's memory.
#[test]
fn e7_a_failed_call_changes_nothing() {
    let (provider, s, socket, handle, event) = serving(0x3ff);
    socket.record(NetworkEvent::Read, Ok(()));
    socket.record(NetworkEvent::Close, Err(RESET));
    event.log();

    event.on_reset(refuse);
    assert_eq!(provider.enumerate(s, handle), (-1, 10022, untouched()));
    assert_eq!(provider.enumerate(s, WSAEVENT(99)), (-1, 10022, untouched()));
    assert!(event.is_set());
    assert_eq!(event.log(), [Call::Set], "what was put back is signaled again");
    let report = socket.enumerate_and_reset(&*event).unwrap();
    assert_eq!(report.to_string(), "FD_READ: success, FD_CLOSE: WSAECONNRESET (10054)");
}

/// Catches a report that is put back over what came meanwhile: the earlier error stays, a success is
/// upgraded, what is new is kept and signaled.
#[test]
fn e7_a_report_is_put_back_under_what_came_meanwhile() {
    let (recorder, event) = selected(ALL);
    recorder.record(NetworkEvent::Close, Err(RESET));
    recorder.record(NetworkEvent::Read, Ok(()));
    event.on_reset(with(&recorder, |recorder| {
        for event in [NetworkEvent::Close, NetworkEvent::Read, NetworkEvent::Accept] {
            recorder.record(event, Err(DOWN));
        }
        refuse()
    }));
    event.log();
    let refused = recorder.enumerate_and_reset(&*event);
    assert_eq!(refused, Err(RecorderError::Signal(BAD_HANDLE)));
    assert_eq!(event.log(), [Call::Set; 4], "each news, and what was put back");
    let down = |event| (event, Err(DOWN));
    let [read, accept] = [NetworkEvent::Read, NetworkEvent::Accept].map(down);
    let report = recorder.enumerate().unwrap();
    assert!(report.iter().eq([read, accept, (NetworkEvent::Close, Err(RESET))]));
}

/// Catches a refusal that comes back over the success after it, and a close of the connection before, because an
/// enumeration fails meanwhile.
#[test]
fn e7_what_was_reenabled_is_not_put_back() {
    for (reenable, left) in [
        ((|recorder| recorder.reenable_for(ReenablingCall::Connect)) as fn(&Recorder), CLOSE),
        (|recorder| recorder.renew(), NONE),
    ] {
        for again in [NONE, CONNECT] {
            let recorder = Recorder::with_latching(ALL);
            recorder.select(ALL, Event::new()).unwrap();
            recorder.record(NetworkEvent::Connect, Err(DOWN));
            recorder.record(NetworkEvent::Close, Err(RESET));
            let failed = recorder.enumerate_with(|_| {
                reenable(&recorder);
                recorder.record_all(again.members().map(|event| (event, Ok(()))));
                Err(Fault(14))
            });
            assert_eq!(failed, Err(Fault(14)));
            let report = recorder.enumerate().unwrap();
            assert_eq!(report.events(), left | again);
            assert_ne!(report.outcome(NetworkEvent::Connect), Some(Err(DOWN)));
        }
    }
}

/// Catches an empty record that fails, or leaves the event object set.
#[test]
fn e8_an_empty_record_still_resets() {
    let (provider, s, _, handle, event) = serving(0);
    event.set_event().unwrap();
    let expected = WSANETWORKEVENTS { lNetworkEvents: 0, ..untouched() };
    assert_eq!(provider.enumerate(s, handle), (0, -7, expected));
    assert!(!event.is_set());
}

fn enumerate_into_null(provider: &TestProvider, s: SOCKET, event: WSAEVENT) -> (i32, i32) {
    let mut errno = -7;
    // SAFETY: a null output is allowed, and the errno comes from a reference.
    let result =
        unsafe { wsp_enum_network_events(provider, s, event, std::ptr::null_mut(), &mut errno) };
    (result, errno)
}

/// Catches another order of the checks, another code, and a socket that is closed after it was found and is not WSAENOTSOCK.
#[test]
fn e9_three_codes_in_this_order() {
    let (provider, s, _, handle, _) = serving(0);
    let bad_event = WSAEVENT(99);
    let both = |s, event, errno| {
        assert_eq!(provider.select(s, event, 1), (-1, errno));
        assert_eq!(provider.enumerate(s, event), (-1, errno, untouched()));
    };
    both(s, bad_event, 10022);
    both(0, bad_event, 10038);
    both(wsp_events::INVALID_SOCKET, handle, 10038);
    let null_output = |s| enumerate_into_null(&provider, s, bad_event);
    assert_eq!(null_output(0), (-1, 10038));
    assert_eq!(null_output(s), (-1, 10022));
    let (closed, socket) = provider.socket();
    socket.close().unwrap();
    both(closed, handle, 10038);

    provider.up.store(false, SeqCst);
    both(0, bad_event, 10050);
    both(s, handle, 10050);
    assert_eq!(null_output(0), (-1, 10050));
    assert_eq!(event_select(&provider, s, handle, READ), Err(ProviderError::SubsystemFailed));
    assert_eq!(enum_network_events(&provider, s, handle), Err(ProviderError::SubsystemFailed));
}

/// Catches an errno that is written on success, or not on failure, and results other than 0 and -1.
#[test]
fn e10_results_and_errno() {
    let (provider, s, socket, handle, _) = serving(0);
    assert_eq!(provider.select(s, handle, 1), (0, -7));
    assert_eq!(provider.select(0, handle, 1), (-1, 10038));
    let (result, errno, _) = provider.enumerate(s, handle);
    assert_eq!((result, errno), (0, -7));
    assert_eq!(provider.enumerate(0, handle), (-1, 10038, untouched()));

    // Both accept a null errno, in both versions.
    let (null, mut out) = (std::ptr::null_mut(), untouched());
    // SAFETY: the output comes from a reference, and a null errno is allowed.
    unsafe {
        assert_eq!(wsp_event_select(&provider, s, handle, 1, null), 0);
        assert_eq!(wsp_event_select(&provider, 0, handle, 1, null), -1);
        assert_eq!(wsp_enum_network_events(&provider, s, handle, &mut out, null), 0);
        assert_eq!(wsp_enum_network_events(&provider, 0, handle, &mut out, null), -1);
    }

    // A null output takes nothing from the record.
    socket.record(NetworkEvent::Read, Ok(()));
    assert_eq!(enumerate_into_null(&provider, s, handle), (-1, 10022));
    assert_eq!(socket.recorded(), READ);
}

/// So that an odd offset into it is misaligned for sure.
#[repr(align(4))]
struct Aligned<const N: usize>([u8; N]);

/// Catches an aligned write to a caller's packed struct: a debug build checks every such write.
#[test]
fn e10_a_misaligned_output_is_written() {
    let (provider, s, socket, handle, _) = serving(0x3ff);
    ask_for_changes(&socket);
    socket.record(NetworkEvent::AddressListChange, Err(DOWN));
    let mut aligned = Aligned([0x11; 64]);
    let memory = &mut aligned.0;
    // SAFETY: 44 bytes from offset 3 on lie inside the array, and a null errno is allowed.
    let result = unsafe {
        let out = memory.as_mut_ptr().add(3).cast();
        wsp_enum_network_events(&provider, s, handle, out, std::ptr::null_mut())
    };
    assert_eq!(result, 0);
    assert_eq!(memory[3..7], 0x200_i32.to_ne_bytes());
    assert_eq!(memory[3 + 40..3 + 44], 10050_i32.to_ne_bytes());
    let rest = [&memory[..3], &memory[7..43], &memory[47..]].concat();
    assert!(rest.iter().all(|&byte| byte == 0x11), "nothing else is written");
}

/// Catches an aligned write of the error code.
#[test]
fn e10_a_misaligned_errno_is_written() {
    let provider = serving(0).0;
    let mut aligned = Aligned([0x11; 8]);
    let memory = &mut aligned.0;
    // SAFETY: 4 bytes from offset 1 on lie inside the array.
    unsafe {
        let errno = memory.as_mut_ptr().add(1).cast();
        assert_eq!(wsp_event_select(&provider, 0, WSAEVENT::NULL, 0, errno), -1);
    }
    assert_eq!(memory[1..5], 10038_i32.to_ne_bytes());
    assert_eq!([memory[0], memory[5]], [0x11, 0x11]);
}

/// The provider that the plain C functions find.
static CURRENT: Mutex<Option<Arc<TestProvider>>> = Mutex::new(None);

impl CurrentProvider for TestProvider {
    fn current() -> Option<impl std::ops::Deref<Target = Self>> {
        CURRENT.lock().unwrap().clone()
    }
}

/// Catches another signature than the headers have, and a provider that is not there yet.
#[test]
fn e10_the_c_functions() {
    type Select = unsafe extern "system" fn(usize, WSAEVENT, i32, *mut i32) -> i32;
    type Enumerate =
        unsafe extern "system" fn(usize, WSAEVENT, *mut WSANETWORKEVENTS, *mut i32) -> i32;
    let select: Select = WSPEventSelect::<TestProvider>;
    let enumerate: Enumerate = WSPEnumNetworkEvents::<TestProvider>;

    let provider = Arc::new(TestProvider::new());
    let ((s, socket), (handle, event)) = (provider.socket(), provider.event());
    let (mut errno, mut out) = (-7, untouched());
    // SAFETY: the pointers come from references.
    unsafe {
        assert_eq!((select(s, handle, 8, &mut errno), errno), (-1, 10050));
        assert_eq!(enumerate(s, handle, &mut out, &mut errno), -1);
        assert_eq!((errno, out), (10050, untouched()));

        *CURRENT.lock().unwrap() = Some(provider.clone());
        assert_eq!(select(s, handle, 8, &mut errno), 0);
        socket.record(NetworkEvent::Accept, Err(DOWN));
        assert!(event.is_set());
        assert_eq!(enumerate(s, handle, &mut out, &mut errno), 0);
    }
    assert_eq!((out.lNetworkEvents, out.iErrorCode[3]), (8, 10050));
    assert_eq!(out.iErrorCode.iter().filter(|&&code| code == UNTOUCHED).count(), FD_MAX_EVENTS - 1);
    *CURRENT.lock().unwrap() = None;
}

/// Catches a panic that crosses the boundary, even one in the destructor of the panic's own payload,
/// and a report that is lost with it.
#[test]
fn e10_a_panic_becomes_wsaenetdown() {
    struct Worse;
    impl Drop for Worse {
        fn drop(&mut self) {
            std::panic::resume_unwind(Box::new("from the payload"));
        }
    }
    let blow_up_twice = || -> Answer { std::panic::panic_any(Worse) };
    let (provider, s, socket, handle, event) = serving(0x3ff);
    socket.record(NetworkEvent::Close, Err(RESET));
    for script in [blow_up as fn() -> Answer, blow_up_twice] {
        event.on_reset(script);
        assert_eq!(provider.enumerate(s, handle), (-1, 10050, untouched()));
        event.on_set(script);
        assert_eq!(provider.select(s, handle, 0x20), (-1, 10050));
        assert_eq!(socket.selected(), ALL);
    }
    let report = socket.enumerate().unwrap();
    assert_eq!(report.outcome(NetworkEvent::Close), Some(Err(RESET)));
}

/// Catches a selection that fails, or an enumeration whose report is gone, because an event object panics when
/// it is dropped.
#[test]
fn e7_an_event_object_whose_drop_panics() {
    let provider = TestProvider::<Handle>::of_kind();
    let ((s, socket), (handle, event)) = (provider.socket(), provider.event());
    provider.select(s, handle, 0x3ff);
    // What is replaced is dropped when all is done.
    event.on(Call::Drop, blow_up);
    assert_eq!(provider.select(s, handle, 0x1), (0, -7));
    assert_eq!(socket.selected(), READ);

    // What is reset is dropped before the report is committed.
    provider.select(s, handle, 0x3ff);
    socket.record(NetworkEvent::Close, Err(RESET));
    event.on(Call::Drop, blow_up);
    assert_eq!(provider.enumerate(s, handle), (-1, 10050, untouched()));
    assert_eq!(socket.recorded(), CLOSE);
    assert!(event.is_set() || socket.owes_set(), "E5");
}

/// Catches a report that is gone, an event object that was reset, and output that was touched, although the delivery
/// failed; and a reset that comes before the delivery.
#[test]
fn e7_a_delivery_that_fails_takes_nothing() {
    let (recorder, event) = selected(READ | CLOSE);
    recorder.record_all([(NetworkEvent::Read, Ok(())), (NetworkEvent::Close, Err(RESET))]);
    event.log();
    let fault = |_: &Report| Err(Fault(14));
    for resets in [false, true] {
        let answer = match resets {
            false => recorder.enumerate_with(fault),
            true => recorder.enumerate_and_reset_with(&*event, fault),
        };
        assert_eq!(answer, Err(Fault(14)));
        assert_eq!(recorder.recorded(), READ | CLOSE);
        // What was put back is signaled again; the event object was not reset.
        assert_eq!(event.log(), [Call::Set]);
    }
    let panics = || recorder.enumerate_and_reset_with(&*event, |_| blow_up().map_err(Fault::from));
    catch_unwind(AssertUnwindSafe(panics)).unwrap_err();
    assert_eq!((event.log(), recorder.recorded()), (vec![], READ | CLOSE));
    assert!(recorder.owes_set(), "K5");

    let mut delivered = None;
    let report = recorder.enumerate_and_reset_with(&*event, |report| {
        assert!(event.is_set());
        delivered = Some(*report);
        Ok::<_, Fault>(())
    });
    assert_eq!(report.unwrap(), delivered.unwrap());
    assert_eq!(delivered.unwrap().outcome(NetworkEvent::Close), Some(Err(RESET)));
    assert_eq!((event.log(), recorder.recorded()), (vec![Call::Reset], NONE));
}

/// Catches a delivery that is not undone when the reset fails, and one that cannot use the recorder.
#[test]
fn e7_a_reset_that_fails_after_the_delivery() {
    let (recorder, event) = selected(READ | CLOSE);
    recorder.record(NetworkEvent::Read, Ok(()));
    event.on_reset(refuse);
    let deliver = |report: &Report| {
        assert_eq!((report.events(), recorder.recorded()), (READ, NONE));
        recorder.record(NetworkEvent::Close, Ok(()));
        assert!(recorder.enumerate().unwrap().events().contains(CLOSE));
        Ok::<_, Fault>(())
    };
    let refused = recorder.enumerate_and_reset_with(&*event, deliver);
    assert_eq!(refused, Err(Fault::from(RecorderError::Signal(BAD_HANDLE))));
    assert_eq!(recorder.recorded(), READ);
}

/// Catches a failed enumeration that answers with the panic of the set after it.
#[test]
fn e7_a_set_that_panics_after_a_failure() {
    let (recorder, event) = selected(READ);
    recorder.record(NetworkEvent::Read, Ok(()));
    for answer in [Fault(14), Fault::from(BAD_HANDLE)] {
        event.on_set(blow_up);
        let failed = match answer {
            Fault(14) => recorder.enumerate_with(|_| Err(Fault(14))),
            _ => {
                event.on_reset(refuse);
                recorder.enumerate_and_reset(&*event).map_err(Fault::from)
            }
        };
        assert_eq!(failed, Err(answer));
        assert_eq!((recorder.recorded(), recorder.owes_set()), (READ, true), "K5");
    }
}

/// Catches a delivery that is made for a call that has failed already, and the errors of a provider in another order.
#[test]
fn e7_the_delivery_of_a_provider() {
    let provider = TestProvider::new();
    let ((s, socket), (handle, event)) = (provider.socket(), provider.event());
    provider.select(s, handle, READ.mask());
    socket.record(NetworkEvent::Read, Ok(()));
    let fault = |_: &Report| Err(Fault(14));
    for (s, handle, error) in [
        (s + 4, handle, ProviderError::NotASocket.into()),
        (s, WSAEVENT(99), ProviderError::InvalidEventObject.into()),
        (s, handle, Fault(14)),
        (s, WSAEVENT::NULL, Fault(14)),
    ] {
        assert_eq!(enum_network_events_with(&provider, s, handle, fault), Err(error));
        assert_eq!((socket.recorded(), event.is_set()), (READ, true));
    }
    let report = enum_network_events_with(&provider, s, handle, |_| Ok::<_, Fault>(()));
    assert_eq!((report.unwrap().events(), event.is_set()), (READ, false));
}

/// What an adopter's calls answer.
#[derive(Debug, PartialEq)]
struct Fault(i32);

impl From<RecorderError> for Fault {
    fn from(error: RecorderError) -> Self {
        Self(error.errno().code())
    }
}

impl From<ProviderError> for Fault {
    fn from(error: ProviderError) -> Self {
        Self(error.errno().code())
    }
}

impl From<SignalError> for Fault {
    fn from(error: SignalError) -> Self {
        RecorderError::from(error).into()
    }
}
