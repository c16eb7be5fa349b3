//! The recorder, and the protocol by which threads share it.
//!
//! Everything that threads agree on is in one atomic word (`state`): per event whether it is recorded,
//! has a code, is selected, and is latched; and who has the signal, and whether a set is *owed*. Beside the
//! word stand ten cells for the codes, one for the signal (the selected event object), and `caller`, which
//! says who is inside the signal. A thread changes the word by one exchange at a time, and the whole
//! protocol is about what it may touch between two of them. Each paragraph names the rules it keeps
//! (docs/CONTRACT.md) and the models in tests/loom.rs that fail when it is broken.
//!
//! **One thread has the signal.** Either it *holds* it, or it is a recording that is *setting* it; the word
//! says which. It alone calls the event object, swaps it, or resets one (K3). Selecting, enumerating,
//! inheriting and closing hold it, and wait for whoever has it; recording waits for nobody (K2). *Every
//! model: its event object fails when two calls on it overlap.*
//!
//! **A recording leaves by a store.** To record a success takes one exchange: it sets the event's bit and,
//! if the event is new and selected (R4) and the signal is free, turns `setting` on. The thread sets the
//! signal and leaves by writing so into `caller`; the word goes on saying `setting`. Whoever wants to hold
//! the signal next turns that into `held` in an exchange of its own, and then waits for what `caller` says.
//! (Before that it pauses once while the recording is under way, for speed alone; the models do without.)
//! So as long as the word says `setting`, the signal is set or is being set, and this recorder resets
//! nothing: whatever is recorded in that time has its set, however it crosses with the leaving (E5).
//! *`e3_two_recorders_and_an_enumerator`, `e3_error_against_enumerate`, `s1_record_against_reselection`.*
//!
//! **Who finds the signal in use leaves its news.** The exchange that records it marks it `owed`, and the
//! call returns: handed over (K2). A holder leaves by an exchange that turns `held` off only while nothing
//! is owed; else it clears the mark, sets the signal and tries again. A recording looks once more before it
//! leaves and does likewise; a mark that crosses with its leaving stays on and is no debt, since the signal
//! is set. It ends, since an event that is recorded brings no more news until an enumeration, for which
//! the signal must be free, or a withdrawal clears it. *`e4_record_during_the_reset`,
//! `k4_signal_that_records`.*
//!
//! **A recording after a recording sets again.** The event object may have been reset since, for another
//! socket that it serves (P3). So the exchange of a recording that sees in `caller` that an earlier one has
//! left turns `held` on. What it saw may be out of date by then: the signal may have been held, let go, and
//! taken by yet another recording, so that the word looks the same. Therefore it looks once more, now that
//! no other can come, and if somebody is there it turns `held` off, and leaves its news to that one. (One
//! that fails meanwhile turns `setting` off and goes; then the signal is the later one's after all.)
//! *`k3_a_recording_that_is_taken_for_an_earlier_one`,
//! `r6_a_failing_recording_that_is_taken_for_an_earlier_one`, `r6_failing_holder_with_news_handed_over`.*
//!
//! **A holder leaves by an exchange.** It may have reset the signal, so that news which crosses with its
//! leaving is not covered. If it looked for news and then left by a store, it could not know of news that
//! came between the two, nor could the recording that brought it know that the holder had looked already:
//! neither waits for the other, and one of them must. An enumeration therefore takes two exchanges where a
//! recording takes one. *`e5_leaving_a_reset_by_a_store_loses` shows it.*
//!
//! **A repeat is an exchange too.** It writes back the word it found. A plain look would be cheaper and
//! wrong: it may be older than the enumeration that cleared the event, whose caller has not seen what
//! the provider queued before it looked; the event would be in no later report (E3). Two exchanges on
//! one word have an order: either the enumeration comes later, and sees the provider's data, or the
//! repeat does, and is news. *`e3_repeat_publishes_what_was_queued`.*
//!
//! **A code cell is in one thread's hands at a time.** The event's `busy` bit says so. An error *claims*
//! the cell in the exchange that records the event, writes the code, and *publishes* it by a second one.
//! Only an event without a code can be claimed, so that the first error stays, and a later one, like
//! one that finds the cell being written, is a repeat and returns at once (R3, K2). An event that is
//! claimed is recorded already: nobody sees the success before it vanish. *`r3_two_errors`,
//! `r3_upgrade_against_enumerate`, `r3_upgrade_while_the_holder_leaves`.*
//!
//! **The report is taken by one exchange.** It clears all that is reportable at that instant (E1, E3).
//! Codes must be copied before it, since afterwards their cells are free to be claimed. So the holder
//! first claims the cells it is going to copy, as a writer would, and the exchange that takes the report
//! succeeds only when there is nothing in it that was not copied. Where no error is in the report, there
//! is nothing to copy, and the exchange that takes the signal takes the report as well.
//! *`e3_error_against_enumerate`, `e3_code_of_another`, `e3_two_enumerators`,
//! `r5_batch_against_enumerate`.*
//!
//! **Who needs a busy cell waits.** That is the enumeration (for a code being written) and the
//! withdrawal (for one being written or copied), never the recording. The wait is for a few
//! instructions of another thread, which runs no foreign code among them. Without `std` the wait is a
//! spin: at a raised IRQL, or in a signal handler, do not enumerate, select or withdraw on a recorder
//! that the interrupted code may be using; recording is safe anywhere. *`e3_error_against_enumerate`,
//! `r7_withdraw_and_a_new_error_against_enumerate`.*
//!
//! **Reset comes last, and can fail.** The report is out of the record before the event object is reset
//! (E4); what is recorded from then on is handed over and signaled after the reset (E5). A reset that
//! fails puts the report back *under* what came meanwhile, as if it had never been gone: its codes are
//! the earlier ones (E7, R3). A panic does the same, at any time before the report is handed out (K5).
//! *`e4_record_during_the_reset`, `e7_failing_reset_against_records`,
//! `k5_panicking_reset_against_a_record`.*
//!
//! **A set that fails is owed.** `owed` is the very mark that a hand-over to a holder makes. A holder whose
//! set failed or panicked leaves with it on. A recording whose set failed turns `setting` off and `owed` on
//! in one exchange, for all that is reportable, its own news and what others left to it; if a holder has
//! come and waits, `caller` tells it. The next record, selection or enumeration that finds the signal free
//! and the mark on tries again (R6, K5). A debt is void once nothing is reportable.
//! *`r6_failing_set_with_news_handed_over`, `k5_panicking_set_with_news_handed_over`,
//! `r6_failing_holder_with_news_handed_over`, `r6_failing_set_against_failing_reset`.*
//!
//! **A selection is whole.** Mask and event object change while the signal is held (S1). A new event
//! object that must be set is set first, and only then put in its place, so that a failure leaves no
//! trace (S2, S6). Until that is decided the word names the old events *and* the new ones: news for
//! either is handed over, and signaled on whichever event object stands in the end.
//! *`s1_record_against_reselection`, `s2_record_of_an_event_that_stays_selected`,
//! `s6_failing_selection_against_record`, `s8_inherit_against_reselection`.*
//!
//! **Closed is for good.** A close takes the signal like a selection and leaves a word that refuses
//! everything (S7, P5). *`p5_close_against_enumerate_and_record`.*
//!
//! **Latching is a bit more in the same exchange.** An event of the latching set is latched by the
//! exchange that records it, and what is latched and no longer recorded is left alone by recording (L1).
//! Re-enabling withdraws and unlatches in one exchange, *before* the call looks at the condition: an
//! arrival that comes before the exchange is seen by the look, one that comes after it is recorded (L2).
//! Selecting does not touch the field (L4). *`l1_one_condition_is_one_occurrence`,
//! `l2_reenable_before_looking`, `l2_reenable_before_looking_with_latching`,
//! `l2_reenable_against_enumerate`, `l4_reenable_against_reselection`; and
//! `l2_looking_before_reenabling_loses` shows what the wrong order does.*
//!
//! **Where it is not exact.** A withdrawal that comes while a report is out, between its taking and the
//! end of the reset, finds nothing to withdraw. If that reset then fails, the report is put back, and the
//! event is recorded again although its condition has gone: the next report may name an event that has
//! nothing behind it, which a program must expect anyway. And an error of a latched event that comes in
//! that while is left alone, as it would be after the report (L1), although the report is put back.
//!
//! **A call from inside is known.** A thread that runs foreign code leaves its mark in `caller`; a call that
//! finds its own mark there is refused where it would have to wait (K4). *`k4_signal_that_records`,
//! `k4_waiting_is_not_reentrance`.*

mod caller;
mod held;
mod state;

use core::fmt;
use core::mem;
use core::panic::{RefUnwindSafe, UnwindSafe};

use crate::error::{RecorderError, SignalError, WsaError};
use crate::event::{FD_MAX_EVENTS, NetworkEvent, NetworkEvents};
use crate::latching::ReenablingCall;
use crate::report::Report;
use crate::signal::EventSignal;
use crate::sync::{
    AtomicI32, AtomicU64, Backoff, IS_CHECKED, Ordering, Patience, UnsafeCell, yield_now,
};
use caller::{Caller, Left};
use held::{Held, Setter};
use state::{Duty, Recording, Word};

/// The network-event record of one socket: which FD_XXX events happened, with their error codes, which
/// of them are selected, and the event object that tells of them.
///
/// A provider has one for each socket and calls [`record`](Self::record) from wherever it learns that
/// something happened; the switch's WSPEventSelect becomes [`select`](Self::select), its
/// WSPEnumNetworkEvents [`enumerate_and_reset`](Self::enumerate_and_reset). Every operation takes
/// `&self`; if `S` is `Send` all of them can be called from any thread (K1). `S` is the event object, or
/// whatever keeps it alive for as long as it is selected (P2): an `Arc`, a duplicated handle, a
/// reference.
///
/// Recording never waits for another thread (K2). To withdraw or re-enable an event waits, at most, for a
/// thread that is just writing or copying its error code, a few instructions; the other operations wait
/// for a thread that is inside the event object's own set or reset, too. Nothing allocates (K6).
///
/// # In a kernel
///
/// Without `std` waiting is a spin. Code that may interrupt another thread's call on the same recorder and
/// does not let it go on (a signal handler, a DPC on the same processor) may record successes and errors,
/// and look, but must do nothing else on it. Event objects are called with no lock held but the
/// recorder's own, at the caller's IRQL.
///
/// ```
/// use std::sync::Arc;
/// use wsp_events::{ManualResetEvent, NetworkEvent, NetworkEventRecorder, NetworkEvents};
///
/// // The provider's: one recorder a socket.
/// let recorder = NetworkEventRecorder::new();
///
/// // The switch: WSPEventSelect.
/// let event = Arc::new(ManualResetEvent::new());
/// recorder.select(NetworkEvents::FD_ACCEPT, Arc::clone(&event))?;
///
/// // The provider: a connection has come in.
/// recorder.record(NetworkEvent::Accept, Ok(()))?;
///
/// // The switch: wait, then WSPEnumNetworkEvents.
/// event.wait();
/// let report = recorder.enumerate_and_reset(&event)?;
/// assert_eq!(report.outcome(NetworkEvent::Accept), Some(Ok(())));
/// assert!(!event.is_set());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct NetworkEventRecorder<S> {
    word: AtomicU64,
    codes: [AtomicI32; FD_MAX_EVENTS],
    signal: UnsafeCell<Option<S>>,
    caller: Caller,
}

// SAFETY: `signal` is the only part that is not `Sync` by itself. It is reached through `InHand` alone
// (`held`), of which one exists at a time, so that threads use the `S` one after the other and never
// together: `Send` is all it takes, as for a `Mutex`.
// Noticed by: every model in tests/loom.rs, whose cell reports any overlap.
unsafe impl<S: Send> Sync for NetworkEventRecorder<S> {}

// K5: a panic of the event object leaves the record whole.
impl<S> UnwindSafe for NetworkEventRecorder<S> {}
impl<S> RefUnwindSafe for NetworkEventRecorder<S> {}

/// What recording did.
///
/// ```
/// use wsp_events::{ManualResetEvent, NetworkEvent, NetworkEventRecorder, NetworkEvents, Wake};
///
/// let recorder = NetworkEventRecorder::new();
/// recorder.select(NetworkEvents::FD_READ, ManualResetEvent::new())?;
///
/// let first = recorder.record(NetworkEvent::Read, Ok(()))?;
/// assert_eq!((first.new, first.wake), (NetworkEvents::FD_READ, Wake::Set));
/// let repeat = recorder.record(NetworkEvent::Read, Ok(()))?;
/// assert_eq!((repeat.new, repeat.wake), (NetworkEvents::empty(), Wake::NotNeeded));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The events that were not in the record before this call. A repeat is not among them (R3), and
    /// nothing is once the socket is closed.
    pub new: NetworkEvents,
    /// What became of the wake-up.
    pub wake: Wake,
}

/// Who told the event object about what was recorded.
///
/// ```
/// use wsp_events::{ManualResetEvent, NetworkEvent, NetworkEventRecorder, Wake};
///
/// // Recorded, but nobody selected it: there is nobody to wake (R1, R4).
/// let recorder = NetworkEventRecorder::<ManualResetEvent>::new();
/// assert_eq!(recorder.record(NetworkEvent::Close, Ok(()))?.wake, Wake::NotNeeded);
/// # Ok::<(), wsp_events::SignalError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Wake {
    /// Nothing new that is selected: the event object was not touched (R3, R4).
    NotNeeded,
    /// This call set the event object.
    Set,
    /// Another call on this recorder has the event object in hand, and sets it, or has the event in its
    /// report, before it returns (K2). If that set fails it is owed (R6). A recording on another thread that
    /// has set the event object may be seen to leave only an instant after it has returned.
    HandedOver,
}

impl<S> NetworkEventRecorder<S> {
    /// An empty record without a selection, which latches nothing: for a provider that reports arrivals,
    /// as a SAN provider does.
    ///
    /// ```
    /// use wsp_events::{ManualResetEvent, NetworkEventRecorder};
    ///
    /// static RECORDER: NetworkEventRecorder<&ManualResetEvent> = NetworkEventRecorder::new();
    /// assert!(RECORDER.recorded().is_empty());
    /// ```
    #[cfg(not(wsp_loom))]
    #[must_use]
    pub const fn new() -> Self {
        Self::with_latching(NetworkEvents::empty())
    }

    /// As [`new`](Self::new), for a provider that reports conditions: an event of the set `latching`
    /// stays quiet once it is recorded, also after its report, until it is re-enabled (L1).
    /// [`NetworkEvents::LATCHING_FOR_CONDITIONS`] and [`NetworkEvents::LATCHING_FOR_ARRIVALS`] are the
    /// usual sets. FD_GROUP_QOS never latches; FD_ROUTING_INTERFACE_CHANGE and FD_ADDRESS_LIST_CHANGE, if
    /// they are in the set, are latched from the beginning (L3).
    ///
    /// ```
    /// use wsp_events::{ManualResetEvent, NetworkEvent, NetworkEventRecorder, NetworkEvents, ReenablingCall};
    ///
    /// let recorder = NetworkEventRecorder::with_latching(NetworkEvents::LATCHING_FOR_CONDITIONS);
    /// recorder.select(NetworkEvents::FD_READ, ManualResetEvent::new())?;
    ///
    /// // A level-triggered poller says "readable" again and again: that is one occurrence.
    /// recorder.record(NetworkEvent::Read, Ok(()))?;
    /// assert_eq!(recorder.enumerate()?.events(), NetworkEvents::FD_READ);
    /// recorder.record(NetworkEvent::Read, Ok(()))?;
    /// assert!(recorder.enumerate()?.events().is_empty());
    ///
    /// // The program receives, but not all there is: the condition holds still.
    /// recorder.on_reenabling_call(ReenablingCall::Recv { oob: false });
    /// recorder.record(NetworkEvent::Read, Ok(()))?;
    /// assert_eq!(recorder.enumerate()?.events(), NetworkEvents::FD_READ);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(not(wsp_loom))]
    #[must_use]
    pub const fn with_latching(latching: NetworkEvents) -> Self {
        Self {
            word: AtomicU64::new(Word::new(latching).0),
            codes: [const { AtomicI32::new(0) }; FD_MAX_EVENTS],
            signal: UnsafeCell::new(None),
            caller: Caller::nobody(),
        }
    }

    /// As above; the model checker's atomics cannot be made in a `const`.
    #[cfg(wsp_loom)]
    #[must_use]
    pub fn new() -> Self {
        Self::with_latching(NetworkEvents::empty())
    }

    /// As above; the model checker's atomics cannot be made in a `const`.
    #[cfg(wsp_loom)]
    #[must_use]
    pub fn with_latching(latching: NetworkEvents) -> Self {
        Self {
            word: AtomicU64::new(Word::new(latching).0),
            codes: core::array::from_fn(|_| AtomicI32::new(0)),
            signal: UnsafeCell::new(None),
            caller: Caller::nobody(),
        }
    }

    /// The events that are recorded at this moment, selected or not (R1). To look, for a log or a test:
    /// nothing is taken, and other threads may change it at once.
    ///
    /// ```
    /// # use wsp_events::{ManualResetEvent, NetworkEvent, NetworkEventRecorder, NetworkEvents};
    /// let recorder = NetworkEventRecorder::<ManualResetEvent>::new();
    /// recorder.record(NetworkEvent::Close, Ok(()))?;
    /// assert_eq!(recorder.recorded(), NetworkEvents::FD_CLOSE);
    /// # Ok::<(), wsp_events::SignalError>(())
    /// ```
    #[must_use]
    pub fn recorded(&self) -> NetworkEvents {
        self.look().recorded()
    }

    /// The events that the switch has selected (S1); a provider may spare itself watching for others.
    /// While a [`select`](Self::select) is under way on another thread, the old and the new ones.
    ///
    /// ```
    /// # use wsp_events::{ManualResetEvent, NetworkEventRecorder, NetworkEvents};
    /// let recorder = NetworkEventRecorder::new();
    /// recorder.select(NetworkEvents::FD_READ, ManualResetEvent::new())?;
    /// assert_eq!(recorder.selected(), NetworkEvents::FD_READ);
    /// # Ok::<(), wsp_events::RecorderError>(())
    /// ```
    #[must_use]
    pub fn selected(&self) -> NetworkEvents {
        self.look().selected()
    }

    /// The events that are latched: recorded before, and not re-enabled since (L1).
    ///
    /// ```
    /// # use wsp_events::{ManualResetEvent, NetworkEvent, NetworkEventRecorder, NetworkEvents};
    /// let latching = NetworkEvents::FD_WRITE;
    /// let recorder = NetworkEventRecorder::<ManualResetEvent>::with_latching(latching);
    /// recorder.record(NetworkEvent::Write, Ok(()))?;
    /// assert_eq!(recorder.latched(), NetworkEvents::FD_WRITE);
    /// # Ok::<(), wsp_events::SignalError>(())
    /// ```
    #[must_use]
    pub fn latched(&self) -> NetworkEvents {
        self.look().latched()
    }

    /// Whether the event object could not be set for something reportable, so that the next call tries
    /// again (R6). While another thread has the event object in hand, also whether news waits for it.
    ///
    /// ```
    /// # use wsp_events::{ManualResetEvent, NetworkEventRecorder};
    /// assert!(!NetworkEventRecorder::<ManualResetEvent>::new().owes_set());
    /// ```
    #[must_use]
    pub fn owes_set(&self) -> bool {
        self.look().is_owed()
    }

    /// Takes events out of the record without reporting them: the call that consumed the condition does
    /// this (WSPRecv emptied the socket, a new WSPConnect makes the old outcome stale). The event object
    /// is not touched, so that the next report may be empty (R7). It ends no latch: see
    /// [`reenable`](Self::reenable).
    ///
    /// ```
    /// # use wsp_events::{ManualResetEvent, NetworkEvent, NetworkEventRecorder, NetworkEvents};
    /// let event = ManualResetEvent::new();
    /// let recorder = NetworkEventRecorder::new();
    /// recorder.select(NetworkEvents::FD_READ, &event)?;
    /// recorder.record(NetworkEvent::Read, Ok(()))?;
    /// recorder.withdraw(NetworkEvents::FD_READ);
    /// assert!(event.is_set());
    /// assert!(recorder.enumerate()?.events().is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn withdraw(&self, events: NetworkEvents) {
        self.exchange(|word| Some((word.withdraw(events)?, ())));
    }

    /// Re-enables an event (L2): the first thing that a re-enabling call does (WSPAccept for FD_ACCEPT,
    /// WSPRecv for FD_READ). In one step it withdraws the event, which FD_WRITE never is, and ends its
    /// latch. [`on_reenabling_call`](Self::on_reenabling_call) knows which call re-enables which event.
    ///
    /// The order is: re-enable, consume, look whether the condition still holds, record it again if it
    /// does. What was seen of the condition before must not be used: an arrival in between would be
    /// lost.
    ///
    /// ```
    /// use std::collections::VecDeque;
    /// use std::sync::Mutex;
    /// use wsp_events::{ManualResetEvent, NetworkEvent, NetworkEventRecorder, SignalError};
    ///
    /// struct Listener {
    ///     backlog: Mutex<VecDeque<u32>>,
    ///     events: NetworkEventRecorder<ManualResetEvent>,
    /// }
    ///
    /// impl Listener {
    ///     fn accept(&self) -> Result<Option<u32>, SignalError> {
    ///         self.events.reenable(NetworkEvent::Accept);
    ///         let (connection, more) = {
    ///             let mut backlog = self.backlog.lock().unwrap();
    ///             (backlog.pop_front(), !backlog.is_empty())
    ///         };
    ///         if more {
    ///             self.events.record(NetworkEvent::Accept, Ok(()))?;
    ///         }
    ///         Ok(connection)
    ///     }
    /// }
    /// # let listener = Listener { backlog: Mutex::new([1, 2].into()), events: NetworkEventRecorder::new() };
    /// # listener.events.record(NetworkEvent::Accept, Ok(()))?;
    /// # assert_eq!(listener.accept()?, Some(1));
    /// # assert!(!listener.events.recorded().is_empty());
    /// # assert_eq!(listener.accept()?, Some(2));
    /// # assert!(listener.events.recorded().is_empty());
    /// # Ok::<(), SignalError>(())
    /// ```
    pub fn reenable(&self, event: NetworkEvent) {
        self.exchange(|word| Some((word.reenable(event.flag())?, ())));
    }

    /// Re-enables the event that a call re-enables (L3), as [`reenable`](Self::reenable) does: after the
    /// call's arguments are found to be good, before it looks at the condition (L2).
    ///
    /// ```
    /// # use wsp_events::{ManualResetEvent, NetworkEvent, NetworkEventRecorder, NetworkEvents, ReenablingCall};
    /// # let latching = NetworkEvents::FD_WRITE;
    /// # let recorder = NetworkEventRecorder::<ManualResetEvent>::with_latching(latching);
    /// # recorder.record(NetworkEvent::Write, Ok(()))?;
    /// // WSPSend has filled the buffers, and answers WSAEWOULDBLOCK:
    /// recorder.on_reenabling_call(ReenablingCall::SendWouldBlock);
    /// assert!(recorder.latched().is_empty());
    /// # Ok::<(), wsp_events::SignalError>(())
    /// ```
    pub fn on_reenabling_call(&self, call: ReenablingCall) {
        self.reenable(call.event());
    }

    /// A look at the word, which orders nothing: whoever acts on it does so by an exchange.
    #[inline]
    fn look(&self) -> Word {
        Word(self.word.load(Ordering::Relaxed))
    }

    /// One exchange that makes the transition `step`, as soon as it can be made; `None` says that another
    /// thread must finish something first.
    #[inline]
    fn exchange<T>(&self, step: impl FnMut(Word) -> Option<(Word, T)>) -> T {
        self.exchange_from(self.look(), step).result
    }

    /// As [`exchange`](Self::exchange), for a thread that can guess what the word is, most likely what it
    /// made of it last: it need not look first.
    #[inline]
    fn exchange_from<T>(
        &self,
        guess: Word,
        mut step: impl FnMut(Word) -> Option<(Word, T)>,
    ) -> Exchanged<T> {
        let mut backoff = Backoff::new();
        let mut word = guess;
        loop {
            let Some((next, result)) = step(word) else {
                backoff.wait();
                word = self.look();
                continue;
            };
            match self.try_exchange(word, next) {
                Ok(()) => return Exchanged { before: word, next, result },
                Err(current) => word = current,
            }
        }
    }

    /// The one place where the word changes. Acquire takes over what the threads before have written
    /// (the provider's data, the codes, the signal), Release hands it on, together with what this thread
    /// has written.
    #[inline]
    fn try_exchange(&self, word: Word, next: Word) -> Result<(), Word> {
        let (success, failure) = (Ordering::AcqRel, Ordering::Relaxed);
        let result = self.word.compare_exchange_weak(word.0, next.0, success, failure);
        result.map(drop).map_err(Word)
    }

    /// Takes the signal, in the same exchange that makes the transition `step` of the word so held, as soon
    /// as it can be made, and waits for a recording that has it still. Returns what the word was before.
    #[inline]
    fn hold(
        &self,
        step: impl Fn(Word) -> Option<Word>,
    ) -> Result<(Held<'_, S>, Word), RecorderError> {
        let mut backoff = Backoff::new();
        let mut patience = Patience::new();
        let mut word = self.look();
        loop {
            let in_use = word.is_held() || word.is_setting();
            if in_use && self.caller.is_this_thread() {
                return Err(RecorderError::Reentrant);
            }
            if word.is_closed() {
                return Err(RecorderError::Closed);
            }
            if self.lets_finish(word, &mut patience) {
                word = self.look();
                continue;
            }
            if !word.is_held()
                && let Some(next) = step(word.held())
            {
                match self.try_exchange(word, next) {
                    Ok(()) => {
                        let failed = word.is_setting() && self.wait_for_setter() == Left::Failed;
                        let before = if failed { word.set_failed() } else { word };
                        return Ok((Held::new(self, next), before));
                    }
                    Err(current) => word = current,
                }
                continue;
            }
            backoff.wait();
            word = self.look();
        }
    }

    /// Whether this thread has paused for a recording that is under way, since to take the word from it would
    /// make it slower. Speed is all that this is for.
    #[inline]
    fn lets_finish(&self, word: Word, patience: &mut Patience) -> bool {
        let is_under_way = !IS_CHECKED && word.is_setting() && self.caller.left().is_none();
        is_under_way && patience.pause()
    }

    /// Waits until the recording that had the signal has left, now that this thread holds it.
    #[inline]
    fn wait_for_setter(&self) -> Left {
        loop {
            if let Some(left) = self.caller.left() {
                self.caller.leave();
                return left;
            }
            yield_now();
        }
    }

    /// Goes on to take the report, after a first [`Word::take`] has led from `before` to `next`, and copies
    /// its codes. Returns its events, and whether a set was owed for them.
    #[inline]
    fn take(
        &self,
        mut before: Word,
        mut next: Word,
        codes: &mut [i32; FD_MAX_EVENTS],
    ) -> (NetworkEvents, bool) {
        let mut copied = NetworkEvents::empty();
        while !next.claimed_since(before).is_empty() {
            self.copy_codes(next.claimed_since(before), codes);
            copied |= next.claimed_since(before);
            let step = |word: Word| Some((word.take(copied)?, ()));
            Exchanged { before, next, .. } = self.exchange_from(next, step);
        }
        (next.gone_since(before), before.is_owed())
    }

    fn put_back(&self, events: NetworkEvents, owed: bool, codes: &[i32; FD_MAX_EVENTS]) {
        let has_code = |event: &NetworkEvent| codes[event.bit_position()] != 0;
        let failed = events.members().filter(has_code).collect();
        self.exchange(|word| Some((word.put_back(events, failed, owed)?, ())));
        self.write_codes(failed, |event| codes[event.bit_position()]);
    }

    /// Copies code cells that this thread has claimed.
    fn copy_codes(&self, events: NetworkEvents, codes: &mut [i32; FD_MAX_EVENTS]) {
        for at in events.members().map(NetworkEvent::bit_position) {
            codes[at] = self.codes[at].load(Ordering::Relaxed);
        }
    }

    /// Writes code cells that this thread has claimed, and gives them out of its hands.
    fn write_codes(&self, events: NetworkEvents, code_of: impl Fn(NetworkEvent) -> i32) {
        if events.is_empty() {
            return;
        }
        for event in events.members() {
            self.codes[event.bit_position()].store(code_of(event), Ordering::Relaxed);
        }
        self.exchange(|word| Some((word.publish(events), ())));
    }
}

impl<S: EventSignal> NetworkEventRecorder<S> {
    /// Records one occurrence of an event, with its outcome: success, or the error code (R1, R2).
    ///
    /// If the event is selected and was not recorded yet, the event object is set (R4). A repeat changes
    /// nothing, except that an error takes the place of a recorded success (R3). It never waits for
    /// another thread (K2) and does not allocate (K6). What the provider has written before (the data
    /// that it queued, say) is visible to whoever gets the event in a report.
    ///
    /// # Errors
    ///
    /// The event object could not be set, for this occurrence or for one that another thread handed over
    /// meanwhile. Both are recorded all the same, and the set is owed: the next call tries again (R6).
    ///
    /// ```
    /// # use wsp_events::{ManualResetEvent, NetworkEvent, NetworkEventRecorder, NetworkEvents, WsaError};
    /// let event = ManualResetEvent::new();
    /// let recorder = NetworkEventRecorder::new();
    /// recorder.select(NetworkEvents::FD_CONNECT, &event)?;
    /// recorder.record(NetworkEvent::Connect, Err(WsaError::WSAENETUNREACH))?;
    /// assert!(event.is_set());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    // Always, as what it calls: a repeat is then one look and one exchange, where it stands.
    #[inline(always)]
    pub fn record(
        &self,
        event: NetworkEvent,
        outcome: Result<(), WsaError>,
    ) -> Result<Recorded, SignalError> {
        match outcome {
            Ok(()) => self.record_batch(event.flag(), NetworkEvents::empty(), |_| 0),
            Err(error) => self.record_batch(event.flag(), event.flag(), |_| error.code()),
        }
    }

    /// Records several occurrences as one step: no report sees a part of them, and the event object is
    /// set once (R5). An event that comes twice is recorded as by two calls (R3).
    ///
    /// # Errors
    ///
    /// As for [`record`](Self::record).
    ///
    /// ```
    /// # use wsp_events::{ManualResetEvent, NetworkEvent, NetworkEventRecorder, NetworkEvents};
    /// let recorder = NetworkEventRecorder::new();
    /// recorder.select(NetworkEvents::FD_ALL_EVENTS, ManualResetEvent::new())?;
    /// recorder.record_all([(NetworkEvent::Connect, Ok(())), (NetworkEvent::Write, Ok(()))])?;
    /// assert_eq!(recorder.enumerate()?.to_string(), "FD_WRITE: success, FD_CONNECT: success");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn record_all(
        &self,
        occurrences: impl IntoIterator<Item = (NetworkEvent, Result<(), WsaError>)>,
    ) -> Result<Recorded, SignalError> {
        let mut occurred = NetworkEvents::empty();
        let mut codes = [0; FD_MAX_EVENTS];
        let mut failed = NetworkEvents::empty();
        for (event, outcome) in occurrences {
            occurred |= event.flag();
            if let Err(error) = outcome
                && !failed.contains(event.flag())
            {
                failed |= event.flag();
                codes[event.bit_position()] = error.code();
            }
        }
        self.record_batch(occurred, failed, |event| codes[event.bit_position()])
    }

    #[inline(always)]
    fn record_batch(
        &self,
        occurred: NetworkEvents,
        failed: NetworkEvents,
        code_of: impl Fn(NetworkEvent) -> i32,
    ) -> Result<Recorded, SignalError> {
        let mut word = self.look();
        if word.is_repeat(occurred, failed) {
            match self.try_exchange(word, word) {
                Ok(()) => {
                    return Ok(Recorded { new: NetworkEvents::empty(), wake: Wake::NotNeeded });
                }
                Err(current) => word = current,
            }
        }
        self.record_news(word, occurred, failed, code_of)
    }

    #[inline]
    fn record_news(
        &self,
        guess: Word,
        occurred: NetworkEvents,
        failed: NetworkEvents,
        code_of: impl Fn(NetworkEvent) -> i32,
    ) -> Result<Recorded, SignalError> {
        let Exchanged { next: word, result: Recording { new, claimed, duty }, .. } = self
            .exchange_from(guess, |word| {
                let setter_left = word.is_setting() && self.caller.left().is_some();
                Some(word.record(occurred, failed, setter_left))
            });
        self.write_codes(claimed, code_of);
        let wake = match duty {
            Duty::None => Wake::NotNeeded,
            Duty::HandedOver => Wake::HandedOver,
            Duty::Set => {
                Setter::new(self).set()?;
                Wake::Set
            }
            Duty::SetAgain => self.set_again(word)?,
        };
        Ok(Recorded { new, wake })
    }

    /// Sets the signal after another recording has, if that one has really left.
    #[inline(never)]
    fn set_again(&self, mut word: Word) -> Result<Wake, SignalError> {
        if self.caller.left().is_none() {
            // What was seen to leave was an earlier one than the one that has the signal now.
            let give_back = |word: Word| Some((word.give_back(), ()));
            word = self.exchange_from(word, give_back).next;
            if !word.is_held() {
                return Ok(Wake::HandedOver);
            }
        } else {
            self.caller.leave();
        }
        let held = Held::new(self, word);
        held.set()?;
        held.leave()?;
        Ok(Wake::Set)
    }

    /// Selects events and the event object that tells of them: WSPEventSelect (S1). Whatever was selected
    /// before is replaced, mask and event object together; its event object is left in the state it has
    /// (S5) and dropped. What is recorded stays, and if any of it is selected now, the new event object
    /// is set at once (S2).
    ///
    /// With no events the selection ends, as with [`deselect`](Self::deselect) (S3).
    ///
    /// # Errors
    ///
    /// [`RecorderError::Signal`] if the new event object had to be set and that failed (S6);
    /// [`RecorderError::Closed`], [`RecorderError::Reentrant`]. The earlier selection stands.
    ///
    /// ```
    /// # use wsp_events::{ManualResetEvent, NetworkEvent, NetworkEventRecorder, NetworkEvents};
    /// let (first, second) = (ManualResetEvent::new(), ManualResetEvent::new());
    /// let recorder = NetworkEventRecorder::new();
    /// recorder.select(NetworkEvents::FD_READ, &first)?;
    /// recorder.record(NetworkEvent::Read, Ok(()))?;
    ///
    /// recorder.select(NetworkEvents::FD_READ | NetworkEvents::FD_CLOSE, &second)?;
    /// assert!(first.is_set() && second.is_set());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn select(&self, events: NetworkEvents, signal: S) -> Result<(), RecorderError> {
        let events = events & NetworkEvents::FD_ALL_EVENTS;
        if events.is_empty() {
            return self.deselect();
        }
        let (held, before) = self.hold(|word| Some(word.select_also(events)))?;
        let undo = Undo(|| {
            self.exchange(|word| Some((word.select(before.selected(), before.is_owed()), ())));
        });
        if before.recorded().intersects(events)
            && let Err(error) = held.call(|| signal.set_event())
        {
            drop(undo);
            held.leave_quietly();
            return Err(error.into());
        }
        undo.disarm();
        self.install(held, events, Some(signal));
        Ok(())
    }

    /// Ends the selection: WSPEventSelect with a mask of zero. Nothing is signaled or reported until the
    /// next one; what is recorded stays (S3). The event object is left in the state it has, and dropped.
    ///
    /// # Errors
    ///
    /// [`RecorderError::Closed`], [`RecorderError::Reentrant`]; nothing has changed.
    ///
    /// ```
    /// # use wsp_events::{ManualResetEvent, NetworkEvent, NetworkEventRecorder, NetworkEvents};
    /// let recorder = NetworkEventRecorder::new();
    /// recorder.select(NetworkEvents::FD_READ, ManualResetEvent::new())?;
    /// recorder.record(NetworkEvent::Read, Ok(()))?;
    /// recorder.deselect()?;
    /// assert!(recorder.enumerate()?.events().is_empty());
    /// assert_eq!(recorder.recorded(), NetworkEvents::FD_READ);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn deselect(&self) -> Result<(), RecorderError> {
        let (held, _) = self.hold(Some)?;
        self.install(held, NetworkEvents::empty(), None);
        Ok(())
    }

    /// Swaps in mask and event object, lets go of the signal, and only then drops the old event object:
    /// its `drop` is the user's code.
    fn install(&self, mut held: Held<'_, S>, events: NetworkEvents, signal: Option<S>) {
        let _replaced = held.replace(signal);
        self.exchange(|word| Some((word.select(events, false), ())));
        held.leave_quietly();
    }

    /// Takes the report without resetting an event object: WSPEnumNetworkEvents with a null
    /// `hEventObject` (E6).
    ///
    /// # Errors
    ///
    /// [`RecorderError::Closed`], [`RecorderError::Reentrant`]; nothing has changed (E7).
    ///
    /// ```
    /// # use wsp_events::{ManualResetEvent, NetworkEvent, NetworkEventRecorder, NetworkEvents};
    /// let event = ManualResetEvent::new();
    /// let recorder = NetworkEventRecorder::new();
    /// recorder.select(NetworkEvents::FD_READ, &event)?;
    /// recorder.record(NetworkEvent::Read, Ok(()))?;
    /// assert_eq!(recorder.enumerate()?.events(), NetworkEvents::FD_READ);
    /// assert!(event.is_set());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn enumerate(&self) -> Result<Report, RecorderError> {
        self.report(|| Ok(()))
    }

    /// Takes the report of what happened and is selected, clears it from the record, and then resets an
    /// event object: WSPEnumNetworkEvents (E1 to E5, E8).
    ///
    /// The event object is the caller's choice. It is usually the selected one, but need not be, nor of
    /// its type (E6): a borrowed handle will do.
    ///
    /// # Errors
    ///
    /// [`RecorderError::Signal`] if the event object could not be reset; [`RecorderError::Closed`],
    /// [`RecorderError::Reentrant`]. The record is as if the call had not been made (E7).
    ///
    /// ```
    /// # use wsp_events::{ManualResetEvent, NetworkEvent, NetworkEventRecorder, NetworkEvents};
    /// let event = ManualResetEvent::new();
    /// let recorder = NetworkEventRecorder::new();
    /// recorder.select(NetworkEvents::FD_READ, &event)?;
    /// recorder.record(NetworkEvent::Read, Ok(()))?;
    /// assert_eq!(recorder.enumerate_and_reset(&event)?.events(), NetworkEvents::FD_READ);
    /// assert!(recorder.enumerate_and_reset(&event)?.events().is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn enumerate_and_reset<E>(&self, event: &E) -> Result<Report, RecorderError>
    where
        E: EventSignal + ?Sized,
    {
        self.report(|| event.reset_event())
    }

    #[inline]
    fn report(
        &self,
        reset: impl FnOnce() -> Result<(), SignalError>,
    ) -> Result<Report, RecorderError> {
        let (held, before) = self.hold(|word| word.take(NetworkEvents::empty()))?;
        let mut codes = [0; FD_MAX_EVENTS];
        let (events, owed) = self.take(before, held.word, &mut codes);
        let undo = Undo(|| self.put_back(events, owed, &codes));
        if let Err(error) = held.call(reset) {
            drop(undo);
            held.leave_quietly();
            return Err(error.into());
        }
        let signal_error = held.leave().err();
        undo.disarm();
        Ok(Report { events, codes, signal_error })
    }

    /// A recorder for a socket that was accepted on this one: this one's selection, with an event object
    /// of its own (a clone of `S`), its latching set, and an empty record (S8).
    ///
    /// # Errors
    ///
    /// [`RecorderError::Closed`], [`RecorderError::Reentrant`].
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use wsp_events::{ManualResetEvent, NetworkEvent, NetworkEventRecorder, NetworkEvents};
    /// let event = Arc::new(ManualResetEvent::new());
    /// let listener = NetworkEventRecorder::new();
    /// listener.select(NetworkEvents::FD_ACCEPT | NetworkEvents::FD_READ, Arc::clone(&event))?;
    ///
    /// let accepted = listener.inherit()?;
    /// accepted.record(NetworkEvent::Read, Ok(()))?;
    /// assert!(event.is_set());
    /// assert!(listener.recorded().is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn inherit(&self) -> Result<Self, RecorderError>
    where
        S: Clone,
    {
        let (held, before) = self.hold(Some)?;
        let inherited = before.inherited();
        let signal = held.call(|| held.with_signal(|signal| signal.cloned()));
        held.leave_quietly();
        Ok(Self {
            word: AtomicU64::new(inherited.0),
            signal: UnsafeCell::new(signal),
            ..Self::new()
        })
    }

    /// Closes the record for good: the selection ends, its event object is left in the state it has and
    /// dropped (S7), and what was recorded is discarded. A call that races this one completes before, or
    /// is refused with [`RecorderError::Closed`] (P5); what is recorded from now on is nothing.
    ///
    /// # Errors
    ///
    /// [`RecorderError::Closed`] if it was closed before, [`RecorderError::Reentrant`].
    ///
    /// ```
    /// # use wsp_events::{ManualResetEvent, NetworkEvent, NetworkEventRecorder, RecorderError};
    /// let recorder = NetworkEventRecorder::<ManualResetEvent>::new();
    /// recorder.close()?;
    /// assert_eq!(recorder.enumerate(), Err(RecorderError::Closed));
    /// # Ok::<(), RecorderError>(())
    /// ```
    pub fn close(&self) -> Result<(), RecorderError> {
        let (mut held, _) = self.hold(Word::close)?;
        let _ended = held.replace(None);
        held.leave_quietly();
        Ok(())
    }
}

impl<S> Default for NetworkEventRecorder<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> fmt::Debug for NetworkEventRecorder<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = self.look();
        f.debug_struct("NetworkEventRecorder")
            .field("recorded", &word.recorded())
            .field("selected", &word.selected())
            .field("owes_set", &word.is_owed())
            .field("closed", &word.is_closed())
            .finish_non_exhaustive()
    }
}

/// An exchange that was made: what the word was, what it became, and what the transition says of it.
struct Exchanged<T> {
    before: Word,
    next: Word,
    result: T,
}

/// What a call puts back if it fails or panics (E7, S6, K5): it is dropped then, and disarmed otherwise.
struct Undo<F: FnMut()>(F);

impl<F: FnMut()> Undo<F> {
    fn disarm(self) {
        mem::forget(self);
    }
}

impl<F: FnMut()> Drop for Undo<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}
