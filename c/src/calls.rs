//! The functions of the header. What each promises stands there.

use core::ffi::c_void;

use wsp_events::spi::WSANETWORKEVENTS;
use wsp_events::{
    NetworkEvent, NetworkEventRecorder, NetworkEvents, Outcome, Recorded, ReenablingCall, Report,
    Wake, WsaError,
};

use crate::event_object::{Borrowed, EventObject, Retained};
use crate::memory::{Recorder, find, make};

/// `wsp_recorded`: what recording did.
#[repr(C)]
pub struct RecordedForC {
    /// The events that were not in the record before.
    pub new_events: u32,
    /// Who sets the event object: WSP_WAKE_...
    pub wake: u32,
    /// The code of this call's set if it failed, else 0.
    pub set_error: i32,
}

/// WSP_WAKE_NOT_NEEDED.
pub const WAKE_NOT_NEEDED: u32 = 0;
/// WSP_WAKE_SET.
pub const WAKE_SET: u32 = 1;
/// WSP_WAKE_HANDED_OVER.
pub const WAKE_HANDED_OVER: u32 = 2;

impl From<Recorded> for RecordedForC {
    fn from(recorded: Recorded) -> Self {
        Self {
            new_events: recorded.new.bits(),
            wake: match recorded.wake {
                Wake::Set => WAKE_SET,
                Wake::HandedOver => WAKE_HANDED_OVER,
                // NotNeeded. The library has no other; a new one gets a number of its own here.
                _ => WAKE_NOT_NEEDED,
            },
            set_error: recorded.signal_error.map_or(0, |error| error.os_code()),
        }
    }
}

/// `wsp_deliver`: gets a report before it is final.
pub type Deliver =
    Option<unsafe extern "C" fn(context: *mut c_void, report: *const WSANETWORKEVENTS) -> i32>;

/// The calls that re-enable an event, in the order of WSP_CALL_...
pub const REENABLING_CALLS: [ReenablingCall; 8] = [
    ReenablingCall::Recv { oob: false },
    ReenablingCall::Recv { oob: true },
    ReenablingCall::SendWouldBlock,
    ReenablingCall::Accept,
    ReenablingCall::Connect,
    ReenablingCall::GetQos,
    ReenablingCall::RoutingInterfaceChange,
    ReenablingCall::AddressListChange,
];

/// What C gets: 0 or the code.
fn answer(outcome: Outcome) -> i32 {
    outcome.err().map_or(0, WsaError::code)
}

/// A set of events, without a bit that is none.
fn events(mask: u32) -> Result<NetworkEvents, WsaError> {
    NetworkEvents::from_bits(mask).ok_or(WsaError::WSAEINVAL)
}

/// Exactly one event.
fn event(mask: u32) -> Result<NetworkEvent, WsaError> {
    let event = NetworkEvent::from_bit_position(mask.trailing_zeros() as usize);
    event.filter(|event| event.flag().bits() == mask).ok_or(WsaError::WSAEINVAL)
}

/// Writes what a call has to say besides its code, if the caller wants it.
///
/// # Safety
///
/// `to` is null or valid for the write of a `T`; it need not be aligned.
unsafe fn tell<T>(to: *mut T, value: impl Into<T>) {
    if !to.is_null() {
        // SAFETY: not null, and the caller guarantees the rest.
        // Tested by: misuse_is_a_code, which passes null and misaligned pointers.
        unsafe { to.write_unaligned(value.into()) };
    }
}

/// The occurrences that C names.
///
/// # Safety
///
/// `from` is null or valid for the read of a WSANETWORKEVENTS; it need not be aligned.
unsafe fn occurrences(from: *const WSANETWORKEVENTS) -> Result<WSANETWORKEVENTS, WsaError> {
    if from.is_null() {
        return Err(WsaError::WSAEINVAL);
    }
    // SAFETY: not null, and the caller guarantees the rest.
    // Tested by: misuse_is_a_code.
    let occurrences = unsafe { from.read_unaligned() };
    events(occurrences.lNetworkEvents as u32)?;
    Ok(occurrences)
}

/// What a call does on a recorder.
///
/// # Safety
///
/// As for [`find`].
#[inline]
unsafe fn on(
    recorder: *const Recorder,
    call: impl FnOnce(&NetworkEventRecorder<Retained>) -> Outcome,
) -> i32 {
    // SAFETY: the caller guarantees it.
    // Tested by: misuse_is_a_code.
    answer(unsafe { find(recorder) }.and_then(call))
}

/// What is seen on a recorder; nothing if it was not made.
///
/// # Safety
///
/// As for [`find`].
unsafe fn look<T: Default>(
    recorder: *const Recorder,
    look: impl FnOnce(&NetworkEventRecorder<Retained>) -> T,
) -> T {
    // SAFETY: the caller guarantees it.
    // Tested by: misuse_is_a_code.
    unsafe { find(recorder) }.map(look).unwrap_or_default()
}

/// # Safety
///
/// As the header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsp_recorder_make(recorder: *mut Recorder, latching: u32) -> i32 {
    // SAFETY: the caller guarantees it.
    // Tested by: misuse_is_a_code.
    answer(unsafe { make(recorder, || Ok(NetworkEventRecorder::with_latching(events(latching)?))) })
}

/// # Safety
///
/// As the header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsp_recorder_inherit(
    listener: *mut Recorder,
    accepted: *mut Recorder,
) -> i32 {
    if listener == accepted {
        return WsaError::WSAEINVAL.code();
    }
    // SAFETY: the caller guarantees both, and they are not the same.
    // Tested by: s8_an_accepted_socket_inherits, misuse_is_a_code.
    unsafe { on(listener, |listener| make(accepted, || Ok(listener.inherit()?))) }
}

/// # Safety
///
/// As the header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsp_recorder_close(recorder: *mut Recorder) -> i32 {
    // SAFETY: the caller guarantees it.
    // Tested by: p5_a_closed_recorder.
    unsafe { on(recorder, |recorder| Ok(recorder.close()?)) }
}

/// # Safety
///
/// As the header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsp_recorder_renew(recorder: *mut Recorder) -> i32 {
    let call = |recorder: &NetworkEventRecorder<_>| {
        recorder.renew();
        Ok(())
    };
    // SAFETY: the caller guarantees it.
    // Tested by: r8_a_record_as_new.
    unsafe { on(recorder, call) }
}

/// # Safety
///
/// As the header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsp_recorder_record(
    recorder: *mut Recorder,
    event: u32,
    code: i32,
    recorded: *mut RecordedForC,
) -> i32 {
    let call = |recorder: &NetworkEventRecorder<_>| {
        let done = recorder.record(self::event(event)?, WsaError::outcome(code));
        // SAFETY: the caller guarantees it.
        // Tested by: r3_a_repeat_and_its_error, misuse_is_a_code.
        unsafe { tell(recorded, done) };
        Ok(())
    };
    // SAFETY: the caller guarantees it.
    // Tested by: misuse_is_a_code.
    unsafe { on(recorder, call) }
}

/// # Safety
///
/// As the header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsp_recorder_record_all(
    recorder: *mut Recorder,
    occurrences: *const WSANETWORKEVENTS,
    recorded: *mut RecordedForC,
) -> i32 {
    let call = |recorder: &NetworkEventRecorder<_>| {
        // SAFETY: the caller guarantees both pointers.
        // Tested by: r5_several_events_are_one_step, misuse_is_a_code.
        unsafe { tell(recorded, recorder.record_all(self::occurrences(occurrences)?.iter())) };
        Ok(())
    };
    // SAFETY: the caller guarantees it.
    // Tested by: misuse_is_a_code.
    unsafe { on(recorder, call) }
}

/// # Safety
///
/// As the header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsp_recorder_record_unsignaled(
    recorder: *mut Recorder,
    event: u32,
    code: i32,
    new_events: *mut u32,
) -> i32 {
    let call = |recorder: &NetworkEventRecorder<_>| {
        // The set stays owed, which is all that the second step needs to know.
        let done = recorder.record_unsignaled(self::event(event)?, WsaError::outcome(code));
        // SAFETY: the caller guarantees it.
        // Tested by: r9_two_steps, misuse_is_a_code.
        unsafe { tell(new_events, done.new_events().bits()) };
        Ok(())
    };
    // SAFETY: the caller guarantees it.
    // Tested by: misuse_is_a_code.
    unsafe { on(recorder, call) }
}

/// # Safety
///
/// As the header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsp_recorder_record_all_unsignaled(
    recorder: *mut Recorder,
    occurrences: *const WSANETWORKEVENTS,
    new_events: *mut u32,
) -> i32 {
    let call = |recorder: &NetworkEventRecorder<_>| {
        // SAFETY: the caller guarantees it.
        // Tested by: r9_two_steps, misuse_is_a_code.
        let occurrences = unsafe { self::occurrences(occurrences)? };
        let done = recorder.record_all_unsignaled(occurrences.iter());
        // SAFETY: the caller guarantees it.
        // Tested by: r9_two_steps, misuse_is_a_code.
        unsafe { tell(new_events, done.new_events().bits()) };
        Ok(())
    };
    // SAFETY: the caller guarantees it.
    // Tested by: misuse_is_a_code.
    unsafe { on(recorder, call) }
}

/// # Safety
///
/// As the header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsp_recorder_signal(
    recorder: *mut Recorder,
    recorded: *mut RecordedForC,
) -> i32 {
    let call = |recorder: &NetworkEventRecorder<_>| {
        // This thread sees what it has recorded itself. To record nothing tries what is owed (R6).
        let done = if recorder.owes_set() {
            recorder.record_all([]).into()
        } else {
            RecordedForC { new_events: 0, wake: WAKE_NOT_NEEDED, set_error: 0 }
        };
        // SAFETY: the caller guarantees it.
        // Tested by: r9_two_steps, misuse_is_a_code.
        unsafe { tell(recorded, done) };
        Ok(())
    };
    // SAFETY: the caller guarantees it.
    // Tested by: misuse_is_a_code.
    unsafe { on(recorder, call) }
}

/// # Safety
///
/// As the header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsp_recorder_select(
    recorder: *mut Recorder,
    events: u32,
    event_object: *const EventObject,
) -> i32 {
    let call = |recorder: &NetworkEventRecorder<_>| {
        let events = NetworkEvents::from_bits_truncate(events);
        if events.is_empty() {
            return Ok(recorder.deselect()?);
        }
        // SAFETY: the caller guarantees it.
        // Tested by: p2_a_selection_keeps_one_reference, misuse_is_a_code.
        let event_object = unsafe { Borrowed::new(event_object) }?;
        Ok(recorder.select(events, event_object.retained())?)
    };
    // SAFETY: the caller guarantees it.
    // Tested by: misuse_is_a_code.
    unsafe { on(recorder, call) }
}

/// # Safety
///
/// As the header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsp_recorder_deselect(recorder: *mut Recorder) -> i32 {
    // SAFETY: the caller guarantees it.
    // Tested by: s3_a_selection_of_nothing.
    unsafe { on(recorder, |recorder| Ok(recorder.deselect()?)) }
}

/// # Safety
///
/// As the header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsp_recorder_enumerate(
    recorder: *mut Recorder,
    to_reset: *const EventObject,
    out: *mut WSANETWORKEVENTS,
    set_error: *mut i32,
) -> i32 {
    let call = |recorder: &NetworkEventRecorder<_>| {
        if out.is_null() {
            return Err(WsaError::WSAEINVAL);
        }
        // SAFETY: the caller guarantees it.
        // Tested by: e6_the_event_object_of_the_call, misuse_is_a_code.
        let report = unsafe { enumerate(recorder, to_reset, |_| Ok(()))? };
        for (offset, value) in report.writes() {
            // SAFETY: the offset is that of a field of the struct, or of an element of its array. `out` is not null, and
            // the caller guarantees the rest; it need not be aligned.
            // Tested by: e2_other_codes_keep_their_bytes, e10_a_misaligned_output, under `.ci/c sanitizers`.
            unsafe { out.byte_add(offset).cast::<i32>().write_unaligned(value) };
        }
        // SAFETY: the caller guarantees it.
        // Tested by: e7_a_set_after_the_reset_that_fails, misuse_is_a_code.
        unsafe { tell(set_error, set_error_of(&report)) };
        Ok(())
    };
    // SAFETY: the caller guarantees it.
    // Tested by: misuse_is_a_code.
    unsafe { on(recorder, call) }
}

/// # Safety
///
/// As the header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsp_recorder_enumerate_with(
    recorder: *mut Recorder,
    to_reset: *const EventObject,
    deliver: Deliver,
    context: *mut c_void,
    set_error: *mut i32,
) -> i32 {
    let call = |recorder: &NetworkEventRecorder<_>| {
        let deliver = deliver.ok_or(WsaError::WSAEINVAL)?;
        let deliver = |report: &Report| {
            let mut for_c = WSANETWORKEVENTS::default();
            for_c.store(report);
            // SAFETY: the header asks for a function that may be called with this context and a report.
            // Tested by: e7_a_delivery_that_fails.
            WsaError::outcome(unsafe { deliver(context, &for_c) })
        };
        // SAFETY: the caller guarantees it.
        // Tested by: e7_a_delivery_that_fails, misuse_is_a_code.
        let report = unsafe { enumerate(recorder, to_reset, deliver)? };
        // SAFETY: the caller guarantees it.
        // Tested by: e7_a_set_after_the_reset_that_fails, misuse_is_a_code.
        unsafe { tell(set_error, set_error_of(&report)) };
        Ok(())
    };
    // SAFETY: the caller guarantees it.
    // Tested by: misuse_is_a_code.
    unsafe { on(recorder, call) }
}

/// # Safety
///
/// `to_reset` is null, which resets none (E6), or as for [`Borrowed::new`].
#[inline]
unsafe fn enumerate(
    recorder: &NetworkEventRecorder<Retained>,
    to_reset: *const EventObject,
    deliver: impl FnOnce(&Report) -> Outcome,
) -> Result<Report, WsaError> {
    if to_reset.is_null() {
        return recorder.enumerate_with(deliver);
    }
    // SAFETY: the caller guarantees it.
    // Tested by: e6_the_event_object_of_the_call, misuse_is_a_code.
    let to_reset = unsafe { Borrowed::new(to_reset)? };
    recorder.enumerate_and_reset_with(&to_reset, deliver)
}

fn set_error_of(report: &Report) -> i32 {
    report.signal_error().map_or(0, |error| error.os_code())
}

/// # Safety
///
/// As the header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsp_recorder_withdraw(recorder: *mut Recorder, events: u32) -> i32 {
    let call = |recorder: &NetworkEventRecorder<_>| {
        recorder.withdraw(self::events(events)?);
        Ok(())
    };
    // SAFETY: the caller guarantees it.
    // Tested by: r7_a_withdrawal, misuse_is_a_code.
    unsafe { on(recorder, call) }
}

/// # Safety
///
/// As the header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsp_recorder_reenable(recorder: *mut Recorder, event: u32) -> i32 {
    let call = |recorder: &NetworkEventRecorder<_>| {
        recorder.reenable(self::event(event)?);
        Ok(())
    };
    // SAFETY: the caller guarantees it.
    // Tested by: l1_an_event_that_latches, misuse_is_a_code.
    unsafe { on(recorder, call) }
}

/// # Safety
///
/// As the header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsp_recorder_reenable_for(recorder: *mut Recorder, call: u32) -> i32 {
    let call = |recorder: &NetworkEventRecorder<_>| {
        let call = REENABLING_CALLS.get(call as usize).ok_or(WsaError::WSAEINVAL)?;
        recorder.reenable_for(*call);
        Ok(())
    };
    // SAFETY: the caller guarantees it.
    // Tested by: l3_the_calls_that_reenable, misuse_is_a_code.
    unsafe { on(recorder, call) }
}

/// # Safety
///
/// As the header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsp_recorder_recorded(recorder: *const Recorder) -> u32 {
    // SAFETY: the caller guarantees it.
    // Tested by: r1_recorded_without_a_selection, misuse_is_a_code.
    unsafe { look(recorder, |recorder| recorder.recorded().bits()) }
}

/// # Safety
///
/// As the header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsp_recorder_selected(recorder: *const Recorder) -> u32 {
    // SAFETY: the caller guarantees it.
    // Tested by: s1_one_selection, misuse_is_a_code.
    unsafe { look(recorder, |recorder| recorder.selected().bits()) }
}

/// # Safety
///
/// As the header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsp_recorder_latched(recorder: *const Recorder) -> u32 {
    // SAFETY: the caller guarantees it.
    // Tested by: l1_an_event_that_latches, misuse_is_a_code.
    unsafe { look(recorder, |recorder| recorder.latched().bits()) }
}

/// # Safety
///
/// As the header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsp_recorder_interest(recorder: *const Recorder) -> u32 {
    // SAFETY: the caller guarantees it.
    // Tested by: l1_an_event_that_latches, misuse_is_a_code.
    unsafe { look(recorder, |recorder| recorder.interest().bits()) }
}

/// # Safety
///
/// As the header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsp_recorder_owes_set(recorder: *const Recorder) -> i32 {
    // SAFETY: the caller guarantees it.
    // Tested by: r6_a_set_that_fails_is_owed, misuse_is_a_code.
    unsafe { look(recorder, |recorder| recorder.owes_set().into()) }
}
