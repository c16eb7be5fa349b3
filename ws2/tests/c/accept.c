/* FD_ACCEPT, and what an accepted socket has from its listener. An accept makes FD_ACCEPT news again if another
 * connection waits. The accepted socket starts with the selection that the listener has at that moment, with an empty
 * record of its own, and non-blocking if the listener is.
 */
#include "steps.h"

static WSAEVENT e, f;

static const char *accepted(SOCKET listener, SOCKET *s)
{
    *s = accept(listener, NULL, NULL);
    return *s == INVALID_SOCKET ? error_text(WSAGetLastError()) : "a socket";
}

static void two_connections_wait(int family, const char *name)
{
    SOCKET listener, client[2], s[3];
    section(name);
    listener = new_listener(family);
    step("select ACCEPT: %s", outcome(WSAEventSelect(listener, e, FD_ACCEPT)));
    step("e: %s", still(e));
    step("accept: %s", accepted(listener, &s[0]));
    client[0] = new_client(listener);
    client[1] = new_client(listener);
    step("two connections: e %s", soon(e));
    Sleep(PAUSE);
    step("enumerate: %s", report(listener, e));
    step("enumerate: %s", report(listener, e));
    step("accept: %s", accepted(listener, &s[0]));
    step("e: %s", soon(e));
    step("enumerate: %s", report(listener, e));
    step("accept: %s", accepted(listener, &s[1]));
    step("e: %s", still(e));
    step("enumerate: %s", report(listener, e));
    step("accept: %s", accepted(listener, &s[2]));
    step("enumerate: %s", report(listener, e));
    close_pair(client[0], s[0]);
    close_pair(client[1], s[1]);
    close_socket(listener);
}

static void connected_before_it_is_selected(void)
{
    SOCKET listener, client, s;
    section("before");
    listener = new_listener(AF_INET);
    client = new_client(listener);
    step("select ACCEPT: %s", outcome(WSAEventSelect(listener, e, FD_ACCEPT)));
    step("e: %s", soon(e));
    step("select CLOSE: %s", outcome(WSAEventSelect(listener, e, FD_CLOSE)));
    step("e: %s", now(e));
    step("enumerate: %s", report(listener, e));
    step("select ACCEPT: %s", outcome(WSAEventSelect(listener, e, FD_ACCEPT)));
    step("e: %s", now(e));
    step("enumerate: %s", report(listener, e));
    step("accept: %s", accepted(listener, &s));
    close_pair(client, s);

    step("select CLOSE: %s", outcome(WSAEventSelect(listener, e, FD_CLOSE)));
    client = new_client(listener);
    step("a connection: e %s", still(e));
    step("accept: %s", accepted(listener, &s));
    step("select ACCEPT: %s", outcome(WSAEventSelect(listener, e, FD_ACCEPT)));
    step("e: %s", still(e));
    step("enumerate: %s", report(listener, e));
    close_pair(client, s);
    close_socket(listener);
}

static void the_selection_is_inherited(void)
{
    SOCKET listener, client, s, t;
    section("inherited");
    listener = new_listener(AF_INET);
    step("select ACCEPT|READ|WRITE|CLOSE with e: %s",
         outcome(WSAEventSelect(listener, e, FD_ACCEPT | FD_READ | FD_WRITE | FD_CLOSE)));
    client = new_client(listener);
    step("a connection: e %s", soon(e));
    step("enumerate the listener: %s", report(listener, e));
    step("accept: %s", accepted(listener, &s));
    step("e: %s", soon(e));
    step("enumerate the listener without: %s", report(listener, NULL));
    step("enumerate the socket: %s", report(s, e));
    step("e: %s", still(e));
    step("receive: %s", received(s, 9, 0));
    step("make it blocking: %s", outcome(set_nonblocking(s, 0)));
    step("select ACCEPT with f for the listener: %s", outcome(WSAEventSelect(listener, f, FD_ACCEPT)));
    send_text(client, "x");
    step("data: e %s", soon(e));
    step("f: %s", now(f));
    step("enumerate the socket: %s", report(s, e));
    step("receive: %s", received(s, 9, 0));
    step("select READ with f for the socket: %s", outcome(WSAEventSelect(s, f, FD_READ)));
    send_text(client, "y");
    step("data: f %s", soon(f));
    step("e: %s", now(e));
    step("enumerate the socket: %s", report(s, f));
    close_pair(client, s);

    step("select ACCEPT|CLOSE with e for the listener: %s", outcome(WSAEventSelect(listener, e, FD_ACCEPT | FD_CLOSE)));
    client = new_client(listener);
    step("a connection: e %s", soon(e));
    step("enumerate the listener: %s", report(listener, e));
    step("accept: %s", accepted(listener, &t));
    step("close the listener: %s", outcome(closesocket(listener)));
    step("e: %s", still(e));
    close_socket(client);
    step("the client closes: e %s", soon(e));
    step("enumerate the socket: %s", report(t, e));
    step("select WRITE: %s", outcome(WSAEventSelect(t, e, FD_WRITE)));
    step("enumerate the socket: %s", report(t, e));
    close_socket(t);
}

static void what_else_is_inherited(void)
{
    SOCKET listener, client, s;
    section("mode");
    listener = new_listener(AF_INET);
    step("make the listener non-blocking: %s", outcome(set_nonblocking(listener, 1)));
    client = new_client(listener);
    until(accepted(listener, &s)[0] == 'a');
    step("receive from the accepted socket: %s", received(s, 9, 0));
    close_pair(client, s);
    step("make the listener blocking: %s", outcome(set_nonblocking(listener, 0)));
    client = new_client(listener);
    step("accept: %s", accepted(listener, &s));
    send_text(client, "x");
    step("receive from the accepted socket: %s", received(s, 9, 0));
    close_pair(client, s);
    close_socket(listener);
}

static void no_listener(void)
{
    SOCKET s, t;
    section("fails");
    s = new_stream(AF_INET);
    step("accept from a new socket: %s", accepted(s, &t));
    bound(s, AF_INET);
    step("accept from a bound socket: %s", accepted(s, &t));
    close_socket(s);
    step("accept from a closed socket: %s", accepted(s, &t));
    s = bound(new_socket(AF_INET, SOCK_DGRAM), AF_INET);
    step("listen on a datagram socket: %s", outcome(listen(s, 1)));
    step("accept from a datagram socket: %s", accepted(s, &t));
    close_socket(s);
    s = new_stream(AF_INET);
    step("listen on a socket that is not bound: %s", outcome(listen(s, 1)));
    close_socket(s);
}

int main(void)
{
    begin();
    e = new_event();
    f = new_event();
    two_connections_wait(AF_INET, "two");
    two_connections_wait(AF_INET6, "two_v6");
    connected_before_it_is_selected();
    the_selection_is_inherited();
    what_else_is_inherited();
    no_listener();
    close_event(e);
    close_event(f);
    return finish();
}
