//! The sides of a row, and what their times say: ratios with a spread.

use std::hint::black_box;
use std::time::Instant;

use crate::machine::Apart;

/// The parts into which a row's rounds are divided.
const PARTS: usize = 10;
/// With fewer rounds nothing is told.
pub(crate) const ENOUGH: usize = 2 * PARTS;

/// One of the sides that are compared. A slice returns nanoseconds a call, of each of the row's `N` figures; `None` if
/// another thread took the processor in between.
pub(crate) struct Side<'a, const N: usize> {
    pub(crate) name: &'static str,
    pub(crate) slice: Box<dyn FnMut() -> Option<[f64; N]> + 'a>,
}

/// A median, and how far it can be trusted: the medians of the parts, without the lowest and the highest one.
#[derive(Clone, Copy)]
pub(crate) struct Spread {
    pub(crate) low: f64,
    pub(crate) value: f64,
    pub(crate) high: f64,
}

/// How many places in the heap and in the stack a side measures in turns. A load waits for an earlier store to an address
/// with the same lower twelve bits, so that one place can cost a third more than all others, for as long as the process
/// lives.
pub(crate) const PLACES: usize = 32;

/// A side that calls so often in a slice, each time on another of its things. The call gets the number of the place.
pub(crate) fn in_places<'a, T: 'a>(
    name: &'static str,
    calls: u32,
    new: impl Fn() -> T,
    call: impl Fn(&T, usize) + 'a,
) -> Side<'a, 1> {
    let things: Vec<_> = (0..PLACES).map(|_| Apart(new())).collect();
    let mut places = (0..PLACES).cycle();
    let slice = move || {
        let at = places.next()?;
        let thing = &things[at].0;
        Some([deeper(at, &mut || time(calls, || call(thing, at)))])
    };
    Side { name, slice: Box::new(slice) }
}

/// Calls at another place in the stack.
fn deeper(frames: usize, call: &mut dyn FnMut() -> f64) -> f64 {
    let frame = black_box([0_u8; 128]);
    let result = if frames == 0 { call() } else { deeper(frames - 1, call) };
    black_box(&frame);
    result
}

/// A side that calls so often in a slice.
pub(crate) fn side<'a>(name: &'static str, calls: u32, mut call: impl FnMut() + 'a) -> Side<'a, 1> {
    Side { name, slice: Box::new(move || Some([time(calls, &mut call)])) }
}

/// Nanoseconds a call.
#[inline(always)]
pub(crate) fn time(calls: u32, mut call: impl FnMut()) -> f64 {
    let start = Instant::now();
    for _ in 0..calls {
        call();
    }
    start.elapsed().as_secs_f64() * 1e9 / f64::from(calls)
}

/// The value below which this part of the values is.
pub(crate) fn quantile(values: &mut [f64], part: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values[((values.len() - 1) as f64 * part) as usize]
}

pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    (values[(values.len() - 1) / 2] + values[middle]) / 2.0
}

/// `None` if there are too few values to tell.
pub(crate) fn spread(values: &[f64]) -> Option<Spread> {
    if values.len() < ENOUGH {
        return None;
    }
    let parts = values.chunks_exact(values.len() / PARTS).take(PARTS);
    let mut parts: Vec<_> = parts.map(|part| median(part.iter().copied())).collect();
    parts.sort_by(f64::total_cmp);
    let value = median(values.iter().copied());
    Some(Spread { low: parts[1], value, high: parts[PARTS - 2] })
}
