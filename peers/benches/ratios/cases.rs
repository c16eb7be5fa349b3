pub(crate) mod alone;
pub(crate) mod contended;
pub(crate) mod event;
pub(crate) mod growth;
pub(crate) mod table;
pub(crate) mod trip;
pub(crate) mod wake;
