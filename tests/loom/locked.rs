//! Models of a provider with a lock of its own, which records in two steps (R9): look and record under the lock,
//! signal after it. Beside each right order stands the wrong one, and what goes wrong in it.

use super::*;

/// A provider's socket: what a receive finds, or how the last attempt to connect ended.
struct Socket {
    recorder: Recorder,
    state: Mutex<State>,
    /// What a one-shot poller has been told to watch for.
    armed: Mutex<NetworkEvents>,
}

#[derive(Default)]
struct State {
    queued: u32,
    connected: Option<Result<(), WsaError>>,
}

impl State {
    fn holds(&self, event: NetworkEvent) -> Option<Result<(), WsaError>> {
        match event {
            Read => (self.queued > 0).then_some(OK),
            _ => self.connected,
        }
    }
}

impl Socket {
    fn new(world: &Arc<World>, event: NetworkEvent) -> (Arc<Self>, Arc<Event>) {
        let object = world.event_object();
        let recorder = Recorder::with_latching(NetworkEvents::LATCHING_FOR_CONDITIONS);
        recorder.select(event.flag(), Arc::clone(&object)).unwrap();
        world.let_others_reset(&object);
        let (state, armed) = (Mutex::default(), Mutex::new(NetworkEvents::empty()));
        (Arc::new(Self { recorder, state, armed }), object)
    }

    /// A change of the socket, then look and record, under the lock; the event object is set after it.
    fn change(&self, world: &World, event: NetworkEvent, change: impl FnOnce(&mut State)) {
        let mut state = self.state.lock().unwrap();
        change(&mut state);
        let recorded = state.holds(event).map(|outcome| self.first_step(world, event, outcome));
        drop(state);
        _ = recorded.map(Unsignaled::signal);
    }

    /// A call that re-enables the event, in the same way.
    fn call(&self, world: &World, call: ReenablingCall, change: impl FnOnce(&mut State)) {
        self.change(world, call.event(), |state| {
            self.recorder.reenable_for(call);
            change(state);
        });
    }

    fn first_step(
        &self,
        world: &World,
        event: NetworkEvent,
        outcome: Result<(), WsaError>,
    ) -> Unsignaled<'_, Arc<Event>> {
        let (from, before) = (world.now(), self.recorder.recorded());
        let recorded = self.recorder.record_unsignaled(event, outcome);
        if !before.contains(event.flag()) {
            world.recorded[event.bit_position()].store(from, SeqCst);
        }
        recorded
    }

    /// The record says what is true: nothing is invented, nothing is lost.
    fn assert_true(&self, event: NetworkEvent) {
        let holds = self.state.lock().unwrap().holds(event);
        let recorded = self.recorder.recorded().contains(event.flag());
        assert!(!recorded || holds.is_some(), "the event is invented");
        assert!(recorded || holds.is_none(), "the event is lost");
        if let Some(holds) = holds {
            let outcome = self.recorder.enumerate().unwrap().outcome(event);
            assert_eq!(outcome, Some(holds), "the outcome is of another attempt");
        }
    }
}

fn spawn_on(
    world: &Arc<World>,
    socket: &Arc<Socket>,
    body: impl FnOnce(&World, &Socket) + 'static,
) -> JoinHandle<()> {
    let (world, socket) = (Arc::clone(world), Arc::clone(socket));
    thread::spawn(move || body(&world, &socket))
}

const RECV: ReenablingCall = ReenablingCall::Recv { oob: false };
const REFUSED: Result<(), WsaError> = Err(WsaError::WSAECONNREFUSED);

/// R9, L2, E5: data arrives while the program receives all that it finds.
#[test]
fn r9_data_arrives_beside_a_receive() {
    model(3, |world| {
        let (socket, event) = Socket::new(world, Read);
        socket.change(world, Read, |state| state.queued += 1);
        let arrival = spawn_on(world, &socket, |world, socket| {
            socket.change(world, Read, |state| state.queued += 1);
        });
        socket.call(world, RECV, |state| state.queued = 0);
        arrival.join().unwrap();
        world.assert_at_rest(&socket.recorder, &event, false);
        socket.assert_true(Read);
    });
}

/// Look under the lock, record outside of it: the receive in between takes the data away.
#[test]
#[should_panic(expected = "the event is invented")]
fn l2_recording_outside_the_lock_invents() {
    model(3, |world| {
        let (socket, _event) = Socket::new(world, Read);
        socket.state.lock().unwrap().queued = 1;
        let poller = spawn_on(world, &socket, |world, socket| {
            let holds = socket.state.lock().unwrap().holds(Read);
            if let Some(outcome) = holds {
                world.record(&socket.recorder, Read, outcome);
            }
        });
        socket.call(world, RECV, |state| state.queued = 0);
        poller.join().unwrap();
        socket.assert_true(Read);
    });
}

/// Re-enable after the lock: what arrived in between is withdrawn.
#[test]
#[should_panic(expected = "the event is lost")]
fn l2_reenabling_outside_the_lock_loses() {
    model(3, |world| {
        let (socket, _event) = Socket::new(world, Read);
        socket.change(world, Read, |state| state.queued += 1);
        let arrival = spawn_on(world, &socket, |world, socket| {
            socket.change(world, Read, |state| state.queued += 1);
        });
        socket.state.lock().unwrap().queued = 0;
        socket.recorder.reenable_for(RECV);
        arrival.join().unwrap();
        socket.assert_true(Read);
    });
}

/// A first attempt to connect was refused, and the provider's thread is about to record that. Meanwhile the
/// program, which waited for the socket by other means, connects again, and succeeds.
fn second_attempt(world: &Arc<World>, record_the_first: fn(&World, &Socket)) {
    let (socket, event) = Socket::new(world, Connect);
    socket.state.lock().unwrap().connected = Some(REFUSED);
    let poller = spawn_on(world, &socket, record_the_first);
    socket.call(world, ReenablingCall::Connect, |state| state.connected = Some(OK));
    poller.join().unwrap();
    world.assert_at_rest(&socket.recorder, &event, false);
    socket.assert_true(Connect);
}

/// R9, L2: the report is of the last attempt.
#[test]
fn r9_a_second_attempt_to_connect() {
    model(3, |world| {
        second_attempt(world, |world, socket| socket.change(world, Connect, |_| ()));
    });
}

#[test]
#[should_panic(expected = "the outcome is of another attempt")]
fn l2_a_refusal_outlives_the_success_after_it() {
    model(3, |world| {
        second_attempt(world, |world, socket| {
            let holds = socket.state.lock().unwrap().holds(Connect);
            if let Some(outcome) = holds {
                world.record(&socket.recorder, Connect, outcome);
            }
        });
    });
}

/// The provider's thread and a receive each tell the poller what to watch for. The later one must win.
fn arm(world: &Arc<World>, arms_under_the_lock: bool) {
    let arm = move |socket: &Socket, state: loom::sync::MutexGuard<'_, State>| {
        let interest = socket.recorder.interest();
        if arms_under_the_lock {
            *socket.armed.lock().unwrap() = interest;
            drop(state);
        } else {
            drop(state);
            *socket.armed.lock().unwrap() = interest;
        }
    };
    let (socket, _event) = Socket::new(world, Read);
    socket.state.lock().unwrap().queued = 1;
    let poller = spawn_on(world, &socket, move |world, socket| {
        let state = socket.state.lock().unwrap();
        let recorded = state.holds(Read).map(|outcome| socket.first_step(world, Read, outcome));
        arm(socket, state);
        _ = recorded.map(Unsignaled::signal);
    });
    let mut state = socket.state.lock().unwrap();
    socket.recorder.reenable_for(RECV);
    state.queued = 0;
    arm(&socket, state);
    poller.join().unwrap();
    let armed = *socket.armed.lock().unwrap();
    assert_eq!(armed, socket.recorder.interest(), "the poller never says that there is more");
}

/// L1, L2: catches a poller that is left unarmed for an event that is not latched.
#[test]
fn l2_arming_under_the_lock() {
    model(3, |world| arm(world, true));
}

#[test]
#[should_panic(expected = "the poller never says that there is more")]
fn l2_arming_outside_the_lock_hangs() {
    model(3, |world| arm(world, false));
}

/// R9 against each call of another thread. Catches a debt that neither of the two pays, one that is left for
/// nothing, and a call on an event object that was replaced (K3).
fn beside(preemptions: usize, other: fn(&Arc<World>, &Recorder, &Event)) {
    for others_reset in [false, true] {
        check(preemptions, move || {
            let world = &World::new(others_reset);
            let (recorder, event) = world.selected(BOTH);
            let two_steps = spawn(world, &recorder, |world, recorder| {
                let from = world.now();
                let recorded = recorder.record_unsignaled(Accept, OK);
                world.recorded[Accept.bit_position()].store(from, SeqCst);
                recorded.signal();
            });
            other(world, &recorder, &event);
            two_steps.join().unwrap();
            world.assert_at_rest(&recorder, &event, false);
        });
    }
}

#[test]
fn r9_beside_a_report() {
    beside(3, |_, recorder, event| _ = enumerate(recorder, event));
}

#[test]
fn r9_beside_a_withdrawal() {
    beside(3, |_, recorder, _| recorder.withdraw(ACCEPT));
    beside(3, |_, recorder, _| recorder.renew());
}

#[test]
fn r9_beside_another_record() {
    beside(3, |world, recorder, _| _ = world.record(recorder, Close, DOWN));
}

#[test]
fn r9_beside_a_close() {
    beside(2, |_, recorder, event| {
        recorder.close().unwrap();
        event.bury();
    });
}

/// The new event object is set for what was recorded, whichever of the two does it.
#[test]
fn r9_beside_a_selection() {
    model(2, |world| {
        let (recorder, first) = world.selected(BOTH);
        let two_steps = spawn(world, &recorder, |_, recorder| {
            recorder.record_unsignaled(Accept, OK).signal();
        });
        let second = world.event_object();
        recorder.select(BOTH, Arc::clone(&second)).unwrap();
        first.bury();
        two_steps.join().unwrap();
        world.assert_at_rest(&recorder, &second, true);
    });
}

/// R6: a second step that never comes, that fails, or that panics, beside a record that pays.
#[test]
fn r9_without_a_second_step() {
    for panics in [None, Some(false), Some(true)] {
        check(3, move || {
            let world = &World::new(false);
            let event = world.faulty(panics == Some(true));
            let (recorder, event) = world.selected_with(Recorder::new(), BOTH, event);
            event.sets_to_fail.store(usize::from(panics.is_some()), SeqCst);
            let two_steps = spawn(world, &recorder, move |_, recorder| {
                let recorded = recorder.record_unsignaled(Accept, OK);
                if panics.is_some() {
                    _ = catch_unwind(AssertUnwindSafe(|| recorded.signal()));
                }
            });
            _ = catch_unwind(AssertUnwindSafe(|| world.record(&recorder, Close, OK)));
            two_steps.join().unwrap();
            world.assert_at_rest(&recorder, &event, false);
        });
    }
}
