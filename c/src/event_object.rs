//! Event objects of C: four functions and a context.

use core::ffi::c_void;
use core::ptr::NonNull;

use wsp_events::{EventSignal, SignalError, WsaError};

type Call<R> = Option<unsafe extern "C" fn(context: *mut c_void) -> R>;

/// `wsp_event_object_calls`: what an event object does.
#[repr(C)]
pub struct EventObjectCalls {
    /// SetEvent: 0 or an error code.
    pub set: Call<i32>,
    /// ResetEvent: 0 or an error code.
    pub reset: Call<i32>,
    /// One reference more.
    pub retain: Call<()>,
    /// One reference less.
    pub release: Call<()>,
}

/// `wsp_event_object`: an event object as C passes it.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct EventObject {
    /// What it does.
    pub calls: *const EventObjectCalls,
    /// What its functions are called with.
    pub context: *mut c_void,
}

/// An event object with its four functions, without a reference of its own: for the length of a call.
pub(crate) struct Borrowed {
    calls: NonNull<EventObjectCalls>,
    context: *mut c_void,
}

impl Borrowed {
    /// The event object that C names. It fails if the pointer is null, or if one of the functions is missing.
    ///
    /// # Safety
    ///
    /// `event_object` is null or points to an event object as the header demands it.
    pub(crate) unsafe fn new(event_object: *const EventObject) -> Result<Self, WsaError> {
        if event_object.is_null() {
            return Err(WsaError::WSAEINVAL);
        }
        // SAFETY: it is not null, and the caller guarantees the rest. It need not be aligned.
        // Tested by: misuse_is_a_code.
        let EventObject { calls, context } = unsafe { event_object.read_unaligned() };
        let calls = NonNull::new(calls.cast_mut()).filter(|calls| calls.is_aligned());
        let borrowed = Self { calls: calls.ok_or(WsaError::WSAEINVAL)?, context };
        let EventObjectCalls { set, reset, retain, release } = borrowed.calls();
        let is_complete = set.is_some() && reset.is_some() && retain.is_some() && release.is_some();
        is_complete.then_some(borrowed).ok_or(WsaError::WSAEINVAL)
    }

    fn calls(&self) -> &EventObjectCalls {
        // SAFETY: the pointer is aligned and not null, and the caller of `new` guarantees that the structure stays as it
        // is while the event object is in use.
        // Tested by: p2_a_selection_keeps_one_reference, under `.ci/c sanitizers`.
        unsafe { self.calls.as_ref() }
    }

    fn call(&self, function: Call<i32>) -> Result<(), SignalError> {
        // SAFETY: the header asks for functions that any thread may call with this context while the event object is
        // in use.
        // Tested by: r6_a_set_that_fails_is_owed, e7_a_reset_that_fails.
        match function.map(|function| unsafe { function(self.context) }) {
            Some(0) => Ok(()),
            Some(code) => Err(SignalError::from_os_code(code)),
            // `new` has refused it.
            None => Err(SignalError::from_os_code(WsaError::WSAEINVAL.code())),
        }
    }

    fn count(&self, function: Call<()>) {
        if let Some(function) = function {
            // SAFETY: as in `call`; and a release follows a retain, once.
            // Tested by: p2_a_selection_keeps_one_reference.
            unsafe { function(self.context) }
        }
    }

    /// The same with a reference of its own, for a selection (P2).
    pub(crate) fn retained(self) -> Retained {
        self.count(self.calls().retain);
        Retained(self)
    }
}

impl EventSignal for Borrowed {
    fn set_event(&self) -> Result<(), SignalError> {
        self.call(self.calls().set)
    }

    fn reset_event(&self) -> Result<(), SignalError> {
        self.call(self.calls().reset)
    }
}

/// An event object with a reference of its own, which is released when this is dropped (P2).
pub(crate) struct Retained(Borrowed);

// SAFETY: the header asks for functions that any thread may call with the context, several at once.
// Tested by: k1_threads.
unsafe impl Send for Retained {}

// SAFETY: as for `Send`.
// Tested by: k1_threads.
unsafe impl Sync for Retained {}

/// For a socket that is accepted (S8).
impl Clone for Retained {
    fn clone(&self) -> Self {
        let Borrowed { calls, context } = self.0;
        Borrowed { calls, context }.retained()
    }
}

impl Drop for Retained {
    fn drop(&mut self) {
        self.0.count(self.0.calls().release);
    }
}

impl EventSignal for Retained {
    #[inline]
    fn set_event(&self) -> Result<(), SignalError> {
        self.0.set_event()
    }

    fn reset_event(&self) -> Result<(), SignalError> {
        self.0.reset_event()
    }
}
