//! Hostile input for the C boundary and the provider: bytes become steps (`bytes`), the library makes them, and after each
//! step all that can be seen is compared with the plain model.
//!
//! The model, the library's side and the steps are those of the state machine (kit/tests/state_machine).
#![no_main]

mod bytes;

use kit::provider::library::Library;
use kit::provider::model::Model;
use libfuzzer_sys::fuzz_target;

use bytes::Bytes;

fuzz_target!(|bytes: &[u8]| {
    let mut bytes = Bytes::new(bytes);
    let (mut model, mut library) = (Model::default(), Library::default());
    while let Ok(step) = bytes.step(&model, &library.descriptors) {
        model.apply(&step);
        let seen = library.apply(step);
        library.check_answer(&model, &seen);
        library.check(&model);
    }
    library.check_what_is_left(&model);
});
