pub(crate) mod alone;
pub(crate) mod contended;
pub(crate) mod event;
pub(crate) mod growth;
pub(crate) mod table;
pub(crate) mod trip;
pub(crate) mod wake;

/// The sides of a row: our record, the floor, and by hand under two locks. `$of` makes a side of a name, of what makes a
/// record, and of the rest.
macro_rules! each_record {
    ($of:ident, $signal:expr, $($rest:tt)*) => {
        vec![
            $of("ours", || crate::peers::selected($signal), $($rest)*),
            $of("floor", || crate::bare::Bare::new($signal), $($rest)*),
            $of("mutex", || crate::peers::StdByHand::selected($signal), $($rest)*),
            $of("parking_lot", || crate::peers::ParkingLotByHand::selected($signal), $($rest)*),
        ]
    };
}
use each_record;
