/* A provider in C (and C++): stream sockets in memory, with the two calls of a service provider over wsp_events.h. A
 * switch drives it: a server and a client on two threads, through a buffer of 64 bytes.
 *
 * Every call looks and records under the lock, and signals after it. A call that consumes re-enables before it looks.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wsp_events.h>

#include "os.h"

/* Event objects: the system's, in a structure that counts references: the program's, and one for each selection. */
typedef struct { os_event os; int references; } my_event;
static int events_alive;

static int32_t my_event_set(void *event) { return os_set(&((my_event *)event)->os); }
static int32_t my_event_reset(void *event) { return os_reset(&((my_event *)event)->os); }
static void my_event_retain(void *event)
{
    lock();
    ((my_event *)event)->references++;
    unlock();
}
static void my_event_release(void *event)
{
    int left;
    lock();
    left = --((my_event *)event)->references;
    events_alive -= left == 0;
    unlock();
    if (left == 0) {
        os_destroy(&((my_event *)event)->os);
        free(event);
    }
}
static const wsp_event_object_calls my_event_calls = {my_event_set, my_event_reset, my_event_retain,
                                                      my_event_release};

static my_event *my_event_create(void)
{
    my_event *event = (my_event *)calloc(1, sizeof *event);
    os_create(&event->os);
    event->references = 1;
    events_alive++; /* all are created before there is a second thread */
    return event;
}

/* Sockets. Everything but the recorder is under the lock. */
typedef struct my_socket {
    wsp_recorder events;
    int references; /* the program's, the peer's, and one for each call that signals after the lock */
    struct my_socket *peer, *backlog[4];
    int waiting, connected, peer_closed;
    size_t unread;
    char buffer[64];
} my_socket;
static int sockets_alive;

static my_socket *my_socket_create(my_socket *listener)
{
    my_socket *s = (my_socket *)calloc(1, sizeof *s);
    s->references = 1;
    if (listener == NULL)
        wsp_recorder_make(&s->events, WSP_LATCHING_FOR_CONDITIONS);
    else
        wsp_recorder_inherit(&listener->events, &s->events); /* S8 */
    lock();
    sockets_alive++;
    unlock();
    return s;
}

static void put(my_socket *s) /* one reference less, without the lock */
{
    int left;
    lock();
    left = --s->references;
    sockets_alive -= left == 0;
    unlock();
    if (left == 0)
        free(s); /* my_close has closed its recorder */
}

/* Looks at what holds and records it, under the lock (L2, R9). `signal_and_put` sets the event object, after it. */
static my_socket *look_and_record(my_socket *s)
{
    wsp_network_events now;
    if (s == NULL)
        return NULL;
    memset(&now, 0, sizeof now);
    if (s->unread > 0)
        now.lNetworkEvents |= WSP_FD_READ;
    if (s->waiting > 0)
        now.lNetworkEvents |= WSP_FD_ACCEPT;
    if (s->connected)
        now.lNetworkEvents |= WSP_FD_CONNECT;
    if (s->peer != NULL && s->peer->unread < sizeof s->peer->buffer)
        now.lNetworkEvents |= WSP_FD_WRITE;
    if (s->peer_closed)
        now.lNetworkEvents |= WSP_FD_CLOSE;
    wsp_recorder_record_all_unsignaled(&s->events, &now, NULL);
    s->references++;
    return s;
}

static void signal_and_put(my_socket *s)
{
    if (s == NULL)
        return;
    wsp_recorder_signal(&s->events, NULL);
    put(s);
}

static void my_connect(my_socket *s, my_socket *listener)
{
    lock();
    wsp_recorder_reenable_for(&s->events, WSP_CALL_CONNECT);
    listener->backlog[listener->waiting++] = s; /* this program has one client */
    s->references++;
    look_and_record(listener);
    unlock();
    signal_and_put(listener);
}

static my_socket *my_accept(my_socket *listener)
{
    my_socket *client, *s = my_socket_create(listener);
    lock();
    wsp_recorder_reenable_for(&listener->events, WSP_CALL_ACCEPT); /* before the look */
    client = listener->backlog[--listener->waiting];
    s->peer = client; /* with the backlog's reference */
    client->peer = s;
    client->connected = 1;
    s->references++;
    look_and_record(listener);
    look_and_record(client);
    look_and_record(s);
    unlock();
    signal_and_put(listener);
    signal_and_put(client);
    signal_and_put(s);
    return s;
}

static int32_t my_recv(my_socket *s, char *to, size_t room, size_t *received)
{
    my_socket *peer;
    int32_t code = 0;
    lock();
    wsp_recorder_reenable_for(&s->events, WSP_CALL_RECV); /* before the look */
    *received = s->unread < room ? s->unread : room;
    s->unread -= *received;
    memcpy(to, s->buffer, *received);
    memmove(s->buffer, s->buffer + *received, s->unread);
    if (*received == 0 && !s->peer_closed)
        code = WSP_WSAEWOULDBLOCK;
    look_and_record(s);
    peer = look_and_record(s->peer); /* it has room to send */
    unlock();
    signal_and_put(s);
    signal_and_put(peer);
    return code;
}

static int32_t my_send(my_socket *s, const char *from, size_t size, size_t *sent)
{
    my_socket *peer;
    size_t room;
    lock();
    room = s->peer != NULL ? sizeof s->peer->buffer - s->peer->unread : 0;
    *sent = size < room ? size : room;
    if (*sent == 0)
        wsp_recorder_reenable_for(&s->events, WSP_CALL_SEND_WOULD_BLOCK);
    else {
        memcpy(s->peer->buffer + s->peer->unread, from, *sent);
        s->peer->unread += *sent;
    }
    look_and_record(s); /* after the re-enabling: what the send has seen does not count */
    peer = look_and_record(s->peer);
    unlock();
    signal_and_put(s);
    signal_and_put(peer);
    return *sent == 0 ? WSP_WSAEWOULDBLOCK : 0;
}

static void my_close(my_socket *s)
{
    my_socket *peer;
    wsp_recorder_close(&s->events); /* without the lock: it waits for sets, and releases (S7) */
    lock();
    peer = s->peer;
    s->peer = NULL;
    if (peer != NULL) {
        peer->peer = NULL;
        peer->peer_closed = 1;
        s->references--; /* the peer's; the program's is left */
    }
    look_and_record(peer);
    unlock();
    signal_and_put(peer);
    if (peer != NULL)
        put(peer); /* this socket's */
    put(s);
}

/* The two calls of the service provider: a null event is no event object. */
static int32_t my_event_select(my_socket *s, my_event *event, uint32_t events)
{
    wsp_event_object object;
    object.calls = &my_event_calls;
    object.context = event;
    return wsp_recorder_select(&s->events, events, event != NULL ? &object : NULL);
}
static int32_t my_enumerate(my_socket *s, my_event *event, wsp_network_events *out)
{
    wsp_event_object object;
    object.calls = &my_event_calls;
    object.context = event;
    return wsp_recorder_enumerate(&s->events, event != NULL ? &object : NULL, out, NULL);
}

/* The switch: the server has one event object for its listener and the socket that it accepts. */
enum { TOTAL = 100000 };
typedef struct { my_socket *listener; my_event *event; size_t received; int wrong; } server_state;

static THREAD serve(void *context)
{
    server_state *server = (server_state *)context;
    my_socket *s = NULL;
    int is_closed = 0;
    while (!is_closed) {
        wsp_network_events of_listener, of_socket;
        char data[48];
        size_t at, count;
        os_wait(&server->event->os);
        my_enumerate(server->listener, server->event, &of_listener); /* it resets for both (P3) */
        if (of_listener.lNetworkEvents & WSP_FD_ACCEPT)
            s = my_accept(server->listener);
        if (s == NULL)
            continue;
        my_enumerate(s, NULL, &of_socket);
        is_closed = (of_socket.lNetworkEvents & WSP_FD_CLOSE) != 0;
        while (my_recv(s, data, sizeof data, &count) == 0 && count > 0)
            for (at = 0; at < count; at++)
                server->wrong += data[at] != (char)(server->received++ % 251);
    }
    my_close(s);
    return 0;
}

int main(void)
{
    os_thread thread;
    server_state server;
    my_event *event;
    my_socket *s;
    size_t sent = 0, at, count;
    int connected = 0, passed;
    start();
    memset(&server, 0, sizeof server);
    server.event = my_event_create();
    event = my_event_create();
    server.listener = my_socket_create(NULL);
    my_event_select(server.listener, server.event, WSP_FD_ACCEPT | WSP_FD_READ | WSP_FD_CLOSE);
    run(&thread, serve, &server);

    s = my_socket_create(NULL);
    my_event_select(s, event, WSP_FD_CONNECT | WSP_FD_WRITE);
    my_connect(s, server.listener);
    while (sent < TOTAL) {
        wsp_network_events out;
        char data[48];
        os_wait(&event->os);
        my_enumerate(s, event, &out);
        connected |= (out.lNetworkEvents & WSP_FD_CONNECT) && out.iErrorCode[WSP_FD_CONNECT_BIT] == 0;
        do { /* until it would block; FD_WRITE comes again when there is room */
            for (at = 0; at < sizeof data && sent + at < TOTAL; at++)
                data[at] = (char)((sent + at) % 251);
            my_send(s, data, at, &count);
            sent += count;
        } while (count > 0);
    }
    my_close(s);
    join(&thread);
    my_close(server.listener);
    my_event_release(event);
    my_event_release(server.event);
    printf("%d bytes sent, %d received, %d wrong; %d sockets and %d event objects left\n", (int)sent,
           (int)server.received, server.wrong, sockets_alive, events_alive);
    passed = connected && server.received == sent && server.wrong == 0;
    return passed && sockets_alive == 0 && events_alive == 0 ? 0 : 1;
}
