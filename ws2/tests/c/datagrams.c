/* Datagram sockets, over IPv4 and over IPv6: FD_WRITE once there is an address, FD_CONNECT for connect, several
 * datagrams in one FD_READ, what is cut, looked at or empty, connected sockets, ports where nobody is, shutdown, and
 * what is refused.
 */
#include "steps.h"

static const char *family_name;

/* A section for each family. */
static void part(const char *name)
{
    static char text[32];
    snprintf(text, sizeof text, "%s_%s", family_name, name);
    section(text);
}

static SOCKET new_datagrams(int family)
{
    SOCKET s = new_socket(family, SOCK_DGRAM);
    must(set_nonblocking(s, 1) == 0, "FIONBIO");
    return s;
}

static void send_to(SOCKET s, SOCKET receiver, const char *text)
{
    address to = address_of(receiver);
    int length = (int)strlen(text);
    must(sendto(s, text, length, 0, &to.any, address_size(&to)) == length, "sendto");
}

static int connect_datagrams(SOCKET s, SOCKET peer)
{
    address a = address_of(peer);
    return connect(s, &a.any, address_size(&a));
}

/* The next datagram, as soon as it is there, or the error. */
static const char *awaited(SOCKET s, int most, int flags)
{
    const char *text = NULL;
    until(strcmp(text = received(s, most, flags), "WSAEWOULDBLOCK") != 0);
    return text;
}

/* The state of the event object, and then what is reported. */
static const char *seen(SOCKET s, WSAEVENT e, const char *state)
{
    char *text = new_text();
    append(text, "%s, %s", state, report(s, e));
    return text;
}

static void events(int family)
{
    SOCKET s = new_datagrams(family), sender = new_datagrams(family);
    WSAEVENT e = new_event();
    enum { EVENTS = FD_READ | FD_WRITE | FD_CONNECT | FD_CLOSE };

    part("write");
    step("select: %s", outcome(WSAEventSelect(s, e, EVENTS)));
    step("no address: %s", seen(s, e, still(e)));
    bound(s, family);
    step("bound: %s", seen(s, e, still(e)));
    step("once: event object %s", still(e));
    send_to(s, s, "abc");
    step("to itself: %s", seen(s, e, soon(e)));
    step("received: %s", received(s, 10, 0));
    step("event object %s", still(e));

    part("read");
    send_to(sender, s, "one");
    step("a datagram: %s", seen(s, e, soon(e)));
    step("event object %s", still(e));
    send_to(sender, s, "two");
    step("another, and none was received: %s", seen(s, e, still(e)));
    step("received: %s", received(s, 10, 0));
    step("there is more: %s", seen(s, e, soon(e)));
    step("received: %s", received(s, 10, 0));
    step("there is no more: event object %s", still(e));
    step("received: %s", received(s, 10, 0));
    send_to(sender, s, "three");
    send_to(sender, s, "four");
    Sleep(PAUSE);
    step("two at once: %s", seen(s, e, soon(e)));
    step("received: %s", received(s, 10, 0));
    step("received: %s", received(s, 10, 0));
    step("reported: %s", report(s, e));
    closesocket(s);
    closesocket(sender);

    part("implicit");
    s = new_datagrams(family);
    sender = bound(new_datagrams(family), family);
    must(WSAEventSelect(s, e, EVENTS) == 0, "WSAEventSelect");
    send_to(s, sender, "abc"); /* gives it an address */
    step("sent: %s", seen(s, e, soon(e)));
    closesocket(s);

    part("connect");
    s = new_datagrams(family);
    must(WSAEventSelect(s, e, EVENTS) == 0, "WSAEventSelect");
    step("connect: %s", outcome(connect_datagrams(s, sender)));
    step("%s", seen(s, e, soon(e)));
    step("event object %s", still(e));
    send_to(sender, s, "abc");
    step("a datagram: %s", seen(s, e, soon(e)));
    closesocket(s);
    closesocket(sender);
    WSACloseEvent(e);
}

static void contents(int family)
{
    SOCKET s = bound(new_datagrams(family), family), sender = bound(new_datagrams(family), family);
    address from, expected = address_of(sender), to = address_of(s);
    int from_size = sizeof from, length;
    char buffer[16] = "---------";
    WSAEVENT e = new_event();

    part("contents");
    send_to(sender, s, "abc");
    memset(&from, 0, sizeof from);
    until((length = recvfrom(s, buffer, sizeof buffer, 0, &from.any, &from_size)) != SOCKET_ERROR);
    step("recvfrom: %d bytes, from the sender: %d, in %s bytes", length,
        memcmp(&from, &expected, (size_t)from_size) == 0, from_size == address_size(&expected) ? "so many" : "other");
    send_to(sender, s, "abcdef");
    memset(buffer, '-', sizeof buffer);
    until((length = recv(s, buffer, 3, 0)) != SOCKET_ERROR || WSAGetLastError() != WSAEWOULDBLOCK);
    step("6 bytes in a buffer of 3: %s", outcome(length));
    step("in the buffer: %.5s", buffer);
    step("the rest is gone: %s", received(s, 10, 0));
    send_to(sender, s, "abcdef");
    step("a look: %s", awaited(s, 10, MSG_PEEK));
    step("at a part: %s", received(s, 3, MSG_PEEK));
    step("received: %s", received(s, 10, 0));
    step("sendto of nothing: %s", outcome(sendto(sender, "", 0, 0, &to.any, address_size(&to))));
    step("received: %s", awaited(s, 10, 0));
    step("received: %s", received(s, 10, 0));
    must(WSAEventSelect(s, e, FD_READ) == 0, "WSAEventSelect");
    send_to(sender, s, "");
    step("an empty one: %s", seen(s, e, soon(e)));
    send_to(sender, s, "abc");
    step("received: %s", received(s, 10, 0));
    step("reported: %s", report(s, e));
    step("received: %s", received(s, 10, 0));
    closesocket(s);
    closesocket(sender);
    WSACloseEvent(e);
}

static void connected(int family)
{
    SOCKET s = bound(new_datagrams(family), family), peer = bound(new_datagrams(family), family);
    SOCKET stranger = bound(new_datagrams(family), family);
    address a = address_of(stranger), none, null, got, peers = address_of(peer);
    int size = sizeof got;
    memset(&none, 0, sizeof none);
    none.any.sa_family = AF_UNSPEC;
    null = none;
    null.any.sa_family = (ADDRESS_FAMILY)family;
    memset(&got, 0, sizeof got);

    part("connected");
    step("send: %s", outcome(send(s, "abc", 3, 0)));
    step("connect: %s", outcome(connect_datagrams(s, peer)));
    step("getpeername: %s", outcome(getpeername(s, &got.any, &size)));
    step("the peer: %s", memcmp(&got, &peers, (size_t)address_size(&peers)) == 0 ? "yes" : "no");
    step("send: %s", outcome(send(s, "abc", 3, 0)));
    step("the peer has received: %s", awaited(peer, 10, 0));
    send_to(stranger, s, "from a stranger");
    send_to(peer, s, "from the peer");
    step("received: %s", awaited(s, 20, 0));
    step("received: %s", received(s, 20, 0));
    step("sendto somebody else: %s", outcome(sendto(s, "abc", 3, 0, &a.any, address_size(&a))));
    step("the stranger has received: %s", awaited(stranger, 10, 0));
    step("connect to the stranger: %s", outcome(connect_datagrams(s, stranger)));
    step("send: %s", outcome(send(s, "def", 3, 0)));
    step("the stranger has received: %s", awaited(stranger, 10, 0));
    step("connect to AF_UNSPEC: %s", outcome(connect(s, &none.any, address_size(&a))));
    size = sizeof got;
    step("getpeername: %s", outcome(getpeername(s, &got.any, &size)));
    step("send: %s", outcome(send(s, "abc", 3, 0)));
    step("connect: %s", outcome(connect_datagrams(s, peer)));
    step("connect to the null address: %s", outcome(connect(s, &null.any, address_size(&a))));
    step("send: %s", outcome(send(s, "abc", 3, 0)));
    closesocket(s);
    closesocket(peer);
    closesocket(stranger);
}

/* Where nobody is, the next receive says so, once. */
static void unreachable(int family)
{
    SOCKET s = bound(new_datagrams(family), family), nobody = bound(new_datagrams(family), family);
    address a = address_of(nobody);
    WSAEVENT e = new_event();
    closesocket(nobody);

    part("unreachable");
    step("sendto: %s", outcome(sendto(s, "abc", 3, 0, &a.any, address_size(&a))));
    Sleep(PAUSE);
    step("received: %s", received(s, 10, 0));
    step("received: %s", received(s, 10, 0));
    step("connect: %s", outcome(connect(s, &a.any, address_size(&a))));
    step("send: %s", outcome(send(s, "abc", 3, 0)));
    Sleep(PAUSE);
    step("send: %s", outcome(send(s, "abc", 3, 0)));
    Sleep(PAUSE);
    step("received: %s", received(s, 10, 0));
    must(WSAEventSelect(s, e, FD_READ) == 0, "WSAEventSelect");
    step("send: %s", outcome(send(s, "abc", 3, 0)));
    step("event: %s", seen(s, e, still(e)));
    closesocket(s);
    WSACloseEvent(e);
}

static void refused(int family)
{
    SOCKET s = new_datagrams(family), other = bound(new_datagrams(family), family);
    address broadcast = loopback(AF_INET), again = loopback(family);
    broadcast.v4.sin_addr.s_addr = htonl(INADDR_BROADCAST);
    broadcast.v4.sin_port = htons(9);

    part("refused");
    step("received without an address: %s", received(s, 10, 0));
    bound(s, family);
    step("bind, again: %s", outcome(bind(s, &again.any, address_size(&again))));
    if (family == AF_INET)
        step("broadcast: %s", outcome(sendto(other, "abc", 3, 0, &broadcast.any, address_size(&broadcast))));
    step("shutdown for receiving: %s", outcome(shutdown(other, SD_RECEIVE)));
    step("received: %s", received(other, 10, 0));
    send_to(other, s, "abc");
    step("shutdown for sending: %s", outcome(shutdown(other, SD_SEND)));
    step("send: %s", outcome(send(other, "abc", 3, 0)));
    closesocket(s);
    closesocket(other);
}

int main(void)
{
    static const int families[] = {AF_INET, AF_INET6};
    int i;
    begin();
    for (i = 0; i < 2; i++) {
        family_name = i == 0 ? "v4" : "v6";
        events(families[i]);
        contents(families[i]);
        connected(families[i]);
        unreachable(families[i]);
        refused(families[i]);
    }
    return finish();
}
