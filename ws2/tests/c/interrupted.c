/* Blocking calls that end without success: by a time-out, and because another thread closes the socket or
 * cleans up.
 */
#include "steps.h"

#include "blocked.h"

static void timeouts(char *much)
{
    SOCKET s, peer, idle = bound(new_socket(AF_INET, SOCK_DGRAM), AF_INET);
    int timeout = PAUSE;
    new_pair(AF_INET, &s, &peer);
    must(setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, (const char *)&timeout, sizeof timeout) == 0, "SO_RCVTIMEO");
    must(setsockopt(idle, SOL_SOCKET, SO_RCVTIMEO, (const char *)&timeout, sizeof timeout) == 0, "SO_RCVTIMEO");
    must(setsockopt(peer, SOL_SOCKET, SO_SNDTIMEO, (const char *)&timeout, sizeof timeout) == 0, "SO_SNDTIMEO");

    little_room(peer, s);

    section("time_out");
    step("recv: %s", received(s, 10, 0));
    step("again: %s", received(s, 10, 0));
    send_text(peer, "abc");
    step("there is something: %s", received(s, 10, 0));
    step("recv of datagrams: %s", received(idle, 10, 0));
    step("send: %s", send_much(peer, much));
    closesocket(s);
    closesocket(peer);
    closesocket(idle);
}

/* A call that is canceled fails. Which code it has is not written down anywhere. */
static const char *canceled(const char *text)
{
    static const char *const codes[] = {"WSAEINTR", "WSAECONNABORTED", "WSAENOTSOCK", "WSANOTINITIALISED",
        "995" /* WSA_OPERATION_ABORTED */};
    size_t i;
    for (i = 0; i < sizeof codes / sizeof codes[0]; i++)
        if (strcmp(text, codes[i]) == 0)
            return "canceled";
    return text;
}

static const char *select_readable(SOCKET s, void *with)
{
    struct timeval limit = {LIMIT / 1000, 0};
    fd_set sockets;
    int count;
    (void)with;
    FD_ZERO(&sockets);
    FD_SET(s, &sockets);
    count = select(0, &sockets, NULL, NULL, &limit);
    return count == 1 && FD_ISSET(s, &sockets) ? "readable" : answer(count);
}

static const char *poll_readable(SOCKET s, void *with)
{
    WSAPOLLFD polled;
    int count;
    (void)with;
    polled.fd = s;
    polled.events = POLLRDNORM;
    polled.revents = 0;
    count = WSAPoll(&polled, 1, LIMIT);
    return count == 1 && polled.revents == POLLNVAL ? "POLLNVAL" : answer(count);
}

static void closing(void)
{
    SOCKET s, peer, listener = new_listener(AF_INET), idle = bound(new_socket(AF_INET, SOCK_DGRAM), AF_INET);
    blocked_call b;
    message m;
    m.length = 10;
    m.flags = 0;
    new_pair(AF_INET, &s, &peer);

    section("closing");
    start(&b, receive, s, &m);
    step("recv: %s", waits(&b));
    closesocket(s);
    step("closed: %s", canceled(end(&b)));
    start(&b, accept_one, listener, &m);
    step("accept: %s", waits(&b));
    closesocket(listener);
    step("closed: %s", canceled(end(&b)));
    start(&b, receive_from, idle, &m);
    step("recvfrom: %s", waits(&b));
    closesocket(idle);
    step("closed: %s", canceled(end(&b)));

    s = new_client(listener = new_listener(AF_INET));
    start(&b, select_readable, s, NULL);
    step("select: %s", waits(&b));
    closesocket(s);
    step("closed: %s", end(&b));
    s = new_client(listener);
    start(&b, poll_readable, s, NULL);
    step("WSAPoll: %s", waits(&b));
    closesocket(s);
    step("closed: %s", end(&b));
    closesocket(peer);
    closesocket(listener);
}

static void cleaning_up(void)
{
    SOCKET s, peer, idle = bound(new_socket(AF_INET, SOCK_DGRAM), AF_INET), listener = new_listener(AF_INET);
    blocked_call stream, datagrams, accepting;
    message m, n, client;
    m.length = n.length = 10;
    m.flags = n.flags = 0;
    new_pair(AF_INET, &s, &peer);

    section("cleanup");
    start(&stream, receive, s, &m);
    start(&datagrams, receive_from, idle, &n);
    start(&accepting, accept_one, listener, &client);
    step("recv: %s", waits(&stream));
    step("recvfrom: %s", waits(&datagrams));
    step("accept: %s", waits(&accepting));
    step("WSACleanup: %s", outcome(WSACleanup()));
    step("recv: %s", canceled(end(&stream)));
    step("recvfrom: %s", canceled(end(&datagrams)));
    step("accept: %s", canceled(end(&accepting)));
}

int main(void)
{
    char *much = (char *)calloc(MUCH, 1);
    must(much != NULL, "calloc");
    begin();
    timeouts(much);
    closing();
    cleaning_up();
    free(much);
    return 0;
}
