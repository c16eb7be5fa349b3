//! Sides, measured in turns: slice by slice, and the order is reversed from round to round. A ratio is the median of the
//! rounds' ratios, so that a disturbance of one slice counts once. Slices are short, some ten microseconds, so that most of
//! them see no interrupt; and many.
//!
//! How far the medians of consecutive parts of the run differ says how precise the ratio is. A target in between is not
//! told; the row is then measured for longer, and so is one that misses its target.

use std::time::{Duration, Instant};

use crate::machine::{Core, are_of_one_core, time_of_others};
use crate::measure::Side;
use crate::row::{BUSY, ON_ONE_CORE, Row};

/// How often a row is measured at most, and for how long: on a busy machine few slices count.
const ATTEMPTS: usize = 4;
const LIMIT: Duration = Duration::from_secs(15);
/// After a longer round, a look at the core says nothing about it.
const SHORT: Duration = Duration::from_millis(5);
/// The machine is busy if others have had more than this part of one processor's time. The system counts in hundredths of a
/// second, so that a small part is none.
const SHARE: f64 = 0.25;

/// Measures the rows of these sides, until each keeps its target or has been tried often enough. A round does not count if ours was
/// interrupted; or if it was short and somebody else uses the other half of the core. Another side that was interrupted
/// is missing in the round: on a busy machine, one that gives way to other threads always is.
///
/// A target that was missed while the machine was busy is not told.
pub(crate) fn in_turns<const N: usize>(
    rows: &mut [Row; N],
    rounds: usize,
    sides: &mut [Side<'_, N>],
    core: &mut Core,
) {
    let (start, others) = (Instant::now(), time_of_others());
    for side in &mut *sides {
        (side.slice)();
    }
    'attempts: for attempt in 1..=ATTEMPTS {
        while rows[0].rounds.len() < attempt * rounds {
            if start.elapsed() > LIMIT {
                break 'attempts;
            }
            let begin = Instant::now();
            let is_even = rows[0].rounds.len().is_multiple_of(2);
            let mut slices = vec![None; sides.len()];
            for at in 0..sides.len() {
                let at = if is_even { at } else { sides.len() - 1 - at };
                slices[at] = (sides[at].slice)();
            }
            if slices[0].is_none() || (begin.elapsed() < SHORT && core.is_shared()) {
                continue;
            }
            for (figure, row) in rows.iter_mut().enumerate() {
                let figures = slices.iter().map(|slice| slice.map(|slice| slice[figure]));
                row.rounds.push(figures.collect());
            }
        }
        // A miss, too, has to last.
        if rows.iter().all(Row::is_kept) {
            break;
        }
    }
    if rows.iter().any(Row::is_missed) {
        let others = time_of_others().saturating_sub(others);
        let excuse = match others > start.elapsed().mul_f64(SHARE) {
            true => Some(BUSY),
            false => are_of_one_core().then_some(ON_ONE_CORE),
        };
        rows.iter_mut().for_each(|row| row.excuse = excuse);
    }
}
