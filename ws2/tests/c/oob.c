/* Out-of-band data: FD_OOB, and a receive with MSG_OOB. It is apart from the data: a receive without MSG_OOB neither
 * finds nor loses it, FIONREAD does not count it, and SIOCATMARK is false while there is some. With SO_OOBINLINE it is
 * data like any other.
 */
#include "steps.h"

static WSAEVENT e;

static const char *at_mark(SOCKET s)
{
    u_long at = 2;
    if (ioctlsocket(s, SIOCATMARK, &at) == SOCKET_ERROR)
        return error_text(WSAGetLastError());
    return at == 0 ? "false" : at == 1 ? "true" : "something else";
}

static int send_urgent(SOCKET s, const char *text)
{
    return send(s, text, (int)strlen(text), MSG_OOB);
}

static void one_byte(int family, const char *name)
{
    SOCKET s, peer;
    section(name);
    new_pair(family, &s, &peer);
    step("select READ|OOB|CLOSE: %s", outcome(WSAEventSelect(s, e, FD_READ | FD_OOB | FD_CLOSE)));
    step("receive OOB: %s", received(s, 9, MSG_OOB));
    step("at the mark: %s", at_mark(s));
    step("send OOB: %s", outcome(send_urgent(peer, "!")));
    step("e: %s", soon(e));
    step("enumerate: %s", report(s, e));
    step("enumerate: %s", report(s, e));
    step("select READ|OOB|CLOSE: %s", outcome(WSAEventSelect(s, e, FD_READ | FD_OOB | FD_CLOSE)));
    step("e: %s", still(e));
    step("bytes to receive: %d", unread(s));
    step("at the mark: %s", at_mark(s));
    step("receive OOB: %s", received(s, 9, MSG_OOB));
    step("at the mark: %s", at_mark(s));
    step("e: %s", still(e));
    step("enumerate: %s", report(s, e));
    step("receive OOB: %s", received(s, 9, MSG_OOB));
    step("send OOB: %s", outcome(send_urgent(peer, "?")));
    step("e: %s", soon(e));
    step("enumerate: %s", report(s, e));
    step("receive OOB: %s", received(s, 9, MSG_OOB));
    close_pair(s, peer);
}

static void taken_before_it_was_reported(void)
{
    SOCKET s, peer;
    section("taken");
    new_quiet_pair(&s, &peer, e, FD_READ | FD_OOB);
    step("send OOB: %s", outcome(send_urgent(peer, "!")));
    step("e: %s", soon(e));
    step("receive OOB: %s", received(s, 9, MSG_OOB));
    step("e: %s", now(e));
    step("enumerate: %s", report(s, e));
    step("e: %s", still(e));
    close_pair(s, peer);
}

static void among_data(void)
{
    SOCKET s, peer;
    section("data");
    new_quiet_pair(&s, &peer, e, FD_READ | FD_OOB);
    send_text(peer, "ab");
    step("data: e %s", soon(e));
    WSAResetEvent(e);
    step("send OOB: %s", outcome(send_urgent(peer, "!")));
    step("e: %s", soon(e));
    send_text(peer, "cd");
    Sleep(PAUSE);
    step("enumerate: %s", report(s, e));
    step("at the mark: %s", at_mark(s));
    step("receive 1: %s", received(s, 1, 0));
    step("e: %s", soon(e));
    step("enumerate: %s", report(s, e));
    step("receive 1: %s", received(s, 1, 0));
    step("e: %s", soon(e));
    step("enumerate: %s", report(s, e));
    step("receive OOB: %s", received(s, 9, MSG_OOB));
    step("receive: %s", received(s, 9, 0));
    step("receive: %s", received(s, 9, 0));
    step("e: %s", still(e));
    step("enumerate: %s", report(s, e));
    close_pair(s, peer);
}

static void a_receive_at_its_place(void)
{
    SOCKET s, peer;
    section("place");
    new_quiet_pair(&s, &peer, e, FD_OOB);
    step("send OOB: %s", outcome(send_urgent(peer, "!")));
    step("e: %s", soon(e));
    step("receive: %s", received(s, 9, 0));
    step("at the mark: %s", at_mark(s));
    step("enumerate: %s", report(s, e));
    step("receive OOB: %s", received(s, 9, MSG_OOB));
    step("at the mark: %s", at_mark(s));
    close_pair(s, peer);

    section("passed");
    new_quiet_pair(&s, &peer, e, FD_OOB);
    step("send OOB: %s", outcome(send_urgent(peer, "!")));
    step("e: %s", soon(e));
    step("enumerate: %s", report(s, e));
    send_text(peer, "x");
    until(unread(s) > 0);
    step("receive: %s", received(s, 9, 0));
    step("receive OOB: %s", received(s, 9, MSG_OOB));
    step("receive: %s", received(s, 9, 0));
    close_pair(s, peer);
}

static void two_bytes(void)
{
    SOCKET s, peer;
    section("two");
    new_quiet_pair(&s, &peer, e, FD_READ | FD_OOB);
    step("send OOB: %s", outcome(send_urgent(peer, "1")));
    step("e: %s", soon(e));
    step("enumerate: %s", report(s, e));
    step("send OOB: %s", outcome(send_urgent(peer, "2")));
    step("e: %s", soon(e));
    step("enumerate: %s", report(s, e));
    step("receive OOB: %s", received(s, 1, MSG_OOB));
    step("e: %s", soon(e));
    step("enumerate: %s", report(s, e));
    step("receive OOB: %s", received(s, 1, MSG_OOB));
    step("e: %s", still(e));
    step("enumerate: %s", report(s, e));
    step("receive: %s", received(s, 9, 0));
    close_pair(s, peer);
}

static void not_selected(void)
{
    SOCKET s, peer;
    section("unselected");
    new_quiet_pair(&s, &peer, e, FD_READ);
    step("send OOB: %s", outcome(send_urgent(peer, "!")));
    step("e: %s", still(e));
    step("enumerate: %s", report(s, e));
    step("select READ|OOB: %s", outcome(WSAEventSelect(s, e, FD_READ | FD_OOB)));
    step("e: %s", soon(e));
    step("enumerate: %s", report(s, e));
    step("receive OOB: %s", received(s, 9, MSG_OOB));
    close_pair(s, peer);

    section("unselected_and_closed");
    new_quiet_pair(&s, &peer, e, FD_READ);
    step("send OOB: %s", outcome(send_urgent(peer, "!")));
    until(strcmp(at_mark(s), "false") == 0);
    close_socket(peer);
    Sleep(PAUSE);
    step("select OOB: %s", outcome(WSAEventSelect(s, e, FD_OOB)));
    step("e: %s", now(e));
    step("enumerate: %s", report(s, e));
    close_socket(s);
}

static void in_line(void)
{
    SOCKET s, peer;
    int on = 1, size = sizeof on;
    section("inline");
    new_quiet_pair(&s, &peer, e, FD_READ | FD_OOB);
    step("SO_OOBINLINE: %s", outcome(setsockopt(s, SOL_SOCKET, SO_OOBINLINE, (const char *)&on, sizeof on)));
    on = -1;
    must(getsockopt(s, SOL_SOCKET, SO_OOBINLINE, (char *)&on, &size) == 0, "SO_OOBINLINE");
    step("it is: %d", on != 0);
    step("receive OOB: %s", received(s, 9, MSG_OOB));
    step("send OOB: %s", outcome(send_urgent(peer, "!")));
    step("e: %s", soon(e));
    Sleep(PAUSE);
    step("enumerate: %s", report(s, e));
    step("e: %s", still(e));
    step("enumerate: %s", report(s, e));
    step("bytes to receive: %d", unread(s));
    step("receive OOB: %s", received(s, 9, MSG_OOB));
    step("receive: %s", received(s, 9, 0));
    step("e: %s", still(e));
    step("enumerate: %s", report(s, e));
    send_text(peer, "a");
    step("data: e %s", soon(e));
    step("enumerate: %s", report(s, e));
    step("send OOB: %s", outcome(send_urgent(peer, "!")));
    until(unread(s) == 2);
    step("bytes to receive: %d", unread(s));
    step("receive 1: %s", received(s, 1, 0));
    step("receive 9: %s", received(s, 9, 0));
    step("receive 9: %s", received(s, 9, 0));
    step("enumerate: %s", report(s, e));
    close_pair(s, peer);
}

static void in_line_afterwards(void)
{
    SOCKET s, peer;
    section("inline_afterwards");
    new_quiet_pair(&s, &peer, e, FD_READ | FD_OOB);
    step("send OOB: %s", outcome(send_urgent(peer, "!")));
    step("e: %s", soon(e));
    step("enumerate: %s", report(s, e));
    step("receive OOB: %s", received(s, 9, MSG_OOB));
    set_option(s, SOL_SOCKET, SO_OOBINLINE, 1);
    step("receive: %s", received(s, 9, 0));
    step("send OOB: %s", outcome(send_urgent(peer, "?")));
    until(unread(s) > 0);
    step("receive: %s", received(s, 9, 0));
    close_pair(s, peer);

    section("inline_behind_data");
    new_quiet_pair(&s, &peer, e, FD_READ | FD_OOB);
    step("send OOB: %s", outcome(send_urgent(peer, "ab!")));
    until(strcmp(received(s, 9, MSG_OOB), "\"!\"") == 0);
    set_option(s, SOL_SOCKET, SO_OOBINLINE, 1);
    step("receive: %s", received(s, 9, 0));
    step("receive: %s", received(s, 9, 0));
    close_pair(s, peer);

    section("inline_before_it_is_received");
    new_quiet_pair(&s, &peer, e, FD_READ | FD_OOB);
    step("send OOB: %s", outcome(send_urgent(peer, "!")));
    step("e: %s", soon(e));
    set_option(s, SOL_SOCKET, SO_OOBINLINE, 1);
    step("receive: %s", received(s, 9, 0));
    step("receive: %s", received(s, 9, 0));
    close_pair(s, peer);
}

static void nothing_to_receive_it_on(void)
{
    SOCKET s;
    section("fails");
    s = new_stream(AF_INET);
    must(set_nonblocking(s, 1) == 0, "FIONBIO");
    step("send OOB on a new socket: %s", outcome(send_urgent(s, "!")));
    step("receive OOB on a new socket: %s", received(s, 9, MSG_OOB));
    step("at the mark: %s", at_mark(s));
    close_socket(s);
    s = bound(new_socket(AF_INET, SOCK_DGRAM), AF_INET);
    must(set_nonblocking(s, 1) == 0, "FIONBIO");
    step("receive OOB on a datagram socket: %s", received(s, 9, MSG_OOB));
    close_socket(s);
}

int main(void)
{
    begin();
    e = new_event();
    one_byte(AF_INET, "oob");
    one_byte(AF_INET6, "oob_v6");
    taken_before_it_was_reported();
    among_data();
    a_receive_at_its_place();
    two_bytes();
    not_selected();
    in_line();
    in_line_afterwards();
    nothing_to_receive_it_on();
    close_event(e);
    return finish();
}
