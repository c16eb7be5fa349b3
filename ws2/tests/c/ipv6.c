/* IPv6: streams over ::1, the addresses that getsockname, getpeername and accept tell, and IPV6_V6ONLY: one socket for
 * both families, or only for IPv6.
 */
#include "steps.h"

/* An address without its port. */
static const char *address_text(const address *a, int size)
{
    char *text = new_text();
    int i;
    if (a->any.sa_family == AF_INET)
        append(text, "v4 %08x", (unsigned)ntohl(a->v4.sin_addr.s_addr));
    else if (a->any.sa_family == AF_INET6) {
        append(text, "v6 ");
        for (i = 0; i < 16; i++)
            append(text, "%02x", a->v6.sin6_addr.s6_addr[i]);
        append(text, " scope %u", (unsigned)a->v6.sin6_scope_id);
    } else
        append(text, "family %d", a->any.sa_family);
    append(text, ", %d bytes, port %s", size, a->v4.sin_port ? "yes" : "0"); /* is at the same place in both */
    return text;
}

typedef int(WSAAPI *name_call)(SOCKET s, struct sockaddr *name, int *size);

static const char *name(name_call call, SOCKET s)
{
    address a;
    int size = sizeof a;
    memset(&a, 0, sizeof a);
    if (call(s, &a.any, &size) == SOCKET_ERROR)
        return error_text(WSAGetLastError());
    return address_text(&a, size);
}

static int same_port(SOCKET one, SOCKET other)
{
    address a, b;
    int size = sizeof a;
    must(getpeername(one, &a.any, &size) == 0, "getpeername");
    b = address_of(other);
    return a.v6.sin6_port == b.v6.sin6_port;
}

static const char *v6_only(SOCKET s)
{
    int value = 0, size = sizeof value;
    char *text;
    if (getsockopt(s, IPPROTO_IPV6, IPV6_V6ONLY, (char *)&value, &size) == SOCKET_ERROR)
        return error_text(WSAGetLastError());
    text = new_text();
    append(text, "%d", value & 0xFF); /* some write one byte */
    return text;
}

static const char *set_v6_only(SOCKET s, int on)
{
    return outcome(setsockopt(s, IPPROTO_IPV6, IPV6_V6ONLY, (const char *)&on, sizeof on));
}

static void streams(void)
{
    SOCKET listener = new_listener(AF_INET6), s = new_stream(AF_INET6), accepted;
    WSAEVENT e = new_event();
    address from;
    int size = sizeof from;

    section("streams");
    step("a socket without an address: %s", name(getsockname, s));
    step("the listener: %s", name(getsockname, listener));
    step("its peer: %s", name(getpeername, listener));
    must(WSAEventSelect(s, e, FD_CONNECT | FD_READ | FD_WRITE | FD_CLOSE) == 0, "WSAEventSelect");
    step("connect: %s", outcome(connect_to(s, listener)));
    accepted = accept(listener, &from.any, &size);
    must(accepted != INVALID_SOCKET, "accept");
    until(is_set(e));
    step("event object %s", now(e));
    step("reported: %s", report(s, e));
    step("from: %s", address_text(&from, size));
    step("the client: %s", name(getsockname, s));
    step("its peer: %s", name(getpeername, s));
    step("the accepted: %s", name(getsockname, accepted));
    step("its peer: %s", name(getpeername, accepted));
    step("the ports: %d %d", same_port(s, listener), same_port(accepted, s));
    send_text(accepted, "abc");
    step("data: event object %s", soon(e));
    step("reported: %s", report(s, e));
    step("received: %s", received(s, 10, 0));
    send_text(s, "def");
    step("received: %s", received(accepted, 10, 0));
    must(send(accepted, "!", 1, MSG_OOB) == 1, "send");
    until(strcmp(received(s, 1, MSG_OOB), "\"!\"") == 0);
    closesocket(accepted);
    step("the end: event object %s", soon(e));
    step("reported: %s", report(s, e));
    closesocket(s);
    closesocket(listener);
    s = new_stream(AF_INET6);
    listener = bound(new_stream(AF_INET6), AF_INET6);
    step("connect where nobody listens: %s", outcome(connect_to(s, listener)));
    closesocket(s);
    closesocket(listener);
    WSACloseEvent(e);
}

/* The loopback address of a family, with the port of a socket. */
static address to_port_of(SOCKET s, int family)
{
    address a = loopback(family), its = address_of(s);
    a.v6.sin6_port = its.v6.sin6_port;
    return a;
}

static void both_families(void)
{
    SOCKET s = new_stream(AF_INET6), listener, accepted, other;
    address a, from;
    int size = sizeof from;

    section("v6only");
    step("at first: %s", v6_only(s));
    step("set to 0: %s", set_v6_only(s, 0));
    step("then: %s", v6_only(s));
    step("set to 1: %s", set_v6_only(s, 1));
    step("then: %s", v6_only(s));
    closesocket(s);

    section("both");
    listener = new_stream(AF_INET6);
    must(strcmp(set_v6_only(listener, 0), "0") == 0, "IPV6_V6ONLY");
    a = loopback(AF_INET6);
    a.v6.sin6_addr = in6addr_any;
    step("bind: %s", outcome(bind(listener, &a.any, address_size(&a))));
    step("the listener: %s", name(getsockname, listener));
    must(listen(listener, 4) == 0, "listen");
    s = new_stream(AF_INET);
    a = to_port_of(listener, AF_INET);
    step("connect with IPv4: %s", outcome(connect(s, &a.any, address_size(&a))));
    accepted = accept(listener, &from.any, &size);
    must(accepted != INVALID_SOCKET, "accept");
    step("from: %s", address_text(&from, size));
    step("the accepted: %s", name(getsockname, accepted));
    send_text(s, "abc");
    step("received: %s", received(accepted, 10, 0));
    closesocket(s);
    closesocket(accepted);
    s = new_stream(AF_INET6);
    must(strcmp(set_v6_only(s, 0), "0") == 0, "IPV6_V6ONLY");
    a = to_port_of(listener, AF_INET6);
    a.v6.sin6_addr.s6_addr[10] = a.v6.sin6_addr.s6_addr[11] = 0xFF;
    a.v6.sin6_addr.s6_addr[12] = 127;
    step("connect to ::ffff:127.0.0.1: %s", outcome(connect(s, &a.any, address_size(&a))));
    step("the client: %s", name(getsockname, s));
    closesocket(s);
    closesocket(listener);

    section("only_v6");
    other = bound(new_stream(AF_INET), AF_INET);
    listener = new_stream(AF_INET6);
    a = to_port_of(other, AF_INET6);
    a.v6.sin6_addr = in6addr_any;
    step("bind to the port of an IPv4 socket: %s", outcome(bind(listener, &a.any, address_size(&a))));
    must(listen(listener, 4) == 0, "listen");
    s = new_stream(AF_INET);
    a = to_port_of(listener, AF_INET);
    step("connect with IPv4: %s", outcome(connect(s, &a.any, address_size(&a))));
    closesocket(s);
    s = new_stream(AF_INET6);
    a = to_port_of(listener, AF_INET6);
    step("connect with IPv6: %s", outcome(connect(s, &a.any, address_size(&a))));
    closesocket(s);
    closesocket(other);
    closesocket(listener);
}

int main(void)
{
    begin();
    streams();
    both_families();
    return finish();
}
