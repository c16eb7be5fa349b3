//! Three calls at the same time, where two show less: chosen, each with its reason, and played from the
//! starting states that matter to it. One preemption, beside the switches that waiting brings, is what is
//! quick; `LOOM_MAX_PREEMPTIONS=2 .ci/threads loom triples` is the long run.

use kit::vocabulary::Operation;
use wsp_events::NetworkEvents;

use crate::pairs::{ACCEPT, BOTH, CLOSE, Start, code_of, explore};
use crate::stage::{ANOTHER, FAILING, PANICKING, SELECTED};

use Operation::ApplicationResets as Reset;
use Operation::{
    Close, Deselect, Enumerate, FailToDeliver, Inherit, Record, RecordInTwoSteps, Reenable, Select,
    Withdraw,
};
use Start::{
    Failing, Inside, Latched, NothingRecorded, Owed, Panicking, Recorded, RecordedWithACode,
};

fn triple(name: &str, starts: &[Start], threads: impl Fn() -> Vec<Vec<Operation>>) {
    for start in starts {
        let name = format!("{name} from {start:?}");
        let Some(schedules) = explore(1, &name, start.scene(threads())) else { return };
        println!("{name}: {schedules} schedules");
    }
}

const FD_ACCEPT: NetworkEvents = NetworkEvents::FD_ACCEPT;
const FD_CLOSE: NetworkEvents = NetworkEvents::FD_CLOSE;
const TAKE: Operation = Enumerate(Some(SELECTED));
const SUCCESS: Operation = Record(CLOSE, 0);
const OTHER: Operation = Record(ACCEPT, 0);

/// The first error by its thread, so that no code is mistaken for another.
fn error(thread: usize) -> Operation {
    Record(CLOSE, code_of(thread))
}

macro_rules! triples {
    ($($(#[$attribute:meta])* $test:ident: $starts:expr, $threads:expr;)*) => {$(
        $(#[$attribute])*
        #[test]
        fn $test() {
            triple(stringify!($test), &$starts, || $threads.map(Vec::from).into());
        }
    )*};
}

triples! {
    /// A program waits, resets the event object itself, receives, and finds more, which is recorded again
    /// while the record that woke it is still inside the set (E5).
    a_reset_a_receive_and_more_of_it: [NothingRecorded, Recorded, Failing],
        [vec![SUCCESS], vec![Reset(SELECTED), Reenable(CLOSE), SUCCESS]];
    /// The same where another event comes (E5).
    a_reset_and_another_event: [NothingRecorded, Recorded, Inside],
        [vec![SUCCESS], vec![Reset(SELECTED), OTHER]];
    /// The same beside an enumeration, and beside a selection (E5).
    a_reset_two_records_and_an_enumeration: [NothingRecorded, Recorded],
        [vec![SUCCESS], vec![Reset(SELECTED), OTHER], vec![TAKE]];
    a_reset_two_records_and_a_selection: [NothingRecorded, Recorded],
        [vec![SUCCESS], vec![Reset(ANOTHER), OTHER], vec![Select(BOTH, ANOTHER)]];
    /// A report is put back, although the event object was reset meanwhile (E7, E5).
    a_reset_and_a_failing_enumeration: [NothingRecorded, Recorded],
        [vec![error(0)], vec![Reset(SELECTED)], vec![Enumerate(Some(FAILING))]];
    /// Two records and a report (E4, E5, K2).
    two_records_and_an_enumeration: [NothingRecorded, Failing, Owed], [[SUCCESS], [OTHER], [TAKE]];
    /// Two threads have a code for one cell, and a third copies it (E3, R3).
    two_errors_and_an_enumeration: [NothingRecorded, Recorded], [[error(0)], [error(1)], [TAKE]];
    /// A withdrawal between the two makes the enumeration's copy stale (R7).
    error_withdrawal_and_enumeration: [NothingRecorded, RecordedWithACode],
        [[error(0)], [Withdraw(FD_CLOSE)], [TAKE]];
    /// An event is recorded while a selection is under way (S1, S2).
    record_selection_and_enumeration: [NothingRecorded, Recorded],
        [[SUCCESS], [Select(FD_CLOSE, ANOTHER)], [TAKE]];
    /// A report is put back under what two others have recorded meanwhile (E7).
    failing_enumeration_between_records: [NothingRecorded, Recorded],
        [[SUCCESS], [Enumerate(Some(FAILING))], [error(2)]];
    /// A report is put back when its event object panics (K5).
    panicking_enumeration_and_records: [Recorded, Panicking],
        [[OTHER], [Enumerate(Some(PANICKING))], [error(2)]];
    /// A call after the close fails, and the event object is not set any more (P5, S7).
    record_close_and_enumeration: [NothingRecorded, RecordedWithACode], [[error(0)], [Close], [TAKE]];
    /// Mask and event object are inherited together, whatever goes on (S8).
    record_inheritance_and_selection: [NothingRecorded, Recorded],
        [[SUCCESS], [Inherit], [Select(FD_ACCEPT, ANOTHER)]];
    /// A second step beside a call that takes its set over, and one that makes it void (R9).
    two_steps_record_and_enumeration: [NothingRecorded, Recorded, Failing],
        [[RecordInTwoSteps(CLOSE, code_of(0))], [OTHER], [TAKE]];
    two_steps_selection_and_reset: [NothingRecorded, Recorded],
        [[RecordInTwoSteps(CLOSE, 0)], [Select(BOTH, ANOTHER)], [Reset(ANOTHER)]];
    /// A report that could not be delivered is put back (E7).
    failing_delivery_record_and_reset: [Recorded, RecordedWithACode, Inside],
        [[OTHER], [FailToDeliver(Some(SELECTED))], [Reset(SELECTED)]];
    /// The latch ends before the condition is looked at (L2).
    reenabling_record_and_enumeration: [Latched, NothingRecorded],
        [[Reenable(CLOSE)], [SUCCESS], [TAKE]];
    /// Two enumerations share out what is recorded meanwhile (E3).
    two_enumerations_and_an_error: [Recorded, RecordedWithACode], [[error(0)], [Enumerate(None)], [TAKE]];
    /// One set fails and is owed, and two others set (R6).
    three_records: [Failing, Panicking, Inside], [[SUCCESS], [OTHER], [error(2)]];
    /// A selection fails while an event is recorded that it would have named (S6).
    failing_selection_record_and_enumeration: [Recorded],
        [[OTHER], [Select(BOTH, FAILING)], [TAKE]];
    /// Nothing is signaled once the selection has ended (S3).
    record_deselection_and_selection: [NothingRecorded, Recorded],
        [[SUCCESS], [Deselect], [Select(BOTH, ANOTHER)]];
    /// A second report must not see a part of the batch that the first has not seen (R5).
    batch_and_two_enumerations: [NothingRecorded],
        [[Operation::RecordAll(vec![(ACCEPT, 0), (CLOSE, code_of(0))])], [TAKE], [Enumerate(None)]];
    /// Two threads with two calls each: re-enable, then record what is seen; enumerate twice (L2, E3).
    reenabling_call_and_two_reports: [Latched, Recorded],
        [vec![Reenable(CLOSE), SUCCESS], vec![TAKE, TAKE]];
    /// The withdrawal and the new error of a thread are never in one report with the old one (R7, E3).
    withdrawal_then_error_and_two_reports: [RecordedWithACode],
        [vec![Withdraw(FD_CLOSE), error(0)], vec![TAKE, TAKE]];
}
