//! The recorder: what a provider calls. Each call is a transition of the word ([`state`](super::state)) under
//! a guard ([`held`](super::held)); why they may run at the same time stands in
//! [`protocol`](super::protocol).

use core::{convert, fmt};

use super::held::{Guarded, User};
use super::inside::{inside, is_inside};
use super::recorded::{Recorded, Unsignaled};
use super::shared::{Codes, Shared};
use super::state::{Recording, When, Word};
use crate::error::{Outcome, RecorderError, SignalError};
use crate::event::{FD_MAX_EVENTS, NetworkEvent, NetworkEvents};
use crate::latching::ReenablingCall;
use crate::panics::{OnDrop, contain};
use crate::report::Report;
use crate::signal::EventSignal;
use crate::sync::const_fn;

/// The network-event record of one socket: which FD_XXX events happened, with their error codes, which
/// of them are selected, and the event object that is set for them.
///
/// A provider keeps one in each socket, and calls [`record`](Self::record) on any thread that learns that
/// something happened. The switch's WSPEventSelect becomes [`select`](Self::select), its WSPEnumNetworkEvents
/// [`enumerate_and_reset`](Self::enumerate_and_reset). Every operation takes `&self` (K1). `S` is the event
/// object, or a reference that keeps it alive while it is selected (P2): an `Arc`, a duplicated handle, a
/// reference. A recorder that several threads share calls its event object from several threads at once, and
/// is `Sync` if `S` is `Send` and `Sync` (K3).
///
/// Recording never waits for another thread, and allocates nothing (K2, K6). Enumerating, withdrawing and
/// re-enabling wait only while another thread stores or copies an error code, which takes a few
/// instructions. [`select`](Self::select), [`deselect`](Self::deselect) and
/// [`close`](Self::close) wait until no call is inside the event object. So do not hold a lock that the event
/// object's set needs while you call them.
///
/// # In a kernel
///
/// Without `std` waiting is a spin. Code that interrupts another thread's call on the same recorder and
/// prevents it from continuing (a signal handler, a DPC on the same processor) may record and look, and
/// nothing else. The same holds for a real-time thread that occupies the processor of the thread it waits
/// for. Event objects are called with no lock held, at the caller's IRQL.
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
/// recorder.record(NetworkEvent::Accept, Ok(()));
///
/// // The switch: wait, then WSPEnumNetworkEvents.
/// event.wait();
/// let report = recorder.enumerate_and_reset(&event)?;
/// assert_eq!(report.outcome(NetworkEvent::Accept), Some(Ok(())));
/// assert!(!event.is_set());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct NetworkEventRecorder<S>(Guarded<S>);

impl<S> NetworkEventRecorder<S> {
    const_fn! {
        /// An empty record without a selection: for a provider that reports arrivals, as a SAN provider does.
        /// Only FD_ROUTING_INTERFACE_CHANGE and FD_ADDRESS_LIST_CHANGE latch. They start latched: a program
        /// is notified of such a change only after it has asked, by the WSPIoctl of the same name (L3).
        ///
        /// ```
        /// use wsp_events::{ManualResetEvent, NetworkEventRecorder};
        ///
        /// static RECORDER: NetworkEventRecorder<&ManualResetEvent> = NetworkEventRecorder::new();
        /// assert!(RECORDER.recorded().is_empty());
        /// ```
        #[must_use]
        pub const fn new() -> Self {
            Self::with_latching(NetworkEvents::empty())
        }
    }

    const_fn! {
        /// As [`new`](Self::new), for a provider that reports conditions: an event of the set `latching`
        /// stays quiet once it is recorded, also after its report, until it is re-enabled (L1).
        /// [`NetworkEvents::LATCHING_FOR_CONDITIONS`] and [`NetworkEvents::LATCHING_FOR_ARRIVALS`] are the
        /// usual sets. FD_GROUP_QOS never latches; FD_ROUTING_INTERFACE_CHANGE and FD_ADDRESS_LIST_CHANGE
        /// always do, from the beginning (L3).
        ///
        /// ```
        /// use wsp_events::{ManualResetEvent, NetworkEvent, NetworkEventRecorder, NetworkEvents, ReenablingCall};
        ///
        /// let recorder = NetworkEventRecorder::with_latching(NetworkEvents::LATCHING_FOR_CONDITIONS);
        /// recorder.select(NetworkEvents::FD_READ, ManualResetEvent::new())?;
        ///
        /// // A level-triggered poller says "readable" again and again: that is one occurrence.
        /// recorder.record(NetworkEvent::Read, Ok(()));
        /// assert_eq!(recorder.enumerate()?.events(), NetworkEvents::FD_READ);
        /// recorder.record(NetworkEvent::Read, Ok(()));
        /// assert!(recorder.enumerate()?.events().is_empty());
        ///
        /// // The program receives, but not all there is: the condition holds still.
        /// recorder.reenable_for(ReenablingCall::Recv { oob: false });
        /// recorder.record(NetworkEvent::Read, Ok(()));
        /// assert_eq!(recorder.enumerate()?.events(), NetworkEvents::FD_READ);
        /// # Ok::<(), Box<dyn std::error::Error>>(())
        /// ```
        #[must_use]
        pub const fn with_latching(latching: NetworkEvents) -> Self {
            let latching = latching
                .intersection(NetworkEvents::LATCHING_FOR_CONDITIONS)
                .union(NetworkEvents::LATCHED_FROM_THE_BEGINNING);
            Self(Guarded::new(Shared::new(Word::NEW, latching), None))
        }
    }

    /// The events that are recorded at this moment, selected or not (R1). For logs and tests: nothing is
    /// taken out, and another thread may change it at any time.
    ///
    /// ```
    /// # use wsp_events::{ManualResetEvent, NetworkEvent, NetworkEventRecorder, NetworkEvents};
    /// let recorder = NetworkEventRecorder::<ManualResetEvent>::new();
    /// recorder.record(NetworkEvent::Close, Ok(()));
    /// assert_eq!(recorder.recorded(), NetworkEvents::FD_CLOSE);
    /// ```
    #[must_use]
    pub fn recorded(&self) -> NetworkEvents {
        self.look().recorded()
    }

    /// The events that the switch has selected (S1); a provider need not watch for others. While a
    /// [`select`](Self::select) is under way on another thread, these are still the old ones.
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

    /// The events that a provider with a poller has to watch for: those that are selected and not latched. Whatever
    /// else happens is recorded when the socket is looked at, but nobody waits for it. The guide's page on pollers says
    /// when to ask, and under which lock.
    ///
    /// ```
    /// # use wsp_events::{ManualResetEvent, NetworkEvent, NetworkEventRecorder, NetworkEvents};
    /// let recorder = NetworkEventRecorder::with_latching(NetworkEvents::LATCHING_FOR_CONDITIONS);
    /// recorder.select(NetworkEvents::FD_READ | NetworkEvents::FD_CLOSE, ManualResetEvent::new())?;
    /// recorder.record(NetworkEvent::Read, Ok(()));
    /// assert_eq!(recorder.interest(), NetworkEvents::FD_CLOSE);
    /// recorder.reenable(NetworkEvent::Read); // WSPRecv
    /// assert_eq!(recorder.interest(), NetworkEvents::FD_READ | NetworkEvents::FD_CLOSE);
    /// # Ok::<(), wsp_events::RecorderError>(())
    /// ```
    #[must_use]
    pub fn interest(&self) -> NetworkEvents {
        let word = self.look();
        word.selected() - word.latched()
    }

    /// The events that are latched: recorded before, and not re-enabled since (L1). FD_ROUTING_INTERFACE_CHANGE and
    /// FD_ADDRESS_LIST_CHANGE are from the beginning (L3).
    ///
    /// ```
    /// # use wsp_events::{ManualResetEvent, NetworkEvent, NetworkEventRecorder, NetworkEvents};
    /// let latching = NetworkEvents::FD_WRITE;
    /// let recorder = NetworkEventRecorder::<ManualResetEvent>::with_latching(latching);
    /// recorder.record(NetworkEvent::Write, Ok(()));
    /// assert!(recorder.latched().contains(NetworkEvents::FD_WRITE));
    /// ```
    #[must_use]
    pub fn latched(&self) -> NetworkEvents {
        self.look().latched()
    }

    /// Whether a set is owed: the event object could not be set for something reportable, and the next
    /// recording, selection or enumeration tries again (R6). Also while a recording waits for its second step (R9),
    /// and while news waits for the end of a selection on another thread.
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
    /// is not touched, so that the next report may be empty (R7). It does not end a latch; see
    /// [`reenable`](Self::reenable).
    ///
    /// ```
    /// # use wsp_events::{ManualResetEvent, NetworkEvent, NetworkEventRecorder, NetworkEvents};
    /// let event = ManualResetEvent::new();
    /// let recorder = NetworkEventRecorder::new();
    /// recorder.select(NetworkEvents::FD_READ, &event)?;
    /// recorder.record(NetworkEvent::Read, Ok(()));
    /// recorder.withdraw(NetworkEvents::FD_READ);
    /// assert!(event.is_set());
    /// assert!(recorder.enumerate()?.events().is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn withdraw(&self, events: NetworkEvents) {
        self.discard(events & NetworkEvents::FD_ALL_EVENTS, |word| word);
    }

    /// Makes the record as new, in one step, for a socket that begins another connection (DisconnectEx with
    /// TF_REUSE_SOCKET, a new WSPConnect after a connection that has ended): nothing is recorded, and every
    /// latch is as at the beginning. The selection stands, and the event object is not touched (R8).
    ///
    /// Call it under the socket's lock, in the step that takes the old connection away. Otherwise a thread that has
    /// seen the end of that connection may record FD_CLOSE after this call. It latches, and the FD_CLOSE of the next
    /// connection is never recorded.
    ///
    /// ```
    /// # use wsp_events::{ManualResetEvent, NetworkEvent, NetworkEventRecorder, NetworkEvents};
    /// let recorder = NetworkEventRecorder::with_latching(NetworkEvents::LATCHING_FOR_CONDITIONS);
    /// recorder.select(NetworkEvents::FD_CLOSE, ManualResetEvent::new())?;
    /// recorder.record(NetworkEvent::Close, Ok(()));
    /// assert_eq!(recorder.enumerate()?.events(), NetworkEvents::FD_CLOSE);
    ///
    /// recorder.renew(); // No call re-enables FD_CLOSE, and the next connection ends, too.
    /// recorder.record(NetworkEvent::Close, Ok(()));
    /// assert_eq!(recorder.enumerate()?.events(), NetworkEvents::FD_CLOSE);
    /// # Ok::<(), wsp_events::RecorderError>(())
    /// ```
    pub fn renew(&self) {
        self.discard(NetworkEvents::FD_ALL_EVENTS, Word::relatched);
    }

    /// Takes events out of the record, and completes the step with `finish`.
    fn discard(&self, events: NetworkEvents, finish: impl Fn(Word) -> Word) {
        self.0.shared.take_out(|_| events, finish, &mut [0; FD_MAX_EVENTS]);
    }

    /// Re-enables an event (L2): the first thing that a re-enabling call does (WSPAccept for FD_ACCEPT,
    /// WSPRecv for FD_READ). In one step it withdraws the event and ends its latch.
    /// [`reenable_for`](Self::reenable_for) knows which call re-enables which event.
    ///
    /// The order is: re-enable, consume, look whether the condition still holds, record it again if it
    /// does; all of it under the lock under which the provider's other threads look and record. What one of them saw
    /// before the re-enabling must not be recorded after it, and without the lock it can be: the event is
    /// then reported although its condition has gone. In another order an arrival in between is lost. The event object
    /// is set after the lock (R9).
    ///
    /// ```
    /// use std::collections::VecDeque;
    /// use std::sync::Mutex;
    /// use wsp_events::{ManualResetEvent, NetworkEvent, NetworkEventRecorder, Unsignaled};
    ///
    /// struct Listener {
    ///     backlog: Mutex<VecDeque<u32>>,
    ///     events: NetworkEventRecorder<ManualResetEvent>,
    /// }
    ///
    /// impl Listener {
    ///     /// On the thread that learns of a connection.
    ///     fn on_connection(&self, connection: u32) {
    ///         let mut backlog = self.backlog.lock().unwrap();
    ///         backlog.push_back(connection);
    ///         let recorded = self.look(&backlog);
    ///         drop(backlog);
    ///         recorded.map(Unsignaled::signal);
    ///     }
    ///
    ///     /// WSPAccept.
    ///     fn accept(&self) -> Option<u32> {
    ///         let mut backlog = self.backlog.lock().unwrap();
    ///         self.events.reenable(NetworkEvent::Accept);
    ///         let connection = backlog.pop_front();
    ///         let recorded = self.look(&backlog);
    ///         drop(backlog);
    ///         recorded.map(Unsignaled::signal);
    ///         connection
    ///     }
    ///
    ///     /// Looks and records. The caller has the lock.
    ///     fn look(&self, backlog: &VecDeque<u32>) -> Option<Unsignaled<'_, ManualResetEvent>> {
    ///         let holds = !backlog.is_empty();
    ///         holds.then(|| self.events.record_unsignaled(NetworkEvent::Accept, Ok(())))
    ///     }
    /// }
    /// # let listener = Listener { backlog: Mutex::default(), events: NetworkEventRecorder::new() };
    /// # listener.on_connection(1);
    /// # listener.on_connection(2);
    /// # assert_eq!(listener.accept(), Some(1));
    /// # assert!(!listener.events.recorded().is_empty());
    /// # assert_eq!(listener.accept(), Some(2));
    /// # assert!(listener.events.recorded().is_empty());
    /// ```
    pub fn reenable(&self, event: NetworkEvent) {
        let event = event.flag();
        self.0.shared.take_out(|_| event, |word| word.unlatch(event), &mut [0; FD_MAX_EVENTS]);
    }

    /// Re-enables the event that a call re-enables (L3), as [`reenable`](Self::reenable) does: after the
    /// call's arguments are found to be good, before it looks at the condition, and under the same lock (L2).
    ///
    /// ```
    /// # use std::sync::Mutex;
    /// # use wsp_events::{ManualResetEvent, NetworkEvent, NetworkEventRecorder, NetworkEvents, ReenablingCall};
    /// # let latching = NetworkEvents::FD_WRITE;
    /// # let recorder = NetworkEventRecorder::<ManualResetEvent>::with_latching(latching);
    /// # recorder.record(NetworkEvent::Write, Ok(()));
    /// # let room = Mutex::new(0);
    /// let room = room.lock().unwrap();
    /// // WSPSend has filled the buffers, and answers WSAEWOULDBLOCK:
    /// recorder.reenable_for(ReenablingCall::SendWouldBlock);
    /// assert!(!recorder.latched().contains(NetworkEvents::FD_WRITE));
    /// // What the send has seen does not count: is there room by now?
    /// let recorded = (*room > 0).then(|| recorder.record_unsignaled(NetworkEvent::Write, Ok(())));
    /// drop(room);
    /// # assert!(recorded.is_none());
    /// ```
    pub fn reenable_for(&self, call: ReenablingCall) {
        self.reenable(call.event());
    }

    #[inline]
    fn look(&self) -> Word {
        self.0.shared.look()
    }
}

impl<S: EventSignal> NetworkEventRecorder<S> {
    /// Records one occurrence of an event, with its outcome: success, or the error code (R1, R2).
    ///
    /// If the event is selected and was not recorded yet, the event object is set (R4). A repeat changes
    /// nothing, except that an error takes the place of a recorded success (R3). It never waits for
    /// another thread (K2) and does not allocate (K6). Data that the provider queued before is
    /// visible to the thread that gets the event in a report.
    ///
    /// Recording does not fail. If the event object cannot be set, the occurrence is recorded all the same, the set is
    /// owed, and the next recording, selection or enumeration tries again (R6). The error is in
    /// [`Recorded::signal_error`], for those who want to know it. It is no `Result`, so that a call that has done its
    /// work (an accept that has taken its connection from the queue) cannot be left half-way by a `?`.
    ///
    /// ```
    /// # use wsp_events::{ManualResetEvent, NetworkEvent, NetworkEventRecorder, NetworkEvents, WsaError};
    /// let event = ManualResetEvent::new();
    /// let recorder = NetworkEventRecorder::new();
    /// recorder.select(NetworkEvents::FD_CONNECT, &event)?;
    /// recorder.record(NetworkEvent::Connect, Err(WsaError::WSAENETUNREACH));
    /// assert!(event.is_set());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline(always)]
    pub fn record(&self, event: NetworkEvent, outcome: Outcome) -> Recorded {
        Recorded::of(&self.0, self.record_one(event, outcome, When::Now))
    }

    /// Records several occurrences as one step: no report sees a part of them, and the event object is
    /// set once (R5). An event that comes twice is recorded as by two calls (R3).
    ///
    /// ```
    /// # use wsp_events::{ManualResetEvent, NetworkEvent, NetworkEventRecorder, NetworkEvents};
    /// let recorder = NetworkEventRecorder::new();
    /// recorder.select(NetworkEvents::FD_ALL_EVENTS, ManualResetEvent::new())?;
    /// recorder.record_all([(NetworkEvent::Connect, Ok(())), (NetworkEvent::Write, Ok(()))]);
    /// assert_eq!(recorder.enumerate()?.to_string(), "FD_WRITE: success, FD_CONNECT: success");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn record_all(
        &self,
        occurrences: impl IntoIterator<Item = (NetworkEvent, Outcome)>,
    ) -> Recorded {
        Recorded::of(&self.0, self.record_several(occurrences, When::Now))
    }

    /// The first of two steps of [`record`](Self::record): records, and leaves the event object alone (R9). For a
    /// provider that looks at a condition under a lock of its own and must record what it saw before it unlocks, but
    /// does not want to call SetEvent there. The second step is [`Unsignaled::signal`], after the lock is gone.
    ///
    /// Look and record are then one step against the calls that re-enable the event under the same lock. Without that,
    /// a call can consume the condition between look and record, and the record says what is no longer true (L2).
    ///
    /// ```
    /// use std::sync::Mutex;
    /// use wsp_events::{ManualResetEvent, NetworkEvent, NetworkEventRecorder, NetworkEvents, Recorded};
    ///
    /// struct Socket {
    ///     buffer: Mutex<Vec<u8>>,
    ///     events: NetworkEventRecorder<ManualResetEvent>,
    /// }
    ///
    /// impl Socket {
    ///     fn on_packet(&self, data: &[u8]) -> Recorded {
    ///         let mut buffer = self.buffer.lock().unwrap();
    ///         buffer.extend(data);
    ///         let recorded = self.events.record_unsignaled(NetworkEvent::Read, Ok(()));
    ///         drop(buffer);
    ///         recorded.signal()
    ///     }
    /// }
    /// # let socket = Socket { buffer: Mutex::default(), events: NetworkEventRecorder::new() };
    /// # socket.events.select(NetworkEvents::FD_READ, ManualResetEvent::new())?;
    /// # assert_eq!(socket.on_packet(b"x").new, NetworkEvents::FD_READ);
    /// # Ok::<(), wsp_events::RecorderError>(())
    /// ```
    #[inline]
    pub fn record_unsignaled(&self, event: NetworkEvent, outcome: Outcome) -> Unsignaled<'_, S> {
        Unsignaled::new(&self.0, self.record_one(event, outcome, When::Later))
    }

    /// The first of two steps of [`record_all`](Self::record_all), as
    /// [`record_unsignaled`](Self::record_unsignaled) is of [`record`](Self::record) (R5, R9).
    ///
    /// ```
    /// # use wsp_events::{ManualResetEvent, NetworkEvent, NetworkEventRecorder, NetworkEvents};
    /// let event = ManualResetEvent::new();
    /// let recorder = NetworkEventRecorder::new();
    /// recorder.select(NetworkEvents::FD_ALL_EVENTS, &event)?;
    /// let connected = [(NetworkEvent::Connect, Ok(())), (NetworkEvent::Write, Ok(()))];
    /// let recorded = recorder.record_all_unsignaled(connected);
    /// assert!(recorder.owes_set() && !event.is_set());
    /// recorded.signal();
    /// assert!(!recorder.owes_set() && event.is_set());
    /// # Ok::<(), wsp_events::RecorderError>(())
    /// ```
    pub fn record_all_unsignaled(
        &self,
        occurrences: impl IntoIterator<Item = (NetworkEvent, Outcome)>,
    ) -> Unsignaled<'_, S> {
        Unsignaled::new(&self.0, self.record_several(occurrences, When::Later))
    }

    #[inline(always)]
    fn record_one(&self, event: NetworkEvent, outcome: Outcome, when: When) -> Recording {
        let (one, none) = (event.flag(), NetworkEvents::empty());
        match outcome {
            Ok(()) => self.0.shared.record(one, none, |_| 0, when),
            Err(error) => self.0.shared.record(one, one, |_| error.code(), when),
        }
    }

    #[inline]
    fn record_several(
        &self,
        occurrences: impl IntoIterator<Item = (NetworkEvent, Outcome)>,
        when: When,
    ) -> Recording {
        let mut occurred = NetworkEvents::empty();
        let mut failed = NetworkEvents::empty();
        let mut codes = [0; FD_MAX_EVENTS];
        for (event, outcome) in occurrences {
            occurred |= event.flag();
            if let Err(error) = outcome
                && !failed.contains(event.flag())
            {
                failed |= event.flag();
                codes[event.bit_position()] = error.code();
            }
        }
        self.0.shared.record(occurred, failed, |event| codes[event.bit_position()], when)
    }

    /// Sets the event object again, after a reset, if something is reportable.
    #[inline]
    fn set_what_is_left(&self) -> Result<(), SignalError> {
        if self.look().tells_nothing() {
            return Ok(());
        }
        self.0.set(self.0.shared.exchange(|word| Some(word.set_what_is_left())))
    }

    /// Selects events, and the event object that is set for them: WSPEventSelect (S1). Whatever was selected
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
    /// recorder.record(NetworkEvent::Read, Ok(()));
    ///
    /// recorder.select(NetworkEvents::FD_READ | NetworkEvents::FD_CLOSE, &second)?;
    /// assert!(first.is_set() && second.is_set());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn select(&self, events: NetworkEvents, signal: S) -> Result<(), RecorderError> {
        self.replace_selection(events, Some(signal)).map(drop)
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
    /// recorder.record(NetworkEvent::Read, Ok(()));
    /// recorder.deselect()?;
    /// assert!(recorder.enumerate()?.events().is_empty());
    /// assert_eq!(recorder.recorded(), NetworkEvents::FD_READ);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn deselect(&self) -> Result<(), RecorderError> {
        self.replace_selection(NetworkEvents::empty(), None).map(drop)
    }

    /// Selects, or deselects. Returns the event object that was replaced, because dropping it runs foreign
    /// code.
    pub(crate) fn replace_selection(
        &self,
        events: NetworkEvents,
        signal: Option<S>,
    ) -> Result<Option<S>, RecorderError> {
        let events = events & NetworkEvents::FD_ALL_EVENTS;
        let signal = signal.filter(|_| !events.is_empty());
        let held = self.0.hold()?;
        // S2, S6: the new event object is tried first, while the old one stands.
        if held.word.recorded().intersects(events)
            && let Some(Err(error)) = inside(&self.0.shared, || signal.as_ref().map(S::set_event))
        {
            let selected = held.word.selected();
            held.release(selected).into_iter().for_each(User::set_or_owe);
            return Err(error.into());
        }
        let (replaced, user) = held.install(events, signal);
        user.into_iter().for_each(User::set_or_owe);
        Ok(replaced)
    }

    /// The events that are selected now, for a thread that has said what is. An exchange, since a look could
    /// pass what was said: of two such threads each would see its own selection stand (S9).
    pub(crate) fn selection_that_stands(&self) -> NetworkEvents {
        self.0.shared.exchange(|word| Some((word, word.selected())))
    }

    /// Takes the report without resetting an event object: WSPEnumNetworkEvents with a null
    /// `hEventObject` (E6).
    ///
    /// # Errors
    ///
    /// [`RecorderError::Closed`]; nothing has changed (E7).
    ///
    /// ```
    /// # use wsp_events::{ManualResetEvent, NetworkEvent, NetworkEventRecorder, NetworkEvents};
    /// let event = ManualResetEvent::new();
    /// let recorder = NetworkEventRecorder::new();
    /// recorder.select(NetworkEvents::FD_READ, &event)?;
    /// recorder.record(NetworkEvent::Read, Ok(()));
    /// assert_eq!(recorder.enumerate()?.events(), NetworkEvents::FD_READ);
    /// assert!(event.is_set());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn enumerate(&self) -> Result<Report, RecorderError> {
        self.enumerate_with(|_| Ok(()))
    }

    /// Takes the report of what happened and is selected, clears it from the record, and then resets an
    /// event object: WSPEnumNetworkEvents (E1 to E5, E8).
    ///
    /// The event object is the caller's choice. It is usually the selected one, but need not be, nor of
    /// its type (E6): a borrowed handle will do.
    ///
    /// # Errors
    ///
    /// [`RecorderError::Signal`] if the event object could not be reset; [`RecorderError::Closed`]. The record
    /// is as if the call had not been made (E7).
    ///
    /// ```
    /// # use wsp_events::{ManualResetEvent, NetworkEvent, NetworkEventRecorder, NetworkEvents};
    /// let event = ManualResetEvent::new();
    /// let recorder = NetworkEventRecorder::new();
    /// recorder.select(NetworkEvents::FD_READ, &event)?;
    /// recorder.record(NetworkEvent::Read, Ok(()));
    /// assert_eq!(recorder.enumerate_and_reset(&event)?.events(), NetworkEvents::FD_READ);
    /// assert!(recorder.enumerate_and_reset(&event)?.events().is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn enumerate_and_reset<E>(&self, event: &E) -> Result<Report, RecorderError>
    where
        E: EventSignal + ?Sized,
    {
        self.enumerate_in_steps(|_| Ok(()), Some(|| event.reset_event()), convert::identity)
    }

    /// As [`enumerate`](Self::enumerate), and hands the report to `deliver` before it is final: to a guest's memory, or
    /// to a user's buffer seen from a kernel. If that fails or panics, the report was never taken (E7). A driver that
    /// copies the report after the call would lose its events in a buffer that faults.
    ///
    /// `deliver` may call the recorder, which then shows the report as taken. Without `std`, an event object must not answer
    /// every set with an enumeration that fails: what is put back is signaled again, and that would go on without end.
    ///
    /// # Errors
    ///
    /// What `deliver` answers; [`RecorderError::Closed`]. The record is as if the call had not been made, and what was put
    /// back is signaled again.
    ///
    /// ```
    /// # use wsp_events::{ManualResetEvent, NetworkEvent, NetworkEventRecorder, NetworkEvents, WsaError};
    /// let recorder = NetworkEventRecorder::new();
    /// recorder.select(NetworkEvents::FD_READ, ManualResetEvent::new())?;
    /// recorder.record(NetworkEvent::Read, Ok(()));
    ///
    /// assert_eq!(recorder.enumerate_with(|_| Err(WsaError::WSAEFAULT)), Err(WsaError::WSAEFAULT));
    ///
    /// let mut memory = [0; 44];
    /// recorder.enumerate_with(|report| {
    ///     for (offset, value) in report.writes() {
    ///         memory[offset..offset + 4].copy_from_slice(&value.to_ne_bytes());
    ///     }
    ///     Ok::<_, WsaError>(())
    /// })?;
    /// assert_eq!(memory[..4], 1_i32.to_ne_bytes());
    /// # Ok::<(), WsaError>(())
    /// ```
    pub fn enumerate_with<F>(
        &self,
        deliver: impl FnOnce(&Report) -> Result<(), F>,
    ) -> Result<Report, F>
    where
        F: From<RecorderError>,
    {
        self.enumerate_in_steps(deliver, None::<fn() -> Result<(), SignalError>>, F::from)
    }

    /// As [`enumerate_and_reset`](Self::enumerate_and_reset), with a delivery like that of
    /// [`enumerate_with`](Self::enumerate_with). The delivery comes before the reset: if it fails, the event object,
    /// which may serve other sockets too, has not been touched.
    ///
    /// # Errors
    ///
    /// What `deliver` answers; [`RecorderError::Signal`] if the event object could not be reset (what was delivered does
    /// not count then); [`RecorderError::Closed`]. The record is as if the call had not been made.
    ///
    /// ```
    /// # use wsp_events::{ManualResetEvent, NetworkEvent, NetworkEventRecorder, NetworkEvents, RecorderError};
    /// let event = ManualResetEvent::new();
    /// let recorder = NetworkEventRecorder::new();
    /// recorder.select(NetworkEvents::FD_READ, &event)?;
    /// recorder.record(NetworkEvent::Read, Ok(()));
    ///
    /// let mut mask = 0;
    /// recorder.enumerate_and_reset_with(&event, |report| {
    ///     mask = report.events().mask();
    ///     Ok::<_, RecorderError>(())
    /// })?;
    /// assert_eq!((mask, event.is_set()), (1, false));
    /// # Ok::<(), RecorderError>(())
    /// ```
    pub fn enumerate_and_reset_with<E, F>(
        &self,
        event: &E,
        deliver: impl FnOnce(&Report) -> Result<(), F>,
    ) -> Result<Report, F>
    where
        E: EventSignal + ?Sized,
        F: From<RecorderError>,
    {
        self.enumerate_in_steps(deliver, Some(|| event.reset_event()), F::from)
    }

    /// Enumerates: the report is taken, delivered, and the event object reset. If one of the last two steps fails or
    /// panics, the report was not taken (E7, K5).
    #[inline]
    pub(crate) fn enumerate_in_steps<F>(
        &self,
        deliver: impl FnOnce(&Report) -> Result<(), F>,
        reset: Option<impl FnOnce() -> Result<(), SignalError>>,
        failed: impl Fn(RecorderError) -> F,
    ) -> Result<Report, F> {
        let mut codes = [0; FD_MAX_EVENTS];
        let events = self.take_report(&mut codes).map_err(&failed)?;
        let undo = OnDrop(|| self.0.shared.put_back(events, &codes));
        let report = Report { events, codes, signal_error: None };
        let resets = reset.is_some();
        let reset = || reset.map_or(Ok(()), |reset| inside(&self.0.shared, reset));
        let done = deliver(&report).and_then(|()| reset().map_err(|error| failed(error.into())));
        if let Err(error) = done {
            drop(undo);
            // If this fails or panics too, the set is owed. From inside the event object it stays owed (K4): one that
            // answers its set with an enumeration that fails would be set without end.
            if !is_inside(&self.0.shared) {
                _ = contain(|| self.set_what_is_left());
            }
            return Err(error);
        }
        let signal_error = if resets { self.set_what_is_left().err() } else { None };
        undo.disarm();
        Ok(Report { events, codes, signal_error })
    }

    #[inline]
    fn take_report(&self, codes: &mut Codes) -> Result<NetworkEvents, RecorderError> {
        let taken = self.0.shared.take_out(Word::reportable, Word::looked_through, codes);
        taken.ok_or(RecorderError::Closed)
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
    /// accepted.record(NetworkEvent::Read, Ok(()));
    /// assert!(event.is_set());
    /// assert!(listener.recorded().is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn inherit(&self) -> Result<Self, RecorderError>
    where
        S: Clone,
    {
        let (user, word) = self.0.enter()?;
        Ok(Self(user.inherit(word)))
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
        self.0.hold()?.close();
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
