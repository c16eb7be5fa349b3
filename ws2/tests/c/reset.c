/* A reset: FD_CLOSE with WSAECONNABORTED, and receive and send fail with WSAECONNRESET. However early it comes, a
 * connection that was made is reported first, as FD_CONNECT and FD_WRITE without an error; and a reset after data or a
 * graceful close is not hidden by them.
 *
 * The sections "at_once" do it many times without a pause. The order in which the system reports what has happened
 * differs from round to round. What the program sees must not.
 */
#include "steps.h"

enum { ROUNDS = 50 };

static WSAEVENT e;

/* Receives whatever there still is: how it ends. */
static const char *received_until_the_end(SOCKET s)
{
    const char *text;
    do
        text = received(s, 9, 0);
    while (text[0] == '"' && text[1] != '"');
    return text;
}

static void reset(int family, const char *name)
{
    SOCKET s, peer;
    section(name);
    new_pair(family, &s, &peer);
    step("select READ|CLOSE: %s", outcome(WSAEventSelect(s, e, FD_READ | FD_CLOSE)));
    reset_and_close(peer);
    step("a reset: e %s", soon(e));
    step("enumerate: %s", report(s, e));
    step("SO_ERROR: %d", socket_error(s));
    step("receive: %s", received(s, 9, 0));
    step("receive: %s", received(s, 9, 0));
    step("send: %s", outcome(send(s, "x", 1, 0)));
    step("e: %s", still(e));
    step("enumerate: %s", report(s, e));
    step("select READ|CLOSE: %s", outcome(WSAEventSelect(s, e, FD_READ | FD_CLOSE)));
    step("e: %s", still(e));
    close_socket(s);
}

static void reset_and_then_selected(void)
{
    SOCKET s, peer;
    section("unselected");
    new_quiet_pair(&s, &peer, e, FD_READ);
    reset_and_close(peer);
    step("a reset: e %s", still(e));
    step("select CLOSE: %s", outcome(WSAEventSelect(s, e, FD_CLOSE)));
    step("e: %s", now(e));
    step("enumerate: %s", report(s, e));
    step("send: %s", outcome(send(s, "x", 1, 0)));
    step("receive: %s", received(s, 9, 0));
    close_socket(s);

    section("never_selected");
    new_pair(AF_INET, &s, &peer);
    reset_and_close(peer);
    Sleep(PAUSE);
    step("select all: %s", outcome(WSAEventSelect(s, e, FD_ALL_EVENTS & ~FD_READ)));
    step("e: %s", now(e));
    step("enumerate: %s", report(s, e));
    step("enumerate: %s", report(s, e));
    close_socket(s);
}

static void reset_with_data_unread(void)
{
    SOCKET s, peer;
    section("data");
    new_quiet_pair(&s, &peer, e, FD_READ | FD_CLOSE);
    send_text(peer, "abc");
    step("data: e %s", soon(e));
    step("enumerate: %s", report(s, e));
    reset_and_close(peer);
    step("a reset: e %s", soon(e));
    step("enumerate: %s", report(s, e));
    step("receive until: %s", received_until_the_end(s));
    step("send: %s", outcome(send(s, "x", 1, 0)));
    close_socket(s);
}

static void reset_after_a_graceful_close(void)
{
    SOCKET s, peer;
    section("fin");
    new_quiet_pair(&s, &peer, e, FD_READ | FD_CLOSE);
    step("shutdown SEND by the peer: %s", outcome(shutdown(peer, SD_SEND)));
    step("e: %s", soon(e));
    reset_and_close(peer);
    Sleep(PAUSE);
    step("a reset, enumerate: %s", report(s, e));
    step("e: %s", still(e));
    step("enumerate: %s", report(s, e));
    close_socket(s);
}

/* The peer closed gracefully. What it cannot take any more provokes a reset. */
static void reset_by_what_was_sent(void)
{
    SOCKET s, peer;
    section("provoked");
    new_quiet_pair(&s, &peer, e, FD_CLOSE);
    close_socket(peer);
    step("the peer closes: e %s", soon(e));
    step("enumerate: %s", report(s, e));
    step("send: %s", outcome(send(s, "x", 1, 0)));
    Sleep(PAUSE);
    step("receive: %s", received(s, 9, 0));
    close_socket(s);
}

/* Enumerates until FD_CLOSE is reported, and collects the events and their codes. */
static const char *collected(SOCKET s)
{
    WSANETWORKEVENTS reported;
    int codes[FD_MAX_EVENTS] = {0}, bit;
    long events = 0;
    while (!(events & FD_CLOSE) && wait_set(e)) {
        must(WSAEnumNetworkEvents(s, e, &reported) == 0, "WSAEnumNetworkEvents");
        events |= reported.lNetworkEvents;
        for (bit = 0; bit < FD_MAX_EVENTS; bit++)
            if (reported.lNetworkEvents & (1L << bit))
                codes[bit] = reported.iErrorCode[bit];
    }
    return events_text(events & ~(long)FD_READ, codes);
}

enum hurry { AT_ONCE, AFTER_DATA, AFTER_FIN };

static const char *hurried_round(SOCKET listener, enum hurry hurry)
{
    SOCKET s = new_stream(AF_INET), peer;
    const char *text;
    must(WSAEventSelect(s, e, FD_ALL_EVENTS) == 0, "WSAEventSelect");
    must(connect_to(s, listener) == SOCKET_ERROR && WSAGetLastError() == WSAEWOULDBLOCK, "connect");
    peer = accept(listener, NULL, NULL);
    must(peer != INVALID_SOCKET, "accept");
    if (hurry == AFTER_DATA)
        send_text(peer, "abc");
    else if (hurry == AFTER_FIN)
        must(shutdown(peer, SD_SEND) == 0, "shutdown");
    reset_and_close(peer);
    text = collected(s);
    close_socket(s);
    WSAResetEvent(e);
    return text;
}

/* FD_CLOSE has the code of the reset, unless it was reported between the FIN and the reset. */
static int as_it_must_be(const char *text, enum hurry hurry)
{
    return strcmp(text, "FD_WRITE 0, FD_CONNECT 0, FD_CLOSE 10053") == 0 ||
           (hurry == AFTER_FIN && strcmp(text, "FD_WRITE 0, FD_CONNECT 0, FD_CLOSE 0") == 0);
}

static void hurried(const char *name, enum hurry hurry)
{
    SOCKET listener = new_listener(AF_INET);
    int round, all_right = 1;
    section(name);
    for (round = 0; round < ROUNDS && all_right; round++)
        all_right = as_it_must_be(hurried_round(listener, hurry), hurry);
    step("FD_CONNECT and FD_WRITE without an error, and FD_CLOSE: %s", all_right ? "in each round" : "not always");
    close_socket(listener);
}

int main(void)
{
    begin();
    e = new_event();
    reset(AF_INET, "reset");
    reset(AF_INET6, "reset_v6");
    reset_and_then_selected();
    reset_with_data_unread();
    reset_after_a_graceful_close();
    reset_by_what_was_sent();
    hurried("at_once", AT_ONCE);
    hurried("at_once_after_data", AFTER_DATA);
    hurried("at_once_after_fin", AFTER_FIN);
    close_event(e);
    return finish();
}
