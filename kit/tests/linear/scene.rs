//! A scene: recorders, event objects, and what each thread does with them. It is played, and its history is judged.

use std::fmt;

use kit::calls::Recorder;
use kit::checker::{sync::Arc, thread};
use kit::event_object::{Act, End};
use kit::socket::Socket;
use kit::vocabulary::{Answer, Operation};
use kit::words::events_of;
use wsp_events::{NetworkEvent, NetworkEvents};

use crate::order::History;
use crate::rest::{Child, Rest};
use crate::stage::{OBJECTS, Recorders, Shown, Stage};

pub(crate) struct Scene {
    pub(crate) latching: NetworkEvents,
    pub(crate) recorders: usize,
    /// What comes before the threads begin.
    pub(crate) before: Vec<Move>,
    /// What the first event object does when it is set.
    pub(crate) script: Vec<Act>,
    pub(crate) threads: Vec<Vec<Move>>,
}

/// The number of a recorder, and a call on it.
pub(crate) type Move = (usize, Operation);

/// From inside, an event is recorded, and calls are made that must be refused there (K4).
pub(crate) fn records(event: NetworkEvent, code: i32) -> Act {
    let inside = vec![Operation::Record(event, code), Operation::Deselect, Operation::Close];
    Act { inside, end: End::Works }
}

/// A call that was made. Its times are those of one clock.
pub(crate) struct Call {
    pub(crate) recorder: usize,
    pub(crate) operation: Operation,
    pub(crate) answer: Answer,
    pub(crate) from: usize,
    pub(crate) to: usize,
}

impl Call {
    /// The event object that it may have reset, and when at the latest, if that is no part of `recorder`'s calls: a reset
    /// by the application, or by another socket (P3).
    fn reset_for(&self, recorder: usize) -> Option<(usize, usize)> {
        match self.operation {
            Operation::ApplicationResets(object) => Some((object, self.to)),
            Operation::Enumerate(reset) if self.recorder != recorder => Some((reset?, self.to)),
            _ => None,
        }
    }
}

impl Scene {
    /// Whether a thread gives up its reference, so that in the end no recorder is left.
    fn drops(&self) -> bool {
        let drops = |(_, operation): &Move| matches!(operation, Operation::Drop);
        self.threads.iter().flatten().any(drops)
    }

    /// Plays the scene on one schedule, the first thread's part on this thread.
    pub(crate) fn play(self: &std::sync::Arc<Self>) {
        let stage = Stage::new(&self.script);
        let recorder = |_| Arc::new(Recorder::with_latching(self.latching));
        let recorders: Recorders = (0..self.recorders).map(recorder).collect();
        if self.script.iter().any(|act| !act.inside.is_empty()) {
            *stage.recorders.lock().unwrap() = std::sync::Arc::new(recorders.clone());
        }
        for step in &self.before {
            stage.perform(&recorders, step);
        }

        let others: Vec<_> = (1..self.threads.len())
            .map(|at| {
                let (scene, stage) = (std::sync::Arc::clone(self), std::sync::Arc::clone(&stage));
                let recorders = recorders.clone();
                thread::spawn(move || scene.act(at, &stage, recorders))
            })
            .collect();
        let kept = (!self.drops()).then(|| recorders.clone());
        self.act(0, &stage, recorders);
        for other in others {
            other.join().unwrap();
        }
        stage.calm();
        self.judge(&stage, kept);
    }

    fn act(&self, thread: usize, stage: &std::sync::Arc<Stage>, recorders: Recorders) {
        for step in &self.threads[thread] {
            stage.perform(&recorders, step);
        }
    }

    fn judge(&self, stage: &std::sync::Arc<Stage>, recorders: Option<Recorders>) {
        let calls = std::mem::take(&mut *stage.calls.lock().unwrap());
        let objects = stage.show();
        let mut rests: Vec<_> =
            recorders.iter().flatten().map(|recorder| Rest::of(recorder)).collect();
        let adopted = std::mem::take(&mut *stage.children.lock().unwrap());
        let children: Vec<_> = adopted.iter().map(|child| Child::of(child, stage)).collect();
        for (rest, recorder) in rests.iter_mut().zip(recorders.iter().flatten()) {
            rest.empty(recorder, stage);
        }

        let story = Story { scene: self, calls: &calls, objects: &objects, rests: &rests };
        assert!(self.resets_are_right(&calls, &objects), "E6, E8, S5: resets\n{story}");
        for recorder in 0..self.recorders {
            let history = History {
                alone: self.recorders == 1,
                calls: calls.iter().filter(|call| call.recorder == recorder).collect(),
                resets: calls.iter().filter_map(|call| call.reset_for(recorder)).collect(),
                children: &children,
                objects: &objects,
                rest: rests.get(recorder),
            };
            let has_an_order = history.has_an_order(Socket::new(events_of(self.latching)));
            assert!(has_an_order, "no order of the calls explains what was seen\n{story}");
        }
    }

    /// Every call that returned a report has reset the event object that it was passed, and nothing else has reset one;
    /// unless a panic came between the reset and the report.
    fn resets_are_right(&self, calls: &[Call], objects: &[Shown; OBJECTS]) -> bool {
        let has_panicked = objects.iter().any(|object| object.panics > 0);
        objects.iter().enumerate().all(|(number, object)| {
            let resets = |call: &&Call| {
                call.operation == Operation::Enumerate(Some(number))
                    && matches!(call.answer, Answer::Reported { .. })
            };
            let expected = calls.iter().filter(resets).count();
            object.resets == expected || has_panicked && object.resets > expected
        })
    }
}

/// What a failing test prints.
struct Story<'a> {
    scene: &'a Scene,
    calls: &'a [Call],
    objects: &'a [Shown; OBJECTS],
    rests: &'a [Rest],
}

impl fmt::Display for Story<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut calls: Vec<_> = self.calls.iter().collect();
        calls.sort_by_key(|call| call.from);
        writeln!(f, "latching {}", self.scene.latching)?;
        for Call { recorder, operation, answer, from, to } in calls {
            writeln!(f, "{from:4}..{to:<4} recorder {recorder}: {operation:?} -> {answer:?}")?;
        }
        for (number, object) in self.objects.iter().enumerate() {
            writeln!(f, "event object {number}: {object:?}")?;
        }
        for rest in self.rests {
            writeln!(f, "at rest: {rest:?}")?;
        }
        Ok(())
    }
}
