/* select: its three sets for listeners, streams and datagrams, refused and reset connections and out-of-band data;
 * time-outs, the macros, bad arguments; and that it is never ahead of the record.
 */
#include "steps.h"

static struct timeval a_time(int milliseconds)
{
    struct timeval t;
    t.tv_sec = milliseconds / 1000;
    t.tv_usec = milliseconds % 1000 * 1000;
    return t;
}

/* The sets in which select leaves a socket, among those that are named: "read write except". */
static const char *select_in(SOCKET s, const char *sets, int milliseconds)
{
    fd_set read, write, except;
    struct timeval timeout = a_time(milliseconds);
    char *text;
    int count;
    FD_ZERO(&read);
    FD_ZERO(&write);
    FD_ZERO(&except);
    if (strstr(sets, "read"))
        FD_SET(s, &read);
    if (strstr(sets, "write"))
        FD_SET(s, &write);
    if (strstr(sets, "except"))
        FD_SET(s, &except);
    count = select(0, &read, &write, &except, &timeout);
    if (count == SOCKET_ERROR)
        return error_text(WSAGetLastError());
    text = new_text();
    append(text, "%d%s%s%s", count, FD_ISSET(s, &read) ? " read" : "", FD_ISSET(s, &write) ? " write" : "",
        FD_ISSET(s, &except) ? " except" : "");
    return text;
}

static const char *ready(SOCKET s)
{
    return select_in(s, "read write except", 0);
}

static void arguments(void)
{
    SOCKET s = new_socket(AF_INET, SOCK_STREAM), closed = new_socket(AF_INET, SOCK_STREAM);
    struct timeval none = a_time(0), negative = a_time(0);
    fd_set first, second;
    closesocket(closed);
    negative.tv_sec = -1;
    FD_ZERO(&first);
    FD_ZERO(&second);

    section("arguments");
    step("no sets: %s", outcome(select(0, NULL, NULL, NULL, &none)));
    step("empty sets: %s", outcome(select(0, &first, &second, NULL, &none)));
    step("empty sets, without end: %s", outcome(select(0, &first, &second, NULL, NULL)));
    step("no socket in the first: %s", select_in(INVALID_SOCKET, "read", 0));
    step("in the second: %s", select_in(INVALID_SOCKET, "write", 0));
    step("in the third: %s", select_in(INVALID_SOCKET, "except", 0));
    step("a closed one: %s", select_in(closed, "read", 0));
    FD_SET(s, &first);
    FD_SET(closed, &second);
    step("one of two: %s", outcome(select(0, &first, &second, NULL, &none)));
    step("the sets are as they were: %u %u", first.fd_count, second.fd_count);
    step("a time-out below 0: %s", outcome(select(0, &first, NULL, NULL, &negative)));
    step("not connected: %s", ready(s));
    step("for a while: %s", select_in(s, "read write except", 30));
    FD_SET(s, &first);
    step("nfds does not count: %s", outcome(select(-1, &first, NULL, NULL, &none)));
    step("the time-out is as it was: %d %d", (int)none.tv_sec, (int)none.tv_usec);
    closesocket(s);
}

static void macros(void)
{
    fd_set set;
    SOCKET s;
    section("macros");
    FD_ZERO(&set);
    step("empty: %u", set.fd_count);
    FD_SET(4, &set);
    FD_SET(8, &set);
    FD_SET(4, &set);
    step("4, 8 and 4: %u, 4 %d, 8 %d, 12 %d", set.fd_count, FD_ISSET(4, &set) != 0, FD_ISSET(8, &set) != 0,
        FD_ISSET(12, &set) != 0);
    FD_CLR(4, &set);
    FD_CLR(12, &set);
    step("without 4 and 12: %u, 4 %d, 8 %d", set.fd_count, FD_ISSET(4, &set) != 0, FD_ISSET(8, &set) != 0);
    for (s = 4; s <= 4 * (FD_SETSIZE + 1); s += 4)
        FD_SET(s, &set);
    step("one too many: %u, %d", set.fd_count, FD_ISSET(4 * (FD_SETSIZE + 1), &set) != 0);
}

static void streams(void)
{
    SOCKET s, peer, listener = new_listener(AF_INET);
    int on = 1;

    section("streams");
    step("a listener: %s", ready(listener));
    s = new_client(listener);
    step("a connection waits: %s", select_in(listener, "read", LIMIT));
    step("in all sets: %s", ready(listener));
    peer = accept(listener, NULL, NULL);
    must(peer != INVALID_SOCKET, "accept");
    step("it is accepted: %s", ready(listener));
    step("connected: %s", ready(s));
    step("accepted: %s", ready(peer));
    send_text(peer, "abc");
    step("data: %s", select_in(s, "read", LIMIT));
    step("in all sets: %s", ready(s));
    step("in two: %s", select_in(s, "write except", 0));
    step("received: %s", received(s, 10, 0));
    step("then: %s", ready(s));
    must(send(peer, "!", 1, MSG_OOB) == 1, "send");
    step("out of band: %s", select_in(s, "except", LIMIT));
    step("in all sets: %s", ready(s));
    step("received: %s", received(s, 1, MSG_OOB));
    step("then: %s", ready(s));
    must(set_nonblocking(s, 1) == 0, "FIONBIO");
    must(fill(s) > 0, "fill");
    step("no room: %s", ready(s));
    shutdown(peer, SD_SEND);
    step("the end: %s", select_in(s, "read", LIMIT));
    step("in all sets: %s", ready(s));
    step("received: %s", received(s, 10, 0));
    step("then: %s", ready(s));
    closesocket(s);
    closesocket(peer);

    section("inline");
    new_pair(AF_INET, &s, &peer);
    must(setsockopt(s, SOL_SOCKET, SO_OOBINLINE, (const char *)&on, sizeof on) == 0, "SO_OOBINLINE");
    must(send(peer, "!", 1, MSG_OOB) == 1, "send");
    step("out of band, inline: %s", select_in(s, "read", LIMIT));
    step("in all sets: %s", ready(s));
    step("received: %s", received(s, 10, 0));
    step("then: %s", ready(s));

    section("reset");
    reset_and_close(peer);
    step("a reset: %s", select_in(s, "read", LIMIT));
    step("in all sets: %s", ready(s));
    step("except alone: %s", select_in(s, "except", 0));
    closesocket(s);
    closesocket(listener);
}

static void connecting(void)
{
    SOCKET s = new_stream(AF_INET), listener = bound(new_stream(AF_INET), AF_INET);

    section("connecting");
    must(set_nonblocking(s, 1) == 0, "FIONBIO");
    step("connect where nobody listens: %s", outcome(connect_to(s, listener)));
    step("refused: %s", select_in(s, "write except", LIMIT));
    step("then: %s", ready(s));
    step("read and write: %s", select_in(s, "read write", 30));
    closesocket(s);
    must(listen(listener, 1) == 0, "listen");
    s = new_stream(AF_INET);
    must(set_nonblocking(s, 1) == 0, "FIONBIO");
    step("connect: %s", outcome(connect_to(s, listener)));
    step("connected: %s", select_in(s, "read write except", LIMIT));
    closesocket(s);
    closesocket(listener);
}

static void datagrams(void)
{
    SOCKET s = new_socket(AF_INET, SOCK_DGRAM), sender = new_socket(AF_INET, SOCK_DGRAM);
    address to;
    section("datagrams");
    step("not bound: %s", ready(s));
    bound(s, AF_INET);
    step("bound: %s", ready(s));
    to = address_of(s);
    must(sendto(sender, "abc", 3, 0, &to.any, address_size(&to)) == 3, "sendto");
    step("one has come: %s", select_in(s, "read", LIMIT));
    step("in all sets: %s", ready(s));
    step("received: %s", received(s, 10, 0));
    step("then: %s", ready(s));
    closesocket(s);
    closesocket(sender);
}

enum { ROUNDS = 300 };

static void send_rounds(void *with)
{
    SOCKET peer = *(SOCKET *)with;
    char byte;
    int round;
    for (round = 0; round < ROUNDS; round++) {
        send_text(peer, "x");
        must(recv(peer, &byte, 1, 0) == 1, "recv"); /* the answer */
    }
}

/* Whoever is told by select that there is something to read finds FD_READ in the record. */
static void never_ahead(void)
{
    SOCKET s, peer;
    WSAEVENT e = new_event();
    WSANETWORKEVENTS reported;
    thread other;
    int round, ahead = 0;
    new_pair(AF_INET, &s, &peer);
    must(WSAEventSelect(s, e, FD_READ | FD_CLOSE) == 0, "WSAEventSelect");

    section("never_ahead");
    thread_start(&other, send_rounds, &peer);
    for (round = 0; round < ROUNDS; round++) {
        char byte;
        must(strcmp(select_in(s, "read", LIMIT), "1 read") == 0, "select");
        must(WSAEnumNetworkEvents(s, e, &reported) == 0, "WSAEnumNetworkEvents");
        ahead += reported.lNetworkEvents != FD_READ;
        must(recv(s, &byte, 1, 0) == 1, "recv");
        send_text(s, "x");
    }
    thread_join(&other);
    step("%d rounds, ahead of the record: %d", round, ahead);
    step("reported: %s", report(s, e));
    closesocket(s);
    closesocket(peer);
    WSACloseEvent(e);
}

int main(void)
{
    begin();
    arguments();
    macros();
    streams();
    connecting();
    datagrams();
    never_ahead();
    return finish();
}
