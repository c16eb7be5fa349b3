// The check of docs/guide/C.md: what the C program does. The event objects are the numbers 4 and 8.

use std::sync::atomic::AtomicI32;

static SIGNALED: [AtomicBool; 2] = [const { AtomicBool::new(false) }; 2];
static REFERENCES: [AtomicI32; 2] = [const { AtomicI32::new(0) }; 2];

fn at(handle: WSAEVENT) -> usize {
    handle.0 / 4 - 1
}

unsafe extern "C" fn set(handle: WSAEVENT) -> i32 {
    SIGNALED[at(handle)].store(true, Ordering::SeqCst);
    0
}

unsafe extern "C" fn reset(handle: WSAEVENT) -> i32 {
    SIGNALED[at(handle)].store(false, Ordering::SeqCst);
    0
}

unsafe extern "C" fn retain(handle: WSAEVENT) -> i32 {
    let is_event_object = matches!(handle.0, 4 | 8);
    if is_event_object {
        REFERENCES[at(handle)].fetch_add(1, Ordering::SeqCst);
    }
    is_event_object.into()
}

unsafe extern "C" fn release(handle: WSAEVENT) {
    REFERENCES[at(handle)].fetch_sub(1, Ordering::SeqCst);
}

fn check() {
    let (first, second) = (WSAEVENT(4), WSAEVENT(8));
    let mut errno = 0;
    let mut out = WSANETWORKEVENTS::default();
    let signaled = || [0, 1].map(|at: usize| SIGNALED[at].load(Ordering::SeqCst));
    let references = || [0, 1].map(|at: usize| REFERENCES[at].load(Ordering::SeqCst));
    // SAFETY: the pointers come from references.
    let mut select = |s, event, mask| unsafe { (my_select(s, event, mask, &mut errno), errno) };
    assert_eq!(select(1, first, 1), (-1, 10050), "not started");
    let callbacks = Callbacks { set, reset, retain, release };
    assert_eq!(unsafe { (my_start(&callbacks), my_start(&callbacks)) }, (0, -1));

    assert_eq!((my_open(1), my_open(1), my_open(0), my_open(1025)), (0, 10022, 10024, 10024));
    assert_eq!(select(1, WSAEVENT(12), 1), (-1, 10022));
    assert_eq!(select(2, first, 1).1, 10038);
    assert_eq!(select(1, first, 0x3FF).0, 0);
    assert_eq!((my_record(1, 4, 10061), my_record(1, 10, 0), my_record(2, 0, 0)), (0, 10022, 10038));
    assert_eq!((signaled(), references()), ([true, false], [1, 0]));
    let mut enumerate = |s, event| unsafe {
        (my_enumerate(s, event, &mut out, std::ptr::null_mut()), out.lNetworkEvents)
    };
    assert_eq!(enumerate(1, first), (0, 0x10));
    assert_eq!((signaled(), references()), ([false; 2], [1, 0]), "reset and released");
    assert_eq!(out.iErrorCode[4], 10061);

    // Another selection; a call that consumes; a close.
    my_record(1, 0, 0);
    assert_eq!(select(1, second, 1).0, 0);
    assert_eq!((signaled(), references()), ([true, true], [0, 1]));
    assert_eq!((my_reenable(1, 0), my_reenable(1, 32)), (0, 10022));
    let mut enumerate = |s, event| unsafe {
        (my_enumerate(s, event, &mut out, std::ptr::null_mut()), out.lNetworkEvents)
    };
    assert_eq!(enumerate(1, second), (0, 0));
    my_record(1, 5, 0);
    assert_eq!((my_close(1), my_close(1)), (0, 10038));
    assert_eq!(references(), [0, 0]);
    assert_eq!((my_open(1), select(1, first, 0x3FF).0), (0, 0));
    let mut enumerate = |s, event| unsafe {
        (my_enumerate(s, event, &mut out, std::ptr::null_mut()), out.lNetworkEvents)
    };
    assert_eq!(enumerate(1, WSAEVENT::NULL), (0, 0), "a record of its own");
}
