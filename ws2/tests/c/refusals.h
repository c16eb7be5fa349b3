/* Steps of the programs that look at what is refused: one call, and its answer. */
#ifndef REFUSALS_H
#define REFUSALS_H

#include "steps.h"

/* Wine 8.0 follows some null pointers. The step says so, and the program goes on. */
#ifdef _WIN32
static void *landing[5];
static volatile int may_fault;

static inline LONG CALLBACK on_fault(EXCEPTION_POINTERS *fault)
{
    if (!may_fault || fault->ExceptionRecord->ExceptionCode != EXCEPTION_ACCESS_VIOLATION)
        return EXCEPTION_CONTINUE_SEARCH;
    may_fault = 0;
    __builtin_longjmp(landing, 1);
}

/* Once, before the first step that may fault. */
static inline void survive_faults(void)
{
    must(AddVectoredExceptionHandler(1, on_fault) != NULL, "AddVectoredExceptionHandler");
}

#define SURVIVED (may_fault = 1, !__builtin_setjmp(landing))
#else
static int may_fault;

static inline void survive_faults(void)
{
}

#define SURVIVED ((may_fault = 1) != 0)
#endif

/* A call that answers an int. */
#define SHOW(call) \
    do { \
        WSASetLastError(0); \
        if (SURVIVED) \
            step("%s: %s", #call, outcome((int)(call))); \
        else \
            step("%s: an access violation", #call); \
        may_fault = 0; \
    } while (0)

/* A call that answers a SOCKET. */
#define SHOW_SOCKET(call) \
    do { \
        SOCKET made; \
        WSASetLastError(0); \
        made = (call); \
        step("%s: %s", #call, made == INVALID_SOCKET ? error_text(WSAGetLastError()) : "a socket"); \
        if (made != INVALID_SOCKET) \
            must(closesocket(made) == 0, "closesocket"); \
    } while (0)

/* A call that answers TRUE or FALSE. */
#define SHOW_BOOL(call) \
    do { \
        WSASetLastError(0); \
        step("%s: %s", #call, (call) ? "TRUE" : error_text(WSAGetLastError())); \
    } while (0)

/* The calls, by what they answer. */
static struct {
    const char *answer;
    char calls[TEXT_SIZE];
} answers[32];

static inline void answered(const char *call, int returned)
{
    const char *answer = outcome(returned);
    int i = 0;
    while (answers[i].answer != NULL && strcmp(answers[i].answer, answer) != 0)
        i++;
    answers[i].answer = answer;
    append(answers[i].calls, " %.*s", (int)strcspn(call, "("), call);
}

#define ASK(call) \
    do { \
        WSASetLastError(0); \
        answered(#call, (int)(call)); \
    } while (0)

/* A step: each call that takes a socket, on `s`. All of them are to fail, for the same reason. */
static inline void every_call(SOCKET s)
{
    char bytes[4] = "", *text;
    int size = sizeof(address), length = sizeof(int), value = 0, i;
    u_long number = 0;
    DWORD returned = 0;
    address a = loopback(AF_INET);
    struct timeval none = {0, 0};
    WSANETWORKEVENTS events;
    WSAPROTOCOL_INFO information;
    WSAPOLLFD polled;
    fd_set sockets;

    FD_ZERO(&sockets);
    FD_SET(s, &sockets);
    polled.fd = s;
    polled.events = POLLRDNORM;
    polled.revents = 0;
    memset(answers, 0, sizeof answers);

    ASK(bind(s, &a.any, sizeof a.v4));
    ASK(listen(s, 1));
    ASK(connect(s, &a.any, sizeof a.v4));
    ASK(accept(s, NULL, NULL));
    ASK(send(s, bytes, 1, 0));
    ASK(recv(s, bytes, 1, 0));
    ASK(sendto(s, bytes, 1, 0, &a.any, sizeof a.v4));
    ASK(recvfrom(s, bytes, 1, 0, NULL, NULL));
    ASK(shutdown(s, SD_SEND));
    ASK(closesocket(s));
    ASK(ioctlsocket(s, FIONREAD, &number));
    ASK(WSAIoctl(s, FIONREAD, NULL, 0, &number, sizeof number, &returned, NULL, NULL));
    ASK(getsockname(s, &a.any, &size));
    ASK(getpeername(s, &a.any, &size));
    ASK(setsockopt(s, SOL_SOCKET, SO_REUSEADDR, (const char *)&value, sizeof value));
    ASK(getsockopt(s, SOL_SOCKET, SO_ERROR, (char *)&value, &length));
    ASK(select(0, &sockets, NULL, NULL, &none));
    ASK(WSAPoll(&polled, 1, 0));
    ASK(WSADuplicateSocket(s, GetCurrentProcessId(), &information));
    ASK(WSAEventSelect(s, NULL, 0));
    ASK(WSAEnumNetworkEvents(s, NULL, &events));
    ASK(WSAAsyncSelect(s, NULL, 0, FD_READ));
    text = new_text();
    for (i = 0; answers[i].answer != NULL; i++)
        append(text, "%s%s:%s", i ? "; " : "", answers[i].answer, answers[i].calls);
    step("%s", text);
}

#endif
