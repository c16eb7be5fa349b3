/* A blocking call on a thread of its own, for the programs that look at what it waits for. */
#ifndef BLOCKED_H
#define BLOCKED_H

#include "steps.h"

/* A call on a thread of its own. Its text or its error stays here. */
typedef struct {
    const char *(*call)(SOCKET s, void *with);
    SOCKET s;
    void *with;
    char text[TEXT_SIZE];
    HANDLE started, done;
    thread runs_on;
} blocked_call;

/* What a call answered, on any thread: `outcome` keeps its texts for one. */
static inline const char *answer(int returned)
{
    if (returned == SOCKET_ERROR)
        return error_text(WSAGetLastError());
    return returned == 0 ? "0" : "a number";
}

static inline void run(void *it)
{
    blocked_call *b = (blocked_call *)it;
    SetEvent(b->started);
    append(b->text, "%s", b->call(b->s, b->with));
    SetEvent(b->done);
}

static inline void start(blocked_call *b, const char *(*call)(SOCKET s, void *with), SOCKET s, void *with)
{
    b->call = call;
    b->s = s;
    b->with = with;
    b->text[0] = 0;
    b->started = new_event();
    b->done = new_event();
    thread_start(&b->runs_on, run, b);
    must(wait_set(b->started), "a thread");
}

/* Whether it is still inside after a pause. */
static inline const char *waits(const blocked_call *b)
{
    Sleep(PAUSE);
    return is_set(b->done) ? b->text : "waits";
}

static inline const char *end(blocked_call *b)
{
    must(wait_set(b->done), "the call does not end");
    thread_join(&b->runs_on);
    CloseHandle(b->started);
    CloseHandle(b->done);
    return b->text;
}

/* The calls. */

typedef struct {
    int length, flags; /* of the receive */
    char bytes[16];    /* which are text */
    address from;
    int from_size;
} message;

static inline const char *receive(SOCKET s, void *with)
{
    message *m = (message *)with;
    int length = recv(s, m->bytes, m->length, m->flags);
    if (length <= 0)
        return answer(length);
    m->bytes[length] = 0;
    return m->bytes;
}

static inline const char *receive_from(SOCKET s, void *with)
{
    message *m = (message *)with;
    int length;
    m->from_size = (int)sizeof m->from;
    length = recvfrom(s, m->bytes, m->length, m->flags, &m->from.any, &m->from_size);
    if (length <= 0)
        return answer(length);
    m->bytes[length] = 0;
    return m->bytes;
}

static inline const char *accept_one(SOCKET s, void *with)
{
    message *m = (message *)with;
    SOCKET accepted;
    m->from_size = (int)sizeof m->from;
    accepted = accept(s, &m->from.any, &m->from_size);
    if (accepted == INVALID_SOCKET)
        return answer(SOCKET_ERROR);
    must(closesocket(accepted) == 0, "closesocket");
    return "accepted";
}

enum { MUCH = 8 * 1024 * 1024 };

/* Between these two there is room for less than MUCH: buffers that are set do not grow. */
static inline void little_room(SOCKET sender, SOCKET receiver)
{
    int size = 64 * 1024;
    must(setsockopt(sender, SOL_SOCKET, SO_SNDBUF, (const char *)&size, sizeof size) == 0, "SO_SNDBUF");
    must(setsockopt(receiver, SOL_SOCKET, SO_RCVBUF, (const char *)&size, sizeof size) == 0, "SO_RCVBUF");
}

static inline const char *send_much(SOCKET s, void *with)
{
    int sent = send(s, (const char *)with, MUCH, 0);
    if (sent == SOCKET_ERROR)
        return answer(sent);
    return sent == MUCH ? "all of it" : "a part";
}

#endif
