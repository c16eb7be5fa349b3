// Where there is no Windows: the crate, with event objects that no handle can name in the place of Win32's. The page
// docs/guide/DLL.md is tested with it.

pub use ::wsp_events::*;
pub mod win32 {
    use ::wsp_events::{EventSignal, SignalError, WSAEVENT};
    use std::marker::PhantomData;
    pub struct OwnedEvent;
    impl OwnedEvent {
        pub unsafe fn duplicate_raw(_: WSAEVENT) -> Result<Self, ()> { Err(()) }
    }
    pub struct BorrowedEvent<'a>(PhantomData<&'a ()>);
    impl BorrowedEvent<'_> {
        pub unsafe fn borrow_raw(_: WSAEVENT) -> Self { Self(PhantomData) }
    }
    const INVALID_HANDLE: Result<(), SignalError> = Err(SignalError::from_os_code(6));
    impl EventSignal for OwnedEvent {
        fn set_event(&self) -> Result<(), SignalError> { INVALID_HANDLE }
        fn reset_event(&self) -> Result<(), SignalError> { INVALID_HANDLE }
    }
    impl EventSignal for BorrowedEvent<'_> {
        fn set_event(&self) -> Result<(), SignalError> { INVALID_HANDLE }
        fn reset_event(&self) -> Result<(), SignalError> { INVALID_HANDLE }
    }
}
