/* wsp_events.h: the network-event record of a socket, for providers in C and C++.
 *
 * A recorder remembers which FD_XXX events happened on one socket, and with which Winsock codes. It sets an event
 * object when something that was selected happens, and hands the record over exactly once when it is enumerated. Codes
 * in parentheses (E7) are the numbered rules of docs/CONTRACT.md.
 *
 * Each function returns 0, or a Winsock code; the functions that look return what they see. These codes are the
 * library's own:
 *
 *   WSAEINVAL   A null or misaligned recorder, or one that was not made, or was copied or moved; a null argument where
 *               one is needed; an event, a set of events or a call that does not exist; an event object with a null
 *               function; an event object that a selection could not set (S6) or an enumeration could not reset (E7).
 *   WSAENOTSOCK The recorder is closed (P5).
 *
 * A call that fails has changed nothing: no record, no event object, and no memory of the caller's (E7).
 *
 * Every function may be called on any thread (K1). From inside an event object's functions, the recorder that called
 * them must not be selected, deselected, closed or inherited from: that call would wait for itself, for ever (K4).
 * README.md has the other rules for threads. */
#ifndef WSP_EVENTS_H
#define WSP_EVENTS_H

#include <stddef.h>
#include <stdint.h>

#if defined(__cplusplus)
#define WSP_ALIGNED_TO_8 alignas(8)
#define WSP_ASSERT(condition, text) static_assert(condition, text)
#elif defined(_MSC_VER)
#define WSP_ALIGNED_TO_8 __declspec(align(8))
#define WSP_ASSERT(condition, text) extern char wsp_asserted[(condition) ? 1 : -1]
#else
#define WSP_ALIGNED_TO_8 _Alignas(8)
#define WSP_ASSERT(condition, text) _Static_assert(condition, text)
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Events (V1) ---- */

/* The events, as bits of lNetworkEvents. Where a function takes one event, it takes one of these. */
#define WSP_FD_READ 0x001u
#define WSP_FD_WRITE 0x002u
#define WSP_FD_OOB 0x004u
#define WSP_FD_ACCEPT 0x008u
#define WSP_FD_CONNECT 0x010u
#define WSP_FD_CLOSE 0x020u
#define WSP_FD_QOS 0x040u
#define WSP_FD_GROUP_QOS 0x080u
#define WSP_FD_ROUTING_INTERFACE_CHANGE 0x100u
#define WSP_FD_ADDRESS_LIST_CHANGE 0x200u
#define WSP_FD_ALL_EVENTS 0x3FFu

/* Their indexes in iErrorCode. */
#define WSP_FD_READ_BIT 0
#define WSP_FD_WRITE_BIT 1
#define WSP_FD_OOB_BIT 2
#define WSP_FD_ACCEPT_BIT 3
#define WSP_FD_CONNECT_BIT 4
#define WSP_FD_CLOSE_BIT 5
#define WSP_FD_QOS_BIT 6
#define WSP_FD_GROUP_QOS_BIT 7
#define WSP_FD_ROUTING_INTERFACE_CHANGE_BIT 8
#define WSP_FD_ADDRESS_LIST_CHANGE_BIT 9
#define WSP_FD_MAX_EVENTS 10

/* The events that latch: once recorded, further occurrences are ignored until the event is re-enabled (L1). Nothing,
 * for a provider that reports each arrival. Everything that can latch, for one that reports conditions, such as the
 * readiness that a poller sees. The third for one that reports arrivals as Windows does. FD_ROUTING_INTERFACE_CHANGE
 * and FD_ADDRESS_LIST_CHANGE always latch, and start latched (L3). */
#define WSP_LATCHING_NONE 0x000u
#define WSP_LATCHING_FOR_CONDITIONS 0x37Fu
#define WSP_LATCHING_FOR_ARRIVALS 0x372u

/* Codes that this library returns, and those that are documented for events (V4). Any other int can be recorded too,
 * and comes out unchanged (V3). */
#define WSP_WSAEFAULT 10014
#define WSP_WSAEINVAL 10022
#define WSP_WSAEWOULDBLOCK 10035
#define WSP_WSAENOTSOCK 10038
#define WSP_WSAEAFNOSUPPORT 10047
#define WSP_WSAENETDOWN 10050
#define WSP_WSAENETUNREACH 10051
#define WSP_WSAECONNABORTED 10053
#define WSP_WSAECONNRESET 10054
#define WSP_WSAENOBUFS 10055
#define WSP_WSAETIMEDOUT 10060
#define WSP_WSAECONNREFUSED 10061

/* The layout of WSANETWORKEVENTS on every target (V2): a pointer to a WSANETWORKEVENTS may be cast to this. */
typedef struct wsp_network_events {
    int32_t lNetworkEvents;
    int32_t iErrorCode[10];
} wsp_network_events;

WSP_ASSERT(sizeof(wsp_network_events) == 44, "a WSANETWORKEVENTS has 44 bytes");

/* ---- Event objects ---- */

/* What an event object does. All four are needed. They may be called on any thread and by several at once, and must
 * not leave by longjmp or an exception. They are called with no lock of the library's held. The structure must stay
 * as it is as long as an event object that refers to it is in use; it is usually static and const. */
typedef struct wsp_event_object_calls {
    /* SetEvent. Returns 0, or an error code of any kind; the set is then owed (R6). What a thread did before a set,
     * even one that finds the event object set, must be visible to the thread that resets it afterwards (K3). */
    int32_t (*set)(void *context);
    /* ResetEvent. Returns 0, or an error code of any kind; the enumeration then fails (E7). */
    int32_t (*reset)(void *context);
    /* One reference more. It cannot fail: if the operating system's object cannot be counted without failure (a
     * HANDLE), count a structure that contains it. */
    void (*retain)(void *context);
    /* One reference less. */
    void (*release)(void *context);
} wsp_event_object_calls;

/* An event object: its functions, and what they are called with. This pair is copied; only `calls` and the context
 * must stay. */
typedef struct wsp_event_object {
    const wsp_event_object_calls *calls;
    void *context;
} wsp_event_object;

/* ---- Recorders ---- */

#define WSP_RECORDER_SIZE 80
#define WSP_RECORDER_ALIGNMENT 8

/* The record of one socket, in memory of yours. It must stay where it was made: a call on a copy is WSAEINVAL. */
typedef struct wsp_recorder {
    WSP_ALIGNED_TO_8 unsigned char opaque[WSP_RECORDER_SIZE];
} wsp_recorder;

WSP_ASSERT(sizeof(wsp_recorder) == WSP_RECORDER_SIZE, "the size of a recorder");

/* Makes a recorder: nothing recorded, nothing selected. `latching` is one of WSP_LATCHING_..., or another set of
 * events. The memory need not be initialised. Nobody else may use it yet, and it must not contain a recorder that was
 * made and not closed: what that one had selected would never be released. */
int32_t wsp_recorder_make(wsp_recorder *recorder, uint32_t latching);

/* Makes a recorder for a socket that was accepted: with the selection that the listener has at this moment, a
 * reference of its own to the event object (`retain` is called), the listener's latching set, and an empty record
 * (S8). `accepted` is as for wsp_recorder_make, and is not written if the call fails. */
int32_t wsp_recorder_inherit(wsp_recorder *listener, wsp_recorder *accepted);

/* Closes a recorder for good: the selection ends, its event object is released and keeps the state it has, and what
 * was recorded is discarded (S7). A call that races this one completes before, or answers WSAENOTSOCK (P5). Every
 * recorder that was made must be closed. Afterwards, when no call is under way on it, its memory may be used for
 * something else, or for a new recorder. */
int32_t wsp_recorder_close(wsp_recorder *recorder);

/* Makes the record as new, for a socket that begins another connection: nothing recorded, every latch as at the
 * beginning. The selection stands, and the event object is not touched (R8). */
int32_t wsp_recorder_renew(wsp_recorder *recorder);

/* ---- Recording ---- */

#define WSP_WAKE_NOT_NEEDED 0  /* nothing new that is selected: the event object was not touched (R3, R4) */
#define WSP_WAKE_SET 1         /* this call set the event object, or tried to */
#define WSP_WAKE_HANDED_OVER 2 /* a selection is under way on another thread, and sets before it returns (K2) */

/* What recording did. Where a function takes a pointer to it, the pointer may be null. */
typedef struct wsp_recorded {
    /* The events that were not in the record before. Repeats are not among them (R3). */
    uint32_t new_events;
    /* Who sets the event object: WSP_WAKE_... */
    uint32_t wake;
    /* The code of this call's `set`, if that failed, else 0. The events are recorded all the same, and the set is
     * owed: the next recording or selection tries again, and so does an enumeration that fails (R6). */
    int32_t set_error;
} wsp_recorded;

/* Records one occurrence of one event. `code` is 0 for success, or the error code (R1, R2). If the event is selected
 * and was not recorded yet, the event object is set (R4). A repeat changes nothing, but an error takes the place of a
 * recorded success (R3). On a recorder that is closed nothing is recorded, and the call succeeds. */
int32_t wsp_recorder_record(wsp_recorder *recorder, uint32_t event, int32_t code,
                            wsp_recorded *recorded);

/* Records several events as one step: no report contains only some of them, and the event object is set once (R5).
 * The events are the bits of lNetworkEvents, their codes are in iErrorCode. */
int32_t wsp_recorder_record_all(wsp_recorder *recorder, const wsp_network_events *occurrences,
                                wsp_recorded *recorded);

/* The first of two steps: records, and leaves the event object alone (R9). It may be called under a spin lock. The
 * second step is wsp_recorder_signal, when the lock is gone. Until then the set is owed. `new_events` may be null; it
 * gets what wsp_recorded says under that name. */
int32_t wsp_recorder_record_unsignaled(wsp_recorder *recorder, uint32_t event, int32_t code,
                                       uint32_t *new_events);
int32_t wsp_recorder_record_all_unsignaled(wsp_recorder *recorder,
                                           const wsp_network_events *occurrences,
                                           uint32_t *new_events);

/* The second step: sets the event object if a set is owed, by whomever. If none is (a report or a withdrawal came
 * first, or another call has set), it costs one look. One call is enough for all that was recorded before it.
 * `new_events` is always empty. */
int32_t wsp_recorder_signal(wsp_recorder *recorder, wsp_recorded *recorded);

/* ---- The switch's two calls ---- */

/* WSPEventSelect: selects events, and the event object that is set for them. It replaces what was selected before,
 * events and event object together (S1). What is recorded stays, and if any of it is selected now, the event object is
 * set before the call returns (S2). Bits that are no event are dropped; if none remain, this is wsp_recorder_deselect,
 * and the event object is ignored (S3, S4).
 *
 * The recorder retains the event object. It releases the one that was selected before, after the last call on it has
 * returned; or the new one, if the call fails (P2). */
int32_t wsp_recorder_select(wsp_recorder *recorder, uint32_t events,
                            const wsp_event_object *event_object);

/* Ends the selection: WSPEventSelect with a mask of zero. The event object keeps the state it has, and is released.
 * */
int32_t wsp_recorder_deselect(wsp_recorder *recorder);

/* WSPEnumNetworkEvents: takes the report of what is recorded and selected, clears that from the record, then resets
 * an event object (E1 to E5). A null `to_reset` resets none (E6). It need not be the selected one, and is not retained.
 * An empty report succeeds, and resets all the same (E8).
 *
 * lNetworkEvents is overwritten, and an element of iErrorCode is written if and only if its bit is in the report: all
 * other bytes keep what is there (E2). `out` need not be aligned; if it is null the call fails.
 *
 * `set_error` may be null. If the call succeeds it gets 0, or the code of a set that the call made at its end, for
 * events that were recorded meanwhile, and that failed. That set is owed. */
int32_t wsp_recorder_enumerate(wsp_recorder *recorder, const wsp_event_object *to_reset,
                               wsp_network_events *out, int32_t *set_error);

/* Gets a report before it is final. The codes of events that are not in it are 0. Returns 0, or a Winsock code, with
 * which the enumeration fails. */
typedef int32_t (*wsp_deliver)(void *context, const wsp_network_events *report);

/* As wsp_recorder_enumerate, and hands the report to `deliver` instead of writing it: to a guest's memory, or to a
 * user's buffer that can fault. If `deliver` fails, the report was never taken, and the event object was not reset
 * (E7). If the reset fails after it, what was delivered does not count. Write the codes first and the mask last.
 * `deliver` may use the recorder, also to select or close. */
int32_t wsp_recorder_enumerate_with(wsp_recorder *recorder, const wsp_event_object *to_reset,
                                    wsp_deliver deliver, void *context, int32_t *set_error);

/* ---- Conditions ---- */

/* Takes events out of the record without a report, for a call that consumed the condition. The event object is not
 * touched (R7). */
int32_t wsp_recorder_withdraw(wsp_recorder *recorder, uint32_t events);

/* Re-enables one event: withdraws it and ends its latch, in one step. The call that consumes a condition does this
 * before it looks at the condition, and records again if the condition holds, all under the lock under which other
 * threads look and record (L2). */
int32_t wsp_recorder_reenable(wsp_recorder *recorder, uint32_t event);

/* The calls that re-enable an event (L3). */
#define WSP_CALL_RECV 0                     /* a receive without MSG_OOB: FD_READ */
#define WSP_CALL_RECV_OOB 1                 /* a receive with MSG_OOB: FD_OOB */
#define WSP_CALL_SEND_WOULD_BLOCK 2         /* a send that has failed with WSAEWOULDBLOCK: FD_WRITE */
#define WSP_CALL_ACCEPT 3                   /* WSPAccept, AcceptEx: FD_ACCEPT */
#define WSP_CALL_CONNECT 4                  /* WSPConnect: FD_CONNECT */
#define WSP_CALL_GET_QOS 5                  /* WSPIoctl(SIO_GET_QOS): FD_QOS */
#define WSP_CALL_ROUTING_INTERFACE_CHANGE 6 /* WSPIoctl of that name */
#define WSP_CALL_ADDRESS_LIST_CHANGE 7      /* WSPIoctl of that name */

/* Re-enables the event that a call re-enables: after the call's arguments are found to be good, even if it fails
 * later. */
int32_t wsp_recorder_reenable_for(wsp_recorder *recorder, uint32_t call);

/* ---- Looking ---- */

/* Another thread may change the answer at any time. For a null recorder, and one that was not made, the answer is 0.
 * */

/* What is in the record, selected or not (R1). */
uint32_t wsp_recorder_recorded(const wsp_recorder *recorder);
/* What is selected (S1). While it is not 0, ioctlsocket(FIONBIO, 0) is WSAEINVAL (S9). */
uint32_t wsp_recorder_selected(const wsp_recorder *recorder);
/* What is latched (L1). */
uint32_t wsp_recorder_latched(const wsp_recorder *recorder);
/* What a provider with a poller has to watch for: what is selected and not latched. */
uint32_t wsp_recorder_interest(const wsp_recorder *recorder);
/* 1 if a set is owed (R6), else 0. */
int32_t wsp_recorder_owes_set(const wsp_recorder *recorder);

#ifdef __cplusplus
}
#endif

#undef WSP_ALIGNED_TO_8
#undef WSP_ASSERT

#endif
