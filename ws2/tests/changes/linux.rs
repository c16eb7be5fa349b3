//! On Linux the kernel notifies of changes.

use std::fs;
use std::net::Ipv6Addr;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use socket2::{Domain, Type};
use ws2::{Change, Winsock};
use wsp_events::{
    EventSignal, ManualResetEvent, NetworkEvents, Provider, ReenablingCall, SOCKET, SignalError,
    WSAEVENT, WsaError, enum_network_events, event_select,
};

use crate::namespace;
use crate::winsock;

const ADDRESSES: &str = "FD_ADDRESS_LIST_CHANGE: success";
const ROUTES: &str = "FD_ROUTING_INTERFACE_CHANGE: success";
const BOTH: &str = "FD_ROUTING_INTERFACE_CHANGE: success, FD_ADDRESS_LIST_CHANGE: success";
const NOTHING: &str = "no network events";

const A_ROUTE: [u8; 4] = [10, 9, 0, 0];
const V6: [u8; 16] = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 1).octets();

/// Only a test that fails waits that long.
const LIMIT: Duration = Duration::from_secs(20);

#[track_caller]
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + LIMIT;
    while !holds() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// A socket that has selected everything.
struct Selected<'a> {
    winsock: &'a Winsock,
    s: SOCKET,
    object: Arc<ManualResetEvent>,
    event: WSAEVENT,
}

impl<'a> Selected<'a> {
    fn new(winsock: &'a Winsock, family: Domain) -> Self {
        let s = winsock.create_socket(family, Type::STREAM).unwrap();
        let object = Arc::new(ManualResetEvent::new());
        let event = winsock.handles().insert_signal(Arc::clone(&object) as _).unwrap();
        event_select(winsock, s, event, NetworkEvents::all()).unwrap();
        Self { winsock, s, object, event }
    }

    #[track_caller]
    fn ask(&self, what: Change) {
        let answer = self.winsock.await_change(self.s, what);
        assert_eq!(answer, Err(WsaError::WSAEWOULDBLOCK));
    }

    /// What is reported once every notification of the kernel has been handled. The event object agrees with it.
    #[track_caller]
    fn report(&self) -> String {
        self.winsock.pump();
        let is_set = self.object.is_set();
        let report = enum_network_events(self.winsock, self.s, self.event).unwrap().to_string();
        assert_eq!(is_set, report != NOTHING, "the event object and the report: {report}");
        report
    }
}

/// A blocking call on another thread. It has asked when `start` returns.
struct Waits {
    may_return: Arc<AtomicBool>,
    thread: JoinHandle<Result<(), WsaError>>,
}

impl Waits {
    fn start(winsock: &Arc<Winsock>, s: SOCKET, what: Change) -> Self {
        let may_return = Arc::new(AtomicBool::new(false));
        let thread = thread::spawn({
            let (winsock, may_return) = (Arc::clone(winsock), Arc::clone(&may_return));
            move || {
                let answer = winsock.await_change(s, what);
                assert!(may_return.load(SeqCst), "it has returned too early");
                answer
            }
        });
        let event = match what {
            Change::AddressList => NetworkEvents::FD_ADDRESS_LIST_CHANGE,
            Change::Routing => NetworkEvents::FD_ROUTING_INTERFACE_CHANGE,
        };
        let socket = winsock.find_socket(s).unwrap();
        until("it asks", || !Winsock::recorder_of(&socket).latched().contains(event));
        Self { may_return, thread }
    }

    fn may_return(&self) {
        self.may_return.store(true, SeqCst);
    }

    #[track_caller]
    fn answer(self) -> Result<(), WsaError> {
        until("it returns", || self.thread.is_finished());
        self.thread.join().unwrap()
    }
}

/// An event object that holds up the thread that sets it, until this is dropped.
struct HoldsUp {
    signal: Arc<Door>,
    entered: Receiver<()>,
    _opener: Sender<()>,
}

struct Door {
    entered: Mutex<Sender<()>>,
    opened: Mutex<Receiver<()>>,
}

impl HoldsUp {
    fn new() -> Self {
        let (entering, entered) = mpsc::channel();
        let (_opener, opened) = mpsc::channel();
        let signal = Arc::new(Door { entered: Mutex::new(entering), opened: Mutex::new(opened) });
        Self { signal, entered, _opener }
    }

    fn select(&self, winsock: &Winsock, s: SOCKET) {
        let event = winsock.handles().insert_signal(Arc::clone(&self.signal) as _).unwrap();
        event_select(winsock, s, event, NetworkEvents::all()).unwrap();
    }

    #[track_caller]
    fn wait(&self) {
        self.entered.recv_timeout(LIMIT).expect("a thread sets the event object");
    }
}

impl EventSignal for Door {
    fn set_event(&self) -> Result<(), SignalError> {
        let _ended = self.entered.lock().unwrap().send(());
        let _opened = self.opened.lock().unwrap().recv();
        Ok(())
    }

    fn reset_event(&self) -> Result<(), SignalError> {
        Ok(())
    }
}

macro_rules! in_a_namespace {
    ($(fn $name:ident($namespace:ident) $body:block)*) => {$(
        #[test]
        fn $name() {
            namespace::run(concat!("linux::", stringify!($name)), |$namespace| $body);
        }
    )*};
}

in_a_namespace! {
    // L3.
    fn a_program_that_has_not_asked_is_not_notified(namespace) {
        let winsock = winsock();
        let [silent, asks] = [(); 2].map(|()| Selected::new(&winsock, Domain::IPV4));
        asks.ask(Change::AddressList);
        asks.ask(Change::Routing);
        namespace.set_up(true);
        assert_eq!(asks.report(), BOTH);
        assert_eq!(silent.report(), NOTHING);
    }

    // L1, L3.
    fn a_change_is_reported_once_until_the_program_asks_again(namespace) {
        let winsock = winsock();
        let s = Selected::new(&winsock, Domain::IPV4);
        for round in 1..4 {
            s.ask(Change::AddressList);
            namespace.add_address(&[10, 0, round, 1]);
            assert_eq!(s.report(), ADDRESSES);
            namespace.add_address(&[10, 0, round, 2]);
            assert_eq!(s.report(), NOTHING);
        }
    }

    fn a_change_before_the_question_is_not_reported(namespace) {
        let winsock = winsock();
        let s = Selected::new(&winsock, Domain::IPV4);
        // In most rounds the program asks before the poller's thread has learned of the earlier change.
        for _ in 0..100 {
            namespace.set_up(true);
            s.ask(Change::Routing);
            assert_eq!(s.report(), NOTHING);
            namespace.set_up(false);
            assert_eq!(s.report(), ROUTES);
        }
    }

    fn each_family_has_its_own_changes(namespace) {
        let winsock = winsock();
        namespace.set_up(true);
        let [v4, v6] = [Domain::IPV4, Domain::IPV6].map(|it| Selected::new(&winsock, it));
        let reports = |change: &dyn Fn()| {
            for s in [&v4, &v6] {
                s.ask(Change::AddressList);
                s.ask(Change::Routing);
            }
            change();
            [v4.report(), v6.report()]
        };
        assert_eq!(reports(&|| namespace.add_route(&A_ROUTE)), [ROUTES, NOTHING]);
        assert_eq!(reports(&|| namespace.remove_route(&A_ROUTE)), [ROUTES, NOTHING]);
        assert_eq!(reports(&|| namespace.add_address(&[10, 0, 0, 1])), [BOTH, NOTHING]);
        assert_eq!(reports(&|| namespace.add_route(&V6)), [NOTHING, ROUTES]);
        assert_eq!(reports(&|| namespace.remove_route(&V6)), [NOTHING, ROUTES]);
        // On a link that is down, addresses of IPv4 stay.
        assert_eq!(reports(&|| namespace.set_up(false)), [ROUTES, BOTH]);
        assert_eq!(reports(&|| namespace.set_up(true)), [ROUTES, BOTH]);
        // Its further notifications come later, so this is the last step.
        let [v4, v6] = reports(&|| namespace.add_address(&V6));
        assert!(v4 == NOTHING && v6.contains(ADDRESSES), "{v4}; {v6}");
    }

    fn a_blocking_call_waits_for_the_change_that_it_names(namespace) {
        let winsock = Arc::new(winsock());
        let s = winsock.create_socket(Domain::IPV4, Type::DGRAM).unwrap();
        let waits = Waits::start(&winsock, s, Change::AddressList);
        for _ in 0..200 {
            namespace.add_route(&A_ROUTE);
            namespace.remove_route(&A_ROUTE);
            winsock.pump();
        }
        waits.may_return();
        namespace.add_address(&[10, 0, 0, 1]);
        assert_eq!(waits.answer(), Ok(()));
    }

    // The change is reported, and the program has asked again, before the waiting thread looks.
    fn a_blocking_call_waits_beside_the_record(namespace) {
        let winsock = Arc::new(winsock());
        let s = winsock.create_socket(Domain::IPV4, Type::DGRAM).unwrap();
        let waits = Waits::start(&winsock, s, Change::AddressList);
        waits.may_return();
        let holds_up = HoldsUp::new();
        holds_up.select(&winsock, s);
        let socket = winsock.find_socket(s).unwrap();
        namespace.add_address(&[10, 0, 0, 1]);
        holds_up.wait();
        let report = Winsock::recorder_of(&socket).enumerate().unwrap();
        assert_eq!(report.to_string(), ADDRESSES);
        winsock.reenable(s, ReenablingCall::AddressListChange).unwrap();
        drop(holds_up);
        assert_eq!(waits.answer(), Ok(()));
    }

    fn closing_while_a_call_waits_is_wsaeintr(_namespace) {
        let winsock = Arc::new(winsock());
        let s = winsock.create_socket(Domain::IPV4, Type::DGRAM).unwrap();
        let waits = Waits::start(&winsock, s, Change::Routing);
        waits.may_return();
        winsock.close_socket(s).unwrap();
        assert_eq!(waits.answer(), Err(WsaError::WSAEINTR));
    }

    // V4.
    fn a_network_that_goes_down_is_reported_as_an_error(_namespace) {
        let winsock = Arc::new(winsock());
        let selected = Selected::new(&winsock, Domain::IPV4);
        selected.ask(Change::Routing);
        let s = winsock.create_socket(Domain::IPV4, Type::DGRAM).unwrap();
        let waits = Waits::start(&winsock, s, Change::AddressList);
        waits.may_return();
        winsock.network_down();
        assert_eq!(waits.answer(), Err(WsaError::WSAENETDOWN));
        assert_eq!(selected.report(), "FD_ROUTING_INTERFACE_CHANGE: WSAENETDOWN (10050)");
    }

    // While the poller's thread is held up, there are more changes than the kernel has room to notify.
    fn a_change_whose_notification_is_lost_is_reported(namespace) {
        let winsock = winsock();
        let [asks, other] = [(); 2].map(|()| Selected::new(&winsock, Domain::IPV4));
        let holds_up = HoldsUp::new();
        holds_up.select(&winsock, other.s);
        asks.ask(Change::AddressList);
        other.ask(Change::Routing);
        namespace.add_route(&A_ROUTE);
        holds_up.wait();
        for _ in 0..1000 {
            namespace.remove_route(&A_ROUTE);
            namespace.add_route(&A_ROUTE);
        }
        namespace.add_address(&[10, 0, 0, 1]);
        drop(holds_up);
        assert_eq!(asks.report(), ADDRESSES);
    }

    fn no_descriptor_is_left(_namespace) {
        let descriptors = || fs::read_dir("/proc/self/fd").unwrap().count();
        let winsock = winsock();
        let before = descriptors();
        let selected = Selected::new(&winsock, Domain::IPV4);
        let unwatched = descriptors();
        selected.ask(Change::Routing);
        let watched = descriptors();
        selected.ask(Change::AddressList);
        assert!(watched > unwatched && watched == descriptors(), "there is one watch");
        winsock.shut_down();
        assert_eq!(descriptors(), before);
    }
}
