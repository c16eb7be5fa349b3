// What the second program of docs/guide/DLL.md takes from the first.

use std::ops::Deref;
use std::sync::RwLock;
use wsp_events::{ManualResetEvent, NetworkEventRecorder, Provider, SOCKET, WSAEVENT};
#[derive(Default)]
pub struct MyProvider;
impl Provider for MyProvider {
    type EventObject = Arc<ManualResetEvent>;
    type Socket<'a> = &'a NetworkEventRecorder<Self::EventObject>;
    type EventObjectToReset<'a> = Arc<ManualResetEvent>;
    fn subsystem_is_up(&self) -> bool { true }
    fn find_socket(&self, _: SOCKET) -> Option<Self::Socket<'_>> { None }
    fn recorder_of<'s>(it: &'s Self::Socket<'_>) -> &'s NetworkEventRecorder<Self::EventObject> { it }
    fn event_object_to_select(&self, _: WSAEVENT) -> Option<Self::EventObject> { None }
    fn event_object_to_reset(&self, _: WSAEVENT) -> Option<Self::EventObject> { None }
}
impl MyProvider { pub fn close_socket(&self, _: SOCKET) -> Result<(), WsaError> { Ok(()) } }
static CURRENT: RwLock<Option<Arc<MyProvider>>> = RwLock::new(None);
pub fn set_current(provider: Option<Arc<MyProvider>>) { *CURRENT.write().unwrap() = provider; }
impl CurrentProvider for MyProvider {
    fn current() -> Option<impl Deref<Target = Self>> { CURRENT.read().unwrap().clone() }
}
