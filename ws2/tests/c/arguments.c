/* Options, commands, selections, event objects and waits with each mistake that their reference pages name.
 */
#include "steps.h"

#include "refusals.h"

static void options_and_commands(void)
{
    int number = 0, length;
    u_long argument = 0;
    DWORD returned = 0;
    SOCKET s = new_socket(AF_INET, SOCK_STREAM), datagrams = new_socket(AF_INET, SOCK_DGRAM);
    const char *in = (const char *)&number;
    char *out = (char *)&number;
    u_long on = 1;

    section("options");
    length = sizeof number;
    SHOW(setsockopt(s, 0x8000, SO_REUSEADDR, in, sizeof number));
    SHOW(getsockopt(s, 0x8000, SO_REUSEADDR, out, &length));
    SHOW(setsockopt(s, SOL_SOCKET, 12345, in, sizeof number));
    SHOW(getsockopt(s, SOL_SOCKET, 12345, out, &length));
    SHOW(setsockopt(s, IPPROTO_TCP, 12345, in, sizeof number));
    SHOW(getsockopt(s, IPPROTO_TCP, 12345, out, &length));
    SHOW(setsockopt(s, SOL_SOCKET, SO_REUSEADDR, NULL, sizeof number));
    SHOW(setsockopt(s, SOL_SOCKET, SO_LINGER, in, 1));
    SHOW(setsockopt(s, SOL_SOCKET, SO_RCVBUF, in, 1));
    SHOW(setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, in, 1));
    SHOW(setsockopt(s, SOL_SOCKET, SO_ACCEPTCONN, in, sizeof number));
    SHOW(setsockopt(s, SOL_SOCKET, SO_TYPE, in, sizeof number));
    SHOW(setsockopt(s, IPPROTO_TCP, TCP_NODELAY, in, 0));
    SHOW(getsockopt(s, SOL_SOCKET, SO_REUSEADDR, NULL, &length));
    SHOW(getsockopt(s, SOL_SOCKET, SO_REUSEADDR, out, NULL));
    SHOW(getsockopt(datagrams, SOL_SOCKET, SO_LINGER, out, &length));
    length = 1;
    SHOW(getsockopt(s, SOL_SOCKET, SO_LINGER, out, &length));
    SHOW(getsockopt(s, SOL_SOCKET, SO_ERROR, out, &length));
    length = 0;
    SHOW(getsockopt(s, SOL_SOCKET, SO_REUSEADDR, out, &length));

    section("commands");
    SHOW(ioctlsocket(s, 12345, &argument));
    SHOW(ioctlsocket(s, FIONBIO, NULL));
    SHOW(ioctlsocket(s, FIONREAD, NULL));
    SHOW(WSAIoctl(s, 12345, NULL, 0, NULL, 0, &returned, NULL, NULL));
    SHOW(WSAIoctl(s, FIONBIO, NULL, 0, NULL, 0, &returned, NULL, NULL));
    SHOW(WSAIoctl(s, FIONBIO, &on, sizeof on - 1, NULL, 0, &returned, NULL, NULL));
    SHOW(WSAIoctl(s, FIONBIO, &on, sizeof on, NULL, 0, NULL, NULL, NULL));
    SHOW(WSAIoctl(s, FIONREAD, NULL, 0, NULL, 0, &returned, NULL, NULL));
    SHOW(WSAIoctl(s, FIONREAD, NULL, 0, &argument, sizeof argument - 1, &returned, NULL, NULL));
    closesocket(s);
    closesocket(datagrams);
}

static void events_and_waits(void)
{
    WSANETWORKEVENTS events;
    WSAEVENT event = new_event();
    SOCKET s = new_socket(AF_INET, SOCK_STREAM);
    WSAEVENT many[WSA_MAXIMUM_WAIT_EVENTS + 1], twice[2], closed = new_event();
    int i;
    for (i = 0; i < WSA_MAXIMUM_WAIT_EVENTS + 1; i++)
        many[i] = new_event();
    twice[0] = twice[1] = event;
    WSACloseEvent(closed);

    section("selection");
    SHOW(WSAEventSelect(s, NULL, FD_READ));
    SHOW(WSAEventSelect(s, (WSAEVENT)s, FD_READ));
    SHOW(WSAEventSelect(s, closed, FD_READ));
    SHOW(WSAEventSelect(s, closed, 0));
    SHOW(WSAEventSelect(s, event, FD_READ));
    SHOW(WSAEnumNetworkEvents(s, closed, &events));
    SHOW(WSAEnumNetworkEvents(s, NULL, NULL));
    SHOW(WSAAsyncSelect(s, NULL, 0, FD_READ));

    section("events");
    SHOW_BOOL(WSASetEvent(closed));
    SHOW_BOOL(WSAResetEvent(closed));
    SHOW_BOOL(WSACloseEvent(closed));
    SHOW_BOOL(WSASetEvent(NULL));
    SHOW_BOOL(WSAResetEvent(NULL));
    SHOW_BOOL(WSACloseEvent(NULL));
    SHOW_BOOL(SetEvent(closed));
    SHOW_BOOL(ResetEvent(closed));
    SHOW_BOOL(CloseHandle(closed));
    SHOW_BOOL(WSASetEvent((WSAEVENT)s));
    SHOW_BOOL(WSAResetEvent((WSAEVENT)s));

    section("waits");
    SHOW(WaitForSingleObject(closed, 0));
    SHOW(WaitForSingleObject(NULL, 0));
    SHOW(WaitForMultipleObjects(1, &closed, FALSE, 0));
    SHOW(WaitForMultipleObjects(0, many, FALSE, 0));
    SHOW(WaitForMultipleObjects(MAXIMUM_WAIT_OBJECTS + 1, many, FALSE, 0));
    SHOW(WaitForMultipleObjects(MAXIMUM_WAIT_OBJECTS, many, FALSE, 0));
    SHOW(WaitForMultipleObjects(2, twice, TRUE, 0));
    SHOW(WSAWaitForMultipleEvents(1, &closed, FALSE, 0, FALSE));
    SHOW(WSAWaitForMultipleEvents(0, many, FALSE, 0, FALSE));
    SHOW(WSAWaitForMultipleEvents(WSA_MAXIMUM_WAIT_EVENTS + 1, many, FALSE, 0, FALSE));
    SHOW(WSAWaitForMultipleEvents(WSA_MAXIMUM_WAIT_EVENTS, many, FALSE, 0, FALSE));
    SHOW(WSAWaitForMultipleEvents(2, twice, TRUE, 0, FALSE));
    closesocket(s);
    for (i = 0; i < WSA_MAXIMUM_WAIT_EVENTS + 1; i++)
        must(WSACloseEvent(many[i]), "WSACloseEvent");
    WSACloseEvent(event);
}

int main(void)
{
    begin();
    survive_faults();
    options_and_commands();
    events_and_waits();
    return finish();
}
