//! Hostile input for the C boundary and the provider: bytes become steps (`bytes`), the library makes them,
//! and after each one all that can be seen is compared with the plain model.
//!
//! The model, the library's side and the steps are those of the state machine (tests/state_machine).
#![no_main]

mod bytes;
#[path = "../../tests/state_machine/library.rs"]
mod library;
#[path = "../../tests/state_machine/model.rs"]
mod model;
#[path = "../../tests/state_machine/reference.rs"]
mod reference;
#[path = "../../tests/state_machine/socket.rs"]
mod socket;
#[path = "../../tests/state_machine/stage.rs"]
mod stage;
#[path = "../../tests/state_machine/steps.rs"]
mod steps;
#[path = "../../tests/state_machine/words.rs"]
mod words;

use libfuzzer_sys::fuzz_target;

use bytes::Bytes;
use library::Library;
use reference::Model;

fuzz_target!(|bytes: &[u8]| {
    let mut bytes = Bytes::new(bytes);
    let (mut model, mut library) = (Model::new(), Library::new());
    while let Ok(step) = bytes.step(&model, &library.descriptors) {
        model.apply(&step);
        let seen = library.apply(step);
        library.check_answer(&model, &seen);
        library.check(&model);
    }
    library.check_what_is_left(&model);
});
