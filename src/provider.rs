//! What a complete provider needs besides its recorders: WSPEventSelect and WSPEnumNetworkEvents over its descriptors
//! and handles, and a table of sockets.

#[cfg(feature = "std")]
mod table;

#[cfg(feature = "std")]
pub use table::{Removed, SocketRef, SocketTable};

use crate::error::{ProviderError, RecorderError};
use crate::event::NetworkEvents;
use crate::handle::{SOCKET, WSAEVENT};
use crate::recorder::NetworkEventRecorder;
use crate::report::Report;
use crate::signal::EventSignal;

/// What the two calls need to know of a service provider: which socket a descriptor names, and which event object a
/// handle names.
///
/// With an implementation, [`event_select`] and [`enum_network_events`] are WSPEventSelect and WSPEnumNetworkEvents,
/// and [`spi`](crate::spi) has them with their C signatures. Look descriptors up in your own table, or in the context
/// that ws2_32 gives back. If you have neither, use a [`SocketTable`].
///
/// The two calls need no lock of yours. Whatever else touches a socket does: the threads that look at it and record, and
/// the calls that consume and re-enable (L2). A socket has one lock for both; [`guide::provider`] and [`guide::poller`]
/// show how.
///
#[cfg_attr(feature = "std", doc = "[`SocketTable`]: crate::SocketTable")]
#[cfg_attr(feature = "std", doc = "[`guide::provider`]: crate::guide::provider")]
#[cfg_attr(feature = "std", doc = "[`guide::poller`]: crate::guide::poller")]
#[cfg_attr(
    not(feature = "std"),
    doc = "[`SocketTable`]: https://docs.rs/wsp-events/latest/wsp_events/struct.SocketTable.html"
)]
#[cfg_attr(
    not(feature = "std"),
    doc = "[`guide::provider`]: https://docs.rs/wsp-events/latest/wsp_events/guide/provider/index.html"
)]
#[cfg_attr(
    not(feature = "std"),
    doc = "[`guide::poller`]: https://docs.rs/wsp-events/latest/wsp_events/guide/poller/index.html"
)]
///
/// ```
/// use std::collections::HashMap;
/// use std::sync::{Arc, Mutex};
/// use wsp_events::{
///     ManualResetEvent, NetworkEvent, NetworkEventRecorder, NetworkEvents, Provider, SOCKET,
///     SocketRef, SocketTable, WSAEVENT, enum_network_events, event_select,
/// };
///
/// type EventObject = Arc<ManualResetEvent>;
///
/// #[derive(Default)]
/// struct MyProvider {
///     sockets: SocketTable<NetworkEventRecorder<EventObject>>,
///     event_objects: Mutex<HashMap<WSAEVENT, EventObject>>,
/// }
///
/// impl MyProvider {
///     fn event_object(&self, handle: WSAEVENT) -> Option<EventObject> {
///         self.event_objects.lock().unwrap().get(&handle).cloned()
///     }
/// }
///
/// impl Provider for MyProvider {
///     type EventObject = EventObject;
///     type Socket<'a> = SocketRef<NetworkEventRecorder<EventObject>>;
///     type EventObjectToReset<'a> = EventObject;
///
///     fn subsystem_is_up(&self) -> bool {
///         true
///     }
///     fn find_socket(&self, descriptor: SOCKET) -> Option<Self::Socket<'_>> {
///         self.sockets.get(descriptor)
///     }
///     fn recorder_of(
///         socket: &SocketRef<NetworkEventRecorder<EventObject>>,
///     ) -> &NetworkEventRecorder<EventObject> {
///         socket
///     }
///     fn event_object_to_select(&self, handle: WSAEVENT) -> Option<EventObject> {
///         self.event_object(handle)
///     }
///     fn event_object_to_reset(&self, handle: WSAEVENT) -> Option<EventObject> {
///         self.event_object(handle)
///     }
/// }
///
/// let provider = MyProvider::default();
/// let event_object = EventObject::default();
/// provider.event_objects.lock().unwrap().insert(WSAEVENT(4), Arc::clone(&event_object));
/// let s = provider.sockets.insert(NetworkEventRecorder::new())?;
///
/// event_select(&provider, s, WSAEVENT(4), NetworkEvents::FD_ACCEPT)?;
/// provider.sockets.get(s).unwrap().record(NetworkEvent::Accept, Ok(()));
/// event_object.wait();
/// assert_eq!(enum_network_events(&provider, s, WSAEVENT(4))?.to_string(), "FD_ACCEPT: success");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Provider {
    /// What a selection owns: an event object, or a reference that keeps it alive while it is selected (P2).
    type EventObject: EventSignal;

    /// A socket in use by a call. It keeps its record alive, so that a call under way on a socket that is closed never
    /// reaches the record of a later socket (P1, P5).
    type Socket<'a>
    where
        Self: 'a;

    /// An event object to reset. A borrowed handle is enough (E6).
    type EventObjectToReset<'a>: EventSignal
    where
        Self: 'a;

    /// Whether the provider can reach its records. If not, every call fails with WSAENETDOWN (E9). A network that goes
    /// down while the provider lives is an occurrence, recorded like any other.
    fn subsystem_is_up(&self) -> bool;

    /// The socket that a descriptor names; `None` if it names none (E9: WSAENOTSOCK).
    fn find_socket(&self, descriptor: SOCKET) -> Option<Self::Socket<'_>>;

    /// The socket's record. There is one for all descriptors of the socket (P4).
    fn recorder_of<'s>(socket: &'s Self::Socket<'_>)
    -> &'s NetworkEventRecorder<Self::EventObject>;

    /// The event object that a handle names, for a selection to keep; `None` if the handle names no event object that
    /// can be set (S4: WSAEINVAL). Not called with a null handle.
    fn event_object_to_select(&self, handle: WSAEVENT) -> Option<Self::EventObject>;

    /// The event object that a handle names, to be reset once; `None` if the handle names none (E9: WSAEINVAL). Not
    /// called with a null handle.
    fn event_object_to_reset(&self, handle: WSAEVENT) -> Option<Self::EventObjectToReset<'_>>;

    /// Called after a selection was made, or ended (`events` is then empty). The provider makes the socket non-blocking
    /// (S9). A provider with a poller looks, records and arms it again, under the socket's lock, for what
    /// [`interest`](NetworkEventRecorder::interest) says there. By default this does nothing.
    ///
    /// If selections on one socket race, the last call names the events of the selection that stands. There may be more
    /// calls than selections.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use wsp_events::*;
    /// use std::cell::Cell;
    ///
    /// /// A provider of one socket.
    /// #[derive(Default)]
    /// struct MyProvider {
    ///     recorder: NetworkEventRecorder<Arc<ManualResetEvent>>,
    ///     nonblocking: Cell<bool>,
    /// }
    ///
    /// impl Provider for MyProvider {
    /// #   type EventObject = Arc<ManualResetEvent>;
    /// #   type Socket<'a> = &'a Self;
    /// #   type EventObjectToReset<'a> = &'a ManualResetEvent;
    /// #   fn subsystem_is_up(&self) -> bool { true }
    /// #   fn find_socket(&self, _: SOCKET) -> Option<&Self> { Some(self) }
    /// #   fn recorder_of<'s>(s: &'s &Self) -> &'s NetworkEventRecorder<Self::EventObject> { &s.recorder }
    /// #   fn event_object_to_select(&self, _: WSAEVENT) -> Option<Self::EventObject> { None }
    /// #   fn event_object_to_reset(&self, _: WSAEVENT) -> Option<Self::EventObjectToReset<'_>> { None }
    ///     // ...
    ///     fn on_selected(&self, socket: &&Self, _events: NetworkEvents) {
    ///         socket.nonblocking.set(true); // it stays non-blocking, as on Windows
    ///     }
    /// }
    ///
    /// let provider = MyProvider::default();
    /// event_select(&provider, 1, WSAEVENT::NULL, NetworkEvents::empty())?;
    /// assert!(provider.nonblocking.get());
    /// # Ok::<(), ProviderError>(())
    /// ```
    #[expect(unused_variables, reason = "the documentation shows the names")]
    fn on_selected(&self, socket: &Self::Socket<'_>, events: NetworkEvents) {}
}

macro_rules! forward {
    ($($(#[$attribute:meta])* $pointer:ty),*) => {$(
        /// The provider that it points to.
        $(#[$attribute])*
        impl<P: Provider + ?Sized> Provider for $pointer {
            type EventObject = P::EventObject;
            type Socket<'a>
                = P::Socket<'a>
            where
                Self: 'a;
            type EventObjectToReset<'a>
                = P::EventObjectToReset<'a>
            where
                Self: 'a;

            fn subsystem_is_up(&self) -> bool {
                P::subsystem_is_up(self)
            }
            fn find_socket(&self, descriptor: SOCKET) -> Option<Self::Socket<'_>> {
                P::find_socket(self, descriptor)
            }
            fn recorder_of<'s>(
                socket: &'s P::Socket<'_>,
            ) -> &'s NetworkEventRecorder<Self::EventObject> {
                P::recorder_of(socket)
            }
            fn event_object_to_select(&self, handle: WSAEVENT) -> Option<Self::EventObject> {
                P::event_object_to_select(self, handle)
            }
            fn event_object_to_reset(
                &self,
                handle: WSAEVENT,
            ) -> Option<Self::EventObjectToReset<'_>> {
                P::event_object_to_reset(self, handle)
            }
            fn on_selected(&self, socket: &P::Socket<'_>, events: NetworkEvents) {
                P::on_selected(self, socket, events);
            }
        }
    )*};
}

forward!(
    &P,
    #[cfg(feature = "alloc")]
    alloc::sync::Arc<P>
);

/// WSPEventSelect: selects events of a socket, and the event object to set for them (S1 to S9).
///
/// If `events` is empty, the selection ends and the handle is ignored (S3).
///
/// # Errors
///
/// Checked in this order (E9): the subsystem failed; the descriptor is not a socket; the handle is not an event object,
/// or the event object could not be set (S4, S6). The earlier selection stands.
///
/// The example of [`Provider`] runs this call.
///
/// ```
/// # use wsp_events::{NetworkEvents, Provider, ProviderError, SOCKET, WSAEVENT, event_select};
/// fn select_for_a_san<P: Provider>(p: &P, s: SOCKET, event: WSAEVENT) -> Result<(), ProviderError> {
///     event_select(p, s, event, NetworkEvents::FD_ACCEPT | NetworkEvents::FD_CONNECT)
/// }
/// ```
pub fn event_select<P: Provider + ?Sized>(
    provider: &P,
    descriptor: SOCKET,
    event: WSAEVENT,
    events: NetworkEvents,
) -> Result<(), ProviderError> {
    let socket = find(provider, descriptor)?;
    let _replaced = select_for_socket(provider, &socket, event, events)?;
    tell_selection(provider, &socket, events);
    Ok(())
}

/// The selection, after [`find`]. Returns the event object that was replaced, because dropping it runs foreign code.
pub(crate) fn select_for_socket<P: Provider + ?Sized>(
    provider: &P,
    socket: &P::Socket<'_>,
    event: WSAEVENT,
    events: NetworkEvents,
) -> Result<Option<P::EventObject>, ProviderError> {
    let events = events & NetworkEvents::FD_ALL_EVENTS;
    let signal = if events.is_empty() {
        None
    } else {
        let signal = (!event.is_null()).then(|| provider.event_object_to_select(event)).flatten();
        Some(signal.ok_or(ProviderError::InvalidEventObject)?)
    };
    Ok(P::recorder_of(socket).replace_selection(events, signal)?)
}

/// Tells the provider of a selection (S9). It may be told of two concurrent selections in the wrong order. So each
/// checks afterwards whether what it has told still stands, and the last call is right.
pub(crate) fn tell_selection<P: Provider + ?Sized>(
    provider: &P,
    socket: &P::Socket<'_>,
    events: NetworkEvents,
) {
    let mut told = events & NetworkEvents::FD_ALL_EVENTS;
    loop {
        provider.on_selected(socket, told);
        match P::recorder_of(socket).selection_that_stands() {
            stands if stands == told => return,
            stands => told = stands,
        }
    }
}

/// WSPEnumNetworkEvents: takes the report of a socket and resets an event object (E1 to E9). A null
/// handle resets none (E6).
///
/// # Errors
///
/// Checked in this order (E9): the subsystem failed; the descriptor is not a socket; the handle is not an event object,
/// or it could not be reset. Nothing has changed (E7).
///
/// The example of [`Provider`] runs this call.
///
/// ```
/// # use wsp_events::{Provider, ProviderError, Report, SOCKET, WSAEVENT, enum_network_events};
/// fn take_without_reset<P: Provider>(p: &P, s: SOCKET) -> Result<Report, ProviderError> {
///     enum_network_events(p, s, WSAEVENT::NULL)
/// }
/// ```
pub fn enum_network_events<P: Provider + ?Sized>(
    provider: &P,
    descriptor: SOCKET,
    event: WSAEVENT,
) -> Result<Report, ProviderError> {
    let socket = find(provider, descriptor)?;
    enumerate_socket(provider, &socket, event, |_| Ok(()))
}

/// As [`enum_network_events`], and hands the report to `deliver` before it is final: to a guest's memory, or to a user's
/// buffer seen from a kernel. If that fails or panics, the report was never taken (E7). The delivery comes before the
/// reset of the event object, which may serve other sockets too.
///
/// # Errors
///
/// Those of [`enum_network_events`], in the same order; what `deliver` answers; last, that the event object could not be
/// reset (what was delivered does not count then). Nothing has changed, and what was put back is signaled again.
///
/// ```
/// # use wsp_events::{Provider, SOCKET, WSAEVENT, WsaError, enum_network_events_with};
/// /// For a 32-bit guest: the mask goes to its memory, which may not be there.
/// fn mask_to_guest<P: Provider>(
///     provider: &P,
///     s: u32,
///     event: u32,
///     memory: Option<&mut [u8; 4]>,
/// ) -> Result<(), WsaError> {
///     enum_network_events_with(provider, s as SOCKET, WSAEVENT::from(event), |report| {
///         *memory.ok_or(WsaError::WSAEFAULT)? = report.events().mask().to_le_bytes();
///         Ok::<_, WsaError>(()) // the error is what `?` converts the others into
///     })?;
///     Ok(())
/// }
/// ```
pub fn enum_network_events_with<P: Provider + ?Sized, F: From<ProviderError>>(
    provider: &P,
    descriptor: SOCKET,
    event: WSAEVENT,
    deliver: impl FnOnce(&Report) -> Result<(), F>,
) -> Result<Report, F> {
    let socket = find(provider, descriptor)?;
    enumerate_socket(provider, &socket, event, deliver)
}

/// The first checks of both calls (E9).
pub(crate) fn find<P: Provider + ?Sized>(
    provider: &P,
    descriptor: SOCKET,
) -> Result<P::Socket<'_>, ProviderError> {
    if !provider.subsystem_is_up() {
        return Err(ProviderError::SubsystemFailed);
    }
    provider.find_socket(descriptor).ok_or(ProviderError::NotASocket)
}

/// The enumeration, after [`find`].
pub(crate) fn enumerate_socket<P: Provider + ?Sized, F: From<ProviderError>>(
    provider: &P,
    socket: &P::Socket<'_>,
    event: WSAEVENT,
    deliver: impl FnOnce(&Report) -> Result<(), F>,
) -> Result<Report, F> {
    let reset = if event.is_null() {
        None
    } else {
        let event =
            provider.event_object_to_reset(event).ok_or(ProviderError::InvalidEventObject)?;
        // The event object is dropped before the report is final: if the drop panics, nothing was taken (E7).
        Some(move || event.reset_event())
    };
    let failed = |error: RecorderError| ProviderError::from(error).into();
    P::recorder_of(socket).enumerate_in_steps(deliver, reset, failed)
}
