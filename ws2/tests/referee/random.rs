//! Random scripts. proptest makes and shrinks a list of moves. Each move becomes the operation that makes sense at
//! its place, or none. The scripts keep clear of what `exceptions` lists, and of what no program can rely on.

use std::cell::Cell;
use std::fmt::Write;
use std::time::{Duration, Instant};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};
use wsp_events::NetworkEvents;

use crate::referee::{GRACE, compare_but_for_r4};
use crate::scripts::script::{
    ACCEPT, CLOSE, CONNECT, Handle, Late, NO_SOCKET, NONE, OOB, Op, Port, READ, WRITE,
};
use crate::scripts::world::LIMIT;

/// How long the scripts may take together, on however slow a machine.
const BUDGET: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, Debug)]
enum Kind {
    Create,
    Select,
    Deselect,
    Enumerate,
    EnumerateWhile,
    NoSocket,
    App,
    Close,
    /// The peer does something.
    Peer,
    /// The program receives, sends, accepts, or connects.
    Use,
}

#[derive(Clone, Copy, Debug)]
struct Move {
    kind: Kind,
    /// Which socket.
    at: usize,
    /// Which operation of this kind.
    which: usize,
    events: NetworkEvents,
    e: Handle,
}

impl Move {
    fn null_or_bad(self) -> Handle {
        if self.which.is_multiple_of(2) { Handle::Null } else { Handle::Bad }
    }
}

fn a_move() -> impl Strategy<Value = Move> {
    let kind = prop_oneof![
        8 => Just(Kind::Enumerate),
        8 => Just(Kind::Peer),
        8 => Just(Kind::Use),
        4 => Just(Kind::Select),
        3 => Just(Kind::EnumerateWhile),
        2 => Just(Kind::Create),
        1 => Just(Kind::Deselect),
        1 => Just(Kind::NoSocket),
        1 => Just(Kind::App),
        1 => Just(Kind::Close),
    ];
    let event = prop_oneof![
        6 => Just(Handle::E),
        3 => Just(Handle::F),
        1 => Just(Handle::Null),
        1 => Just(Handle::Bad),
    ];
    let flags = vec(prop::bool::weighted(0.6), 7);
    (kind, 0..8_usize, 0..12_usize, flags, event).prop_map(|(kind, at, which, flags, e)| {
        let unknown = NetworkEvents::from_bits_retain(0x400);
        let all = [READ, WRITE, OOB, ACCEPT, CONNECT, CLOSE, unknown];
        let chosen = all.into_iter().zip(flags).filter(|(_, chosen)| *chosen);
        let events = chosen.map(|(event, _)| event).collect();
        Move { kind, at, which, events, e }
    })
}

/// What the planner knows of a socket.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    what: What,
    /// How many connections wait.
    waiting: usize,
    /// Out-of-band data was sent, and can be received.
    oob_waits: bool,
    /// Out-of-band data was sent at some time.
    oob_sent: bool,
    unheard: bool,
    peer_closed: bool,
    /// FD_OOB is selected.
    oob_selected: bool,
}

impl Known {
    /// Only if FD_OOB is selected (an exception to R1), and only once: what a second byte does to the first
    /// depends on the system.
    fn can_have_oob(&self) -> bool {
        self.oob_selected && !self.oob_sent && !self.peer_closed
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum What {
    /// It can no longer be connected.
    #[default]
    Idle,
    Unconnected,
    Listener,
    Stream,
    /// Closed, and its descriptor is not in use again.
    Closed,
    Gone,
}

#[derive(Default)]
struct Planner {
    script: Vec<Op>,
    sockets: Vec<Known>,
    closed_events: [bool; 2],
    filled: bool,
}

fn plan(moves: &[Move]) -> Vec<Op> {
    let mut planner = Planner::default();
    for it in moves {
        planner.make(it);
    }
    planner.script
}

impl Planner {
    fn make(&mut self, it: &Move) {
        if self.sockets.is_empty() || matches!(it.kind, Kind::Create) {
            return self.create(it);
        }
        let s = it.at % self.sockets.len();
        let known = self.sockets[s];
        if known.what == What::Gone {
            return;
        }
        let closed = known.what == What::Closed;
        match it.kind {
            Kind::Create => unreachable!("has been made"),
            Kind::Select => {
                // A zero mask with a bad handle is an exception to S3.
                let nothing = (it.events & NetworkEvents::all()).is_empty();
                let Some(e) = self.open(it.e).filter(|&e| !nothing || e != Handle::Bad) else {
                    return;
                };
                if nothing || e.index().is_some() {
                    self.sockets[s].oob_selected = it.events.contains(OOB);
                }
                self.script.push(Op::Select(s, it.events, e));
            }
            Kind::Deselect => {
                self.sockets[s].oob_selected = false;
                self.script.push(Op::Select(s, NONE, Handle::Null));
            }
            Kind::Enumerate if closed => {
                // An event object would be an exception to E7.
                self.script.push(Op::Enumerate(s, it.null_or_bad()));
            }
            // A bad event object is an exception to E7.
            Kind::Enumerate => match self.open(it.e) {
                None | Some(Handle::Bad) => {}
                Some(e) => self.script.push(Op::Enumerate(s, e)),
            },
            Kind::EnumerateWhile => self.enumerate_while(s, it),
            Kind::NoSocket => {
                let e = it.null_or_bad();
                self.script.push(match it.which % 3 {
                    0 => Op::Enumerate(NO_SOCKET, e),
                    1 => Op::EnumerateToNull(NO_SOCKET, e),
                    _ => Op::Select(NO_SOCKET, it.events, e),
                });
            }
            Kind::App => {
                let e = if it.e == Handle::F { Handle::F } else { Handle::E };
                match it.which {
                    0..5 => self.script.push(Op::AppResets(e)),
                    5..9 => self.script.push(Op::AppSets(e)),
                    _ if self.open(e).is_none() => {}
                    _ => {
                        self.closed_events[e as usize] = true;
                        self.script.push(Op::CloseEvent(e));
                    }
                }
            }
            Kind::Close if closed => {}
            Kind::Close => {
                self.sockets[s].what = What::Closed;
                self.script.push(Op::CloseSocket(s));
            }
            Kind::Peer => self.peer(s, it),
            Kind::Use => self.use_socket(s, it),
        }
    }

    /// The handle, unless the application has closed it.
    fn open(&self, e: Handle) -> Option<Handle> {
        Some(e).filter(|e| e.index().is_none_or(|at| !self.closed_events[at]))
    }

    /// Something was opened. It may have got the descriptor of a closed socket.
    fn opened(&mut self) {
        for known in self.sockets.iter_mut().filter(|known| known.what == What::Closed) {
            known.what = What::Gone;
        }
    }

    fn create(&mut self, it: &Move) {
        if self.sockets.len() >= 4 {
            return;
        }
        let (op, what) = match it.which {
            0..4 => (Op::NewListener, What::Listener),
            4..9 => (Op::NewConnected, What::Stream),
            9 => (Op::NewRefused, What::Idle),
            _ => (Op::NewSocket, What::Unconnected),
        };
        self.opened();
        self.script.push(op);
        self.sockets.push(Known { what, ..Known::default() });
        // Otherwise too many scripts would show nothing.
        if let Some(e) = self.open(it.e).filter(|e| it.at > 0 && e.index().is_some()) {
            let s = self.sockets.len() - 1;
            self.sockets[s].oob_selected = it.events.contains(OOB);
            self.script.push(Op::Select(s, it.events, e));
        }
    }

    fn enumerate_while(&mut self, s: usize, it: &Move) {
        let known = self.sockets[s];
        let Some(e) = self.open(it.e).filter(|e| e.index().is_some()) else {
            return;
        };
        let late = match known.what {
            What::Listener if known.waiting < 3 => Late::Connection,
            What::Stream if it.which.is_multiple_of(3) && known.can_have_oob() => Late::OobData,
            What::Stream if !known.peer_closed => Late::Data,
            _ => return,
        };
        let known = &mut self.sockets[s];
        match late {
            Late::Connection => {
                known.waiting += 1;
                self.opened();
            }
            Late::Data => {}
            Late::OobData => (known.oob_sent, known.oob_waits) = (true, true),
        }
        self.script.push(Op::EnumerateWhile(s, e, late));
    }

    fn peer(&mut self, s: usize, it: &Move) {
        let known = &mut self.sockets[s];
        match (known.what, it.which) {
            (What::Listener, _) if known.waiting < 3 => {
                known.waiting += 1;
                self.opened();
                self.script.push(Op::PeerConnects(s));
            }
            (What::Stream, _) if known.peer_closed => {}
            (What::Stream, 0..6) => {
                let n = it.which % 3 + 1;
                self.script.push(Op::PeerSends(s, n));
            }
            (What::Stream, 6..8) if known.can_have_oob() => {
                (known.oob_sent, known.oob_waits) = (true, true);
                self.script.push(Op::PeerSendsOob(s));
            }
            // The end after out-of-band data is an exception to R1.
            (What::Stream, 8..) if !known.oob_sent => {
                known.peer_closed = true;
                // A peer that closes with unread data resets the connection.
                if known.unheard {
                    self.script.push(Op::PeerDrains(s));
                }
                self.script.push(if it.which.is_multiple_of(2) {
                    Op::PeerCloses(s)
                } else {
                    Op::PeerShutsDown(s)
                });
            }
            _ => {}
        }
    }

    fn use_socket(&mut self, s: usize, it: &Move) {
        let n = it.which % 4 + 1;
        let known = &mut self.sockets[s];
        match (known.what, it.which) {
            (What::Listener, _) => {
                let accepted = if known.waiting > 0 { What::Stream } else { What::Gone };
                known.waiting = known.waiting.saturating_sub(1);
                // S8.
                let oob_selected = known.oob_selected;
                self.opened();
                self.script.push(Op::Accept(s));
                self.sockets.push(Known { what: accepted, oob_selected, ..Known::default() });
            }
            (What::Unconnected, _) => {
                let port = if it.which.is_multiple_of(2) { Port::Open } else { Port::Closed };
                known.what = if port == Port::Open { What::Stream } else { What::Idle };
                self.opened();
                self.script.push(Op::Connect(s, port));
            }
            (What::Stream, 0..6) => {
                // It may go past out-of-band data, which some systems then drop: an exception to L3.
                known.oob_waits = false;
                self.script.push(Op::Recv(s, n));
            }
            (What::Stream, 6..8) => self.script.push(Op::Peek(s, n)),
            // A peer that is gone would answer with a reset.
            (What::Stream, 8..10) if !known.peer_closed => {
                known.unheard = true;
                self.script.push(Op::Send(s, n));
            }
            (What::Stream, 10) if known.oob_waits => {
                known.oob_waits = false;
                self.script.push(Op::RecvOob(s));
            }
            (What::Stream, 11) if !known.peer_closed && !self.filled => {
                self.filled = true;
                known.unheard = false;
                self.script.push(Op::FillAndDrain(s));
            }
            _ => {}
        }
    }
}

fn listed(script: &[Op]) -> String {
    script.iter().enumerate().fold(String::new(), |mut list, (at, op)| {
        writeln!(list, "    {:2}  {op:?}", at + 1).unwrap();
        list
    })
}

/// Catches what the fixed scripts do not think of: hundreds of scripts, none written by hand.
#[test]
fn e1_random_scripts_agree() {
    let from_environment = Config::default();
    let mut runner = TestRunner::new(Config {
        cases: match std::env::var_os("PROPTEST_CASES") {
            Some(_) => from_environment.cases,
            None => 300,
        },
        source_file: Some(file!()),
        max_shrink_time: 20_000,
        ..from_environment
    });
    let begun = Instant::now();
    let (scripts, steps, reports) = (Cell::new(0), Cell::new(0), Cell::new(0));
    let patience = Cell::new(LIMIT);
    let result = runner.run(&vec(a_move(), 4..40), |moves| {
        if begun.elapsed() > BUDGET && std::env::var_os("PROPTEST_CASES").is_none() {
            return Ok(());
        }
        let script = plan(&moves);
        let trace = compare_but_for_r4(&script, patience.get()).map_err(|difference| {
            // Shrinking tries many scripts that differ.
            patience.set(GRACE);
            TestCaseError::fail(format!("{difference}\nof this script:\n{}", listed(&script)))
        })?;
        scripts.set(scripts.get() + 1);
        steps.set(steps.get() + trace.len());
        let with_events = trace.iter().filter(|seen| seen.call.contains("FD_")).count();
        reports.set(reports.get() + with_events);
        Ok(())
    });
    let (scripts, steps, reports) = (scripts.get(), steps.get(), reports.get());
    println!("{scripts} scripts, {steps} steps, {reports} reports with events in them");
    match result {
        Ok(()) => {}
        // The reason contains the script, one step per line.
        Err(TestError::Fail(reason, _)) => panic!("{reason}"),
        Err(failure) => panic!("{failure}"),
    }
    assert!(reports > scripts / 2, "the scripts show too little");
}
