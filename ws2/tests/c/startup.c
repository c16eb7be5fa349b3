/* Startup and cleanup: what is refused before the first WSAStartup and after the last WSACleanup, which versions there
 * are, startups that nest, what becomes of the sockets, and the last error, which each thread has for itself.
 */
#include "steps.h"

#include "refusals.h"

static void version(int low, int high)
{
    WSADATA data;
    int error;
    memset(&data, 0x5A, sizeof data);
    error = WSAStartup(MAKEWORD(low, high), &data);
    step("WSAStartup, version %d.%d: %s; version %d.%d, highest %d.%d", low, high, error ? error_text(error) : "0",
        LOBYTE(data.wVersion), HIBYTE(data.wVersion), LOBYTE(data.wHighVersion), HIBYTE(data.wHighVersion));
    if (error == 0)
        WSACleanup();
}

static void data_of_a_version(int low, int high)
{
    WSADATA data;
    memset(&data, 0x5A, sizeof data);
    must(WSAStartup(MAKEWORD(low, high), &data) == 0, "WSAStartup");
    step("version %d.%d: \"%s\", \"%s\", at most %u sockets and %u bytes in a datagram", low, high, data.szDescription,
        data.szSystemStatus, data.iMaxSockets, data.iMaxUdpDg);
    WSACleanup();
}

static int seen_by_the_other[3];

static void other_thread(void *with)
{
    (void)with;
    seen_by_the_other[0] = WSAGetLastError();
    closesocket(INVALID_SOCKET);
    seen_by_the_other[1] = WSAGetLastError();
    WSASetLastError(WSAETIMEDOUT);
    seen_by_the_other[2] = WSAGetLastError();
}

int main(void)
{
    WSADATA data;
    SOCKET s, closed;
    WSAEVENT e;
    thread other;

    section("before");
    SHOW(WSACleanup());
    SHOW(socket(AF_INET, SOCK_STREAM, 0));
    SHOW(WSASocket(AF_INET, SOCK_STREAM, 0, NULL, 0, 0));
    every_call(INVALID_SOCKET);

    section("versions");
    version(0, 0);
    version(0, 9);
    version(1, 0);
    version(1, 1);
    version(1, 5);
    version(2, 0);
    version(2, 1);
    version(2, 2);
    version(2, 3);
    version(3, 0);
    version(255, 255);
    data_of_a_version(1, 1);
    data_of_a_version(2, 2);
    step("without data: %s", error_text(WSAStartup(MAKEWORD(2, 2), NULL)));
    SHOW(WSACleanup());

    section("nested");
    begin();
    s = new_socket(AF_INET, SOCK_STREAM);
    must(WSAStartup(MAKEWORD(2, 2), &data) == 0, "WSAStartup");
    must(WSAStartup(MAKEWORD(1, 1), &data) == 0, "WSAStartup");
    step("a third startup, version 1.1: highest %d.%d", LOBYTE(data.wHighVersion), HIBYTE(data.wHighVersion));
    SHOW(WSACleanup());
    SHOW(WSACleanup());
    step("the socket is still there: %s", outcome(listen(bound(s, AF_INET), 1)));

    section("error");
    WSASetLastError(WSAEINVAL);
    thread_start(&other, other_thread, NULL);
    thread_join(&other);
    step("a new thread: %s", error_text(seen_by_the_other[0]));
    step("its call fails: %s", error_text(seen_by_the_other[1]));
    step("it sets an error: %s", error_text(seen_by_the_other[2]));
    step("this thread: %s", error_text(WSAGetLastError()));
    WSASetLastError(12345);
    step("any number: %d", WSAGetLastError());
    step("reading it does not reset it: %d", WSAGetLastError());
    must(listen(s, 1) == 0, "listen");
    closesocket(INVALID_SOCKET);
    step("the last one that failed: %s", error_text(WSAGetLastError()));

    section("after");
    e = new_event();
    must(WSAEventSelect(s, e, FD_ACCEPT) == 0, "WSAEventSelect");
    closed = s;
    SHOW(WSACleanup());
    SHOW(WSACleanup());
    SHOW(socket(AF_INET, SOCK_STREAM, 0));
    SHOW(WSASocket(AF_INET, SOCK_STREAM, 0, NULL, 0, 0));
    every_call(closed);
    step("the event object: %s", now(e));
    must(WSAStartup(MAKEWORD(2, 2), &data) == 0, "WSAStartup");
    step("WSAEventSelect of the old socket after a new startup: %s", outcome(WSAEventSelect(closed, e, FD_ACCEPT)));
    step("listen on it: %s", outcome(listen(closed, 1)));
    s = new_socket(AF_INET, SOCK_STREAM);
    step("a new socket: %s", outcome(WSAEventSelect(s, e, FD_ACCEPT)));
    step("the event object is closed: %d", WSACloseEvent(e));
    return finish();
}
