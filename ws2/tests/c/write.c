/* FD_WRITE: once when the connection is there, and then after a send that found no room, when there is room again. A
 * send that succeeds changes nothing. One that finds no room takes an unreported FD_WRITE back: a full socket does not
 * report that it has room.
 */
#include "steps.h"

static WSAEVENT e;

static void once(void)
{
    SOCKET s, peer;
    section("once");
    new_pair(AF_INET, &s, &peer);
    step("select READ: %s", outcome(WSAEventSelect(peer, e, FD_READ)));
    step("e: %s", now(e));
    step("send: %s", outcome(send(peer, "x", 1, 0)));
    step("select READ|WRITE: %s", outcome(WSAEventSelect(peer, e, FD_READ | FD_WRITE)));
    step("e: %s", now(e));
    step("enumerate: %s", report(peer, e));
    step("select nothing: %s", outcome(WSAEventSelect(peer, e, 0)));
    step("select READ|WRITE: %s", outcome(WSAEventSelect(peer, e, FD_READ | FD_WRITE)));
    step("e: %s", now(e));
    step("send nothing: %s", outcome(send(peer, "", 0, 0)));
    step("e: %s", still(e));
    step("enumerate: %s", report(peer, e));
    close_pair(s, peer);
}

static void room_again(int family, const char *name)
{
    SOCKET s, peer;
    int total;
    section(name);
    new_pair(family, &s, &peer);
    step("select WRITE: %s", outcome(WSAEventSelect(s, e, FD_WRITE)));
    step("enumerate: %s", report(s, e));
    total = fill(s);
    step("send until: %s", error_text(WSAGetLastError()));
    step("full: e %s", still(e));
    step("enumerate: %s", report(s, e));
    drain(peer, total);
    step("the peer receives: e %s", soon(e));
    step("enumerate: %s", report(s, e));
    step("send: %s", outcome(send(s, "x", 1, 0)));
    drain(peer, 1);
    step("the peer receives: e %s", still(e));
    step("enumerate: %s", report(s, e));
    total = fill(s);
    step("send until: %s", error_text(WSAGetLastError()));
    drain(peer, total);
    step("the peer receives: e %s", soon(e));
    step("enumerate: %s", report(s, e));
    close_pair(s, peer);
}

static void full_before_it_was_reported(void)
{
    SOCKET s, peer;
    int total;
    section("unreported");
    new_pair(AF_INET, &s, &peer);
    step("select WRITE: %s", outcome(WSAEventSelect(s, e, FD_WRITE)));
    step("e: %s", now(e));
    total = fill(s);
    step("send until: %s", error_text(WSAGetLastError()));
    step("full: e %s", now(e));
    step("enumerate: %s", report(s, e));
    step("e: %s", still(e));
    drain(peer, total);
    step("the peer receives: e %s", soon(e));
    step("enumerate: %s", report(s, e));
    close_pair(s, peer);
}

static void full_before_it_was_selected(void)
{
    SOCKET s, peer;
    int total;
    section("unselected");
    new_quiet_pair(&s, &peer, e, FD_READ);
    total = fill(s);
    step("send until: %s", error_text(WSAGetLastError()));
    step("select WRITE: %s", outcome(WSAEventSelect(s, e, FD_WRITE)));
    step("e: %s", still(e));
    step("enumerate: %s", report(s, e));
    step("select READ: %s", outcome(WSAEventSelect(s, e, FD_READ)));
    drain(peer, total);
    step("the peer receives: e %s", still(e));
    step("select WRITE: %s", outcome(WSAEventSelect(s, e, FD_WRITE)));
    step("e: %s", soon(e));
    step("enumerate: %s", report(s, e));
    close_pair(s, peer);
}

static void nothing_to_a_full_socket(void)
{
    SOCKET s, peer;
    int total;
    section("nothing");
    new_quiet_pair(&s, &peer, e, FD_WRITE);
    total = fill(s);
    step("send nothing to a full socket: %s", outcome(send(s, "", 0, 0)));
    step("e: %s", still(e));
    drain(peer, total);
    step("the peer receives: e %s", soon(e));
    step("send nothing: %s", outcome(send(s, "", 0, 0)));
    step("enumerate: %s", report(s, e));
    close_pair(s, peer);
}

static void the_end_of_a_full_socket(void)
{
    SOCKET s, peer;
    section("end");
    new_quiet_pair(&s, &peer, e, FD_WRITE | FD_CLOSE);
    fill(s);
    step("select CLOSE: %s", outcome(WSAEventSelect(s, e, FD_CLOSE)));
    step("shutdown by the peer: %s", outcome(shutdown(peer, SD_SEND)));
    step("e: %s", soon(e));
    step("enumerate: %s", report(s, e));
    step("e: %s", still(e));
    close_pair(s, peer);
}

int main(void)
{
    begin();
    e = new_event();
    once();
    room_again(AF_INET, "full");
    room_again(AF_INET6, "full_v6");
    full_before_it_was_reported();
    full_before_it_was_selected();
    nothing_to_a_full_socket();
    the_end_of_a_full_socket();
    close_event(e);
    return finish();
}
