/* Waits that another thread ends: for one of two event objects and for both, an auto-reset event object that releases
 * one thread at a time, one of manual reset that releases all, and a thousand hand-overs between two threads.
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

static HANDLE event_object(BOOL manual, BOOL set)
{
    HANDLE e = CreateEvent(NULL, manual, set, NULL);
    must(e != NULL, "CreateEvent");
    return e;
}

/* Which of two event objects is set. Takes away the state of an auto-reset one. */
static const char *left(const HANDLE *events)
{
    int first = is_set(events[0]), second = is_set(events[1]);
    return first && second ? "both" : first ? "the first" : second ? "the second" : "none";
}

/* What a thread waits for, and what it got. */
typedef struct {
    HANDLE events[2], started, done;
    BOOL all;
    DWORD answer;
} waiter;

static void wait_for_two(void *with)
{
    waiter *w = (waiter *)with;
    SetEvent(w->started);
    w->answer = WaitForMultipleObjects(2, w->events, w->all, INFINITE);
    SetEvent(w->done);
}

static void start(thread *t, waiter *w)
{
    ResetEvent(w->started);
    ResetEvent(w->done);
    thread_start(t, wait_for_two, w);
    must(wait_set(w->started), "a thread");
    Sleep(PAUSE);
}

static void released(void)
{
    waiter first, second;
    thread one_thread, other_thread;
    HANDLE a = event_object(FALSE, FALSE), b = event_object(FALSE, FALSE), manual = event_object(TRUE, FALSE);
    first.started = event_object(TRUE, FALSE);
    first.done = event_object(TRUE, FALSE);
    second.started = event_object(TRUE, FALSE);
    second.done = event_object(TRUE, FALSE);

    section("released");
    first.events[0] = a;
    first.events[1] = b;
    first.all = FALSE;
    start(&one_thread, &first);
    step("a thread waits: %s", now(first.done));
    SetEvent(b);
    thread_join(&one_thread);
    step("set: %s", waited(first.answer));
    step("left: %s", left(first.events));

    first.all = TRUE;
    start(&one_thread, &first);
    SetEvent(b);
    step("it waits for both: %s", still(first.done));
    ResetEvent(b);
    SetEvent(a);
    step("never both at once: %s", still(first.done));
    SetEvent(b);
    thread_join(&one_thread);
    step("both: %s", waited(first.answer));
    step("left: %s", left(first.events));

    /* Two threads wait for one auto-reset event object: a set releases one of them. */
    first.all = second.all = FALSE;
    second.events[0] = a;
    second.events[1] = manual;
    start(&one_thread, &first);
    start(&other_thread, &second);
    SetEvent(a);
    until(is_set(first.done) || is_set(second.done));
    Sleep(PAUSE);
    step("threads that a set releases: %d", is_set(first.done) + is_set(second.done));
    SetEvent(a);
    thread_join(&one_thread);
    thread_join(&other_thread);
    step("and the other one: %s, %s", waited(first.answer), waited(second.answer));
    step("left: %s", left(first.events));

    /* One of manual reset releases both. */
    first.events[0] = second.events[0] = manual;
    second.events[1] = b;
    start(&one_thread, &first);
    start(&other_thread, &second);
    SetEvent(manual);
    thread_join(&one_thread);
    thread_join(&other_thread);
    step("manual: %s, %s, %s", waited(first.answer), waited(second.answer), now(manual));

    CloseHandle(a);
    CloseHandle(b);
    CloseHandle(manual);
    CloseHandle(first.started);
    CloseHandle(first.done);
    CloseHandle(second.started);
    CloseHandle(second.done);
}

enum { ROUNDS = 1000 };

static HANDLE ball[2];

static void play(void *with)
{
    int round;
    (void)with;
    for (round = 0; round < ROUNDS; round++) {
        must(WaitForSingleObject(ball[1], LIMIT) == WAIT_OBJECT_0, "the ball");
        SetEvent(ball[0]);
    }
}

static void back_and_forth(void)
{
    thread other;
    int rounds = 0;
    ball[0] = event_object(FALSE, FALSE);
    ball[1] = event_object(FALSE, TRUE);
    thread_start(&other, play, NULL);
    while (rounds < ROUNDS && WaitForSingleObject(ball[0], LIMIT) == WAIT_OBJECT_0) {
        rounds++;
        if (rounds < ROUNDS)
            SetEvent(ball[1]);
    }
    thread_join(&other);
    section("ball");
    step("%d rounds, left: %s", rounds, left(ball));
    CloseHandle(ball[0]);
    CloseHandle(ball[1]);
}

int main(void)
{
    begin();
    released();
    back_and_forth();
    return finish();
}
