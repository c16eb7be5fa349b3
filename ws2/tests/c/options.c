/* Options: what they are at first, what they are once set, in which sizes they come, what they do, and what an accepted
 * socket has of its listener's. The commands FIONBIO and FIONREAD.
 */
#include "steps.h"

#define NAMED(option) #option, option

/* An int or a BOOL. */
static const char *value_of(SOCKET s, int level, int option)
{
    int value = 0, length = sizeof value;
    char *text;
    if (getsockopt(s, level, option, (char *)&value, &length) == SOCKET_ERROR)
        return error_text(WSAGetLastError());
    text = new_text();
    append(text, "%d", value);
    return text;
}

static const char *set(SOCKET s, int level, int option, int value)
{
    return outcome(setsockopt(s, level, option, (const char *)&value, sizeof value));
}

/* The value at first, after it has been set to 1, and after 0. */
static void flag(const char *name, SOCKET s, int level, const char *option_name, int option)
{
    const char *first = value_of(s, level, option), *on, *then, *off;
    on = set(s, level, option, 1);
    then = value_of(s, level, option);
    off = set(s, level, option, 0);
    step("%s, %s: %s; set to 1: %s, then %s; set to 0: %s, then %s", name, option_name, first, on, then, off,
        value_of(s, level, option));
}

/* A BOOL may come as one byte, or as more than an int. */
static void sizes(SOCKET s, int level, const char *option_name, int option)
{
    char byte = 1;
    int large[4] = {0, 1, 1, 1}, length = 1, one, many;
    one = setsockopt(s, level, option, &byte, 1);
    byte = 0;
    must(getsockopt(s, level, option, &byte, &length) == 0, option_name);
    many = setsockopt(s, level, option, (const char *)large, sizeof large);
    step("%s as one byte: %d, then %d; as 16 bytes, the first four 0: %d, then %s", option_name, one, byte, many,
        value_of(s, level, option));
}

static void flags(void)
{
    SOCKET stream = new_socket(AF_INET, SOCK_STREAM), datagrams = new_socket(AF_INET, SOCK_DGRAM);
    section("flags");
    flag("stream", stream, SOL_SOCKET, NAMED(SO_REUSEADDR));
    flag("stream", stream, SOL_SOCKET, NAMED(SO_KEEPALIVE));
    flag("stream", stream, SOL_SOCKET, NAMED(SO_OOBINLINE));
    flag("stream", stream, IPPROTO_TCP, NAMED(TCP_NODELAY));
    flag("datagrams", datagrams, SOL_SOCKET, NAMED(SO_REUSEADDR));
    flag("datagrams", datagrams, SOL_SOCKET, NAMED(SO_BROADCAST));
    sizes(stream, SOL_SOCKET, NAMED(SO_REUSEADDR));
    sizes(stream, SOL_SOCKET, NAMED(SO_KEEPALIVE));
    sizes(stream, SOL_SOCKET, NAMED(SO_OOBINLINE));
    sizes(stream, IPPROTO_TCP, NAMED(TCP_NODELAY));
    sizes(datagrams, SOL_SOCKET, NAMED(SO_BROADCAST));
    closesocket(stream);
    closesocket(datagrams);
}

static void numbers(void)
{
    SOCKET stream = new_socket(AF_INET, SOCK_STREAM), datagrams = new_socket(AF_INET6, SOCK_DGRAM);
    section("numbers");
    step("SO_TYPE: %s", value_of(stream, SOL_SOCKET, SO_TYPE));
    step("SO_TYPE of the other: %s", value_of(datagrams, SOL_SOCKET, SO_TYPE));
    step("SO_ACCEPTCONN: %s", value_of(stream, SOL_SOCKET, SO_ACCEPTCONN));
    bound(stream, AF_INET);
    step("bound: %s", value_of(stream, SOL_SOCKET, SO_ACCEPTCONN));
    must(listen(stream, 1) == 0, "listen");
    step("listening: %s", value_of(stream, SOL_SOCKET, SO_ACCEPTCONN));
    closesocket(stream);

    stream = new_socket(AF_INET, SOCK_STREAM);
    step("SO_RCVBUF is set: %s", set(stream, SOL_SOCKET, SO_RCVBUF, 4096));
    step("then: %s", value_of(stream, SOL_SOCKET, SO_RCVBUF));
    step("SO_SNDBUF is set: %s", set(stream, SOL_SOCKET, SO_SNDBUF, 12345));
    step("then: %s", value_of(stream, SOL_SOCKET, SO_SNDBUF));
    step("SO_RCVTIMEO: %s", value_of(stream, SOL_SOCKET, SO_RCVTIMEO));
    step("is set: %s", set(stream, SOL_SOCKET, SO_RCVTIMEO, 63000));
    step("then: %s", value_of(stream, SOL_SOCKET, SO_RCVTIMEO));
    step("SO_SNDTIMEO: %s", value_of(stream, SOL_SOCKET, SO_SNDTIMEO));
    step("is set: %s", set(stream, SOL_SOCKET, SO_SNDTIMEO, 997000));
    step("then: %s", value_of(stream, SOL_SOCKET, SO_SNDTIMEO));
    closesocket(stream);
    closesocket(datagrams);
}

static const char *linger_of(SOCKET s)
{
    struct linger value = {99, 99};
    int length = sizeof value;
    char *text;
    if (getsockopt(s, SOL_SOCKET, SO_LINGER, (char *)&value, &length) == SOCKET_ERROR)
        return error_text(WSAGetLastError());
    text = new_text();
    append(text, "%d, %d seconds, %d bytes; SO_DONTLINGER %s", value.l_onoff, value.l_linger, length,
        value_of(s, SOL_SOCKET, SO_DONTLINGER));
    return text;
}

static void lingering(void)
{
    SOCKET s = new_socket(AF_INET, SOCK_STREAM);
    struct linger value = {1, 73};
    section("linger");
    step("at first: %s", linger_of(s));
    step("set: %s", outcome(setsockopt(s, SOL_SOCKET, SO_LINGER, (const char *)&value, sizeof value)));
    step("then: %s", linger_of(s));
    value.l_linger = 0;
    step("hard: %s", outcome(setsockopt(s, SOL_SOCKET, SO_LINGER, (const char *)&value, sizeof value)));
    step("then: %s", linger_of(s));
    step("SO_DONTLINGER is set: %s", set(s, SOL_SOCKET, SO_DONTLINGER, 1));
    value.l_onoff = 99;
    step("on: %s", linger_of(s)[0] == '0' ? "no" : "yes");
    closesocket(s);
}

/* SO_ERROR tells how a connect of a non-blocking socket ended, and reading it does not reset it. */
static void errors(void)
{
    SOCKET s = new_stream(AF_INET), listener = bound(new_stream(AF_INET), AF_INET);
    WSAEVENT e = new_event();
    section("error");
    step("at first: %s", value_of(s, SOL_SOCKET, SO_ERROR));
    must(WSAEventSelect(s, e, FD_CONNECT) == 0, "WSAEventSelect");
    step("connect where nobody listens: %s", outcome(connect_to(s, listener)));
    step("event object %s", soon(e));
    step("SO_ERROR: %s", value_of(s, SOL_SOCKET, SO_ERROR));
    step("again: %s", value_of(s, SOL_SOCKET, SO_ERROR));
    step("reported: %s", report(s, e));
    closesocket(s);

    must(listen(listener, 1) == 0, "listen");
    s = new_stream(AF_INET);
    must(WSAEventSelect(s, e, FD_CONNECT) == 0, "WSAEventSelect");
    step("connect: %s", outcome(connect_to(s, listener)));
    step("event object %s", soon(e));
    step("SO_ERROR: %s", value_of(s, SOL_SOCKET, SO_ERROR));
    step("reported: %s", report(s, e));
    closesocket(s);
    closesocket(listener);
    WSACloseEvent(e);
}

static void address_in_use(void)
{
    SOCKET first = new_socket(AF_INET, SOCK_DGRAM), second = new_socket(AF_INET, SOCK_DGRAM);
    address a;
    section("address");
    must(strcmp(set(first, SOL_SOCKET, SO_REUSEADDR, 1), "0") == 0, "SO_REUSEADDR");
    bound(first, AF_INET);
    a = address_of(first);
    step("one of two: %s", outcome(bind(second, &a.any, address_size(&a))));
    step("SO_REUSEADDR: %s", set(second, SOL_SOCKET, SO_REUSEADDR, 1));
    step("both: %s", outcome(bind(second, &a.any, address_size(&a))));
    closesocket(first);
    closesocket(second);
}

/* An accepted socket begins with the options of the listener. */
static void inherited(void)
{
    SOCKET listener = bound(new_socket(AF_INET, SOCK_STREAM), AF_INET), client, accepted;
    struct linger value = {1, 555};
    section("inherited");
    set(listener, SOL_SOCKET, SO_KEEPALIVE, 1);
    set(listener, SOL_SOCKET, SO_OOBINLINE, 1);
    set(listener, SOL_SOCKET, SO_RCVTIMEO, 63000);
    set(listener, SOL_SOCKET, SO_SNDTIMEO, 997000);
    set(listener, IPPROTO_TCP, TCP_NODELAY, 1);
    must(setsockopt(listener, SOL_SOCKET, SO_LINGER, (const char *)&value, sizeof value) == 0, "SO_LINGER");
    must(listen(listener, 1) == 0, "listen");
    client = new_client(listener);
    accepted = accept(listener, NULL, NULL);
    must(accepted != INVALID_SOCKET, "accept");
    step("SO_KEEPALIVE: %s", value_of(accepted, SOL_SOCKET, SO_KEEPALIVE));
    step("SO_OOBINLINE: %s", value_of(accepted, SOL_SOCKET, SO_OOBINLINE));
    step("SO_RCVTIMEO: %s", value_of(accepted, SOL_SOCKET, SO_RCVTIMEO));
    step("SO_SNDTIMEO: %s", value_of(accepted, SOL_SOCKET, SO_SNDTIMEO));
    step("TCP_NODELAY: %s", value_of(accepted, IPPROTO_TCP, TCP_NODELAY));
    step("SO_LINGER: %s", linger_of(accepted));
    step("SO_ACCEPTCONN: %s", value_of(accepted, SOL_SOCKET, SO_ACCEPTCONN));
    reset_and_close(accepted);
    closesocket(client);
    closesocket(listener);
}

static void commands(void)
{
    SOCKET s, peer, datagrams = bound(new_socket(AF_INET, SOCK_DGRAM), AF_INET);
    SOCKET sender = new_socket(AF_INET, SOCK_DGRAM);
    address to = address_of(datagrams);
    u_long count = 99, on = 1;
    DWORD length = 99;
    WSAEVENT e = new_event();
    new_pair(AF_INET, &s, &peer);

    section("commands");
    step("FIONREAD: %d", unread(s));
    send_text(peer, "abc");
    until(unread(s) == 3);
    step("3 bytes have come: %d", unread(s));
    step("peeked: %s", received(s, 2, MSG_PEEK));
    step("as many: %d", unread(s));
    step("received: %s", received(s, 2, 0));
    step("one is left: %d", unread(s));
    step("as WSAIoctl: %s", outcome(WSAIoctl(s, FIONREAD, NULL, 0, &count, sizeof count, &length, NULL, NULL)));
    step("%u in %u bytes", (unsigned)count, (unsigned)length);
    must(sendto(sender, "12345", 5, 0, &to.any, address_size(&to)) == 5, "sendto");
    until(unread(datagrams) > 0);
    step("a datagram: %d", unread(datagrams));

    step("FIONBIO: %s", outcome(set_nonblocking(datagrams, 1)));
    step("a datagram: %s", received(datagrams, 10, 0));
    step("no other: %s", received(datagrams, 10, 0));
    step("FIONBIO, as WSAIoctl: %s", outcome(WSAIoctl(s, FIONBIO, &on, sizeof on, NULL, 0, &length, NULL, NULL)));
    step("returned bytes: %u", (unsigned)length);
    step("received: %s", received(s, 2, 0));
    step("no more: %s", received(s, 2, 0));
    must(WSAEventSelect(s, e, FD_READ) == 0, "WSAEventSelect");
    step("blocking again, while a selection stands: %s", outcome(set_nonblocking(s, 0)));
    step("non-blocking: %s", outcome(set_nonblocking(s, 1)));
    must(WSAEventSelect(s, NULL, 0) == 0, "WSAEventSelect");
    step("it is over, and the socket is non-blocking: %s", received(s, 2, 0));
    step("blocking again: %s", outcome(set_nonblocking(s, 0)));
    send_text(peer, "d");
    step("received: %s", received(s, 2, 0));
    closesocket(s);
    closesocket(peer);
    closesocket(datagrams);
    closesocket(sender);
    WSACloseEvent(e);
}

int main(void)
{
    begin();
    flags();
    numbers();
    lingering();
    errors();
    address_in_use();
    inherited();
    commands();
    return finish();
}
