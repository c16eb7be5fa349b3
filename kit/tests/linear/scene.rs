//! A scene: recorders, event objects, and what each thread does with them. It is played, and its history
//! judged.

use std::fmt;

use kit::event_object::{Act, End};
use kit::socket::{Events, Socket};
use kit::vocabulary::{Answer, Operation};
use kit::words::flags;

use crate::checker::{Arc, thread};
use crate::order::History;
use crate::rest::{Child, Rest};
use crate::stage::{OBJECTS, Recorder, Recorders, Shown, Stage};

pub(crate) struct Scene {
    pub(crate) latching: Events,
    pub(crate) recorders: usize,
    /// What comes before the threads begin.
    pub(crate) before: Vec<Move>,
    /// What the first event object does when it is set.
    pub(crate) script: Vec<Act>,
    pub(crate) threads: Vec<Vec<Move>>,
}

/// The number of a recorder, and a call on it.
pub(crate) type Move = (usize, Operation);

/// From inside, an event is recorded, and what is refused there is tried (K4).
pub(crate) fn records(event: usize, code: i32) -> Act {
    let inside = vec![Operation::Record(event, code), Operation::Deselect, Operation::Close];
    Act { inside, end: End::Works }
}

/// A call that was made, and when: its times are moments of one clock.
pub(crate) struct Call {
    pub(crate) recorder: usize,
    pub(crate) operation: Operation,
    pub(crate) answer: Answer,
    pub(crate) from: usize,
    pub(crate) to: usize,
}

impl Call {
    /// The event object that it may have reset, and when at the latest, if `recorder` has no part in that: the
    /// application's own call, or another socket's (P3).
    fn reset_for(&self, recorder: usize) -> Option<(usize, usize)> {
        match self.operation {
            Operation::ApplicationResets(object) => Some((object, self.to)),
            Operation::Enumerate(Some(object)) if self.recorder != recorder => {
                Some((object, self.to))
            }
            _ => None,
        }
    }
}

impl Scene {
    /// Whether a thread gives its reference up, so that nothing is left of the recorder in the end.
    fn drops(&self) -> bool {
        let drops = |(_, operation): &Move| matches!(operation, Operation::Drop);
        self.threads.iter().flatten().any(drops)
    }

    /// Plays the scene on one schedule, the first thread's part on this thread.
    pub(crate) fn play(self: &std::sync::Arc<Self>) {
        let stage = Stage::new(&self.script);
        let recorder = |_| Arc::new(Recorder::with_latching(flags(self.latching)));
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
            let has_an_order = history.has_an_order(Socket::new(self.latching));
            assert!(has_an_order, "no order of the calls explains what was seen\n{story}");
        }
    }

    /// Every report that was handed out has reset the event object that was passed, and nothing else has
    /// reset one; unless a panic came between the reset and the report.
    fn resets_are_right(&self, calls: &[Call], objects: &[Shown; OBJECTS]) -> bool {
        let is_report = |call: &&Call| matches!(call.answer, Answer::Reported { .. });
        let passed = |call: &Call| match call.operation {
            Operation::Enumerate(reset) => reset,
            _ => None,
        };
        let has_panicked = objects.iter().any(|object| object.panics > 0);
        objects.iter().enumerate().all(|(number, object)| {
            let reports = calls.iter().filter(is_report);
            let expected = reports.filter(|call| passed(call) == Some(number)).count();
            object.resets == expected || has_panicked && object.resets > expected
        })
    }
}

/// What a failing test tells.
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
        writeln!(f, "latching {}", flags(self.scene.latching))?;
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
