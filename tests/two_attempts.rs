//! L2, R9 over real sockets: what is reported is the outcome of the last attempt to connect. Beside the right order
//! stands the wrong one, which reports the outcome of the attempt before. The models of tests/loom/locked.rs show the
//! same through every schedule; here the operating system and its poller take part.
//!
//! Not on Windows, which takes two seconds to refuse a connection.
#![cfg(all(feature = "std", unix, not(wsp_loom), not(wsp_shuttle)))]

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use polling::{Event, Events, Poller};
use socket2::{Domain, Socket, Type};
use wsp_events::{ManualResetEvent, NetworkEvent, NetworkEventRecorder, NetworkEvents};
use wsp_events::{ReenablingCall, Unsignaled, WsaError};

/// In the right order.
const ROUNDS: usize = 5_000;
/// The provider's thread yields so often between look and record.
const YIELDS: usize = 10;
/// More than anything takes, even on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);

type Outcome = Result<(), WsaError>;

#[derive(Clone, Copy)]
enum Order {
    /// Look and record under one lock.
    OneStep,
    /// Look under the lock, record without it: when the next attempt has begun.
    TwoSteps,
}

/// A socket of the provider that connects again and again.
struct Connecting<'a> {
    recorder: NetworkEventRecorder<&'a ManualResetEvent>,
    poller: Poller,
    attempt: Mutex<Attempt>,
    /// How far the wrong order is.
    step: AtomicUsize,
    stopped: AtomicBool,
}

const LOOKED: usize = 1;
const BEGUN: usize = 2;

/// The last attempt to connect.
#[derive(Default)]
struct Attempt {
    socket: Option<Socket>,
    /// The operating system tells an error once.
    outcome: Option<Outcome>,
}

impl Attempt {
    fn look(&mut self) -> Option<Outcome> {
        if let (Some(socket), None) = (&self.socket, self.outcome) {
            self.outcome = match socket.take_error().unwrap() {
                Some(error) => Some(Err(error.into())),
                None => socket.peer_addr().is_ok().then_some(Ok(())),
            };
        }
        self.outcome
    }
}

impl Connecting<'_> {
    fn lock(&self) -> MutexGuard<'_, Attempt> {
        self.attempt.lock().unwrap()
    }

    /// The provider's thread.
    fn run(&self, order: Order) {
        let mut ready = Events::new();
        while !self.stopped.load(Ordering::Acquire) {
            self.poller.wait(&mut ready, Some(LIMIT)).unwrap();
            if !ready.is_empty() {
                self.ready(order);
            }
            ready.clear();
        }
    }

    /// The poller says that an attempt has ended.
    fn ready(&self, order: Order) {
        let mut attempt = self.lock();
        let outcome = attempt.look();
        let lock = match (order, outcome) {
            (Order::TwoSteps, Some(Err(_))) => {
                drop(attempt);
                self.step.store(LOOKED, Ordering::Release);
                self.wait_for_step(BEGUN);
                None
            }
            _ => {
                (0..YIELDS).for_each(|_| thread::yield_now());
                Some(attempt)
            }
        };
        let recorded = outcome.map(|it| self.recorder.record_unsignaled(NetworkEvent::Connect, it));
        drop(lock);
        recorded.map(Unsignaled::signal);
    }

    /// WSPConnect.
    fn connect(&self, peer: SocketAddr) {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.set_nonblocking(true).unwrap();
        socket.set_linger(Some(Duration::ZERO)).unwrap(); // so that 5,000 rounds do not use up the ports
        let mut attempt = self.lock();
        self.recorder.reenable_for(ReenablingCall::Connect);
        self.drop_attempt(&mut attempt);
        attempt.outcome = match socket.connect(&peer.into()).map_err(WsaError::from) {
            Ok(()) | Err(WsaError::WSAEINPROGRESS | WsaError::WSAEWOULDBLOCK) => None,
            refused => Some(refused), // some systems tell so at once on loopback
        };
        // SAFETY: `drop_attempt` takes it out of the poller before it is dropped.
        unsafe { self.poller.add(&socket, Event::writable(0)) }.unwrap();
        attempt.socket = Some(socket);
    }

    fn drop_attempt(&self, attempt: &mut Attempt) {
        if let Some(socket) = &attempt.socket {
            self.poller.delete(socket).unwrap();
        }
        *attempt = Attempt::default();
    }

    /// The end of an attempt by other means than the record, as a blocking wait learns it.
    fn wait_for_outcome(&self) -> Outcome {
        wait_until(|| self.lock().look())
    }

    fn wait_for_step(&self, step: usize) {
        wait_until(|| (self.step.load(Ordering::Acquire) == step).then_some(()));
    }

    /// The application's wait for FD_CONNECT.
    fn wait_for_report(&self, event: &ManualResetEvent) -> Outcome {
        loop {
            assert!(event.wait_timeout(LIMIT), "the outcome is never reported");
            let report = self.recorder.enumerate_and_reset(event).unwrap();
            if let Some(outcome) = report.outcome(NetworkEvent::Connect) {
                return outcome;
            }
        }
    }
}

fn wait_until<T>(look: impl Fn() -> Option<T>) -> T {
    let from = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(from.elapsed() < LIMIT, "it never happens");
        thread::yield_now();
    }
}

/// Stops the provider's thread, also if a round panics.
struct Stop<'a>(&'a Connecting<'a>);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.stopped.store(true, Ordering::Release);
        self.0.poller.notify().unwrap();
    }
}

/// In each round an attempt is refused, and the next one succeeds. The reports that are not of the last attempt.
fn wrong_reports(order: Order, rounds: usize) -> usize {
    let event = ManualResetEvent::new();
    let connecting = Connecting {
        recorder: NetworkEventRecorder::with_latching(NetworkEvents::LATCHING_FOR_CONDITIONS),
        poller: Poller::new().unwrap(),
        attempt: Mutex::default(),
        step: AtomicUsize::new(0),
        stopped: AtomicBool::new(false),
    };
    connecting.recorder.select(NetworkEvents::FD_CONNECT, &event).unwrap();

    let bound = || {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
        let address = socket.local_addr().unwrap().as_socket().unwrap();
        (socket, address)
    };
    let (_keeps_the_port, closed) = bound();
    let (listener, open) = bound();
    listener.listen(8).unwrap();

    thread::scope(|scope| {
        scope.spawn(|| connecting.run(order));
        let _stop = Stop(&connecting);
        (0..rounds)
            .filter(|_| {
                connecting.connect(closed);
                assert_eq!(connecting.wait_for_outcome(), Err(WsaError::WSAECONNREFUSED));
                if let Order::TwoSteps = order {
                    connecting.wait_for_step(LOOKED);
                }
                connecting.connect(open);
                connecting.step.store(BEGUN, Ordering::Release);
                let reported = connecting.wait_for_report(&event);
                let last = connecting.wait_for_outcome();
                assert_eq!(last, Ok(()));

                let accepted = listener.accept().unwrap().0;
                accepted.set_linger(Some(Duration::ZERO)).unwrap();
                let mut attempt = connecting.lock();
                connecting.drop_attempt(&mut attempt);
                connecting.recorder.renew(); // R8
                reported != last
            })
            .count()
    })
}

#[test]
fn r9_only_the_last_attempt_is_reported() {
    assert_eq!(wrong_reports(Order::OneStep, ROUNDS), 0);
}

/// The mistake on purpose.
#[test]
fn l2_recording_outside_the_lock_reports_an_earlier_attempt() {
    assert_eq!(wrong_reports(Order::TwoSteps, 1), 1);
}
