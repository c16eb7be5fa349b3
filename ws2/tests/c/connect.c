/* How a connection begins, or does not: FD_CONNECT with its code, FD_WRITE with it, and nothing else; whether it was
 * selected before or afterwards, non-blocking or blocking. What a second connect answers: while the first is under way,
 * when the socket is connected, and after a refusal, when it is a new attempt.
 */
#include "steps.h"

static WSAEVENT e;

static const char *connecting(SOCKET s, const address *to)
{
    return outcome(connect(s, &to->any, address_size(to)));
}

static const char *peer_is(SOCKET s, const address *expected)
{
    address a;
    int size = (int)sizeof a;
    memset(&a, 0, sizeof a);
    if (getpeername(s, &a.any, &size) == SOCKET_ERROR)
        return error_text(WSAGetLastError());
    return size == address_size(expected) && memcmp(&a, expected, (size_t)size) == 0 ? "the listener" : "another";
}

static void connected(int family, const char *name)
{
    SOCKET listener, s;
    address to;
    section(name);
    listener = new_listener(family);
    to = address_of(listener);
    s = new_stream(family);
    step("select all: %s", outcome(WSAEventSelect(s, e, FD_ALL_EVENTS)));
    step("e: %s", still(e));
    step("enumerate: %s", report(s, e));
    step("send: %s", outcome(send(s, "x", 1, 0)));
    step("receive: %s", received(s, 9, 0));
    step("the peer's address: %s", peer_is(s, &to));
    step("connect: %s", connecting(s, &to));
    step("e: %s", soon(e));
    step("enumerate: %s", report(s, e));
    step("enumerate: %s", report(s, e));
    step("the peer's address: %s", peer_is(s, &to));
    step("SO_ERROR: %d", socket_error(s));
    step("connect: %s", connecting(s, &to));
    step("e: %s", still(e));
    step("enumerate: %s", report(s, e));
    close_pair(s, listener);
}

static void connected_and_then_selected(void)
{
    SOCKET listener, s;
    address to;
    section("blocking");
    listener = new_listener(AF_INET);
    to = address_of(listener);
    s = new_stream(AF_INET);
    step("connect: %s", connecting(s, &to));
    step("select all: %s", outcome(WSAEventSelect(s, e, FD_ALL_EVENTS)));
    step("e: %s", now(e));
    step("enumerate: %s", report(s, e));
    close_socket(s);

    s = new_stream(AF_INET);
    step("select WRITE: %s", outcome(WSAEventSelect(s, e, FD_WRITE)));
    step("connect: %s", connecting(s, &to));
    step("e: %s", soon(e));
    step("enumerate: %s", report(s, e));
    step("select CONNECT|WRITE: %s", outcome(WSAEventSelect(s, e, FD_CONNECT | FD_WRITE)));
    step("e: %s", now(e));
    step("enumerate: %s", report(s, e));
    close_pair(s, listener);
}

static void refused(int family, const char *name)
{
    SOCKET closed, s;
    address to;
    section(name);
    closed = bound(new_stream(family), family); /* nobody listens, and nobody else will */
    to = address_of(closed);
    s = new_stream(family);
    step("select all: %s", outcome(WSAEventSelect(s, e, FD_ALL_EVENTS)));
    step("connect: %s", connecting(s, &to));
    step("e: %s", soon(e));
    step("enumerate: %s", report(s, e));
    step("e: %s", still(e));
    step("enumerate: %s", report(s, e));
    step("SO_ERROR: %d", socket_error(s));
    step("send: %s", outcome(send(s, "x", 1, 0)));
    step("receive: %s", received(s, 9, 0));
    step("the peer's address: %s", peer_is(s, &to));
    step("enumerate: %s", report(s, e));
    close_socket(s);

    s = new_stream(family);
    step("blocking connect: %s", connecting(s, &to));
    step("SO_ERROR: %d", socket_error(s));
    step("select all: %s", outcome(WSAEventSelect(s, e, FD_ALL_EVENTS)));
    step("e: %s", now(e));
    step("enumerate: %s", report(s, e));
    step("enumerate: %s", report(s, e));
    close_pair(s, closed);
}

static void refused_and_then_connected(void)
{
    SOCKET closed, listener, s;
    address to, elsewhere;
    section("again");
    closed = bound(new_stream(AF_INET), AF_INET);
    to = address_of(closed);
    listener = new_listener(AF_INET);
    elsewhere = address_of(listener);
    s = new_stream(AF_INET);
    step("select CONNECT|WRITE|CLOSE: %s", outcome(WSAEventSelect(s, e, FD_CONNECT | FD_WRITE | FD_CLOSE)));
    step("connect: %s", connecting(s, &to));
    step("e: %s", soon(e));
    step("enumerate: %s", report(s, e));
    step("connect to the same: %s", connecting(s, &to));
    step("e: %s", soon(e));
    WSAResetEvent(e);
    step("connect to another: %s", connecting(s, &elsewhere));
    step("e: %s", soon(e));
    step("enumerate: %s", report(s, e));
    step("the peer's address: %s", peer_is(s, &elsewhere));
    close_socket(s);

    section("again_blocking");
    s = new_stream(AF_INET);
    step("connect: %s", connecting(s, &to));
    step("connect to another: %s", connecting(s, &elsewhere));
    step("select all: %s", outcome(WSAEventSelect(s, e, FD_ALL_EVENTS)));
    step("e: %s", soon(e));
    step("enumerate: %s", report(s, e));
    close_pair(s, closed);
    close_socket(listener);
}

static void refused_after_bind(void)
{
    SOCKET closed, s;
    address to, before, after;
    section("bound");
    closed = bound(new_stream(AF_INET), AF_INET);
    to = address_of(closed);
    s = bound(new_stream(AF_INET), AF_INET);
    before = address_of(s);
    step("select CONNECT: %s", outcome(WSAEventSelect(s, e, FD_CONNECT)));
    step("connect: %s", connecting(s, &to));
    step("e: %s", soon(e));
    step("enumerate: %s", report(s, e));
    after = address_of(s);
    step("its own address: %s", memcmp(&before, &after, sizeof before) == 0 ? "as before" : "another");
    step("bind: %s", outcome(bind(s, &before.any, address_size(&before))));
    close_pair(s, closed);
}

/* Connections that nobody accepts fill the listener's queue, so that one is left which is still under way. */
static void while_it_connects(void)
{
    SOCKET listener, client[8], s = INVALID_SOCKET, t;
    address to;
    int count;
    section("under_way");
    listener = bound(new_stream(AF_INET), AF_INET);
    must(listen(listener, 1) == 0, "listen");
    to = address_of(listener);
    for (count = 0; s == INVALID_SOCKET; count++) {
        must(count < 8, "a queue of 1 that is full");
        client[count] = new_stream(AF_INET);
        must(WSAEventSelect(client[count], e, FD_CONNECT) == 0, "WSAEventSelect");
        must(strcmp(connecting(client[count], &to), "WSAEWOULDBLOCK") == 0, "connect");
        Sleep(3 * PAUSE);
        if (!is_set(e))
            s = client[count];
        WSAResetEvent(e);
    }
    step("connect again: %s", connecting(s, &to));
    step("send: %s", outcome(send(s, "x", 1, 0)));
    step("receive: %s", received(s, 9, 0));
    step("shutdown: %s", outcome(shutdown(s, SD_SEND)));
    step("bind: %s", outcome(bind(s, &to.any, address_size(&to))));
    step("select all: %s", outcome(WSAEventSelect(s, e, FD_ALL_EVENTS)));
    step("enumerate: %s", report(s, e));
    t = accept(listener, NULL, NULL);
    must(t != INVALID_SOCKET, "accept");
    step("a place in the queue: e %s", soon(e));
    step("enumerate: %s", report(s, e));
    step("connect again: %s", connecting(s, &to));
    while (count > 0)
        close_socket(client[--count]);
    close_pair(t, listener);
}

static void addresses_that_are_refused(void)
{
    SOCKET s, listener;
    address to;
    section("address");
    listener = new_listener(AF_INET);
    to = address_of(listener);
    s = new_stream(AF_INET);
    step("select all: %s", outcome(WSAEventSelect(s, e, FD_ALL_EVENTS)));
    step("too short: %s", outcome(connect(s, &to.any, address_size(&to) - 1)));
    to.any.sa_family = AF_INET6;
    step("of another family: %s", outcome(connect(s, &to.any, (int)sizeof to.v6)));
    to = loopback(AF_INET);
    step("with port 0: %s", connecting(s, &to));
    to = address_of(listener);
    to.v4.sin_addr.s_addr = htonl(INADDR_ANY);
    step("INADDR_ANY: %s", connecting(s, &to));
    step("e: %s", still(e));
    step("enumerate: %s", report(s, e));
    to = address_of(listener);
    step("connect a listener: %s", connecting(listener, &to));
    step("connect a closed socket: %s", connecting(INVALID_SOCKET, &to));
    close_pair(s, listener);
}

int main(void)
{
    begin();
    e = new_event();
    connected(AF_INET, "connected");
    connected(AF_INET6, "connected_v6");
    connected_and_then_selected();
    refused(AF_INET, "refused");
    refused(AF_INET6, "refused_v6");
    refused_and_then_connected();
    refused_after_bind();
    while_it_connects();
    addresses_that_are_refused();
    close_event(e);
    return finish();
}
