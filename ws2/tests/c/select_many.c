/* select with more sockets than FD_SETSIZE is without a definition: it says which of them are ready, in the order in
 * which they were put in.
 */
#define FD_SETSIZE 256
#include "steps.h"

enum { PAIRS = 100 };

static SOCKET ours[PAIRS], peers[PAIRS];

static fd_set all(void)
{
    fd_set set;
    int i;
    FD_ZERO(&set);
    for (i = 0; i < PAIRS; i++)
        FD_SET(ours[i], &set);
    return set;
}

/* The indexes of the sockets in a set, in its order. */
static const char *indexes(const fd_set *set)
{
    char *text = new_text();
    u_int at;
    int i;
    for (at = 0; at < set->fd_count; at++)
        for (i = 0; i < PAIRS; i++)
            if (set->fd_array[at] == ours[i])
                append(text, "%s%d", text[0] ? " " : "", i);
    return text[0] ? text : "none";
}

int main(void)
{
    static const int senders[] = {0, 7, 63, 64, 65, 99};
    struct timeval none = {0, 0}, limit = {LIMIT / 1000, 0};
    fd_set read, write;
    int i, count;
    begin();
    for (i = 0; i < PAIRS; i++)
        new_pair(AF_INET, &ours[i], &peers[i]);

    section("many");
    step("FD_SETSIZE: %d", FD_SETSIZE);
    read = all();
    step("in the set: %u", read.fd_count);
    step("readable: %s", outcome(select(0, &read, NULL, NULL, &none)));
    step("left: %u", read.fd_count);
    for (i = 0; i < (int)(sizeof senders / sizeof senders[0]); i++) {
        send_text(peers[senders[i]], "x");
        until(unread(ours[senders[i]]) > 0);
    }
    read = all();
    step("readable: %s", outcome(select(0, &read, NULL, NULL, &limit)));
    step("which: %s", indexes(&read));
    read = all();
    write = all();
    count = select(0, &read, &write, NULL, &limit);
    step("both kinds: %d, %u readable, %u writable", count, read.fd_count, write.fd_count);
    read.fd_count = 2;
    read.fd_array[0] = read.fd_array[1] = ours[7];
    step("one socket twice: %s", outcome(select(0, &read, NULL, NULL, &limit)));
    step("left: %s", indexes(&read));
    closesocket(ours[3]);
    read = all();
    step("one is closed: %s", outcome(select(0, &read, NULL, NULL, &limit)));
    step("in the set: %u", read.fd_count);
    for (i = 0; i < PAIRS; i++) {
        if (i != 3)
            closesocket(ours[i]);
        closesocket(peers[i]);
    }
    return finish();
}
