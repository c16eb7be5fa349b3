/* Event objects and waits in one thread: manual and auto reset, the lowest index, waiting for all, time-outs, what a
 * wait consumes, closing.
 */
#include "steps.h"

/* What a wait answered: an index, or in words. */
static const char *waited(DWORD answer)
{
    char *text;
    if (answer == WAIT_TIMEOUT)
        return "timed out";
    if (answer == WAIT_FAILED)
        return error_text((int)GetLastError());
    text = new_text();
    append(text, "%u", (unsigned)(answer - WAIT_OBJECT_0));
    return text;
}

static const char *any_of(DWORD count, const HANDLE *events, DWORD timeout)
{
    return waited(WaitForMultipleObjects(count, events, FALSE, timeout));
}

static const char *all_of(DWORD count, const HANDLE *events, DWORD timeout)
{
    return waited(WaitForMultipleObjects(count, events, TRUE, timeout));
}

/* Which of a few event objects are set, by index. Takes away the state of the auto-reset ones. */
static const char *those_set(int count, const HANDLE *events)
{
    char *text = new_text();
    int i;
    for (i = 0; i < count; i++)
        if (WaitForSingleObject(events[i], 0) == WAIT_OBJECT_0)
            append(text, "%s%d", text[0] ? " " : "", i);
    return text[0] ? text : "none";
}

static HANDLE event_object(BOOL manual, BOOL set)
{
    HANDLE e = CreateEvent(NULL, manual, set, NULL);
    must(e != NULL, "CreateEvent");
    return e;
}

/* Looks twice, since a wait takes the state of an auto-reset event object away. */
static const char *twice(HANDLE e)
{
    const char *first = now(e);
    char *text = new_text();
    append(text, "%s, then %s", first, now(e));
    return text;
}

static const char *done(BOOL answer)
{
    return answer ? "done" : error_text(WSAGetLastError());
}

static void one(void)
{
    HANDLE manual = event_object(TRUE, FALSE), automatic = event_object(FALSE, FALSE), e;

    section("manual");
    step("not set: %s", twice(manual));
    step("SetEvent: %s", done(SetEvent(manual)));
    step("it is %s", twice(manual));
    step("a wait without end: %s", waited(WaitForSingleObject(manual, INFINITE)));
    step("ResetEvent: %s", done(ResetEvent(manual)));
    step("it is %s", twice(manual));
    step("closed: %s", done(CloseHandle(manual)));
    step("closed again: %s", done(CloseHandle(manual)));
    step("set: %s", done(SetEvent(manual)));
    step("a wait: %s", waited(WaitForSingleObject(manual, 0)));

    section("auto");
    step("not set: %s", twice(automatic));
    step("SetEvent: %s", done(SetEvent(automatic)));
    step("it is %s", twice(automatic));
    SetEvent(automatic);
    SetEvent(automatic);
    step("set two times: %s", twice(automatic));
    SetEvent(automatic);
    ResetEvent(automatic);
    step("set and reset: %s", twice(automatic));
    step("a wait that ends: %s", waited(WaitForSingleObject(automatic, 30)));
    step("WSASetEvent: %s", done(WSASetEvent(automatic)));
    step("a wait without end: %s", waited(WaitForSingleObject(automatic, INFINITE)));
    step("WSACloseEvent: %s", done(WSACloseEvent(automatic)));

    section("initial");
    e = event_object(TRUE, TRUE);
    step("manual: %s", twice(e));
    CloseHandle(e);
    e = event_object(FALSE, TRUE);
    step("auto: %s", twice(e));
    CloseHandle(e);
    e = WSACreateEvent();
    step("WSACreateEvent: %s", twice(e));
    step("WSASetEvent: %s", done(WSASetEvent(e)));
    step("it is of manual reset: %s", twice(e));
    step("WSAResetEvent: %s", done(WSAResetEvent(e)));
    step("it is %s", twice(e));
    step("CloseHandle: %s", done(CloseHandle(e)));
}

static void several(void)
{
    HANDLE e[4];
    DWORD answer;
    int i;
    for (i = 0; i < 4; i++)
        e[i] = event_object(FALSE, FALSE);

    section("several");
    step("none is set: %s", any_of(4, e, 0));
    step("nor after a while: %s", any_of(4, e, 30));
    SetEvent(e[3]);
    SetEvent(e[1]);
    step("1 and 3 are set: %s", any_of(4, e, INFINITE));
    step("left: %s", those_set(4, e));
    SetEvent(e[0]);
    SetEvent(e[1]);
    SetEvent(e[2]);
    step("all but 3: %s", all_of(4, e, 0));
    step("all but 3, for a while: %s", all_of(4, e, 30));
    step("left: %s", those_set(4, e));
    for (i = 0; i < 4; i++)
        SetEvent(e[i]);
    step("all: %s", all_of(4, e, 0));
    step("left: %s", those_set(4, e));

    for (i = 0; i < 4; i += 2) { /* 0 and 2 are of manual reset now */
        CloseHandle(e[i]);
        e[i] = event_object(TRUE, TRUE);
    }
    SetEvent(e[1]);
    SetEvent(e[3]);
    step("all, some of manual reset: %s", all_of(4, e, 0));
    step("left: %s", those_set(4, e));
    SetEvent(e[1]);
    step("the first is of manual reset: %s", any_of(4, e, 0));
    step("and took nothing from the second: %s", any_of(2, e + 1, 0));

    section("events");
    answer = WSAWaitForMultipleEvents(2, e + 2, FALSE, 0, FALSE);
    step("WSAWaitForMultipleEvents: %s", waited(answer));
    answer = WSAWaitForMultipleEvents(2, e + 2, TRUE, 30, FALSE);
    step("all: %s", waited(answer));
    SetEvent(e[3]);
    answer = WSAWaitForMultipleEvents(2, e + 2, TRUE, WSA_INFINITE, FALSE);
    step("all, now: %s", waited(answer));
    step("left: %s", those_set(4, e));
    for (i = 0; i < 4; i++)
        CloseHandle(e[i]);
}

int main(void)
{
    begin();
    one();
    several();
    return finish();
}
