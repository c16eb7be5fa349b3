//! What is counted.

use std::ops::{Index, IndexMut};

#[derive(Clone, Copy)]
pub(crate) enum Count {
    Records,
    Repeats,
    Errors,
    Batches,
    Enumerations,
    Empty,
    Receives,
    Selections,
    WakeUps,
    Rests,
    Drained,
    Spurious,
    Lost,
    Duplicated,
    Stuck,
    Torn,
}

use Count::*;

/// The four counts that must be 0.
pub(crate) const FAULTS: [(Count, &str); 4] =
    [(Lost, "lost"), (Duplicated, "duplicated"), (Stuck, "stuck"), (Torn, "torn")];

#[derive(Default)]
pub(crate) struct Tally([u64; Torn as usize + 1]);

impl Index<Count> for Tally {
    type Output = u64;

    fn index(&self, count: Count) -> &u64 {
        &self.0[count as usize]
    }
}

impl IndexMut<Count> for Tally {
    fn index_mut(&mut self, count: Count) -> &mut u64 {
        &mut self.0[count as usize]
    }
}

impl Tally {
    /// Calls on recorders.
    pub(crate) fn operations(&self) -> u64 {
        [Records, Batches, Enumerations, Receives, Selections].map(|count| self[count]).iter().sum()
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (sum, count) in self.0.iter_mut().zip(other.0) {
            *sum += count;
        }
    }

    pub(crate) fn has_faults(&self) -> bool {
        FAULTS.iter().any(|(fault, _)| self[*fault] > 0)
    }

    /// The faults in one line.
    pub(crate) fn faults(&self) -> String {
        FAULTS.map(|(fault, name)| format!("{name} {}", self[fault])).join(", ")
    }

    /// The table for people, and for the scripts of `.ci`.
    pub(crate) fn print(&self) {
        println!("operations      {:>14}", self.operations());
        for (name, count, meaning) in [
            ("  records", Records, "calls of record"),
            ("    repeats", Repeats, "of an event that was recorded already"),
            ("    errors", Errors, "with an error code"),
            ("  batches", Batches, "calls of record_all"),
            ("  enumerations", Enumerations, "calls of enumerate"),
            ("    empty", Empty, "with nothing to report"),
            ("  receives", Receives, "calls of reenable"),
            ("  selections", Selections, "calls of select and deselect"),
            ("wake-ups", WakeUps, "waits that ended"),
            ("rests", Rests, "comparisons of the queues with the records"),
            ("drained", Drained, "serial numbers taken out of the queues"),
            ("spurious", Spurious, "reports of an event with an empty queue; no fault"),
        ] {
            println!("{name:<16}{:>14}  {meaning}", self[count]);
        }
        for (fault, name) in FAULTS {
            println!("{name:<16}{:>14}", self[fault]);
        }
    }
}
