/* What a call costs from C: `.ci/c cost` counts the instructions of a case, beside those of calls.rs. */
#include <stdlib.h>
#include <string.h>

#include <wsp_events.h>

static int32_t set(void *flag) { __atomic_exchange_n((char *)flag, 1, __ATOMIC_RELEASE); return 0; }
static int32_t reset(void *flag) { __atomic_exchange_n((char *)flag, 0, __ATOMIC_ACQUIRE); return 0; }
static void count(void *flag) { (void)flag; }

int main(int arguments, char **argument)
{
    static const wsp_event_object_calls calls = {set, reset, count, count};
    static char flag;
    static wsp_recorder recorder;
    static wsp_network_events report;
    wsp_event_object event;
    wsp_recorded recorded;
    long left = arguments == 3 ? atol(argument[2]) : 0;
    int is_cycle = arguments == 3 && strcmp(argument[1], "cycle") == 0;
    int32_t failed = 0;
    event.calls = &calls;
    event.context = &flag;
    failed |= wsp_recorder_make(&recorder, WSP_LATCHING_NONE);
    failed |= wsp_recorder_select(&recorder, WSP_FD_ACCEPT | WSP_FD_CONNECT, &event);
    for (; left > 0; left--) {
        failed |= wsp_recorder_record(&recorder, WSP_FD_ACCEPT, 0, &recorded) | recorded.set_error;
        if (is_cycle)
            failed |= wsp_recorder_enumerate(&recorder, &event, &report, NULL);
    }
    failed |= wsp_recorder_close(&recorder);
    return failed != 0;
}
