//! WSAStartup and WSACleanup, and what a process has: handles, and between the two the current instance.

use std::ffi::c_int;
use std::ops::Deref;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use wsp_events::WsaError;
use wsp_events::spi::SOCKET_ERROR;
use wsp_events::wsa::LookAlike;

use super::boundary::{answer, attempt, last_error, set_last_error, write};
use crate::os::close_inherited;
use crate::park::Parker;
use crate::{Handles, Result, Winsock, event};

/// What a process has, from its first call on.
pub(super) struct Process {
    handles: Arc<Handles>,
    /// Locked by WSAStartup and WSACleanup, from their beginning to their end.
    startups: Mutex<Startups>,
    current: RwLock<Option<Arc<Instance>>>,
}

#[derive(Default)]
struct Startups {
    /// How many calls of WSAStartup have had no WSACleanup yet.
    count: u32,
    /// Unparked when the latest instance is gone.
    gone: Parker,
}

struct Instance {
    winsock: Winsock,
    /// Dropped after `winsock`.
    _gone: Unpark,
}

struct Unpark(Parker);

impl Drop for Unpark {
    fn drop(&mut self) {
        self.0.unpark();
    }
}

/// The instance, for the length of a call.
pub(super) struct Current(Arc<Instance>);

impl Deref for Current {
    type Target = Winsock;

    fn deref(&self) -> &Winsock {
        &self.0.winsock
    }
}

/// Null before the first call, and in a child that was forked. Nothing that it has pointed to is freed.
static PROCESS: AtomicPtr<Process> = AtomicPtr::new(ptr::null_mut());

impl Process {
    fn existing() -> Option<&'static Self> {
        // SAFETY: it is null, or points to a `Process` that was leaked.
        unsafe { PROCESS.load(Ordering::Acquire).as_ref() }
    }

    pub(super) fn get() -> Result<&'static Self> {
        if let Some(existing) = Self::existing() {
            return Ok(existing);
        }
        watch_forks()?;
        let ours = Box::into_raw(Box::new(Self {
            handles: Arc::new(Handles::new()),
            startups: Mutex::default(),
            current: RwLock::default(),
        }));
        let null = ptr::null_mut();
        let won = PROCESS.compare_exchange(null, ours, Ordering::AcqRel, Ordering::Acquire);
        let process = won.map(|_| ours).unwrap_or_else(|theirs| {
            // SAFETY: it comes from a box, and nobody else has seen it.
            drop(unsafe { Box::from_raw(ours) });
            theirs
        });
        // SAFETY: it is not null, and what PROCESS points to is never freed.
        Ok(unsafe { &*process })
    }

    pub(super) fn handles(&self) -> &Handles {
        &self.handles
    }

    fn current(&self) -> Option<Current> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone().map(Current)
    }

    fn exchange_current(&self, instance: Option<Arc<Instance>>) -> Option<Arc<Instance>> {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *current, instance)
    }

    fn start_up(&self) -> Result {
        let mut startups = self.startups.lock().unwrap_or_else(PoisonError::into_inner);
        if startups.count == 0 {
            let winsock = Winsock::new(Arc::clone(&self.handles), |_, _| ());
            let winsock = winsock.map_err(|_| WsaError::WSASYSNOTREADY)?;
            startups.gone = Parker::default();
            let _gone = Unpark(startups.gone.clone());
            self.exchange_current(Some(Arc::new(Instance { winsock, _gone })));
        }
        startups.count += 1;
        Ok(())
    }

    /// The last one closes all sockets, and waits until the calls of other threads, which this ends, have returned. So
    /// nothing of the instance is left, not even a descriptor.
    fn clean_up(&self) -> Result {
        /// For a call that never returns: a program may leave one by a longjmp.
        const LIMIT: Duration = Duration::from_secs(1);
        let mut startups = self.startups.lock().unwrap_or_else(PoisonError::into_inner);
        startups.count = startups.count.checked_sub(1).ok_or(WsaError::WSANOTINITIALISED)?;
        if startups.count == 0
            && let Some(instance) = self.exchange_current(None)
        {
            instance.winsock.shut_down();
            drop(instance);
            startups.gone.park_until(Some(Instant::now() + LIMIT));
        }
        Ok(())
    }
}

/// The current instance.
pub(super) fn current() -> Result<Current> {
    Process::existing().and_then(Process::current).ok_or(WsaError::WSANOTINITIALISED)
}

/// [`answer`], of a call on the current instance.
pub(super) fn on_current<T>(failed: T, call: impl FnOnce(&Current) -> Result<T>) -> T {
    answer(failed, || call(&current()?))
}

/// For WSAEventSelect and WSAEnumNetworkEvents.
impl LookAlike for Winsock {
    fn current() -> Option<impl Deref<Target = Self>> {
        current().ok()
    }

    fn set_last_error(error: WsaError) {
        set_last_error(error.code());
    }
}

/// Has the C library tell of forks, before the first of what a child must not use is made. If two threads register at
/// the same time, each function is called twice, which does no harm.
fn watch_forks() -> Result {
    static WATCHED: AtomicBool = AtomicBool::new(false);
    unsafe extern "C" {
        fn pthread_atfork(
            prepare: Option<extern "C" fn()>,
            parent: Option<extern "C" fn()>,
            child: Option<extern "C" fn()>,
        ) -> c_int;
    }
    if WATCHED.load(Ordering::Acquire) {
        return Ok(());
    }
    // SAFETY: the three functions may be called at any time.
    if unsafe { pthread_atfork(Some(before_fork), Some(after_fork), Some(in_child)) } != 0 {
        return Err(WsaError::WSA_NOT_ENOUGH_MEMORY);
    }
    WATCHED.store(true, Ordering::Release);
    Ok(())
}

/// Event objects have one lock for all.
extern "C" fn before_fork() {
    event::hold();
}

extern "C" fn after_fork() {
    event::release();
}

/// The child has one thread, this one. Whatever another thread had locked stays locked: the child uses nothing of its
/// parent's and begins anew.
extern "C" fn in_child() {
    PROCESS.store(ptr::null_mut(), Ordering::Release);
    event::release();
    close_inherited();
}

/// WSADATA. The order of its fields depends on the length of a pointer.
#[repr(C)]
struct WsaData {
    version: u16,
    high_version: u16,
    #[cfg(not(target_pointer_width = "64"))]
    description: [u8; 257],
    #[cfg(not(target_pointer_width = "64"))]
    system_status: [u8; 129],
    max_sockets: u16,
    max_datagram: u16,
    vendor_info: *mut u8,
    #[cfg(target_pointer_width = "64")]
    description: [u8; 257],
    #[cfg(target_pointer_width = "64")]
    system_status: [u8; 129],
}

/// The highest version, 2.2. The major number is in the low byte.
const HIGHEST: u16 = 0x0202;

/// The version that a program gets: the highest one that both know.
fn negotiate(requested: u16) -> Result<u16> {
    match requested.to_le_bytes() {
        [0, _] => Err(WsaError::WSAVERNOTSUPPORTED),
        [1, 0] | [2, 0..=2] => Ok(requested),
        [1, _] => Ok(0x0101),
        _ => Ok(HIGHEST),
    }
}

fn padded<const N: usize>(text: &str) -> [u8; N] {
    let mut bytes = [0; N];
    bytes[..text.len()].copy_from_slice(text.as_bytes());
    bytes
}

/// The code is the answer. It does not become the last error.
#[unsafe(no_mangle)]
unsafe extern "C" fn WSAStartup(version: u16, data: *mut WsaData) -> i32 {
    let call = || {
        let negotiated = negotiate(version);
        let version = negotiated.unwrap_or(HIGHEST);
        // Programs of version 2 do not look at these.
        let is_version_1 = version.to_le_bytes()[0] == 1;
        let (max_sockets, max_datagram) = if is_version_1 { (32767, 65467) } else { (0, 0) };
        let answer = WsaData {
            version,
            high_version: HIGHEST,
            max_sockets,
            max_datagram,
            vendor_info: ptr::null_mut(),
            description: padded("WinSock 2.0"),
            system_status: padded("Running"),
        };
        // SAFETY: the program promises that it is null or valid.
        unsafe { write(data, answer) }?;
        negotiated?;
        Process::get()?.start_up()
    };
    attempt(call).map_or_else(WsaError::code, |()| 0)
}

#[unsafe(no_mangle)]
extern "C" fn WSACleanup() -> i32 {
    answer(SOCKET_ERROR, || {
        let process = Process::existing().ok_or(WsaError::WSANOTINITIALISED)?;
        process.clean_up().map(|()| 0)
    })
}

#[unsafe(no_mangle)]
extern "C" fn WSAGetLastError() -> i32 {
    last_error()
}

#[unsafe(no_mangle)]
extern "C" fn WSASetLastError(code: i32) {
    set_last_error(code);
}

/// The same as WSAGetLastError: on Windows the thread has one last error, too.
#[unsafe(no_mangle)]
extern "C" fn GetLastError() -> u32 {
    last_error().cast_unsigned()
}

#[unsafe(no_mangle)]
extern "C" fn SetLastError(code: u32) {
    set_last_error(code.cast_signed());
}
