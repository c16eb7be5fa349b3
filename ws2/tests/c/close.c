/* The end of a connection. FD_CLOSE comes once, as soon as the peer has ended its direction, whether or not there is
 * data left to receive; no call of this side brings it. shutdown ends this side's sending, receiving, or both.
 */
#include "steps.h"

static WSAEVENT e;

static const char *ended(SOCKET s, int how)
{
    return outcome(shutdown(s, how));
}

static void graceful(int family, const char *name)
{
    SOCKET s, peer;
    section(name);
    new_pair(family, &s, &peer);
    step("select READ|CLOSE: %s", outcome(WSAEventSelect(s, e, FD_READ | FD_CLOSE)));
    step("e: %s", still(e));
    close_socket(peer);
    step("the peer closes: e %s", soon(e));
    step("enumerate: %s", report(s, e));
    step("receive: %s", received(s, 9, 0));
    step("receive: %s", received(s, 9, 0));
    step("e: %s", still(e));
    step("enumerate: %s", report(s, e));
    step("select READ|CLOSE: %s", outcome(WSAEventSelect(s, e, FD_READ | FD_CLOSE)));
    step("e: %s", still(e));
    step("enumerate: %s", report(s, e));
    close_socket(s);
}

static void closed_with_data_unread(void)
{
    SOCKET s, peer;
    section("unread");
    new_quiet_pair(&s, &peer, e, FD_WRITE | FD_CLOSE);
    send_text(peer, "x");
    until(unread(s) == 1);
    close_socket(peer);
    step("data, and the peer closes: e %s", soon(e));
    step("enumerate: %s", report(s, e));
    step("select READ|CLOSE: %s", outcome(WSAEventSelect(s, e, FD_READ | FD_CLOSE)));
    step("e: %s", soon(e));
    step("enumerate: %s", report(s, e));
    close_socket(s);

    section("partial");
    new_quiet_pair(&s, &peer, e, FD_READ | FD_CLOSE);
    send_text(peer, "abc");
    step("data: e %s", soon(e));
    step("enumerate: %s", report(s, e));
    close_socket(peer);
    step("the peer closes: e %s", soon(e));
    step("enumerate: %s", report(s, e));
    step("receive 1: %s", received(s, 1, 0));
    step("e: %s", soon(e));
    step("enumerate: %s", report(s, e));
    step("receive 9: %s", received(s, 9, 0));
    step("e: %s", still(e));
    step("enumerate: %s", report(s, e));
    step("receive 9: %s", received(s, 9, 0));
    step("e: %s", still(e));
    step("enumerate: %s", report(s, e));
    close_socket(s);
}

static void half_closed(void)
{
    SOCKET s, peer;
    section("half");
    new_quiet_pair(&s, &peer, e, FD_READ | FD_CLOSE);
    step("shutdown SEND by the peer: %s", ended(peer, SD_SEND));
    step("e: %s", soon(e));
    step("enumerate: %s", report(s, e));
    step("receive: %s", received(s, 9, 0));
    step("send: %s", outcome(send(s, "abc", 3, 0)));
    step("the peer receives: %s", received(peer, 9, 0));
    close_socket(peer);
    step("the peer closes: e %s", still(e));
    step("enumerate: %s", report(s, e));
    close_socket(s);
}

static void this_side_ends_sending(void)
{
    SOCKET s, peer;
    section("send");
    new_quiet_pair(&s, &peer, e, FD_READ | FD_WRITE | FD_CLOSE);
    step("shutdown SEND: %s", ended(s, SD_SEND));
    step("e: %s", still(e));
    step("send: %s", outcome(send(s, "x", 1, 0)));
    step("shutdown SEND: %s", ended(s, SD_SEND));
    step("the peer receives: %s", received(peer, 9, 0));
    send_text(peer, "x");
    step("data: e %s", soon(e));
    step("enumerate: %s", report(s, e));
    step("receive: %s", received(s, 9, 0));
    step("shutdown SEND by the peer: %s", ended(peer, SD_SEND));
    step("e: %s", soon(e));
    step("enumerate: %s", report(s, e));
    step("receive: %s", received(s, 9, 0));
    close_pair(s, peer);
}

static void this_side_ends_receiving(void)
{
    SOCKET s, peer;
    section("receive");
    new_quiet_pair(&s, &peer, e, FD_READ | FD_WRITE | FD_CLOSE);
    step("shutdown RECEIVE: %s", ended(s, SD_RECEIVE));
    step("e: %s", still(e));
    step("enumerate: %s", report(s, e));
    step("receive: %s", received(s, 9, 0));
    step("send: %s", outcome(send(s, "x", 1, 0)));
    step("the peer receives: %s", received(peer, 9, 0));
    step("shutdown RECEIVE: %s", ended(s, SD_RECEIVE));
    step("receive: %s", received(s, 9, 0));
    step("enumerate: %s", report(s, e));
    step("shutdown SEND by the peer: %s", ended(peer, SD_SEND));
    step("e: %s", soon(e));
    step("enumerate: %s", report(s, e));
    step("receive: %s", received(s, 9, 0));
    close_pair(s, peer);
}

static void this_side_ends_both(void)
{
    SOCKET s, peer;
    section("both");
    new_quiet_pair(&s, &peer, e, FD_READ | FD_CLOSE);
    step("shutdown RECEIVE by the peer: %s", ended(peer, SD_RECEIVE));
    step("shutdown BOTH: %s", ended(s, SD_BOTH));
    step("e: %s", still(e));
    step("enumerate: %s", report(s, e));
    step("send: %s", outcome(send(s, "x", 1, 0)));
    step("receive: %s", received(s, 9, 0));
    step("shutdown SEND by the peer: %s", ended(peer, SD_SEND));
    step("e: %s", soon(e));
    step("enumerate: %s", report(s, e));
    close_pair(s, peer);

    section("both_by_the_peer");
    new_quiet_pair(&s, &peer, e, FD_READ | FD_CLOSE);
    step("shutdown BOTH by the peer: %s", ended(peer, SD_BOTH));
    step("e: %s", soon(e));
    step("enumerate: %s", report(s, e));
    step("receive: %s", received(s, 9, 0));
    step("shutdown BOTH: %s", ended(s, SD_BOTH));
    step("receive: %s", received(s, 9, 0));
    step("e: %s", still(e));
    close_pair(s, peer);
}

static void shutdowns_that_fail(void)
{
    SOCKET s, peer;
    section("fails");
    s = new_stream(AF_INET);
    step("shutdown SEND of a new socket: %s", ended(s, SD_SEND));
    step("shutdown RECEIVE of a new socket: %s", ended(s, SD_RECEIVE));
    bound(s, AF_INET);
    must(listen(s, 1) == 0, "listen");
    step("shutdown SEND of a listener: %s", ended(s, SD_SEND));
    step("shutdown RECEIVE of a listener: %s", ended(s, SD_RECEIVE));
    close_socket(s);
    step("shutdown SEND of a closed socket: %s", ended(s, SD_SEND));
    new_pair(AF_INET, &s, &peer);
    step("shutdown of something else: %s", ended(s, 3));
    step("shutdown of something else: %s", ended(s, -1));
    step("send: %s", outcome(send(s, "x", 1, 0)));
    close_pair(s, peer);
}

/* A close that had to wait for the peer is refused on a socket whose calls do not wait. */
static void a_close_that_would_wait(void)
{
    SOCKET s, peer;
    struct linger long_enough;
    int total;
    section("linger");
    long_enough.l_onoff = 1;
    long_enough.l_linger = 60;
    new_pair(AF_INET, &s, &peer);
    must(set_nonblocking(s, 1) == 0, "FIONBIO");
    must(setsockopt(s, SOL_SOCKET, SO_LINGER, (const char *)&long_enough, sizeof long_enough) == 0, "SO_LINGER");
    total = fill(s);
    step("closesocket: %s", outcome(closesocket(s)));
    step("once more: %s", outcome(closesocket(s)));
    step("send: %s", outcome(send(s, "!", 1, 0)));
    drain(peer, total);
    until(closesocket(s) == 0 || WSAGetLastError() == WSAENOTSOCK);
    step("closed: %s", outcome(closesocket(s)));
    step("the peer receives: %s", received(peer, 1, 0));
    close_socket(peer);

    section("linger_sent");
    new_pair(AF_INET, &s, &peer);
    must(set_nonblocking(s, 1) == 0, "FIONBIO");
    must(setsockopt(s, SOL_SOCKET, SO_LINGER, (const char *)&long_enough, sizeof long_enough) == 0, "SO_LINGER");
    send_text(s, "abc");
    until(unread(peer) == 3);
    step("closesocket: %s", outcome(closesocket(s)));
    step("the peer receives: %s", received(peer, 9, 0));
    step("then: %s", received(peer, 9, 0));
    close_socket(peer);
}

static void this_side_closes(void)
{
    SOCKET s, peer;
    section("closesocket");
    new_quiet_pair(&s, &peer, e, FD_READ | FD_CLOSE);
    step("close: %s", outcome(closesocket(s)));
    step("e: %s", still(e));
    step("the peer receives: %s", received(peer, 9, 0));
    step("send: %s", outcome(send(s, "x", 1, 0)));
    step("receive: %s", received(s, 9, 0));
    step("close: %s", outcome(closesocket(s)));
    close_socket(peer);
}

int main(void)
{
    begin();
    e = new_event();
    graceful(AF_INET, "graceful");
    graceful(AF_INET6, "graceful_v6");
    closed_with_data_unread();
    half_closed();
    this_side_ends_sending();
    this_side_ends_receiving();
    this_side_ends_both();
    shutdowns_that_fail();
    a_close_that_would_wait();
    this_side_closes();
    close_event(e);
    return finish();
}
