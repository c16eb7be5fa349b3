/* What the header promises, function by function. A test has the number of the rule that it holds; the comment above
 * says which mistake it catches. Compiled as C11 and as C++17, and run by .ci/c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <pthread.h>

#include <wsp_events.h>

#ifdef __cplusplus
#define ALIGNMENT_OF(type) alignof(type)
#else
#define ALIGNMENT_OF(type) _Alignof(type)
#endif
/* In C and in C++. */
#define ATOMIC_ADD(at, value) __atomic_add_fetch(at, value, __ATOMIC_SEQ_CST)

static int failures;
static const char *running;

static void check(int holds, const char *what, int line)
{
    if (!holds) {
        printf("%s: line %d: %s\n", running, line, what);
        failures++;
    }
}
#define CHECK(condition) check((condition) ? 1 : 0, #condition, __LINE__)
#define OK(call) check((call) == 0, #call, __LINE__)

/* An event object that counts what is done to it, fails when it is told to, and can call back. */
typedef struct probe {
    int is_set, sets, resets, references, releases;
    int32_t set_fails, reset_fails;
    void (*in_set)(struct probe *self);
    void (*in_reset)(struct probe *self);
    wsp_recorder *recorder;
} probe;

static int32_t object_set(void *context)
{
    probe *self = (probe *)context;
    self->sets++;
    if (self->in_set != NULL)
        self->in_set(self);
    if (self->set_fails != 0)
        return self->set_fails;
    self->is_set = 1;
    return 0;
}

static int32_t object_reset(void *context)
{
    probe *self = (probe *)context;
    self->resets++;
    if (self->reset_fails != 0)
        return self->reset_fails;
    self->is_set = 0;
    if (self->in_reset != NULL)
        self->in_reset(self);
    return 0;
}

static void object_retain(void *context)
{
    ((probe *)context)->references++;
}

static void object_release(void *context)
{
    probe *self = (probe *)context;
    self->references--;
    self->releases++;
}

static const wsp_event_object_calls object_calls = {object_set, object_reset, object_retain,
                                                    object_release};

static wsp_event_object object_of(probe *self)
{
    wsp_event_object event_object;
    event_object.calls = &object_calls;
    event_object.context = self;
    return event_object;
}

/* A socket whose event object is at hand, with some events selected. */
typedef struct scene {
    wsp_recorder recorder;
    probe object;
    wsp_event_object event;
} scene;

static void begin(scene *s, uint32_t latching, uint32_t selected)
{
    memset(s, 0, sizeof *s);
    s->event = object_of(&s->object);
    s->object.recorder = &s->recorder;
    OK(wsp_recorder_make(&s->recorder, latching));
    if (selected != 0)
        OK(wsp_recorder_select(&s->recorder, selected, &s->event));
}

/* Closes the recorder; nothing may be left of the selection (P2). */
static void end(scene *s)
{
    OK(wsp_recorder_close(&s->recorder));
    CHECK(s->object.references == 0);
}

static wsp_network_events pattern(void)
{
    wsp_network_events out;
    memset(&out, 0xAA, sizeof out);
    return out;
}

static int is_pattern(const wsp_network_events *out)
{
    wsp_network_events untouched = pattern();
    return memcmp(out, &untouched, sizeof untouched) == 0;
}

/* Enumerates without a reset, and returns the mask. */
static int32_t reported(wsp_recorder *recorder)
{
    wsp_network_events out = pattern();
    OK(wsp_recorder_enumerate(recorder, NULL, &out, NULL));
    return out.lNetworkEvents;
}

/* Catches a header whose sizes are not those that the library has, where the compiler would not. */
static void v2_sizes(void)
{
    CHECK(sizeof(wsp_recorder) == WSP_RECORDER_SIZE);
    CHECK(ALIGNMENT_OF(wsp_recorder) == WSP_RECORDER_ALIGNMENT);
    CHECK(sizeof(wsp_network_events) == 44 && offsetof(wsp_network_events, iErrorCode) == 4);
    CHECK(sizeof(wsp_recorded) == 12 && offsetof(wsp_recorded, set_error) == 8);
}

/* Catches an occurrence that is forgotten, or that touches an event object, because nothing was selected. */
static void r1_recorded_without_a_selection(void)
{
    scene s;
    begin(&s, WSP_LATCHING_NONE, 0);
    OK(wsp_recorder_record(&s.recorder, WSP_FD_CLOSE, 0, NULL));
    CHECK(wsp_recorder_recorded(&s.recorder) == WSP_FD_CLOSE);
    CHECK(reported(&s.recorder) == 0);
    CHECK(wsp_recorder_recorded(&s.recorder) == WSP_FD_CLOSE);
    OK(wsp_recorder_select(&s.recorder, WSP_FD_READ, &s.event));
    CHECK(!s.object.is_set);
    end(&s);
}

/* Catches a bit or an index that belongs to another event, and a code that is changed on its way. */
static void r2_each_event_has_its_bit_and_its_index(void)
{
    int bit;
    scene s;
    begin(&s, WSP_LATCHING_NONE, WSP_FD_ALL_EVENTS);
    OK(wsp_recorder_reenable_for(&s.recorder, WSP_CALL_ROUTING_INTERFACE_CHANGE));
    OK(wsp_recorder_reenable_for(&s.recorder, WSP_CALL_ADDRESS_LIST_CHANGE));
    for (bit = 0; bit < WSP_FD_MAX_EVENTS; bit++) {
        wsp_network_events out = pattern();
        OK(wsp_recorder_record(&s.recorder, 1u << bit, -7 - bit, NULL));
        OK(wsp_recorder_enumerate(&s.recorder, &s.event, &out, NULL));
        CHECK(out.lNetworkEvents == 1 << bit && out.iErrorCode[bit] == -7 - bit);
    }
    end(&s);
}

/* Catches a repeat that sets again or counts as new, a success that hides an error, an error that is lost behind a
 * success, and a second error that replaces the first. */
static void r3_a_repeat_and_its_error(void)
{
    scene s;
    wsp_recorded recorded;
    wsp_network_events out = pattern();
    begin(&s, WSP_LATCHING_NONE, WSP_FD_CLOSE);
    OK(wsp_recorder_record(&s.recorder, WSP_FD_CLOSE, 0, &recorded));
    CHECK(recorded.new_events == WSP_FD_CLOSE && recorded.wake == WSP_WAKE_SET);
    CHECK(recorded.set_error == 0 && s.object.sets == 1);
    OK(wsp_recorder_record(&s.recorder, WSP_FD_CLOSE, WSP_WSAECONNRESET, &recorded));
    CHECK(recorded.new_events == 0 && recorded.wake == WSP_WAKE_NOT_NEEDED);
    OK(wsp_recorder_record(&s.recorder, WSP_FD_CLOSE, WSP_WSAENETDOWN, NULL));
    OK(wsp_recorder_record(&s.recorder, WSP_FD_CLOSE, 0, NULL));
    CHECK(s.object.sets == 1);
    OK(wsp_recorder_enumerate(&s.recorder, NULL, &out, NULL));
    CHECK(out.iErrorCode[WSP_FD_CLOSE_BIT] == WSP_WSAECONNRESET);
    end(&s);
}

/* Catches an event object that is set for an event that was not selected. */
static void r4_only_what_is_selected_sets(void)
{
    scene s;
    wsp_recorded recorded;
    begin(&s, WSP_LATCHING_NONE, WSP_FD_READ);
    OK(wsp_recorder_record(&s.recorder, WSP_FD_WRITE, 0, &recorded));
    CHECK(recorded.new_events == WSP_FD_WRITE && recorded.wake == WSP_WAKE_NOT_NEEDED);
    CHECK(s.object.sets == 0);
    OK(wsp_recorder_record(&s.recorder, WSP_FD_READ, 0, NULL));
    CHECK(s.object.sets == 1 && s.object.is_set);
    end(&s);
}

static int32_t seen_in_set;

static void look_in_set(probe *self)
{
    seen_in_set = (int32_t)wsp_recorder_recorded(self->recorder);
}

/* Catches a batch that is recorded event by event, or that takes codes of events outside its mask. */
static void r5_several_events_are_one_step(void)
{
    scene s;
    wsp_recorded recorded;
    wsp_network_events both = pattern(), out = pattern();
    begin(&s, WSP_LATCHING_NONE, WSP_FD_ALL_EVENTS);
    s.object.in_set = look_in_set;
    both.lNetworkEvents = WSP_FD_CONNECT | WSP_FD_WRITE;
    both.iErrorCode[WSP_FD_CONNECT_BIT] = 0;
    both.iErrorCode[WSP_FD_WRITE_BIT] = WSP_WSAENETDOWN;
    OK(wsp_recorder_record_all(&s.recorder, &both, &recorded));
    CHECK(recorded.new_events == (WSP_FD_CONNECT | WSP_FD_WRITE));
    CHECK(s.object.sets == 1 && seen_in_set == both.lNetworkEvents);
    OK(wsp_recorder_enumerate(&s.recorder, NULL, &out, NULL));
    CHECK(out.lNetworkEvents == both.lNetworkEvents && out.iErrorCode[WSP_FD_CONNECT_BIT] == 0);
    CHECK(out.iErrorCode[WSP_FD_WRITE_BIT] == WSP_WSAENETDOWN);
    end(&s);
}

/* Catches a failing set that fails the call, loses the occurrence, is not told, or is not tried again. */
static void r6_a_set_that_fails_is_owed(void)
{
    scene s;
    wsp_recorded recorded;
    begin(&s, WSP_LATCHING_NONE, WSP_FD_READ);
    s.object.set_fails = 6;
    OK(wsp_recorder_record(&s.recorder, WSP_FD_READ, 0, &recorded));
    CHECK(recorded.wake == WSP_WAKE_SET && recorded.set_error == 6);
    CHECK(recorded.new_events == WSP_FD_READ && wsp_recorder_owes_set(&s.recorder) == 1);
    OK(wsp_recorder_record(&s.recorder, WSP_FD_READ, 0, &recorded)); /* a repeat tries, too */
    CHECK(recorded.set_error == 6 && s.object.sets == 2);
    s.object.set_fails = 0;
    OK(wsp_recorder_signal(&s.recorder, &recorded));
    CHECK(recorded.wake == WSP_WAKE_SET && recorded.set_error == 0 && recorded.new_events == 0);
    CHECK(s.object.is_set && wsp_recorder_owes_set(&s.recorder) == 0);
    end(&s);
}

/* Catches a withdrawal that takes too much, too little, or touches the event object. */
static void r7_a_withdrawal(void)
{
    scene s;
    begin(&s, WSP_LATCHING_NONE, WSP_FD_ALL_EVENTS);
    OK(wsp_recorder_record(&s.recorder, WSP_FD_READ, WSP_WSAENETDOWN, NULL));
    OK(wsp_recorder_record(&s.recorder, WSP_FD_OOB, 0, NULL));
    OK(wsp_recorder_record(&s.recorder, WSP_FD_CLOSE, 0, NULL));
    OK(wsp_recorder_withdraw(&s.recorder, WSP_FD_READ | WSP_FD_OOB));
    CHECK(s.object.is_set && s.object.resets == 0);
    CHECK(reported(&s.recorder) == (int32_t)WSP_FD_CLOSE);
    end(&s);
}

/* Catches a record or a latch that outlives the connection, and a selection that does not. */
static void r8_a_record_as_new(void)
{
    scene s;
    begin(&s, WSP_LATCHING_FOR_CONDITIONS, WSP_FD_CLOSE | WSP_FD_CONNECT);
    OK(wsp_recorder_record(&s.recorder, WSP_FD_CLOSE, WSP_WSAECONNRESET, NULL));
    CHECK(reported(&s.recorder) == (int32_t)WSP_FD_CLOSE);
    OK(wsp_recorder_record(&s.recorder, WSP_FD_CONNECT, 0, NULL));
    OK(wsp_recorder_renew(&s.recorder));
    CHECK(s.object.is_set && s.object.resets == 0 && s.object.references == 1);
    CHECK(wsp_recorder_recorded(&s.recorder) == 0);
    CHECK(wsp_recorder_latched(&s.recorder)
          == (WSP_FD_ROUTING_INTERFACE_CHANGE | WSP_FD_ADDRESS_LIST_CHANGE));
    OK(wsp_recorder_record(&s.recorder, WSP_FD_CLOSE, 0, NULL));
    CHECK(reported(&s.recorder) == (int32_t)WSP_FD_CLOSE);
    end(&s);
}

/* Catches a first step that sets, a second one that does not or that sets twice, and a set that outlives what it was
 * for. */
static void r9_two_steps(void)
{
    scene s;
    uint32_t new_events = 0;
    wsp_recorded recorded;
    wsp_network_events both = pattern();
    begin(&s, WSP_LATCHING_NONE, WSP_FD_ALL_EVENTS);
    OK(wsp_recorder_record_unsignaled(&s.recorder, WSP_FD_READ, 0, &new_events));
    CHECK(new_events == WSP_FD_READ && s.object.sets == 0);
    CHECK(wsp_recorder_owes_set(&s.recorder) == 1);
    OK(wsp_recorder_signal(&s.recorder, &recorded));
    CHECK(recorded.wake == WSP_WAKE_SET && s.object.sets == 1);
    OK(wsp_recorder_signal(&s.recorder, &recorded));
    CHECK(recorded.wake == WSP_WAKE_NOT_NEEDED && recorded.set_error == 0 && s.object.sets == 1);

    both.lNetworkEvents = WSP_FD_READ | WSP_FD_CLOSE;
    memset(both.iErrorCode, 0, sizeof both.iErrorCode);
    OK(wsp_recorder_record_all_unsignaled(&s.recorder, &both, &new_events));
    CHECK(new_events == WSP_FD_CLOSE && s.object.sets == 1); /* FD_READ is a repeat */
    CHECK(reported(&s.recorder) == both.lNetworkEvents);
    OK(wsp_recorder_signal(&s.recorder, NULL)); /* void: a report came first */
    CHECK(s.object.sets == 1);

    OK(wsp_recorder_record_unsignaled(&s.recorder, WSP_FD_READ, WSP_WSAENETDOWN, NULL));
    OK(wsp_recorder_withdraw(&s.recorder, WSP_FD_READ));
    OK(wsp_recorder_signal(&s.recorder, NULL)); /* void: it was withdrawn */
    CHECK(s.object.sets == 1);

    OK(wsp_recorder_record_unsignaled(&s.recorder, WSP_FD_READ, 0, NULL));
    OK(wsp_recorder_record(&s.recorder, WSP_FD_READ, 0, NULL)); /* no second step: a repeat sets */
    CHECK(s.object.sets == 2);
    end(&s);
}

/* Catches a selection that keeps a part of the one before. */
static void s1_one_selection(void)
{
    scene s;
    probe second;
    wsp_event_object second_event = object_of(&second);
    memset(&second, 0, sizeof second);
    begin(&s, WSP_LATCHING_NONE, WSP_FD_READ);
    OK(wsp_recorder_select(&s.recorder, WSP_FD_CLOSE, &second_event));
    CHECK(wsp_recorder_selected(&s.recorder) == WSP_FD_CLOSE);
    OK(wsp_recorder_record(&s.recorder, WSP_FD_READ, 0, NULL));
    OK(wsp_recorder_record(&s.recorder, WSP_FD_CLOSE, 0, NULL));
    CHECK(s.object.sets == 0 && second.sets == 1);
    end(&s);
    CHECK(second.references == 0);
}

/* Catches a selection that forgets what was recorded, or touches the event object that it replaces (S5). */
static void s2_a_selection_forgets_nothing(void)
{
    scene s;
    probe second;
    wsp_event_object second_event = object_of(&second);
    memset(&second, 0, sizeof second);
    begin(&s, WSP_LATCHING_NONE, WSP_FD_READ);
    OK(wsp_recorder_record(&s.recorder, WSP_FD_READ, 0, NULL));
    OK(wsp_recorder_select(&s.recorder, WSP_FD_READ | WSP_FD_CLOSE, &second_event));
    CHECK(s.object.sets == 1 && s.object.resets == 0 && second.is_set);
    CHECK(reported(&s.recorder) == (int32_t)WSP_FD_READ);
    end(&s);
}

/* Catches a zero mask that selects, needs an event object, forgets the record, or keeps a reference. */
static void s3_a_selection_of_nothing(void)
{
    int by_mask;
    for (by_mask = 0; by_mask < 2; by_mask++) {
        scene s;
        begin(&s, WSP_LATCHING_NONE, WSP_FD_READ);
        OK(wsp_recorder_record(&s.recorder, WSP_FD_READ, 0, NULL));
        if (by_mask)
            OK(wsp_recorder_select(&s.recorder, 0, NULL));
        else
            OK(wsp_recorder_deselect(&s.recorder));
        CHECK(wsp_recorder_selected(&s.recorder) == 0 && s.object.references == 0);
        CHECK(s.object.is_set && s.object.resets == 0);
        OK(wsp_recorder_record(&s.recorder, WSP_FD_CLOSE, 0, NULL));
        CHECK(s.object.sets == 1 && reported(&s.recorder) == 0);
        CHECK(wsp_recorder_recorded(&s.recorder) == (WSP_FD_READ | WSP_FD_CLOSE));
        end(&s);
    }
}

/* Catches bits that are no event and make a selection, or fail one; and a missing event object that ends the
 * selection. */
static void s4_a_selection_with_bad_arguments(void)
{
    scene s;
    begin(&s, WSP_LATCHING_NONE, WSP_FD_READ);
    CHECK(wsp_recorder_select(&s.recorder, WSP_FD_CLOSE, NULL) == WSP_WSAEINVAL);
    CHECK(wsp_recorder_selected(&s.recorder) == WSP_FD_READ && s.object.references == 1);
    OK(wsp_recorder_select(&s.recorder, WSP_FD_CLOSE | 0x80000400u, &s.event));
    CHECK(wsp_recorder_selected(&s.recorder) == WSP_FD_CLOSE && s.object.references == 1);
    OK(wsp_recorder_select(&s.recorder, 0x80000400u, NULL));
    CHECK(wsp_recorder_selected(&s.recorder) == 0);
    end(&s);
}

/* Catches a selection that succeeds, or ends the earlier one, or keeps a reference, although its event object cannot
 * be set. */
static void s6_a_selection_whose_set_fails(void)
{
    scene s;
    probe second;
    wsp_event_object second_event = object_of(&second);
    memset(&second, 0, sizeof second);
    second.set_fails = 6;
    begin(&s, WSP_LATCHING_NONE, WSP_FD_READ);
    OK(wsp_recorder_record(&s.recorder, WSP_FD_READ, 0, NULL));
    CHECK(wsp_recorder_select(&s.recorder, WSP_FD_READ, &second_event) == WSP_WSAEINVAL);
    CHECK(second.references == 0 && second.releases == 1 && s.object.references == 1);
    CHECK(reported(&s.recorder) == (int32_t)WSP_FD_READ);
    OK(wsp_recorder_record(&s.recorder, WSP_FD_READ, 0, NULL));
    CHECK(s.object.sets == 2);
    end(&s);
}

/* Catches an accepted socket without the selection, the reference or the latching of its listener, or with its
 * record. */
static void s8_an_accepted_socket_inherits(void)
{
    scene s;
    wsp_recorder accepted;
    begin(&s, WSP_FD_WRITE, WSP_FD_ACCEPT | WSP_FD_WRITE);
    OK(wsp_recorder_record(&s.recorder, WSP_FD_ACCEPT, 0, NULL));
    OK(wsp_recorder_inherit(&s.recorder, &accepted));
    CHECK(s.object.references == 2);
    CHECK(wsp_recorder_selected(&accepted) == (WSP_FD_ACCEPT | WSP_FD_WRITE));
    CHECK(wsp_recorder_recorded(&accepted) == 0);
    CHECK(wsp_recorder_recorded(&s.recorder) == WSP_FD_ACCEPT);
    OK(wsp_recorder_record(&accepted, WSP_FD_WRITE, 0, NULL));
    CHECK(s.object.sets == 2 && (wsp_recorder_latched(&accepted) & WSP_FD_WRITE) != 0);
    OK(wsp_recorder_close(&s.recorder));
    CHECK(s.object.references == 1);
    OK(wsp_recorder_deselect(&accepted));
    CHECK(s.object.references == 0);

    CHECK(wsp_recorder_inherit(&s.recorder, &accepted) == WSP_WSAENOTSOCK);
    CHECK(wsp_recorder_recorded(&accepted) == WSP_FD_WRITE); /* it was not written */
    OK(wsp_recorder_close(&accepted));

    /* A listener without a selection has nothing to retain. */
    OK(wsp_recorder_make(&s.recorder, WSP_LATCHING_NONE));
    OK(wsp_recorder_inherit(&s.recorder, &accepted));
    CHECK(s.object.references == 0 && wsp_recorder_selected(&accepted) == 0);
    OK(wsp_recorder_close(&accepted));
    end(&s);
}

/* Catches an output whose other elements are cleared, and a mask that is not overwritten. */
static void e2_other_codes_keep_their_bytes(void)
{
    int bit;
    scene s;
    wsp_network_events out = pattern();
    begin(&s, WSP_LATCHING_NONE, WSP_FD_READ | WSP_FD_CONNECT);
    OK(wsp_recorder_record(&s.recorder, WSP_FD_CONNECT, WSP_WSAETIMEDOUT, NULL));
    OK(wsp_recorder_record(&s.recorder, WSP_FD_READ, 0, NULL));
    OK(wsp_recorder_record(&s.recorder, WSP_FD_CLOSE, WSP_WSAENETDOWN, NULL)); /* not selected */
    OK(wsp_recorder_enumerate(&s.recorder, NULL, &out, NULL));
    CHECK(out.lNetworkEvents == (int32_t)(WSP_FD_READ | WSP_FD_CONNECT));
    CHECK(out.iErrorCode[WSP_FD_READ_BIT] == 0);
    CHECK(out.iErrorCode[WSP_FD_CONNECT_BIT] == WSP_WSAETIMEDOUT);
    for (bit = 1; bit < WSP_FD_MAX_EVENTS; bit++)
        if (bit != WSP_FD_CONNECT_BIT)
            CHECK(out.iErrorCode[bit] == (int32_t)0xAAAAAAAAu);
    CHECK(wsp_recorder_recorded(&s.recorder) == WSP_FD_CLOSE);
    end(&s);
}

/* Catches a reset of the selected event object in place of the one that is passed, of any at all for NULL, and one
 * that is retained or released. */
static void e6_the_event_object_of_the_call(void)
{
    scene s;
    probe other;
    wsp_event_object other_event = object_of(&other);
    wsp_network_events out = pattern();
    memset(&other, 0, sizeof other);
    other.is_set = 1;
    begin(&s, WSP_LATCHING_NONE, WSP_FD_READ);
    OK(wsp_recorder_record(&s.recorder, WSP_FD_READ, 0, NULL));
    OK(wsp_recorder_enumerate(&s.recorder, &other_event, &out, NULL));
    CHECK(!other.is_set && s.object.is_set && other.releases == 0 && s.object.resets == 0);
    OK(wsp_recorder_enumerate(&s.recorder, NULL, &out, NULL));
    CHECK(s.object.is_set && s.object.resets == 0);
    end(&s);
}

/* What a delivery answers, and what it was handed. */
typedef struct delivery {
    int32_t answer;
    int calls, resets_before;
    wsp_network_events report;
    probe *object;
} delivery;

static int32_t deliver(void *context, const wsp_network_events *report)
{
    delivery *self = (delivery *)context;
    self->calls++;
    self->resets_before = self->object->resets;
    self->report = *report;
    return self->answer;
}

/* Catches a delivery that fails and loses the report, resets, or has its code changed; one that is made after the
 * reset; and a report with the codes of other events. */
static void e7_a_delivery_that_fails(void)
{
    scene s;
    delivery d;
    int32_t set_error = 77;
    memset(&d, 0, sizeof d);
    begin(&s, WSP_LATCHING_NONE, WSP_FD_ACCEPT | WSP_FD_CONNECT);
    d.object = &s.object;
    d.answer = WSP_WSAEFAULT;
    OK(wsp_recorder_record(&s.recorder, WSP_FD_CONNECT, WSP_WSAECONNREFUSED, NULL));
    OK(wsp_recorder_record(&s.recorder, WSP_FD_CLOSE, WSP_WSAENETDOWN, NULL)); /* not selected */
    CHECK(wsp_recorder_enumerate_with(&s.recorder, &s.event, deliver, &d, &set_error)
          == WSP_WSAEFAULT);
    CHECK(d.calls == 1 && s.object.resets == 0 && s.object.is_set && set_error == 77);
    CHECK(s.object.sets == 2); /* what is put back is signaled again */
    CHECK(wsp_recorder_recorded(&s.recorder) == (WSP_FD_CONNECT | WSP_FD_CLOSE));

    d.answer = 0;
    OK(wsp_recorder_enumerate_with(&s.recorder, &s.event, deliver, &d, &set_error));
    CHECK(d.calls == 2 && d.resets_before == 0 && !s.object.is_set && set_error == 0);
    CHECK(d.report.lNetworkEvents == (int32_t)WSP_FD_CONNECT);
    CHECK(d.report.iErrorCode[WSP_FD_CONNECT_BIT] == WSP_WSAECONNREFUSED);
    CHECK(d.report.iErrorCode[WSP_FD_CLOSE_BIT] == 0);
    CHECK(wsp_recorder_recorded(&s.recorder) == WSP_FD_CLOSE);

    OK(wsp_recorder_enumerate_with(&s.recorder, NULL, deliver, &d, NULL));
    CHECK(d.report.lNetworkEvents == 0 && s.object.resets == 1);
    end(&s);
}

/* Catches a reset that fails and loses the report, or writes to the caller's memory. */
static void e7_a_reset_that_fails(void)
{
    scene s;
    int32_t set_error = 77;
    wsp_network_events out = pattern();
    begin(&s, WSP_LATCHING_NONE, WSP_FD_CONNECT);
    s.object.reset_fails = 6;
    OK(wsp_recorder_record(&s.recorder, WSP_FD_CONNECT, WSP_WSAECONNREFUSED, NULL));
    CHECK(wsp_recorder_enumerate(&s.recorder, &s.event, &out, &set_error) == WSP_WSAEINVAL);
    CHECK(is_pattern(&out) && set_error == 77 && s.object.is_set);
    s.object.reset_fails = 0;
    OK(wsp_recorder_enumerate(&s.recorder, &s.event, &out, &set_error));
    CHECK(out.iErrorCode[WSP_FD_CONNECT_BIT] == WSP_WSAECONNREFUSED && set_error == 0);
    end(&s);
}

static void record_in_reset(probe *self)
{
    self->set_fails = 9;
    OK(wsp_recorder_record_unsignaled(self->recorder, WSP_FD_READ, 0, NULL));
}

/* Catches the error of a set at the end of an enumeration that is lost, or that fails the enumeration. */
static void e7_a_set_after_the_reset_that_fails(void)
{
    int with_delivery;
    for (with_delivery = 0; with_delivery < 2; with_delivery++) {
        scene s;
        delivery d;
        int32_t set_error = 77;
        wsp_network_events out = pattern();
        memset(&d, 0, sizeof d);
        begin(&s, WSP_LATCHING_NONE, WSP_FD_READ | WSP_FD_CLOSE);
        d.object = &s.object;
        OK(wsp_recorder_record(&s.recorder, WSP_FD_CLOSE, 0, NULL));
        s.object.in_reset = record_in_reset;
        if (with_delivery) {
            OK(wsp_recorder_enumerate_with(&s.recorder, &s.event, deliver, &d, &set_error));
            out = d.report;
        } else {
            OK(wsp_recorder_enumerate(&s.recorder, &s.event, &out, &set_error));
        }
        CHECK(out.lNetworkEvents == (int32_t)WSP_FD_CLOSE && set_error == 9);
        CHECK(wsp_recorder_owes_set(&s.recorder) == 1);
        s.object.in_reset = NULL;
        s.object.set_fails = 0;
        end(&s);
    }
}

/* Catches an empty report that fails, leaves the old mask, or does not reset. */
static void e8_an_empty_report(void)
{
    scene s;
    wsp_network_events out = pattern();
    begin(&s, WSP_LATCHING_NONE, WSP_FD_READ);
    s.object.is_set = 1;
    OK(wsp_recorder_enumerate(&s.recorder, &s.event, &out, NULL));
    CHECK(out.lNetworkEvents == 0 && !s.object.is_set);
    out.lNetworkEvents = (int32_t)0xAAAAAAAAu;
    CHECK(is_pattern(&out));
    end(&s);
}

/* Catches a write that needs alignment, or goes past the end. */
static void e10_a_misaligned_output(void)
{
    scene s;
    wsp_network_events out;
    char bytes[1 + sizeof out + 1];
    memset(bytes, 0x55, sizeof bytes);
    begin(&s, WSP_LATCHING_NONE, WSP_FD_ALL_EVENTS);
    OK(wsp_recorder_reenable(&s.recorder, WSP_FD_ADDRESS_LIST_CHANGE));
    OK(wsp_recorder_record(&s.recorder, WSP_FD_ADDRESS_LIST_CHANGE, 5, NULL));
    OK(wsp_recorder_enumerate(&s.recorder, NULL, (wsp_network_events *)(void *)(bytes + 1), NULL));
    memcpy(&out, bytes + 1, sizeof out);
    CHECK(out.lNetworkEvents == (int32_t)WSP_FD_ADDRESS_LIST_CHANGE && out.iErrorCode[9] == 5);
    CHECK(bytes[0] == 0x55 && bytes[sizeof bytes - 1] == 0x55);
    end(&s);
}

/* Catches a latch that does not hold after a report, or that its re-enabling does not end; and an interest that
 * forgets either half. */
static void l1_an_event_that_latches(void)
{
    scene s;
    begin(&s, WSP_LATCHING_FOR_CONDITIONS, WSP_FD_READ | WSP_FD_CLOSE);
    CHECK(wsp_recorder_interest(&s.recorder) == (WSP_FD_READ | WSP_FD_CLOSE));
    OK(wsp_recorder_record(&s.recorder, WSP_FD_READ, 0, NULL));
    CHECK((wsp_recorder_latched(&s.recorder) & WSP_FD_ALL_EVENTS)
          == (WSP_FD_READ | WSP_FD_ROUTING_INTERFACE_CHANGE | WSP_FD_ADDRESS_LIST_CHANGE));
    CHECK(wsp_recorder_interest(&s.recorder) == WSP_FD_CLOSE);
    CHECK(reported(&s.recorder) == (int32_t)WSP_FD_READ);
    OK(wsp_recorder_record(&s.recorder, WSP_FD_READ, 0, NULL));
    CHECK(reported(&s.recorder) == 0);
    OK(wsp_recorder_record(&s.recorder, WSP_FD_CLOSE, 0, NULL));
    OK(wsp_recorder_reenable(&s.recorder, WSP_FD_READ));
    CHECK(wsp_recorder_interest(&s.recorder) == WSP_FD_READ);
    OK(wsp_recorder_record(&s.recorder, WSP_FD_READ, 0, NULL));
    OK(wsp_recorder_reenable(&s.recorder, WSP_FD_READ)); /* it withdraws, too */
    CHECK(reported(&s.recorder) == (int32_t)WSP_FD_CLOSE);
    end(&s);
}

/* Catches a call that re-enables another event, and a latching set other than the one that its name says. */
static void l3_the_calls_that_reenable(void)
{
    static const uint32_t expected[8] = {
        WSP_FD_READ,    WSP_FD_OOB, WSP_FD_WRITE,                    WSP_FD_ACCEPT,
        WSP_FD_CONNECT, WSP_FD_QOS, WSP_FD_ROUTING_INTERFACE_CHANGE, WSP_FD_ADDRESS_LIST_CHANGE};
    static const uint32_t calls[8] = {
        WSP_CALL_RECV,    WSP_CALL_RECV_OOB, WSP_CALL_SEND_WOULD_BLOCK,         WSP_CALL_ACCEPT,
        WSP_CALL_CONNECT, WSP_CALL_GET_QOS,  WSP_CALL_ROUTING_INTERFACE_CHANGE,
        WSP_CALL_ADDRESS_LIST_CHANGE};
    int at;
    wsp_network_events everything;
    memset(&everything, 0, sizeof everything);
    everything.lNetworkEvents = WSP_FD_ALL_EVENTS;
    for (at = 0; at < 8; at++) {
        scene s;
        uint32_t before;
        begin(&s, WSP_LATCHING_FOR_CONDITIONS, 0);
        OK(wsp_recorder_record_all(&s.recorder, &everything, NULL));
        before = wsp_recorder_latched(&s.recorder);
        CHECK(before == WSP_LATCHING_FOR_CONDITIONS);
        OK(wsp_recorder_reenable_for(&s.recorder, calls[at]));
        CHECK(wsp_recorder_latched(&s.recorder) == (before & ~expected[at]));
        end(&s);
    }
}

static void call_back(probe *self)
{
    wsp_network_events out = pattern();
    self->in_set = NULL;
    OK(wsp_recorder_record(self->recorder, WSP_FD_WRITE, 0, NULL));
    OK(wsp_recorder_withdraw(self->recorder, WSP_FD_WRITE));
    OK(wsp_recorder_reenable(self->recorder, WSP_FD_OOB));
    OK(wsp_recorder_enumerate(self->recorder, NULL, &out, NULL));
    CHECK(out.lNetworkEvents == (int32_t)WSP_FD_READ);
    OK(wsp_recorder_record(self->recorder, WSP_FD_CLOSE, 0, NULL));
}

/* Catches a recording, withdrawal, re-enabling or enumeration that waits for the set that it is called from. */
static void k4_a_set_that_calls_back(void)
{
    scene s;
    begin(&s, WSP_LATCHING_NONE, WSP_FD_ALL_EVENTS);
    s.object.in_set = call_back;
    OK(wsp_recorder_record(&s.recorder, WSP_FD_READ, 0, NULL));
    CHECK(s.object.sets == 3 && reported(&s.recorder) == (int32_t)WSP_FD_CLOSE);
    end(&s);
}

/* Catches a reference that is lost, kept too long, or released twice: at a selection, one of the same event object,
 * one that replaces it, one that fails, a deselection, and a close. */
static void p2_a_selection_keeps_one_reference(void)
{
    scene s;
    probe second;
    wsp_event_object second_event = object_of(&second);
    memset(&second, 0, sizeof second);
    begin(&s, WSP_LATCHING_NONE, 0);
    CHECK(s.object.references == 0);
    OK(wsp_recorder_select(&s.recorder, WSP_FD_READ, &s.event));
    CHECK(s.object.references == 1 && s.object.releases == 0);
    OK(wsp_recorder_select(&s.recorder, WSP_FD_READ | WSP_FD_CLOSE, &s.event));
    CHECK(s.object.references == 1 && s.object.releases == 1);
    OK(wsp_recorder_record(&s.recorder, WSP_FD_READ, 0, NULL));
    CHECK(reported(&s.recorder) == (int32_t)WSP_FD_READ);
    CHECK(s.object.references == 1 && s.object.releases == 1);
    OK(wsp_recorder_select(&s.recorder, WSP_FD_READ, &second_event));
    CHECK(s.object.references == 0 && s.object.releases == 2 && second.references == 1);
    OK(wsp_recorder_deselect(&s.recorder));
    CHECK(second.references == 0 && second.releases == 1);
    OK(wsp_recorder_select(&s.recorder, WSP_FD_READ, &s.event));
    OK(wsp_recorder_close(&s.recorder));
    CHECK(s.object.references == 0 && s.object.releases == 3);
    CHECK(wsp_recorder_select(&s.recorder, WSP_FD_READ, &s.event) == WSP_WSAENOTSOCK);
    CHECK(s.object.references == 0 && s.object.releases == 4);
}

/* Catches a close that touches the event object (S7), and a call that does something on a closed recorder. */
static void p5_a_closed_recorder(void)
{
    scene s;
    delivery d;
    wsp_recorded recorded;
    wsp_network_events out = pattern();
    memset(&d, 0, sizeof d);
    begin(&s, WSP_LATCHING_NONE, WSP_FD_READ);
    d.object = &s.object;
    OK(wsp_recorder_record(&s.recorder, WSP_FD_READ, 0, NULL));
    OK(wsp_recorder_close(&s.recorder));
    CHECK(s.object.is_set && s.object.resets == 0);
    CHECK(wsp_recorder_close(&s.recorder) == WSP_WSAENOTSOCK);
    CHECK(wsp_recorder_deselect(&s.recorder) == WSP_WSAENOTSOCK);
    CHECK(wsp_recorder_enumerate(&s.recorder, &s.event, &out, NULL) == WSP_WSAENOTSOCK);
    CHECK(wsp_recorder_enumerate_with(&s.recorder, &s.event, deliver, &d, NULL) == WSP_WSAENOTSOCK);
    CHECK(is_pattern(&out) && d.calls == 0 && s.object.resets == 0);
    OK(wsp_recorder_record(&s.recorder, WSP_FD_READ, 0, &recorded));
    CHECK(recorded.new_events == 0 && recorded.wake == WSP_WAKE_NOT_NEEDED);
    OK(wsp_recorder_signal(&s.recorder, NULL));
    OK(wsp_recorder_renew(&s.recorder));
    CHECK(wsp_recorder_recorded(&s.recorder) == 0 && wsp_recorder_selected(&s.recorder) == 0);
    CHECK(s.object.sets == 1);
    OK(wsp_recorder_make(&s.recorder, WSP_LATCHING_NONE)); /* the memory can be used again */
    OK(wsp_recorder_record(&s.recorder, WSP_FD_READ, 0, &recorded));
    CHECK(recorded.new_events == WSP_FD_READ);
    end(&s);
}

/* Every function on a recorder that is none. */
static void refuses(wsp_recorder *none)
{
    scene s;
    delivery d;
    uint32_t new_events = 77;
    wsp_recorded recorded = {77, 77, 77};
    wsp_network_events out = pattern(), nothing;
    memset(&nothing, 0, sizeof nothing);
    memset(&d, 0, sizeof d);
    begin(&s, WSP_LATCHING_NONE, 0);
    d.object = &s.object;
    CHECK(wsp_recorder_inherit(none, &s.recorder) == WSP_WSAEINVAL);
    CHECK(wsp_recorder_close(none) == WSP_WSAEINVAL);
    CHECK(wsp_recorder_renew(none) == WSP_WSAEINVAL);
    CHECK(wsp_recorder_record(none, WSP_FD_READ, 0, &recorded) == WSP_WSAEINVAL);
    CHECK(wsp_recorder_record_all(none, &nothing, &recorded) == WSP_WSAEINVAL);
    CHECK(wsp_recorder_record_unsignaled(none, WSP_FD_READ, 0, &new_events) == WSP_WSAEINVAL);
    CHECK(wsp_recorder_record_all_unsignaled(none, &nothing, &new_events) == WSP_WSAEINVAL);
    CHECK(wsp_recorder_signal(none, &recorded) == WSP_WSAEINVAL);
    CHECK(wsp_recorder_select(none, WSP_FD_READ, &s.event) == WSP_WSAEINVAL);
    CHECK(wsp_recorder_deselect(none) == WSP_WSAEINVAL);
    CHECK(wsp_recorder_enumerate(none, &s.event, &out, NULL) == WSP_WSAEINVAL);
    CHECK(wsp_recorder_enumerate_with(none, &s.event, deliver, &d, NULL) == WSP_WSAEINVAL);
    CHECK(wsp_recorder_withdraw(none, WSP_FD_READ) == WSP_WSAEINVAL);
    CHECK(wsp_recorder_reenable(none, WSP_FD_READ) == WSP_WSAEINVAL);
    CHECK(wsp_recorder_reenable_for(none, WSP_CALL_RECV) == WSP_WSAEINVAL);
    CHECK(wsp_recorder_recorded(none) == 0 && wsp_recorder_selected(none) == 0);
    CHECK(wsp_recorder_latched(none) == 0 && wsp_recorder_interest(none) == 0);
    CHECK(wsp_recorder_owes_set(none) == 0);
    CHECK(is_pattern(&out) && new_events == 77 && recorded.new_events == 77 && d.calls == 0);
    CHECK(s.object.references == 0 && s.object.releases == 0 && s.object.resets == 0);
    end(&s);
}

/* Catches a null pointer, a recorder that is none, an event or a call that does not exist, and an event object that
 * is none, where the library goes on with them. */
static void misuse_is_a_code(void)
{
    static const uint32_t no_event[4] = {0, WSP_FD_READ | WSP_FD_WRITE, 0x400, 0x80000000u};
    scene s;
    wsp_recorder copy, memory[2];
    wsp_event_object_calls calls = object_calls;
    wsp_event_object event;
    wsp_network_events out = pattern(), occurrences;
    char bytes[sizeof(wsp_recorded) + sizeof out + 1];
    int at;

    begin(&s, WSP_LATCHING_FOR_CONDITIONS, WSP_FD_READ);
    OK(wsp_recorder_record(&s.recorder, WSP_FD_READ, 0, NULL));
    refuses(NULL);
    refuses((wsp_recorder *)(void *)(s.recorder.opaque + 4)); /* misaligned */
    memset(memory, 0, sizeof memory);
    refuses(memory);
    memset(memory, 0xFF, sizeof memory);
    refuses(memory);
    copy = s.recorder;
    refuses(&copy);

    CHECK(wsp_recorder_make(NULL, WSP_LATCHING_NONE) == WSP_WSAEINVAL);
    CHECK(wsp_recorder_make((wsp_recorder *)(void *)(memory[0].opaque + 4), 0) == WSP_WSAEINVAL);
    CHECK(wsp_recorder_make(memory, 0x400) == WSP_WSAEINVAL);
    CHECK(wsp_recorder_inherit(&s.recorder, NULL) == WSP_WSAEINVAL);
    CHECK(wsp_recorder_inherit(&s.recorder, &s.recorder) == WSP_WSAEINVAL);
    CHECK(wsp_recorder_inherit(&s.recorder, (wsp_recorder *)(void *)(memory[0].opaque + 4))
          == WSP_WSAEINVAL);

    for (at = 0; at < 4; at++) {
        CHECK(wsp_recorder_record(&s.recorder, no_event[at], 0, NULL) == WSP_WSAEINVAL);
        CHECK(wsp_recorder_record_unsignaled(&s.recorder, no_event[at], 0, NULL) == WSP_WSAEINVAL);
        CHECK(wsp_recorder_reenable(&s.recorder, no_event[at]) == WSP_WSAEINVAL);
    }
    CHECK(wsp_recorder_reenable_for(&s.recorder, 8) == WSP_WSAEINVAL);
    CHECK(wsp_recorder_reenable_for(&s.recorder, UINT32_MAX) == WSP_WSAEINVAL);
    CHECK(wsp_recorder_withdraw(&s.recorder, WSP_FD_READ | 0x400) == WSP_WSAEINVAL);
    memset(&occurrences, 0, sizeof occurrences);
    occurrences.lNetworkEvents = WSP_FD_WRITE | 0x400;
    CHECK(wsp_recorder_record_all(&s.recorder, &occurrences, NULL) == WSP_WSAEINVAL);
    CHECK(wsp_recorder_record_all_unsignaled(&s.recorder, &occurrences, NULL) == WSP_WSAEINVAL);
    CHECK(wsp_recorder_record_all(&s.recorder, NULL, NULL) == WSP_WSAEINVAL);
    CHECK(wsp_recorder_record_all_unsignaled(&s.recorder, NULL, NULL) == WSP_WSAEINVAL);

    /* An event object that lacks one of its functions, all of them, or is misaligned. */
    for (at = 0; at < 6; at++) {
        calls = object_calls;
        event.calls = &calls;
        event.context = &s.object;
        if (at == 0)
            calls.set = NULL;
        else if (at == 1)
            calls.reset = NULL;
        else if (at == 2)
            calls.retain = NULL;
        else if (at == 3)
            calls.release = NULL;
        else if (at == 4)
            event.calls = NULL;
        else
            event.calls = (const wsp_event_object_calls *)(const void *)((const char *)&calls + 1);
        CHECK(wsp_recorder_select(&s.recorder, WSP_FD_CLOSE, &event) == WSP_WSAEINVAL);
        CHECK(wsp_recorder_enumerate(&s.recorder, &event, &out, NULL) == WSP_WSAEINVAL);
    }
    CHECK(wsp_recorder_enumerate(&s.recorder, &s.event, NULL, NULL) == WSP_WSAEINVAL);
    CHECK(wsp_recorder_enumerate_with(&s.recorder, &s.event, NULL, NULL, NULL) == WSP_WSAEINVAL);
    CHECK(is_pattern(&out) && s.object.resets == 0 && s.object.references == 1);
    CHECK(wsp_recorder_recorded(&s.recorder) == WSP_FD_READ);
    CHECK(wsp_recorder_selected(&s.recorder) == WSP_FD_READ);

    /* Arguments that need not be aligned. */
    memset(bytes, 0x55, sizeof bytes);
    occurrences.lNetworkEvents = WSP_FD_OOB;
    memcpy(bytes + 1, &occurrences, sizeof occurrences);
    OK(wsp_recorder_record_all(&s.recorder, (const wsp_network_events *)(const void *)(bytes + 1),
                               (wsp_recorded *)(void *)(bytes + 1 + sizeof occurrences)));
    memcpy(bytes, bytes + 1 + sizeof occurrences, sizeof(uint32_t));
    CHECK(bytes[0] == WSP_FD_OOB);
    end(&s);
}

/* An event object for threads: a flag under a mutex. */
typedef struct shared {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    int is_set, references;
    wsp_recorder recorder;
    wsp_event_object event;
    uint32_t produced, consumed; /* under the mutex */
} shared;

static int32_t shared_set(void *context)
{
    shared *self = (shared *)context;
    pthread_mutex_lock(&self->mutex);
    self->is_set = 1;
    pthread_cond_signal(&self->changed);
    pthread_mutex_unlock(&self->mutex);
    return 0;
}

static int32_t shared_reset(void *context)
{
    shared *self = (shared *)context;
    pthread_mutex_lock(&self->mutex);
    self->is_set = 0;
    pthread_mutex_unlock(&self->mutex);
    return 0;
}

static void shared_retain(void *context)
{
    ATOMIC_ADD(&((shared *)context)->references, 1);
}

static void shared_release(void *context)
{
    ATOMIC_ADD(&((shared *)context)->references, -1);
}

enum { ROUNDS = 3000 };

/* Produces, and records each time; every other time in two steps. */
static void *produce(void *context)
{
    shared *self = (shared *)context;
    int round;
    for (round = 0; round < ROUNDS; round++) {
        pthread_mutex_lock(&self->mutex);
        self->produced++;
        if (round % 2)
            OK(wsp_recorder_record_unsignaled(&self->recorder, WSP_FD_READ, 0, NULL));
        pthread_mutex_unlock(&self->mutex);
        if (round % 2)
            OK(wsp_recorder_signal(&self->recorder, NULL));
        else
            OK(wsp_recorder_record(&self->recorder, WSP_FD_READ, 0, NULL));
    }
    return NULL;
}

/* Selects again and again, with the same event object. */
static void *reselect(void *context)
{
    shared *self = (shared *)context;
    int round;
    for (round = 0; round < ROUNDS / 10; round++)
        OK(wsp_recorder_select(&self->recorder, WSP_FD_READ, &self->event));
    return NULL;
}

/* Catches a wake-up or an event that is lost between threads, and a reference that is lost: one thread records, one
 * selects, and this one waits and takes what was produced. It hangs if a wake-up is lost. */
static void k1_threads(void)
{
    static const wsp_event_object_calls calls = {shared_set, shared_reset, shared_retain,
                                                 shared_release};
    static shared self;
    pthread_t threads[2];
    pthread_mutex_init(&self.mutex, NULL);
    pthread_cond_init(&self.changed, NULL);
    self.event.calls = &calls;
    self.event.context = &self;
    OK(wsp_recorder_make(&self.recorder, WSP_LATCHING_NONE));
    OK(wsp_recorder_select(&self.recorder, WSP_FD_READ, &self.event));
    CHECK(pthread_create(&threads[0], NULL, produce, &self) == 0);
    CHECK(pthread_create(&threads[1], NULL, reselect, &self) == 0);
    while (self.consumed < ROUNDS) {
        wsp_network_events out = pattern();
        pthread_mutex_lock(&self.mutex);
        while (!self.is_set)
            pthread_cond_wait(&self.changed, &self.mutex);
        pthread_mutex_unlock(&self.mutex);
        OK(wsp_recorder_enumerate(&self.recorder, &self.event, &out, NULL));
        if ((out.lNetworkEvents & (int32_t)WSP_FD_READ) != 0) {
            pthread_mutex_lock(&self.mutex);
            self.consumed = self.produced;
            pthread_mutex_unlock(&self.mutex);
        }
    }
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
    CHECK(self.references == 1);
    OK(wsp_recorder_close(&self.recorder));
    CHECK(self.references == 0);
    pthread_cond_destroy(&self.changed);
    pthread_mutex_destroy(&self.mutex);
}

#define TEST(name) {#name, name}
static const struct {
    const char *name;
    void (*run)(void);
} tests[] = {
    TEST(v2_sizes),
    TEST(r1_recorded_without_a_selection),
    TEST(r2_each_event_has_its_bit_and_its_index),
    TEST(r3_a_repeat_and_its_error),
    TEST(r4_only_what_is_selected_sets),
    TEST(r5_several_events_are_one_step),
    TEST(r6_a_set_that_fails_is_owed),
    TEST(r7_a_withdrawal),
    TEST(r8_a_record_as_new),
    TEST(r9_two_steps),
    TEST(s1_one_selection),
    TEST(s2_a_selection_forgets_nothing),
    TEST(s3_a_selection_of_nothing),
    TEST(s4_a_selection_with_bad_arguments),
    TEST(s6_a_selection_whose_set_fails),
    TEST(s8_an_accepted_socket_inherits),
    TEST(e2_other_codes_keep_their_bytes),
    TEST(e6_the_event_object_of_the_call),
    TEST(e7_a_delivery_that_fails),
    TEST(e7_a_reset_that_fails),
    TEST(e7_a_set_after_the_reset_that_fails),
    TEST(e8_an_empty_report),
    TEST(e10_a_misaligned_output),
    TEST(l1_an_event_that_latches),
    TEST(l3_the_calls_that_reenable),
    TEST(k1_threads),
    TEST(k4_a_set_that_calls_back),
    TEST(p2_a_selection_keeps_one_reference),
    TEST(p5_a_closed_recorder),
    TEST(misuse_is_a_code),
};

int main(void)
{
    size_t at, count = sizeof tests / sizeof tests[0];
    for (at = 0; at < count; at++) {
        running = tests[at].name;
        tests[at].run();
    }
    printf("%d tests, %d failures\n", (int)count, failures);
    return failures != 0;
}
