/* Blocking calls with threads: connect, accept, send, recv, sendto and recvfrom wait for as long as they must and no
 * longer; a blocking call beside a record, since another thread selects while it waits.
 */
#include "steps.h"

#include "blocked.h"

static int same_address(const address *a, const address *b)
{
    return a->v4.sin_port == b->v4.sin_port && a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
}

static void streams(char *much)
{
    SOCKET listener = new_listener(AF_INET), nobody = bound(new_stream(AF_INET), AF_INET), s, peer;
    blocked_call b;
    message m;
    address client;

    section("connect");
    start(&b, accept_one, listener, &m);
    step("accept: %s", waits(&b));
    s = new_stream(AF_INET);
    step("connect: %s", outcome(connect_to(s, listener)));
    client = address_of(s);
    step("accept: %s", end(&b));
    step("from: %s, %d bytes", same_address(&client, &m.from) ? "the client" : "somebody", m.from_size);
    closesocket(s);
    s = new_stream(AF_INET);
    step("connect where nobody listens: %s", outcome(connect_to(s, nobody)));
    closesocket(s);
    closesocket(nobody);
    closesocket(listener);

    section("recv");
    new_pair(AF_INET, &s, &peer);
    m.length = 10;
    m.flags = 0;
    start(&b, receive, s, &m);
    step("nothing has come: %s", waits(&b));
    send_text(peer, "abc");
    step("some bytes: %s", end(&b));
    m.flags = MSG_PEEK;
    start(&b, receive, s, &m);
    step("a look at nothing: %s", waits(&b));
    send_text(peer, "def");
    step("a look: %s", end(&b));
    m.flags = 0;
    start(&b, receive, s, &m);
    step("what was looked at: %s", end(&b));
    start(&b, receive, s, &m);
    step("nothing has come: %s", waits(&b));
    shutdown(peer, SD_SEND);
    step("the end: %s", end(&b));

    section("send");
    little_room(s, peer);
    start(&b, send_much, s, much);
    step("nobody receives: %s", waits(&b));
    drain(peer, MUCH);
    step("somebody has: %s", end(&b));
    start(&b, send_much, s, much);
    step("nobody receives: %s", waits(&b));
    reset_and_close(peer);
    step("a reset: %s", end(&b));
    closesocket(s);

    section("all");
    new_pair(AF_INET, &s, &peer);
    m.flags = MSG_WAITALL;
    start(&b, receive, s, &m);
    send_text(peer, "01234");
    step("5 bytes of 10: %s", waits(&b));
    send_text(peer, "56789");
    step("all of them: %s", end(&b));
    closesocket(s);
    closesocket(peer);
}

static void datagrams(void)
{
    SOCKET s = bound(new_socket(AF_INET, SOCK_DGRAM), AF_INET);
    SOCKET sender = bound(new_socket(AF_INET, SOCK_DGRAM), AF_INET);
    address to = address_of(s), from = address_of(sender);
    blocked_call b;
    message m;

    section("recvfrom");
    m.length = 10;
    m.flags = 0;
    start(&b, receive_from, s, &m);
    step("nothing has come: %s", waits(&b));
    step("sendto: %s", outcome(sendto(sender, "abc", 3, 0, &to.any, address_size(&to))));
    step("a datagram: %s", end(&b));
    step("from: %s, %d bytes", same_address(&from, &m.from) ? "the sender" : "somebody", m.from_size);
    closesocket(s);
    closesocket(sender);
}

/* A selection makes the socket non-blocking, but not the call that is under way. What that takes is not reported. */
static void beside_the_record(void)
{
    SOCKET s, peer, client, listener = new_listener(AF_INET);
    WSAEVENT e = new_event();
    blocked_call b;
    message m;
    m.length = 10;
    m.flags = 0;
    new_pair(AF_INET, &s, &peer);

    section("record");
    start(&b, receive, s, &m);
    step("recv: %s", waits(&b));
    step("select: %s", outcome(WSAEventSelect(s, e, FD_READ | FD_WRITE | FD_CLOSE)));
    step("recv: %s", waits(&b));
    step("reported: %s", report(s, e));
    send_text(peer, "abc");
    step("recv: %s", end(&b));
    Sleep(PAUSE);
    step("reported: %s", report(s, e));
    send_text(peer, "def");
    step("the next: event object %s", soon(e));
    step("reported: %s", report(s, e));
    step("recv: %s", received(s, 10, 0));
    step("another: %s", received(s, 10, 0));

    start(&b, accept_one, listener, &m);
    step("accept: %s", waits(&b));
    step("select: %s", outcome(WSAEventSelect(listener, e, FD_ACCEPT)));
    client = new_client(listener);
    step("accept: %s", end(&b));
    Sleep(PAUSE);
    step("reported: %s", report(listener, e));
    closesocket(s);
    closesocket(peer);
    closesocket(client);
    closesocket(listener);
    WSACloseEvent(e);
}

int main(void)
{
    char *much = (char *)calloc(MUCH, 1);
    must(much != NULL, "calloc");
    begin();
    streams(much);
    datagrams();
    beside_the_record();
    free(much);
    return finish();
}
