/* A new arrival is news, even if the program has not touched what arrived before: more data after a reported FD_READ,
 * more out-of-band data after FD_OOB, another connection after FD_ACCEPT. Before the report it is a repeat.
 */
#include "steps.h"

static WSAEVENT e, f;

static void more_data(int family, const char *name)
{
    SOCKET s, peer;
    section(name);
    new_pair(family, &s, &peer);
    step("select READ: %s", outcome(WSAEventSelect(s, e, FD_READ)));
    send_text(peer, "a");
    step("data: e %s", soon(e));
    step("enumerate: %s", report(s, e));
    send_text(peer, "b");
    step("more: e %s", soon(e));
    step("enumerate: %s", report(s, e));
    step("e: %s", still(e));
    step("enumerate: %s", report(s, e));
    step("bytes to receive: %d", unread(s));
    step("receive: %s", received(s, 9, 0));
    step("e: %s", still(e));
    step("enumerate: %s", report(s, e));
    send_text(peer, "c");
    step("more: e %s", soon(e));
    step("enumerate: %s", report(s, e));
    close_pair(s, peer);
}

static void more_data_before_the_report(void)
{
    SOCKET s, peer;
    section("repeat");
    new_quiet_pair(&s, &peer, e, FD_READ);
    send_text(peer, "a");
    step("data: e %s", soon(e));
    WSAResetEvent(e);
    send_text(peer, "b");
    until(unread(s) == 2);
    step("more: e %s", still(e));
    step("enumerate: %s", report(s, e));
    step("enumerate: %s", report(s, e));
    step("receive 1: %s", received(s, 1, 0));
    step("e: %s", soon(e));
    step("enumerate: %s", report(s, e));
    close_pair(s, peer);
}

static void more_data_while_it_is_not_selected(void)
{
    SOCKET s, peer;
    section("unselected");
    new_quiet_pair(&s, &peer, e, FD_READ);
    send_text(peer, "a");
    step("data: e %s", soon(e));
    step("enumerate: %s", report(s, e));
    step("select nothing: %s", outcome(WSAEventSelect(s, NULL, 0)));
    send_text(peer, "b");
    until(unread(s) == 2);
    Sleep(PAUSE);
    step("more: e %s", now(e));
    step("select READ with f: %s", outcome(WSAEventSelect(s, f, FD_READ)));
    step("f: %s", soon(f));
    step("enumerate: %s", report(s, f));
    step("e: %s", now(e));
    close_pair(s, peer);
}

static void more_out_of_band_data(void)
{
    SOCKET s, peer;
    section("oob");
    new_quiet_pair(&s, &peer, e, FD_READ | FD_OOB);
    step("send OOB: %s", outcome(send(peer, "1", 1, MSG_OOB)));
    step("e: %s", soon(e));
    step("enumerate: %s", report(s, e));
    step("receive OOB: %s", received(s, 9, MSG_OOB));
    step("send OOB: %s", outcome(send(peer, "2", 1, MSG_OOB)));
    step("e: %s", soon(e));
    step("enumerate: %s", report(s, e));
    step("send OOB: %s", outcome(send(peer, "3", 1, MSG_OOB)));
    step("e: %s", soon(e));
    step("enumerate: %s", report(s, e));
    step("e: %s", still(e));
    close_pair(s, peer);
}

static void another_connection(void)
{
    SOCKET listener, client[3], s[3];
    int i;
    section("accept");
    listener = new_listener(AF_INET);
    step("select ACCEPT: %s", outcome(WSAEventSelect(listener, e, FD_ACCEPT)));
    client[0] = new_client(listener);
    step("a connection: e %s", soon(e));
    step("enumerate: %s", report(listener, e));
    client[1] = new_client(listener);
    step("another: e %s", soon(e));
    step("enumerate: %s", report(listener, e));
    step("e: %s", still(e));
    client[2] = new_client(listener);
    step("another: e %s", soon(e));
    Sleep(PAUSE);
    for (i = 0; i < 3; i++) {
        s[i] = accept(listener, NULL, NULL);
        must(s[i] != INVALID_SOCKET, "accept");
    }
    step("accept all: e %s", now(e));
    step("enumerate: %s", report(listener, e));
    step("e: %s", still(e));
    for (i = 0; i < 3; i++)
        close_pair(client[i], s[i]);
    close_socket(listener);
}

int main(void)
{
    begin();
    e = new_event();
    f = new_event();
    more_data(AF_INET, "read");
    more_data(AF_INET6, "read_v6");
    more_data_before_the_report();
    more_data_while_it_is_not_selected();
    more_out_of_band_data();
    another_connection();
    close_event(e);
    close_event(f);
    return finish();
}
