/* What WSAEventSelect and WSAEnumNetworkEvents show of one socket: when the event object is set and when not, what a
 * report carries, and that it leaves everything else alone. One section for each behaviour of Winsock that event loops
 * rely on.
 */
#include "steps.h"

static WSAEVENT e, f;

static void unread_data_and_another_event_object(void)
{
    SOCKET s, peer;
    section("replaced");
    new_pair(AF_INET, &s, &peer);
    send_text(peer, "x");
    until(unread(s) == 1);
    step("select READ|CLOSE with e: %s", outcome(WSAEventSelect(s, e, FD_READ | FD_CLOSE)));
    step("e: %s", soon(e));
    step("select READ|CLOSE with f: %s", outcome(WSAEventSelect(s, f, FD_READ | FD_CLOSE)));
    step("f: %s", now(f));
    step("e: %s", now(e));
    step("enumerate with f: %s", report(s, f));
    step("f: %s", still(f));
    step("e: %s", now(e));
    WSAResetEvent(e);
    close_pair(s, peer);
}

static void only_a_receive_makes_it_news_again(void)
{
    SOCKET s, peer;
    section("latched");
    new_quiet_pair(&s, &peer, e, FD_READ);
    send_text(peer, "a");
    step("data: e %s", soon(e));
    step("enumerate: %s", report(s, e));
    step("enumerate: %s", report(s, e));
    step("select READ: %s", outcome(WSAEventSelect(s, e, FD_READ)));
    step("e: %s", still(e));
    step("enumerate: %s", report(s, e));
    step("receive: %s", received(s, 9, 0));
    step("e: %s", still(e));
    send_text(peer, "b");
    step("more data: e %s", soon(e));
    step("enumerate: %s", report(s, e));
    step("receive: %s", received(s, 9, 0));
    step("receive: %s", received(s, 9, 0));
    step("enumerate: %s", report(s, e));
    close_pair(s, peer);
}

static void what_was_taken_is_not_reported(void)
{
    SOCKET s, peer, listener;
    section("taken");
    new_quiet_pair(&s, &peer, e, FD_READ);
    send_text(peer, "x");
    step("data: e %s", soon(e));
    step("receive: %s", received(s, 9, 0));
    step("e: %s", still(e));
    step("enumerate: %s", report(s, e));
    step("e: %s", now(e));
    close_pair(s, peer);

    listener = new_listener(AF_INET);
    step("select ACCEPT: %s", outcome(WSAEventSelect(listener, e, FD_ACCEPT)));
    peer = new_client(listener);
    step("a connection: e %s", soon(e));
    s = accept(listener, NULL, NULL);
    step("accept: %s", s == INVALID_SOCKET ? "fails" : "a socket");
    step("e: %s", still(e));
    step("enumerate: %s", report(listener, e));
    step("e: %s", now(e));
    close_pair(s, peer);
    close_socket(listener);
}

static void what_is_left_is_reported(void)
{
    SOCKET s, peer;
    section("left");
    new_quiet_pair(&s, &peer, e, FD_READ);
    send_text(peer, "xyz");
    until(unread(s) == 3);
    step("receive 1: %s", received(s, 1, 0));
    step("e: %s", now(e));
    step("enumerate: %s", report(s, e));
    step("receive 1: %s", received(s, 1, 0));
    step("e: %s", soon(e));
    step("enumerate: %s", report(s, e));
    step("peek: %s", received(s, 9, MSG_PEEK));
    step("e: %s", soon(e));
    step("enumerate: %s", report(s, e));
    step("receive 1: %s", received(s, 1, 0));
    step("e: %s", still(e));
    step("enumerate: %s", report(s, e));
    close_pair(s, peer);
}

static void room_to_write(void)
{
    SOCKET s, peer;
    int total;
    section("write");
    new_pair(AF_INET, &s, &peer);
    step("select WRITE: %s", outcome(WSAEventSelect(s, e, FD_WRITE)));
    step("e: %s", now(e));
    step("send: %s", outcome(send(s, "x", 1, 0)));
    step("enumerate: %s", report(s, e));
    step("send: %s", outcome(send(s, "x", 1, 0)));
    step("e: %s", still(e));
    step("enumerate: %s", report(s, e));
    total = 2 + fill(s);
    step("send until: %s", error_text(WSAGetLastError()));
    drain(peer, total);
    step("the peer receives: e %s", soon(e));
    step("enumerate: %s", report(s, e));
    step("e: %s", still(e));
    close_pair(s, peer);
}

static void a_repeat_is_no_news(void)
{
    SOCKET s, peer;
    section("repeat");
    new_quiet_pair(&s, &peer, e, FD_READ | FD_OOB);
    send_text(peer, "a");
    step("data: e %s", soon(e));
    WSAResetEvent(e);
    send_text(peer, "b");
    until(unread(s) == 2);
    step("more data: e %s", still(e));
    step("out-of-band data: %s", outcome(send(peer, "!", 1, MSG_OOB)));
    step("e: %s", soon(e));
    step("enumerate: %s", report(s, e));
    step("e: %s", still(e));
    close_pair(s, peer);
}

static void a_close_that_was_not_selected(void)
{
    SOCKET s, peer;
    section("close");
    new_quiet_pair(&s, &peer, e, FD_READ);
    close_socket(peer);
    step("the peer closes: e %s", still(e));
    step("enumerate: %s", report(s, e));
    step("select READ|CLOSE: %s", outcome(WSAEventSelect(s, e, FD_READ | FD_CLOSE)));
    step("e: %s", now(e));
    step("enumerate: %s", report(s, e));
    step("enumerate: %s", report(s, e));
    close_socket(s);
}

static void the_event_object_of_the_call(void)
{
    SOCKET s, peer, t, other_peer;
    section("other");
    new_quiet_pair(&s, &peer, e, FD_READ);
    WSASetEvent(f);
    send_text(peer, "x");
    step("data: e %s", soon(e));
    step("enumerate with f: %s", report(s, f));
    step("f: %s", now(f));
    step("e: %s", now(e));
    step("enumerate with e: %s", report(s, e));
    step("e: %s", now(e));
    step("receive: %s", received(s, 9, 0));
    send_text(peer, "y");
    step("data: e %s", soon(e));
    step("enumerate without: %s", report(s, NULL));
    step("enumerate without: %s", report(s, NULL));
    step("e: %s", now(e));
    step("receive: %s", received(s, 9, 0));
    WSAResetEvent(e);

    section("shared");
    new_quiet_pair(&t, &other_peer, e, FD_READ);
    send_text(peer, "1");
    send_text(other_peer, "2");
    until(unread(s) == 1 && unread(t) == 1);
    step("both readable: e %s", soon(e));
    step("enumerate the one: %s", report(s, e));
    step("e: %s", now(e));
    step("enumerate the other: %s", report(t, e));
    step("e: %s", now(e));
    close_pair(s, peer);
    close_pair(t, other_peer);
}

int main(void)
{
    begin();
    e = new_event();
    f = new_event();
    unread_data_and_another_event_object();
    only_a_receive_makes_it_news_again();
    what_was_taken_is_not_reported();
    what_is_left_is_reported();
    room_to_write();
    a_repeat_is_no_news();
    a_close_that_was_not_selected();
    the_event_object_of_the_call();
    close_event(e);
    close_event(f);
    return finish();
}
