/* WSAPoll: its flags for listeners, streams and datagrams, refused, ended and reset connections and out-of-band data;
 * time-outs, bad arguments; and that it is never ahead of the record.
 */
#include "steps.h"

/* Flags by name. */
static const char *flags_text(int flags)
{
    static const struct {
        int flag;
        const char *name;
    } names[] = {{POLLRDNORM, "POLLRDNORM"}, {POLLRDBAND, "POLLRDBAND"}, {POLLPRI, "POLLPRI"},
        {POLLWRNORM, "POLLWRNORM"}, {POLLWRBAND, "POLLWRBAND"}, {POLLERR, "POLLERR"}, {POLLHUP, "POLLHUP"},
        {POLLNVAL, "POLLNVAL"}};
    char *text = new_text();
    size_t i;
    for (i = 0; i < sizeof names / sizeof names[0]; i++)
        if (flags & names[i].flag) {
            append(text, "%s%s", text[0] ? " " : "", names[i].name);
            flags &= ~names[i].flag;
        }
    if (flags)
        append(text, "%sand unknown flags", text[0] ? " " : "");
    return text[0] ? text : "none";
}

/* What WSAPoll answers for one socket: how many, and the flags. */
static const char *polled(SOCKET s, int events, int milliseconds)
{
    WSAPOLLFD p;
    char *text;
    int count;
    p.fd = s;
    p.events = (SHORT)events;
    p.revents = 0x5A5A;
    count = WSAPoll(&p, 1, milliseconds);
    if (count == SOCKET_ERROR)
        return error_text(WSAGetLastError());
    text = new_text();
    append(text, "%d %s", count, flags_text(p.revents));
    return text;
}

enum { ALL = POLLRDNORM | POLLRDBAND | POLLWRNORM };

static const char *ready(SOCKET s)
{
    return polled(s, ALL, 0);
}

static void arguments(void)
{
    SOCKET s = new_socket(AF_INET, SOCK_STREAM), closed = new_socket(AF_INET, SOCK_STREAM);
    WSAPOLLFD two[2];
    int count;
    closesocket(closed);
    bound(s, AF_INET);
    must(listen(s, 1) == 0, "listen");

    section("arguments");
    step("none: %s", outcome(WSAPoll(NULL, 0, 0)));
    step("no array: %s", outcome(WSAPoll(NULL, 1, 0)));
    step("POLLERR is asked for: %s", polled(s, POLLERR, 0));
    step("POLLHUP: %s", polled(s, POLLHUP, 0));
    step("POLLNVAL: %s", polled(s, POLLNVAL, 0));
    step("POLLPRI: %s", polled(s, POLLPRI, 0));
    step("POLLWRBAND: %s", polled(s, POLLWRBAND, 0));
    step("an unknown flag: %s", polled(s, 0x1000, 0));
    step("nothing is asked for: %s", polled(s, 0, 0));
    step("no socket: %s", polled(INVALID_SOCKET, POLLIN, 0));
    step("a closed one: %s", polled(closed, POLLIN, 0));
    two[0].fd = INVALID_SOCKET;
    two[1].fd = s;
    two[0].events = two[1].events = POLLIN;
    two[0].revents = two[1].revents = 0x5A5A;
    count = WSAPoll(two, 2, 0);
    step("no socket and one: %s", outcome(count));
    step("the first: %s", flags_text(two[0].revents));
    step("the second: %s", flags_text(two[1].revents));
    two[0].fd = closed;
    two[0].revents = two[1].revents = 0x5A5A;
    count = WSAPoll(two, 2, 0);
    step("a closed one and one: %s", outcome(count));
    step("the first: %s", flags_text(two[0].revents));
    step("the second: %s", flags_text(two[1].revents));
    step("a short time-out: %s", polled(s, POLLIN, 30));
    closesocket(s);
}

static void streams(void)
{
    SOCKET s, peer, listener = new_listener(AF_INET);
    int on = 1;

    section("streams");
    step("a listener: %s", ready(listener));
    s = new_client(listener);
    step("a connection waits: %s", polled(listener, POLLIN, -1));
    step("all flags: %s", ready(listener));
    step("other flags: %s", polled(listener, POLLRDBAND | POLLOUT, 0));
    peer = accept(listener, NULL, NULL);
    must(peer != INVALID_SOCKET, "accept");
    step("it is accepted: %s", ready(listener));
    step("connected: %s", ready(s));
    step("accepted: %s", ready(peer));
    send_text(peer, "abc");
    step("data: %s", polled(s, POLLIN, LIMIT));
    step("all flags: %s", ready(s));
    step("other flags: %s", polled(s, POLLRDBAND, 0));
    step("received: %s", received(s, 10, 0));
    step("then: %s", ready(s));
    must(send(peer, "!", 1, MSG_OOB) == 1, "send");
    step("out of band: %s", polled(s, POLLRDBAND, LIMIT));
    step("all flags: %s", ready(s));
    step("received: %s", received(s, 1, MSG_OOB));
    step("then: %s", ready(s));
    must(set_nonblocking(s, 1) == 0, "FIONBIO");
    must(fill(s) > 0, "fill");
    step("no room: %s", ready(s));
    closesocket(s);
    closesocket(peer);

    section("inline");
    s = new_client(listener);
    peer = accept(listener, NULL, NULL);
    must(setsockopt(s, SOL_SOCKET, SO_OOBINLINE, (const char *)&on, sizeof on) == 0, "SO_OOBINLINE");
    must(send(peer, "!", 1, MSG_OOB) == 1, "send");
    step("out of band, inline: %s", polled(s, POLLIN, LIMIT));
    step("all flags: %s", ready(s));
    step("received: %s", received(s, 10, 0));
    closesocket(s);
    closesocket(peer);

    section("ends");
    s = new_client(listener);
    peer = accept(listener, NULL, NULL);
    send_text(peer, "abc");
    shutdown(peer, SD_SEND);
    Sleep(PAUSE);
    step("data and the end: %s", ready(s));
    step("received: %s", received(s, 10, 0));
    step("the end: %s", ready(s));
    step("received: %s", received(s, 10, 0));
    step("the end still: %s", ready(s));
    step("the other side: %s", ready(peer));
    closesocket(peer);
    closesocket(s);
    s = new_client(listener);
    peer = accept(listener, NULL, NULL);
    reset_and_close(peer);
    must(polled(s, POLLIN, LIMIT)[0] == '1', "a reset");
    step("a reset: %s", ready(s));
    closesocket(s);
    closesocket(listener);
}

static void connecting(void)
{
    SOCKET s = new_stream(AF_INET), listener = bound(new_stream(AF_INET), AF_INET);

    section("connecting");
    must(set_nonblocking(s, 1) == 0, "FIONBIO");
    step("connect where nobody listens: %s", outcome(connect_to(s, listener)));
    step("refused: %s", polled(s, POLLOUT, LIMIT));
    step("then: %s", ready(s));
    closesocket(s);
    must(listen(listener, 1) == 0, "listen");
    s = new_stream(AF_INET);
    must(set_nonblocking(s, 1) == 0, "FIONBIO");
    step("connect: %s", outcome(connect_to(s, listener)));
    step("connected: %s", polled(s, POLLOUT, LIMIT));
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
    step("one has come: %s", polled(s, POLLIN, LIMIT));
    step("all flags: %s", ready(s));
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

/* Whoever is told by WSAPoll that there is something to read finds FD_READ in the record. */
static void never_ahead(void)
{
    SOCKET s, peer;
    WSAEVENT e = new_event();
    WSANETWORKEVENTS reported;
    thread other;
    char byte;
    int round, ahead = 0;
    new_pair(AF_INET, &s, &peer);
    must(WSAEventSelect(s, e, FD_READ | FD_CLOSE) == 0, "WSAEventSelect");

    section("never_ahead");
    thread_start(&other, send_rounds, &peer);
    for (round = 0; round < ROUNDS; round++) {
        must(strcmp(polled(s, POLLIN, LIMIT), "1 POLLRDNORM") == 0, "WSAPoll");
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
    streams();
    connecting();
    datagrams();
    never_ahead();
    return finish();
}
