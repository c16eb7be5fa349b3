/* Handles that are none, or no longer: an event object whose handle the program has closed while it is selected,
 * selections and enumerations with a bad event object, and both calls on what is no socket. A call that fails changes
 * nothing.
 */
#include "steps.h"

static WSAEVENT e, f;

/* A wait that has begun goes on after the handle is closed. It shows what becomes of the event object. */
struct waiter {
    WSAEVENT event, begins;
    DWORD result;
};

static void wait_for_it(void *with)
{
    struct waiter *waiter = (struct waiter *)with;
    WSASetEvent(waiter->begins);
    waiter->result = WaitForSingleObject(waiter->event, LIMIT);
}

static void an_event_object_that_the_program_has_closed(void)
{
    SOCKET s, peer;
    struct waiter waiter;
    thread t;
    section("closed");
    waiter.event = new_event();
    waiter.begins = f;
    WSAResetEvent(f);
    new_quiet_pair(&s, &peer, waiter.event, FD_READ);
    thread_start(&t, wait_for_it, &waiter);
    step("a thread waits for it: %s", soon(f));
    Sleep(PAUSE);
    step("close the handle: %d", WSACloseEvent(waiter.event) != 0);
    send_text(peer, "x");
    thread_join(&t);
    step("data: the event object is %s", waiter.result == WAIT_OBJECT_0 ? "set" : "reset, even now");
    step("enumerate without: %s", report(s, NULL));
    WSAResetEvent(f);
    close_pair(s, peer);
}

static void selections_that_fail(void)
{
    SOCKET s, peer;
    section("fails");
    new_quiet_pair(&s, &peer, e, FD_READ);
    step("select READ|CLOSE with a bad handle: %s", outcome(WSAEventSelect(s, bad_event(), FD_READ | FD_CLOSE)));
    step("select READ|CLOSE without: %s", outcome(WSAEventSelect(s, NULL, FD_READ | FD_CLOSE)));
    send_text(peer, "x");
    step("data, the earlier selection is at work: e %s", soon(e));
    step("enumerate: %s", report(s, e));
    step("receive: %s", received(s, 9, 0));
    step("select only unknown bits: %s", outcome(WSAEventSelect(s, e, 0x400)));
    send_text(peer, "x");
    until(unread(s) == 1);
    step("data, the selection has ended: e %s", still(e));
    step("enumerate: %s", report(s, e));
    step("select READ: %s", outcome(WSAEventSelect(s, e, FD_READ)));
    step("e: %s", now(e));
    step("enumerate with a bad handle: %s", report(s, bad_event()));
    step("e: %s", now(e));
    step("enumerate: %s", report(s, e));
    close_pair(s, peer);
}

static void no_socket(SOCKET s)
{
    WSASetEvent(e);
    step("enumerate with e: %s", report(s, e));
    step("e: %s", now(e));
    step("enumerate with a bad handle: %s", report(s, bad_event()));
    step("enumerate without: %s", report(s, NULL));
    step("select READ with e: %s", outcome(WSAEventSelect(s, e, FD_READ)));
    step("select READ with a bad handle: %s", outcome(WSAEventSelect(s, bad_event(), FD_READ)));
    step("select READ without: %s", outcome(WSAEventSelect(s, NULL, FD_READ)));
    step("select nothing: %s", outcome(WSAEventSelect(s, NULL, 0)));
    step("enumerate to nowhere: %s", outcome(WSAEnumNetworkEvents(s, NULL, NULL)));
    WSAResetEvent(e);
}

static void descriptors_of_no_socket(void)
{
    SOCKET s, peer;
    section("invalid_socket");
    no_socket(INVALID_SOCKET);
    section("event_object");
    no_socket((SOCKET)f);
    section("closed_socket");
    new_quiet_pair(&s, &peer, e, FD_READ);
    send_text(peer, "x");
    step("data: e %s", soon(e));
    step("close the socket: %s", outcome(closesocket(s)));
    step("e: %s", now(e));
    step("close it again: %s", outcome(closesocket(s)));
    no_socket(s);
    close_socket(peer);
}

int main(void)
{
    begin();
    e = new_event();
    f = new_event();
    an_event_object_that_the_program_has_closed();
    selections_that_fail();
    descriptors_of_no_socket();
    close_event(e);
    close_event(f);
    return finish();
}
