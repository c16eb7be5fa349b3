/* A second descriptor of the same socket, by WSADuplicateSocket and WSASocket. The record belongs to the socket and not
 * to a descriptor: one selection, through whichever it was made; what the one has reported, the other does not report
 * again; data, mode, and options are the same. It ends when the last descriptor is closed.
 */
#include "steps.h"

static WSAEVENT e, f;

static SOCKET second(SOCKET s)
{
    WSAPROTOCOL_INFO info;
    SOCKET t;
    memset(&info, 0, sizeof info);
    if (WSADuplicateSocket(s, GetCurrentProcessId(), &info) == SOCKET_ERROR)
        return INVALID_SOCKET;
    t = WSASocket(FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, &info, 0, 0);
    must(t != INVALID_SOCKET && t != s, "WSASocket");
    return t;
}

static void one_record(void)
{
    SOCKET s, t, peer;
    section("record");
    new_pair(AF_INET, &s, &peer);
    t = second(s);
    must(t != INVALID_SOCKET, "WSADuplicateSocket");
    step("select READ|WRITE through the first: %s", outcome(WSAEventSelect(s, e, FD_READ | FD_WRITE)));
    step("e: %s", now(e));
    step("enumerate the second: %s", report(t, e));
    step("enumerate the first: %s", report(s, e));
    send_text(peer, "ab");
    step("data: e %s", soon(e));
    step("enumerate the second: %s", report(t, e));
    step("enumerate the first: %s", report(s, e));
    step("receive 1 from the second: %s", received(t, 1, 0));
    step("e: %s", soon(e));
    step("enumerate the first: %s", report(s, e));
    step("receive from the first: %s", received(s, 9, 0));
    step("select READ with f through the second: %s", outcome(WSAEventSelect(t, f, FD_READ)));
    send_text(peer, "c");
    step("data: f %s", soon(f));
    step("e: %s", now(e));
    step("enumerate the first: %s", report(s, f));
    step("receive from the first: %s", received(s, 9, 0));
    step("select nothing through the first: %s", outcome(WSAEventSelect(s, NULL, 0)));
    send_text(peer, "d");
    until(unread(s) == 1);
    step("data: f %s", still(f));
    step("enumerate the second: %s", report(t, f));
    close_pair(s, t);
    close_socket(peer);
}

static void one_socket(void)
{
    SOCKET s, t, peer;
    int seen = 0, size = sizeof seen;
    address a, b;
    section("socket");
    new_pair(AF_INET, &s, &peer);
    t = second(s);
    must(t != INVALID_SOCKET, "WSADuplicateSocket");
    a = address_of(s);
    b = address_of(t);
    step("their address: %s", memcmp(&a, &b, sizeof a) == 0 ? "the same" : "not the same");
    set_option(t, SOL_SOCKET, SO_OOBINLINE, 1);
    must(getsockopt(s, SOL_SOCKET, SO_OOBINLINE, (char *)&seen, &size) == 0, "SO_OOBINLINE");
    step("an option of the second, at the first: %d", seen != 0);
    step("make the first non-blocking: %s", outcome(set_nonblocking(s, 1)));
    step("receive from the second: %s", received(t, 9, 0));
    step("send from the second: %s", outcome(send(t, "x", 1, 0)));
    step("the peer receives: %s", received(peer, 9, 0));
    step("shutdown SEND of the second: %s", outcome(shutdown(t, SD_SEND)));
    step("send from the first: %s", outcome(send(s, "x", 1, 0)));
    step("the peer receives: %s", received(peer, 9, 0));
    close_pair(s, t);
    close_socket(peer);
}

static void one_is_closed(int which)
{
    SOCKET s[2], t, peer;
    section(which == 0 ? "close_the_first" : "close_the_second");
    new_pair(AF_INET, &s[0], &peer);
    s[1] = second(s[0]);
    must(s[1] != INVALID_SOCKET, "WSADuplicateSocket");
    step("select READ through the other: %s", outcome(WSAEventSelect(s[!which], e, FD_READ)));
    step("close the one: %s", outcome(closesocket(s[which])));
    step("enumerate the one: %s", report(s[which], NULL));
    step("select through the one: %s", outcome(WSAEventSelect(s[which], f, FD_READ)));
    t = s[!which];
    send_text(peer, "x");
    step("data: e %s", soon(e));
    step("enumerate the other: %s", report(t, e));
    step("receive from the other: %s", received(t, 9, 0));
    step("send from the other: %s", outcome(send(t, "y", 1, 0)));
    step("the peer receives: %s", received(peer, 9, 0));
    step("select CLOSE: %s", outcome(WSAEventSelect(peer, f, FD_CLOSE)));
    step("f: %s", still(f));
    step("close the other: %s", outcome(closesocket(t)));
    step("the peer: f %s", soon(f));
    step("enumerate the peer: %s", report(peer, f));
    step("e: %s", still(e));
    close_socket(peer);
}

static void the_one_that_selected_is_closed(void)
{
    SOCKET s, t, peer;
    section("selected_and_closed");
    new_pair(AF_INET, &s, &peer);
    t = second(s);
    must(t != INVALID_SOCKET, "WSADuplicateSocket");
    step("select READ through the second: %s", outcome(WSAEventSelect(t, e, FD_READ)));
    step("close the second: %s", outcome(closesocket(t)));
    send_text(peer, "x");
    step("data: e %s", soon(e));
    step("enumerate the first: %s", report(s, e));
    close_pair(s, peer);
}

static void a_listener_and_a_connection(void)
{
    SOCKET listener, t, client, s, u;
    section("listener");
    listener = new_listener(AF_INET);
    t = second(listener);
    must(t != INVALID_SOCKET, "WSADuplicateSocket");
    step("select ACCEPT through the second: %s", outcome(WSAEventSelect(t, e, FD_ACCEPT)));
    client = new_stream(AF_INET);
    u = second(client);
    must(u != INVALID_SOCKET, "WSADuplicateSocket");
    step("select CONNECT through the second: %s", outcome(WSAEventSelect(u, f, FD_CONNECT)));
    step("connect the first: %s", outcome(connect_to(client, listener)));
    step("f: %s", soon(f));
    step("enumerate the second: %s", report(u, f));
    step("enumerate the first: %s", report(client, f));
    step("e: %s", soon(e));
    step("enumerate the listener's first: %s", report(listener, e));
    s = accept(t, NULL, NULL);
    step("accept from the second: %s", s == INVALID_SOCKET ? error_text(WSAGetLastError()) : "a socket");
    send_text(u, "x");
    step("data: e %s", still(e));
    step("receive: %s", received(s, 9, 0));
    close_pair(listener, t);
    close_pair(client, u);
    close_socket(s);
}

static void descriptors_of_no_socket(void)
{
    SOCKET s;
    section("fails");
    s = new_stream(AF_INET);
    close_socket(s);
    step("of a closed socket: %s", second(s) == INVALID_SOCKET ? error_text(WSAGetLastError()) : "a socket");
    step("of none: %s", second(INVALID_SOCKET) == INVALID_SOCKET ? error_text(WSAGetLastError()) : "a socket");
}

int main(void)
{
    begin();
    e = new_event();
    f = new_event();
    one_record();
    one_socket();
    one_is_closed(0);
    one_is_closed(1);
    the_one_that_selected_is_closed();
    a_listener_and_a_connection();
    descriptors_of_no_socket();
    close_event(e);
    close_event(f);
    return finish();
}
