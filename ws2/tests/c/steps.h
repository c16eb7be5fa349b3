/* What the programs of this folder share. A program prints what it sees, step by step, and its output is compared with
 * that of the same program on another Winsock, line by line. So a line names no port, handle, address or time, and a
 * step looks at things at rest: what happens is waited for, and whether nothing happens is looked up after a pause.
 *
 * A program does one call a step, since C does not say which argument of `step` is evaluated first.
 */
#ifndef STEPS_H
#define STEPS_H

#include <winsock2.h>
#include <ws2tcpip.h>
#include <windows.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef _WIN32
#include <fcntl.h>
#include <io.h>
#else
#include <pthread.h>
#endif

/* In milliseconds: how long something may take to happen, and after which time nothing has happened. Some of what
 * happens here never happens under Wine (exceptions.txt), where the limit is what it costs to see that.
 */
#ifdef _WIN32
enum { LIMIT = 3 * 1000, PAUSE = 100 };
#else
enum { LIMIT = 30 * 1000, PAUSE = 100 };
#endif

/* Steps. A line is "SECTION.NUMBER: TEXT". exceptions.txt goes by SECTION.NUMBER, the label. */

static const char *the_section = "";
static int the_step;

static inline void section(const char *name)
{
    the_section = name;
    the_step = 0;
}

#ifdef __GNUC__
__attribute__((format(printf, 1, 2)))
#endif
static inline void step(const char *format, ...)
{
    va_list arguments;
    printf("%s.%d: ", the_section, ++the_step);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
    fflush(stdout);
}

/* Texts. The last sixteen stay valid. Only one thread makes texts. */

enum { TEXTS = 16, TEXT_SIZE = 512 };

static inline char *new_text(void)
{
    static char texts[TEXTS][TEXT_SIZE];
    static int next;
    char *text = texts[next++ % TEXTS];
    text[0] = 0;
    return text;
}

#ifdef __GNUC__
__attribute__((format(printf, 2, 3)))
#endif
static inline void append(char *text, const char *format, ...)
{
    size_t length = strlen(text);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text + length, TEXT_SIZE - length, format, arguments);
    va_end(arguments);
}

/* The name of a Winsock error. */
static inline const char *error_text(int error)
{
    static const struct {
        int error;
        const char *name;
    } names[] = {
#define NAME(error) {error, #error}
        NAME(WSAEINTR), NAME(WSAEBADF), NAME(WSAEACCES), NAME(WSAEFAULT), NAME(WSAEINVAL), NAME(WSAEMFILE),
        NAME(WSAEWOULDBLOCK), NAME(WSAEINPROGRESS), NAME(WSAEALREADY), NAME(WSAENOTSOCK), NAME(WSAEDESTADDRREQ),
        NAME(WSAEMSGSIZE), NAME(WSAEPROTOTYPE), NAME(WSAENOPROTOOPT), NAME(WSAEPROTONOSUPPORT),
        NAME(WSAESOCKTNOSUPPORT), NAME(WSAEOPNOTSUPP), NAME(WSAEPFNOSUPPORT), NAME(WSAEAFNOSUPPORT),
        NAME(WSAEADDRINUSE), NAME(WSAEADDRNOTAVAIL), NAME(WSAENETDOWN), NAME(WSAENETUNREACH), NAME(WSAENETRESET),
        NAME(WSAECONNABORTED), NAME(WSAECONNRESET), NAME(WSAENOBUFS), NAME(WSAEISCONN), NAME(WSAENOTCONN),
        NAME(WSAESHUTDOWN), NAME(WSAETOOMANYREFS), NAME(WSAETIMEDOUT), NAME(WSAECONNREFUSED), NAME(WSAELOOP),
        NAME(WSAENAMETOOLONG), NAME(WSAEHOSTDOWN), NAME(WSAEHOSTUNREACH), NAME(WSAENOTEMPTY), NAME(WSAEPROCLIM),
        NAME(WSAEUSERS), NAME(WSAEDQUOT), NAME(WSAESTALE), NAME(WSAEREMOTE), NAME(WSASYSNOTREADY),
        NAME(WSAVERNOTSUPPORTED), NAME(WSANOTINITIALISED), NAME(WSAEDISCON), NAME(WSA_INVALID_HANDLE),
        NAME(WSA_INVALID_PARAMETER), NAME(WSA_NOT_ENOUGH_MEMORY), NAME(WSA_IO_PENDING)
#undef NAME
    };
    char *text;
    size_t i;
    for (i = 0; i < sizeof names / sizeof names[0]; i++)
        if (names[i].error == error)
            return names[i].name;
    text = new_text();
    append(text, "%d", error);
    return text;
}

/* What a call returned: a number, or the name of the last error. */
static inline const char *outcome(int returned)
{
    char *text;
    if (returned == SOCKET_ERROR)
        return error_text(WSAGetLastError());
    text = new_text();
    append(text, "%d", returned);
    return text;
}

/* Network events and their codes, in the order of the bits: "FD_READ 0, FD_CLOSE 10053", or "none". */
static inline const char *events_text(long events, const int *codes)
{
    static const char *const names[FD_MAX_EVENTS] = {
        "FD_READ",  "FD_WRITE", "FD_OOB",       "FD_ACCEPT",                   "FD_CONNECT",
        "FD_CLOSE", "FD_QOS",   "FD_GROUP_QOS", "FD_ROUTING_INTERFACE_CHANGE", "FD_ADDRESS_LIST_CHANGE"};
    char *text = new_text();
    int bit;
    for (bit = 0; bit < FD_MAX_EVENTS; bit++)
        if (events & (1L << bit))
            append(text, "%s%s %d", text[0] ? ", " : "", names[bit], codes[bit]);
    if (events & ~(long)FD_ALL_EVENTS)
        append(text, "%sand unknown bits", text[0] ? ", " : "");
    if (!text[0])
        append(text, "none");
    return text;
}

/* WSAEnumNetworkEvents: the events, or the error. It also says whether more was written than is reported. */
static inline const char *report(SOCKET s, WSAEVENT e)
{
    WSANETWORKEVENTS reported, before;
    char *text = new_text();
    int bit;
    memset(&before, 0x5A, sizeof before);
    reported = before;
    if (WSAEnumNetworkEvents(s, e, &reported) == SOCKET_ERROR) {
        append(text, "%s", error_text(WSAGetLastError()));
        if (memcmp(&reported, &before, sizeof before) != 0)
            append(text, ", though something was written");
        return text;
    }
    append(text, "%s", events_text(reported.lNetworkEvents, reported.iErrorCode));
    for (bit = 0; bit < FD_MAX_EVENTS; bit++)
        if (!(reported.lNetworkEvents & (1L << bit)) && reported.iErrorCode[bit] != before.iErrorCode[bit])
            append(text, ", and element %d was written", bit);
    return text;
}

/* Event objects: manual-reset ones, since a look at an auto-reset one resets it. */

static inline int is_set(WSAEVENT e)
{
    return WaitForSingleObject(e, 0) == WAIT_OBJECT_0;
}

static inline int wait_set(WSAEVENT e)
{
    return WaitForSingleObject(e, LIMIT) == WAIT_OBJECT_0;
}

/* The state of an event object in words: now; as soon as it is set; and after a pause. */

static inline const char *now(WSAEVENT e)
{
    return is_set(e) ? "set" : "reset";
}

static inline const char *soon(WSAEVENT e)
{
    return wait_set(e) ? "set" : "reset, even now";
}

static inline const char *still(WSAEVENT e)
{
    Sleep(PAUSE);
    return now(e);
}

/* Waits until a condition holds, or the limit has passed. The next step shows which. */
#define until(condition) \
    do { \
        int rounds_left = LIMIT / 10; \
        while (!(condition) && rounds_left-- > 0) \
            Sleep(10); \
    } while (0)

/* Without this, the program has nothing to show. */
static inline void must(int holds, const char *what)
{
    if (holds)
        return;
    printf("%s.%d: FAILED: %s, last error %s\n", the_section, the_step + 1, what, error_text(WSAGetLastError()));
    fflush(stdout);
    exit(1);
}

static inline WSAEVENT new_event(void) /* manual-reset, and reset */
{
    WSAEVENT e = WSACreateEvent();
    must(e != WSA_INVALID_EVENT, "WSACreateEvent");
    return e;
}

static inline void close_event(WSAEVENT e)
{
    must(WSACloseEvent(e), "WSACloseEvent");
}

/* No event object has this handle. */
static inline WSAEVENT bad_event(void)
{
    return (WSAEVENT)(ULONG_PTR)0x7FFFFFF0;
}

/* The program begins and ends. */

static inline void begin(void)
{
    WSADATA data;
#ifdef _WIN32
    _setmode(_fileno(stdout), _O_BINARY); /* a line ends in the same way everywhere */
#endif
    must(WSAStartup(MAKEWORD(2, 2), &data) == 0, "WSAStartup");
}

static inline int finish(void)
{
    section("finish");
    step("WSACleanup: %s", outcome(WSACleanup()));
    return 0;
}

/* Addresses. `family` is AF_INET or AF_INET6. */

typedef union {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
} address;

static inline int address_size(const address *a)
{
    return (int)(a->any.sa_family == AF_INET ? sizeof a->v4 : sizeof a->v6);
}

/* The loopback address, with port 0. */
static inline address loopback(int family)
{
    address a;
    memset(&a, 0, sizeof a);
    if (family == AF_INET) {
        a.v4.sin_family = AF_INET;
        a.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    } else {
        a.v6.sin6_family = AF_INET6;
        a.v6.sin6_addr.s6_addr[15] = 1;
    }
    return a;
}

static inline address address_of(SOCKET s)
{
    address a;
    int size = (int)sizeof a;
    memset(&a, 0, sizeof a);
    must(getsockname(s, &a.any, &size) == 0, "getsockname");
    return a;
}

/* Sockets. A new one is blocking. */

static inline SOCKET new_socket(int family, int type)
{
    SOCKET s = socket(family, type, 0);
    must(s != INVALID_SOCKET, "socket");
    return s;
}

static inline void set_option(SOCKET s, int level, int option, int value)
{
    must(setsockopt(s, level, option, (const char *)&value, sizeof value) == 0, "setsockopt");
}

static inline SOCKET new_stream(int family)
{
    SOCKET s = new_socket(family, SOCK_STREAM);
    set_option(s, IPPROTO_TCP, TCP_NODELAY, 1);
    return s;
}

static inline SOCKET bound(SOCKET s, int family)
{
    address a = loopback(family);
    must(bind(s, &a.any, address_size(&a)) == 0, "bind");
    return s;
}

static inline SOCKET new_listener(int family)
{
    SOCKET s = bound(new_stream(family), family);
    must(listen(s, 8) == 0, "listen");
    return s;
}

static inline int connect_to(SOCKET s, SOCKET listener)
{
    address a = address_of(listener);
    return connect(s, &a.any, address_size(&a));
}

/* A stream that is connected with a blocking connect. It waits in the listener's queue. */
static inline SOCKET new_client(SOCKET listener)
{
    SOCKET s = new_stream(address_of(listener).any.sa_family);
    must(connect_to(s, listener) == 0, "connect");
    return s;
}

/* Two connected streams, both blocking, nothing selected. The first called connect, the second comes from accept. */
static inline void new_pair(int family, SOCKET *connected, SOCKET *accepted)
{
    SOCKET listener = new_listener(family);
    *connected = new_client(listener);
    *accepted = accept(listener, NULL, NULL);
    must(*accepted != INVALID_SOCKET, "accept");
    must(closesocket(listener) == 0, "closesocket");
    set_option(*accepted, IPPROTO_TCP, TCP_NODELAY, 1);
}

static inline void close_socket(SOCKET s)
{
    must(closesocket(s) == 0, "closesocket");
}

static inline void close_pair(SOCKET s, SOCKET t)
{
    close_socket(s);
    close_socket(t);
}

/* A pair as above. The first has these events selected with e; nothing is recorded, and e is reset. */
static inline void new_quiet_pair(SOCKET *s, SOCKET *peer, WSAEVENT e, long events)
{
    new_pair(AF_INET, s, peer);
    must(WSAEventSelect(*s, e, FD_CONNECT | FD_WRITE) == 0, "WSAEventSelect");
    must(strcmp(report(*s, e), "FD_WRITE 0, FD_CONNECT 0") == 0, "FD_WRITE and FD_CONNECT");
    must(WSAEventSelect(*s, e, events) == 0, "WSAEventSelect");
    must(!is_set(e), "nothing recorded");
}

static inline int set_nonblocking(SOCKET s, int nonblocking)
{
    u_long on = (u_long)nonblocking;
    return ioctlsocket(s, FIONBIO, &on);
}

/* Bytes that can be received now. */
static inline int unread(SOCKET s)
{
    u_long count = 0;
    must(ioctlsocket(s, FIONREAD, &count) == 0, "FIONREAD");
    return (int)count;
}

static inline int socket_error(SOCKET s)
{
    int error = -1, size = sizeof error;
    must(getsockopt(s, SOL_SOCKET, SO_ERROR, (char *)&error, &size) == 0, "SO_ERROR");
    return error;
}

/* Sends a short text. */
static inline void send_text(SOCKET s, const char *text)
{
    int length = (int)strlen(text);
    must(send(s, text, length, 0) == length, "send");
}

/* What a receive shows: the text, or its error. */
static inline const char *received(SOCKET s, int most, int flags)
{
    char buffer[64], *text;
    int length = recv(s, buffer, most < (int)sizeof buffer ? most : (int)sizeof buffer - 1, flags);
    if (length == SOCKET_ERROR)
        return error_text(WSAGetLastError());
    text = new_text();
    append(text, "\"%.*s\"", length, buffer);
    return text;
}

/* Fills the buffers between a non-blocking socket and its peer: sends until there has been no room for a while, since
 * Linux makes room once more when it first asks whether a window is still closed, after a quarter of a second. The last
 * error is that of a send that found none. Returns the number of bytes.
 */
static inline int fill(SOCKET s)
{
    static char block[64 * 1024];
    int total = 0, refused = 0, sent;
    for (;;) {
        while ((sent = send(s, block, sizeof block, 0)) > 0) {
            total += sent;
            refused = 0;
        }
        must(sent == SOCKET_ERROR && WSAGetLastError() == WSAEWOULDBLOCK, "a send without room");
        if (++refused == 8)
            return total;
        Sleep(PAUSE);
    }
}

/* Receives just so many bytes from a blocking socket. */
static inline void drain(SOCKET s, int total)
{
    static char block[64 * 1024];
    int length;
    while (total > 0) {
        length = recv(s, block, total < (int)sizeof block ? total : (int)sizeof block, 0);
        must(length > 0, "recv");
        total -= length;
    }
}

/* Closes a connection with a reset. */
static inline void reset_and_close(SOCKET s)
{
    struct linger now_and_hard;
    now_and_hard.l_onoff = 1;
    now_and_hard.l_linger = 0;
    must(setsockopt(s, SOL_SOCKET, SO_LINGER, (const char *)&now_and_hard, sizeof now_and_hard) == 0, "SO_LINGER");
    must(closesocket(s) == 0, "closesocket");
}

/* Threads. The structure stays where it is until the thread has been joined. */

typedef struct {
    void (*run)(void *);
    void *with;
#ifdef _WIN32
    HANDLE handle;
#else
    pthread_t handle;
#endif
} thread;

#ifdef _WIN32
static DWORD WINAPI thread_main(LPVOID it)
{
    ((thread *)it)->run(((thread *)it)->with);
    return 0;
}
#else
static void *thread_main(void *it)
{
    ((thread *)it)->run(((thread *)it)->with);
    return NULL;
}
#endif

static inline void thread_start(thread *t, void (*run)(void *), void *with)
{
    t->run = run;
    t->with = with;
#ifdef _WIN32
    t->handle = CreateThread(NULL, 0, thread_main, t, 0, NULL);
    must(t->handle != NULL, "CreateThread");
#else
    must(pthread_create(&t->handle, NULL, thread_main, t) == 0, "pthread_create");
#endif
}

static inline void thread_join(thread *t)
{
#ifdef _WIN32
    must(WaitForSingleObject(t->handle, INFINITE) == WAIT_OBJECT_0, "WaitForSingleObject");
    CloseHandle(t->handle);
#else
    must(pthread_join(t->handle, NULL) == 0, "pthread_join");
#endif
}

#endif
