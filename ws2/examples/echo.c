/* An echo server and its clients, written the way Winsock programs are written: WSAEventSelect, event objects, and a
 * report for each wake-up. The same program runs on Windows.
 *
 *     cargo build --release -p ws2
 *     cc -O2 ws2/examples/echo.c -Iws2/include -Ltarget/release -Wl,-rpath,target/release -lws2 -pthread -o echo
 *
 * A thousand connections send megabytes, and every byte that comes back is compared. One connection in ten is reset by
 * its client in the middle, and one in ten by the server. The server is one thread that waits for 64 event objects: one
 * for the listener, and one for each group of up to sixteen connections. The clients have one for each connection.
 *
 * A wake-up is a wait that ended. If the event object serves one socket, one enumeration follows; if it serves a group,
 * one of each socket in it. Each that has events is a report. A wake-up after which no socket has any is an empty
 * report. The program fails if there are more than two wake-ups for a report, or more than one empty report in a
 * hundred; if a byte or an event is lost; or if a connection ends in another way than it should. */
#include <winsock2.h>
#include <windows.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifndef _WIN32
#include <pthread.h>
#endif

enum {
    CONNECTIONS = 1000,
#ifdef __APPLE__
    CLIENT_THREADS = 1,                   /* a process has 256 descriptors */
#else
    CLIENT_THREADS = 7,
#endif
    SLOTS = 63,                           /* connections of a client thread at a time */
    GROUPS = WSA_MAXIMUM_WAIT_EVENTS - 1, /* beside the listener */
    MEMBERS = 16,                         /* connections that share an event object */
    BLOCK = 8 * 1024,                     /* what is received, and sent, by one call */
    SEND_BUFFER = 16 * 1024,              /* of the system: small, so that FD_WRITE is needed */
    KILL_AFTER = 4 * 1024,                /* bytes that a connection carries before it is reset */
    STALL = 20 * 1000                     /* a wait that takes so many milliseconds means that an event was lost */
};

/* Wine 8.0 forgets a reset that it sees together with anything else, and tells of others as if they were graceful. So
 * on Windows no data is in flight when a connection is reset, and an end in the right place counts as a reset. Wine
 * also sets event objects more often than is needed. */
#ifdef _WIN32
enum { ON_WINDOWS = 1 };
#else
enum { ON_WINDOWS = 0 };
#endif

/* How a connection is to end. Its first byte says so to the server. */
enum fate { COMPLETE, RESET_BY_CLIENT, RESET_BY_SERVER };

/* What a call has found out about a connection. */
enum state { ALIVE, CLOSED, RESET };

/* What each thread counts. CUT are bytes on a connection that was reset before they came back. */
enum count {
    WAKEUPS, REPORTS, EMPTY_REPORTS, ACCEPTED, CONNECTED, COMPLETED, RESETS_MADE, RESETS_SEEN,
    SENT, BACK, CUT, WRONG, WITHOUT_ROOM, COUNTS
};

static struct sockaddr_in server_address;

static void check(int holds, const char *what)
{
    if (!holds) {
        printf("FAILED: %s, last error %d\n", what, WSAGetLastError());
        exit(1);
    }
}

/* ---- Threads ---- */

struct thread {
    void (*run)(struct thread *);
    int number;
    SOCKET listener;
    long long counts[COUNTS];
#ifdef _WIN32
    HANDLE handle;
#else
    pthread_t handle;
#endif
};

#ifdef _WIN32
static DWORD WINAPI thread_main(LPVOID thread)
{
    ((struct thread *)thread)->run((struct thread *)thread);
    return 0;
}

static void start(struct thread *thread)
{
    thread->handle = CreateThread(NULL, 0, thread_main, thread, 0, NULL);
    check(thread->handle != NULL, "CreateThread");
}

static void join(struct thread *thread)
{
    check(WaitForSingleObject(thread->handle, INFINITE) == WAIT_OBJECT_0, "WaitForSingleObject");
    CloseHandle(thread->handle);
}
#else
static void *thread_main(void *thread)
{
    ((struct thread *)thread)->run((struct thread *)thread);
    return NULL;
}

static void start(struct thread *thread)
{
    check(pthread_create(&thread->handle, NULL, thread_main, thread) == 0, "pthread_create");
}

static void join(struct thread *thread)
{
    check(pthread_join(thread->handle, NULL) == 0, "pthread_join");
}
#endif

/* ---- Event objects and sockets ---- */

/* Event objects that a thread waits for, each twice: then a wait can begin with any of them. */
struct wait_set {
    WSAEVENT events[2 * WSA_MAXIMUM_WAIT_EVENTS];
    DWORD count, next;
};

static void make_events(struct wait_set *set, DWORD count)
{
    DWORD i;
    set->count = count;
    set->next = 0;
    for (i = 0; i < count; i++) {
        set->events[i] = set->events[count + i] = WSACreateEvent();
        check(set->events[i] != WSA_INVALID_EVENT, "WSACreateEvent");
    }
}

/* The index of a signaled event object. A wait takes the first of several. It begins after the one that was taken last,
 * so that no busy one starves the others. */
static DWORD wait_for_one(struct wait_set *set, long long *counts)
{
    DWORD at = WSAWaitForMultipleEvents(set->count, &set->events[set->next], FALSE, STALL, FALSE);
    check(at < WSA_WAIT_EVENT_0 + set->count, "a wait took too long: an event was lost");
    at = (set->next + at - WSA_WAIT_EVENT_0) % set->count;
    set->next = (at + 1) % set->count;
    counts[WAKEUPS]++;
    return at;
}

static void close_events(struct wait_set *set)
{
    DWORD i;
    for (i = 0; i < set->count; i++)
        check(WSACloseEvent(set->events[i]), "WSACloseEvent");
}

/* Some systems refuse options of a connection that is gone already, and it needs none. */
static void limit_send_buffer(SOCKET s)
{
    int size = SEND_BUFFER;
    setsockopt(s, SOL_SOCKET, SO_SNDBUF, (const char *)&size, sizeof(size));
}

static void reset(SOCKET s, long long *counts)
{
    struct linger hard = {1, 0};
    check(setsockopt(s, SOL_SOCKET, SO_LINGER, (const char *)&hard, sizeof(hard)) == 0, "SO_LINGER");
    check(closesocket(s) == 0, "closesocket");
    counts[RESETS_MADE]++;
}

/* Sends what there is room for. How much was sent is added to `sent`. */
static enum state send_some(SOCKET s, const char *bytes, int length, int *sent, long long *counts)
{
    int n = send(s, bytes, length, 0);
    if (n == SOCKET_ERROR && WSAGetLastError() != WSAEWOULDBLOCK)
        return RESET;
    if (n == SOCKET_ERROR)
        counts[WITHOUT_ROOM]++;
    else
        *sent += n;
    return ALIVE;
}

/* What was reported of a connection, and not yet acted on. */
struct reported {
    int readable; /* FD_READ, and no receive has followed */
    int closing;  /* FD_CLOSE without an error: what is unread is the rest */
};

static enum state note(struct reported *reported, const WSANETWORKEVENTS *events)
{
    if (events->lNetworkEvents & FD_READ)
        reported->readable = 1;
    if (events->lNetworkEvents & FD_CLOSE) {
        if (events->iErrorCode[FD_CLOSE_BIT] != 0)
            return RESET;
        reported->closing = 1;
    }
    return ALIVE;
}

/* Receives once for each FD_READ: a second receive could take the data of the next report, which would then be empty.
 * After FD_CLOSE there need not be an FD_READ, neither for the rest nor for the end. */
static enum state receive(SOCKET s, struct reported *reported, char *bytes, int most, int *length)
{
    *length = 0;
    if (!reported->readable && !reported->closing)
        return ALIVE;
    reported->readable = 0;
    *length = recv(s, bytes, most, 0);
    if (*length > 0)
        return ALIVE;
    if (*length == 0)
        return CLOSED;
    *length = 0;
    return WSAGetLastError() == WSAEWOULDBLOCK ? ALIVE : RESET;
}

/* ---- The server ---- */

struct server_connection {
    SOCKET s;
    struct reported reported;
    char *echo; /* `size` bytes: `length` were received last, and `sent` of those were sent back */
    int size, length, sent;
    long received;
    char fate; /* the first byte */
};

struct server {
    struct wait_set set; /* the listener's event object, then those of the groups */
    struct server_connection *groups[GROUPS][MEMBERS];
    int open;
    long long *counts;
};

static void accept_one(struct server *server, SOCKET listener)
{
    int at = 0;
    SOCKET s;
    WSAEVENT event;
    struct server_connection *connection;
    WSANETWORKEVENTS events;
    check(WSAEnumNetworkEvents(listener, server->set.events[0], &events) == 0, "WSAEnumNetworkEvents");
    if (events.lNetworkEvents == 0) {
        server->counts[EMPTY_REPORTS]++;
        return;
    }
    server->counts[REPORTS]++;
    check(events.lNetworkEvents == FD_ACCEPT && events.iErrorCode[FD_ACCEPT_BIT] == 0, "FD_ACCEPT");
    s = accept(listener, NULL, NULL);
    if (s == INVALID_SOCKET) {
        check(WSAGetLastError() == WSAEWOULDBLOCK, "accept");
        return;
    }
    server->counts[ACCEPTED]++;
    limit_send_buffer(s);
    while (at < GROUPS * MEMBERS && server->groups[at / MEMBERS][at % MEMBERS] != NULL)
        at++;
    check(at < GROUPS * MEMBERS, "room for one more connection");
    connection = (struct server_connection *)calloc(1, sizeof(*connection));
    check(connection != NULL, "memory");
    connection->s = s;
    server->groups[at / MEMBERS][at % MEMBERS] = connection;
    server->open++;
    /* Until now the socket has had the selection of the listener. */
    event = server->set.events[1 + at / MEMBERS];
    check(WSAEventSelect(s, event, FD_READ | FD_WRITE | FD_CLOSE) == 0, "WSAEventSelect");
}

/* How much to receive: after FD_CLOSE all that there is, so that nothing is recorded again for a part of it. */
static int make_room(struct server_connection *connection)
{
    u_long unread = BLOCK;
    if (connection->reported.closing)
        check(ioctlsocket(connection->s, FIONREAD, &unread) == 0, "FIONREAD");
    if (unread < BLOCK)
        unread = BLOCK;
    if ((int)unread > connection->size) {
        connection->size = (int)unread;
        connection->echo = (char *)realloc(connection->echo, unread);
        check(connection->echo != NULL, "memory");
    }
    return (int)unread;
}

/* Sends back what there is, then receives, in turn. */
static enum state echo(struct server_connection *connection, long long *counts)
{
    enum state state;
    int most;
    for (;;) {
        while (connection->sent < connection->length) {
            int sent = connection->sent, rest = connection->length - sent;
            state = send_some(connection->s, connection->echo + sent, rest, &connection->sent, counts);
            if (state != ALIVE || connection->sent == sent)
                return state; /* FD_WRITE says when to go on. Nothing is received before that. */
        }
        connection->sent = 0;
        most = make_room(connection);
        state = receive(connection->s, &connection->reported, connection->echo, most, &connection->length);
        if (state != ALIVE || connection->length == 0)
            return state;
        if (connection->received == 0)
            connection->fate = connection->echo[0];
        connection->received += connection->length;
        if (connection->fate == RESET_BY_SERVER && connection->received > KILL_AFTER)
            return RESET;
    }
}

/* At least one socket of the group had events when its event object was set. Only the records know which; so all are
 * enumerated, the first together with a reset of the event object. What happens after the reset sets it again. */
static void serve_group(struct server *server, int group)
{
    WSAEVENT event = server->set.events[1 + group];
    int at, reports = 0;
    for (at = 0; at < MEMBERS; at++) {
        struct server_connection *connection = server->groups[group][at];
        WSANETWORKEVENTS events;
        enum state state;
        if (connection == NULL)
            continue;
        check(WSAEnumNetworkEvents(connection->s, event, &events) == 0, "WSAEnumNetworkEvents");
        event = NULL;
        if (events.lNetworkEvents == 0)
            continue;
        reports++;
        state = note(&connection->reported, &events);
        if (state == ALIVE)
            state = echo(connection, server->counts);
        if (state == ALIVE)
            continue;
        if (connection->fate == RESET_BY_SERVER) {
            reset(connection->s, server->counts);
        } else {
            server->counts[RESETS_SEEN] += state == RESET || (ON_WINDOWS && connection->fate == RESET_BY_CLIENT);
            check(closesocket(connection->s) == 0, "closesocket");
        }
        free(connection->echo);
        free(connection);
        server->groups[group][at] = NULL;
        server->open--;
    }
    if (event != NULL) /* the socket that set it was closed meanwhile */
        check(WSAResetEvent(event), "WSAResetEvent");
    server->counts[REPORTS] += reports;
    server->counts[EMPTY_REPORTS] += reports == 0;
}

static void serve(struct thread *thread)
{
    struct server *server = (struct server *)calloc(1, sizeof(*server));
    check(server != NULL, "memory");
    server->counts = thread->counts;
    make_events(&server->set, 1 + GROUPS);
    check(WSAEventSelect(thread->listener, server->set.events[0], FD_ACCEPT) == 0, "WSAEventSelect");
    while (thread->counts[ACCEPTED] < CONNECTIONS || server->open > 0) {
        DWORD at = wait_for_one(&server->set, thread->counts);
        if (at == 0)
            accept_one(server, thread->listener);
        else
            serve_group(server, (int)at - 1);
    }
    close_events(&server->set);
    free(server);
}

/* ---- The clients ---- */

struct client_connection {
    SOCKET s;
    struct reported reported;
    int id, length, sent, back;
    enum fate fate;
};

/* The byte at an index of a connection's data. */
static char byte_of(const struct client_connection *connection, int at)
{
    return (char)(at == 0 ? (int)connection->fate : connection->id * 31 + at * 7 + at / 256);
}

/* Sends as much as there is room for. FD_WRITE says when to go on, but only after a send that found no room. */
static enum state send_all(struct client_connection *connection, long long *counts)
{
    char bytes[BLOCK];
    int most = connection->length, i, length, sent;
    if (ON_WINDOWS && connection->fate != COMPLETE)
        most = KILL_AFTER + (connection->back == KILL_AFTER);
    while (connection->sent < most) {
        enum state state;
        sent = connection->sent;
        length = most - sent < BLOCK ? most - sent : BLOCK;
        for (i = 0; i < length; i++)
            bytes[i] = byte_of(connection, sent + i);
        state = send_some(connection->s, bytes, length, &connection->sent, counts);
        counts[SENT] += connection->sent - sent;
        if (state != ALIVE || connection->sent == sent)
            return state;
    }
    /* No graceful close of a connection that is to be reset: the server would end it itself. */
    if (connection->fate == COMPLETE)
        check(shutdown(connection->s, SD_SEND) == 0, "shutdown");
    return ALIVE;
}

static enum state take_back(struct client_connection *connection, long long *counts)
{
    char bytes[BLOCK];
    int i, length;
    enum state state;
    do {
        state = receive(connection->s, &connection->reported, bytes, BLOCK, &length);
        for (i = 0; i < length; i++)
            counts[WRONG] += bytes[i] != byte_of(connection, connection->back + i);
        connection->back += length;
        counts[BACK] += length;
        check(connection->back <= connection->sent, "no more comes back than was sent");
    } while (length > 0 && connection->reported.closing);
    return state;
}

/* Acts on a report. Whether the connection has ended; if so, its socket is closed. */
static int act(struct client_connection *connection, const WSANETWORKEVENTS *events, long long *counts)
{
    long happened = events->lNetworkEvents;
    enum state state = note(&connection->reported, events);
    if (happened & FD_CONNECT) {
        check(events->iErrorCode[FD_CONNECT_BIT] == 0, "FD_CONNECT");
        counts[CONNECTED]++;
        limit_send_buffer(connection->s);
    }
    if (state == ALIVE)
        state = take_back(connection, counts);
    if (state == ALIVE && connection->fate == RESET_BY_CLIENT && connection->back >= KILL_AFTER) {
        counts[CUT] += connection->sent - connection->back;
        reset(connection->s, counts);
        return 1;
    }
    /* What had to come back first is there: the rest needs no FD_WRITE, since no send has failed. */
    if (connection->fate == RESET_BY_SERVER && connection->back == KILL_AFTER && connection->sent == KILL_AFTER)
        happened |= FD_WRITE;
    if (state == ALIVE && happened & FD_WRITE)
        state = send_all(connection, counts);
    if (state == ALIVE)
        return 0;
    if (state == RESET || (ON_WINDOWS && connection->fate == RESET_BY_SERVER)) {
        counts[RESETS_SEEN]++;
        counts[CUT] += connection->sent - connection->back;
    } else {
        counts[COMPLETED] += connection->back == connection->length;
    }
    check(closesocket(connection->s) == 0, "closesocket");
    return 1;
}

/* Starts a connection. Some carry more than all buffers on the way can hold, so they must wait for FD_WRITE. */
static void begin(struct client_connection *connection, int id, WSAEVENT event)
{
    memset(connection, 0, sizeof(*connection));
    connection->id = id;
    connection->fate = id % 10 == 3 ? RESET_BY_CLIENT : id % 10 == 8 ? RESET_BY_SERVER : COMPLETE;
    connection->length = id % 16 == 0 ? 512 * 1024 : (9 + id % 17) * 1024;
    connection->s = socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
    check(connection->s != INVALID_SOCKET, "socket");
    check(WSAEventSelect(connection->s, event, FD_CONNECT | FD_READ | FD_WRITE | FD_CLOSE) == 0, "WSAEventSelect");
    check(connect(connection->s, (const struct sockaddr *)&server_address, sizeof(server_address)) == SOCKET_ERROR &&
              WSAGetLastError() == WSAEWOULDBLOCK, "connect");
}

/* Every so manieth connection is this thread's. */
static void be_clients(struct thread *thread)
{
    static struct client_connection slots[CLIENT_THREADS][SLOTS];
    struct client_connection *connections = slots[thread->number];
    struct wait_set set;
    int next = thread->number, running = 0;
    make_events(&set, SLOTS);
    for (; running < SLOTS && next < CONNECTIONS; next += CLIENT_THREADS)
        begin(&connections[running], next, set.events[running]), running++;
    while (running > 0) {
        DWORD at = wait_for_one(&set, thread->counts);
        WSANETWORKEVENTS events;
        check(WSAEnumNetworkEvents(connections[at].s, set.events[at], &events) == 0, "WSAEnumNetworkEvents");
        if (events.lNetworkEvents == 0)
            thread->counts[EMPTY_REPORTS]++;
        else
            thread->counts[REPORTS]++;
        if (!act(&connections[at], &events, thread->counts))
            continue;
        check(WSAResetEvent(set.events[at]), "WSAResetEvent");
        if (next < CONNECTIONS) {
            begin(&connections[at], next, set.events[at]);
            next += CLIENT_THREADS;
        } else {
            running--;
        }
    }
    close_events(&set);
}

/* ---- The program ---- */

static int failed;

static void promise(int kept, const char *what)
{
    if (!kept) {
        printf("FAILED: %s\n", what);
        failed = 1;
    }
}

/* Prints what the server and the clients have counted, and each promise that was not kept. */
static void judge(const long long *server, const long long *clients)
{
    long long reports = server[REPORTS] + clients[REPORTS], empty = server[EMPTY_REPORTS] + clients[EMPTY_REPORTS];
    long long without_room = server[WITHOUT_ROOM] + clients[WITHOUT_ROOM];
    const int tenth = CONNECTIONS / 10;
    printf("%d connections, at most %d at a time\n", CONNECTIONS, CLIENT_THREADS * SLOTS);
    printf("ends:    %lld closed gracefully; %lld were reset by the client, the server saw %lld of them; %lld were "
           "reset by the server, the client saw %lld of them\n",
           clients[COMPLETED], clients[RESETS_MADE], server[RESETS_SEEN], server[RESETS_MADE], clients[RESETS_SEEN]);
    printf("bytes:   %lld sent by the clients; %lld came back, %lld were lost on connections that were reset on "
           "purpose; %lld sends found no room and waited for FD_WRITE\n",
           clients[SENT], clients[BACK], clients[CUT], without_room);
    printf("server:  %lld wake-ups, %lld reports, %lld empty reports\n", server[WAKEUPS], server[REPORTS],
           server[EMPTY_REPORTS]);
    printf("clients: %lld wake-ups, %lld reports, %lld empty reports\n", clients[WAKEUPS], clients[REPORTS],
           clients[EMPTY_REPORTS]);
    promise(clients[CONNECTED] == CONNECTIONS && server[ACCEPTED] == CONNECTIONS, "every connection is made");
    promise(clients[WRONG] == 0, "every byte that comes back is the byte that was sent");
    promise(clients[SENT] == clients[BACK] + clients[CUT], "every byte comes back, unless its connection is reset");
    promise(clients[COMPLETED] == CONNECTIONS - 2 * tenth, "every connection that is not reset closes gracefully");
    promise(clients[RESETS_MADE] == tenth && server[RESETS_SEEN] == tenth, "the server sees every reset by a client");
    promise(server[RESETS_MADE] == tenth && clients[RESETS_SEEN] == tenth, "the clients see every reset by the server");
    promise(without_room > 0, "some sends find no room, and go on later");
    promise(ON_WINDOWS || server[WAKEUPS] + clients[WAKEUPS] <= 2 * reports, "at most two wake-ups for each report");
    promise(ON_WINDOWS || empty * 100 <= reports, "at most one empty report in a hundred");
}

int main(void)
{
    static struct thread server, clients[CLIENT_THREADS];
    static long long all[COUNTS]; /* of the clients */
    WSADATA data;
    DWORD began;
    double seconds;
    int i, at, length = sizeof(server_address);
    check(WSAStartup(MAKEWORD(2, 2), &data) == 0, "WSAStartup");
    server.listener = socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
    server_address.sin_family = AF_INET;
    server_address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    check(bind(server.listener, (const struct sockaddr *)&server_address, sizeof(server_address)) == 0, "bind");
    check(listen(server.listener, SOMAXCONN) == 0, "listen");
    check(getsockname(server.listener, (struct sockaddr *)&server_address, &length) == 0, "getsockname");

    began = GetTickCount();
    server.run = serve;
    start(&server);
    for (i = 0; i < CLIENT_THREADS; i++) {
        clients[i].run = be_clients;
        clients[i].number = i;
        start(&clients[i]);
    }
    for (i = 0; i < CLIENT_THREADS; i++) {
        join(&clients[i]);
        for (at = 0; at < COUNTS; at++)
            all[at] += clients[i].counts[at];
    }
    join(&server);
    seconds = (GetTickCount() - began) / 1000.0;
    check(closesocket(server.listener) == 0, "closesocket");
    check(WSACleanup() == 0, "WSACleanup");

    judge(server.counts, all);
    printf("%s, in %.2f s: %.0f MB/s, there and back\n", failed ? "FAILED" : "every promise was kept", seconds,
           (double)(all[SENT] + all[BACK]) / 1e6 / (seconds > 0 ? seconds : 0.001));
    return failed;
}
