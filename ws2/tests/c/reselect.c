/* Selecting again, in every state of a socket: with another event object, another mask, none, with what is not valid.
 * A selection replaces mask and event object together, forgets nothing that was recorded, re-enables nothing that was
 * reported, and leaves the event object that it replaces as it is. While one stands, the socket cannot be blocking.
 */
#include "steps.h"

static WSAEVENT e, f;
static SOCKET s, peer, listener;

/* Takes a socket in some state, with whatever that state has recorded, through all kinds of selections. */
static void again_and_again(void)
{
    WSAResetEvent(e);
    WSAResetEvent(f);
    step("select all with e: %s", outcome(WSAEventSelect(s, e, FD_ALL_EVENTS)));
    step("e: %s", still(e));
    step("select QOS with e: %s", outcome(WSAEventSelect(s, e, FD_QOS)));
    step("e: %s", now(e));
    step("enumerate with e: %s", report(s, e));
    step("select all with f: %s", outcome(WSAEventSelect(s, f, FD_ALL_EVENTS)));
    step("f: %s", still(f));
    step("e: %s", now(e));
    step("select all with a bad handle: %s", outcome(WSAEventSelect(s, bad_event(), FD_ALL_EVENTS)));
    step("make it blocking: %s", outcome(set_nonblocking(s, 0)));
    step("enumerate with f: %s", report(s, f));
    step("select all with f: %s", outcome(WSAEventSelect(s, f, FD_ALL_EVENTS)));
    step("f: %s", still(f));
    step("select nothing: %s", outcome(WSAEventSelect(s, NULL, 0)));
    step("select all with e: %s", outcome(WSAEventSelect(s, e, FD_ALL_EVENTS)));
    step("e: %s", still(e));
    step("enumerate with e: %s", report(s, e));
    step("select nothing: %s", outcome(WSAEventSelect(s, e, 0)));
    step("make it blocking: %s", outcome(set_nonblocking(s, 0)));
    close_socket(s);
}

static void every_state(void)
{
    address to;

    section("new");
    s = new_stream(AF_INET);
    again_and_again();

    section("bound");
    s = bound(new_stream(AF_INET), AF_INET);
    again_and_again();

    section("connected");
    new_pair(AF_INET, &s, &peer);
    again_and_again();
    close_socket(peer);

    section("accepted");
    new_pair(AF_INET, &peer, &s);
    again_and_again();
    close_socket(peer);

    section("readable");
    new_pair(AF_INET, &s, &peer);
    send_text(peer, "x");
    until(unread(s) == 1);
    again_and_again();
    close_socket(peer);

    section("closed");
    new_pair(AF_INET, &s, &peer);
    close_socket(peer);
    Sleep(PAUSE);
    again_and_again();

    section("reset");
    new_pair(AF_INET, &s, &peer);
    reset_and_close(peer);
    Sleep(PAUSE);
    again_and_again();

    section("refused");
    listener = bound(new_stream(AF_INET), AF_INET);
    to = address_of(listener);
    s = new_stream(AF_INET);
    step("connect: %s", outcome(connect(s, &to.any, address_size(&to))));
    again_and_again();
    close_socket(listener);

    section("listening");
    s = new_listener(AF_INET);
    again_and_again();

    section("connection_waits");
    s = new_listener(AF_INET);
    peer = new_client(s);
    again_and_again();
    close_socket(peer);
}

static void while_it_connects(void)
{
    section("connecting");
    listener = new_listener(AF_INET);
    s = new_stream(AF_INET);
    step("select CONNECT with e: %s", outcome(WSAEventSelect(s, e, FD_CONNECT)));
    step("connect: %s", outcome(connect_to(s, listener)));
    step("select WRITE with f: %s", outcome(WSAEventSelect(s, f, FD_WRITE)));
    step("f: %s", soon(f));
    WSAResetEvent(e); /* it may or may not have been connected before the second selection */
    step("enumerate: %s", report(s, f));
    step("select CONNECT with e: %s", outcome(WSAEventSelect(s, e, FD_CONNECT)));
    step("e: %s", now(e));
    step("enumerate: %s", report(s, e));
    close_pair(s, listener);
}

static void after_fd_close(void)
{
    section("after_close");
    new_quiet_pair(&s, &peer, e, FD_CLOSE);
    close_socket(peer);
    step("the peer closes: e %s", soon(e));
    step("select READ with f: %s", outcome(WSAEventSelect(s, f, FD_READ)));
    step("f: %s", still(f));
    step("enumerate with f: %s", report(s, f));
    step("e: %s", now(e));
    step("select CLOSE with f: %s", outcome(WSAEventSelect(s, f, FD_CLOSE)));
    step("f: %s", now(f));
    step("enumerate with f: %s", report(s, f));
    step("select CLOSE with f: %s", outcome(WSAEventSelect(s, f, FD_CLOSE)));
    step("f: %s", still(f));
    step("receive: %s", received(s, 9, 0));
    WSAResetEvent(e);
    close_socket(s);
}

static void masks(void)
{
    section("mask");
    new_quiet_pair(&s, &peer, e, FD_READ);
    step("select unknown bits and READ: %s", outcome(WSAEventSelect(s, e, 0x400 | FD_READ)));
    send_text(peer, "x");
    step("data: e %s", soon(e));
    step("enumerate: %s", report(s, e));
    step("receive: %s", received(s, 9, 0));
    step("select unknown bits: %s", outcome(WSAEventSelect(s, e, 0x7FFFFC00)));
    step("make it blocking: %s", outcome(set_nonblocking(s, 0)));
    step("select READ: %s", outcome(WSAEventSelect(s, e, FD_READ)));
    step("make it blocking: %s", outcome(set_nonblocking(s, 0)));
    step("make it non-blocking: %s", outcome(set_nonblocking(s, 1)));
    step("select nothing with a bad handle: %s", outcome(WSAEventSelect(s, bad_event(), 0)));
    send_text(peer, "y");
    until(unread(s) == 1);
    step("data: e %s", still(e));
    step("enumerate: %s", report(s, e));
    step("receive: %s", received(s, 9, 0));
    step("receive: %s", received(s, 9, 0));
    step("select nothing: %s", outcome(WSAEventSelect(s, NULL, 0)));
    step("make it blocking: %s", outcome(set_nonblocking(s, 0)));
    send_text(peer, "z");
    step("receive: %s", received(s, 9, 0));
    WSAResetEvent(e);
    close_pair(s, peer);
}

static void auto_reset(void)
{
    HANDLE a = CreateEventA(NULL, FALSE, FALSE, NULL);
    must(a != NULL, "CreateEvent");
    section("auto_reset");
    new_pair(AF_INET, &s, &peer);
    step("select READ|CLOSE: %s", outcome(WSAEventSelect(s, a, FD_READ | FD_CLOSE)));
    step("it: %s", still(a));
    send_text(peer, "x");
    step("data: it %s", soon(a));
    step("after the wait: it %s", now(a));
    step("enumerate: %s", report(s, a));
    step("receive: %s", received(s, 9, 0));
    send_text(peer, "y");
    until(unread(s) == 1);
    Sleep(PAUSE);
    step("data, enumerate: %s", report(s, a));
    step("it: %s", now(a));
    step("select READ|CLOSE with e: %s", outcome(WSAEventSelect(s, e, FD_READ | FD_CLOSE)));
    close_socket(peer);
    step("receive: %s", received(s, 9, 0));
    step("the peer closes: e %s", soon(e));
    step("it: %s", now(a));
    step("enumerate with it: %s", report(s, a));
    step("e: %s", now(e));
    WSAResetEvent(e);
    close_socket(s);
    must(CloseHandle(a), "CloseHandle");
}

enum { SOCKETS = 8 };

static void one_event_object_for_all_and_one_each(void)
{
    SOCKET sockets[SOCKETS], peers[SOCKETS];
    WSAEVENT events[SOCKETS];
    int i, count;
    section("one_for_all");
    for (i = 0; i < SOCKETS; i++)
        new_quiet_pair(&sockets[i], &peers[i], e, FD_READ);
    for (i = 1; i < SOCKETS; i += 2)
        send_text(peers[i], "x");
    step("data for every second: e %s", soon(e));
    for (i = 1; i < SOCKETS; i += 2)
        until(unread(sockets[i]) == 1);
    Sleep(PAUSE);
    for (i = 0; i < SOCKETS; i++)
        step("enumerate: %s", report(sockets[i], e));
    step("e: %s", now(e));

    section("one_each");
    for (i = 0; i < SOCKETS; i++) {
        events[i] = new_event();
        must(WSAEventSelect(sockets[i], events[i], FD_READ) == 0, "WSAEventSelect");
    }
    for (i = count = 0; i < SOCKETS; i++)
        count += is_set(events[i]);
    step("select with one each, set: %d", count);
    send_text(peers[0], "x");
    send_text(peers[2], "x");
    until(is_set(events[0]) && is_set(events[2]));
    for (i = count = 0; i < SOCKETS; i++)
        count += is_set(events[i]);
    step("data for two, set: %d", count);
    step("wait for all of three: %s", WSAWaitForMultipleEvents(3, events, TRUE, PAUSE, FALSE) == WSA_WAIT_TIMEOUT
                                          ? "not all" : "all");
    step("wait for any: %d", (int)(WSAWaitForMultipleEvents(SOCKETS, events, FALSE, LIMIT, FALSE) - WSA_WAIT_EVENT_0));
    step("enumerate: %s", report(sockets[0], events[0]));
    step("wait for any: %d", (int)(WSAWaitForMultipleEvents(SOCKETS, events, FALSE, LIMIT, FALSE) - WSA_WAIT_EVENT_0));
    step("e: %s", now(e));
    for (i = 0; i < SOCKETS; i++) {
        close_pair(sockets[i], peers[i]);
        close_event(events[i]);
    }
}

int main(void)
{
    begin();
    e = new_event();
    f = new_event();
    every_state();
    while_it_connects();
    after_fd_close();
    masks();
    auto_reset();
    one_event_object_for_all_and_one_each();
    close_event(e);
    close_event(f);
    return finish();
}
