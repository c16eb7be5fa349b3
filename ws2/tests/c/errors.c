/* The calls on sockets with each mistake that their reference pages name: no sockets, families, types, protocols, bad
 * pointers and lengths, unknown flags, and calls in the wrong state of the socket.
 */
#include "steps.h"

#include "refusals.h"

static address v4, v6, got;
static int size;
static char bytes[70000];

static void no_sockets(void)
{
    SOCKET closed = new_socket(AF_INET, SOCK_STREAM);
    WSAEVENT event = new_event();
    must(closesocket(closed) == 0, "closesocket");

    section("no_socket");
    every_call(0);
    every_call(INVALID_SOCKET);
    every_call(INVALID_SOCKET - 3); /* a multiple of 4, as handles are */
    every_call(closed);
    every_call((SOCKET)event);
    SHOW(WSAEnumNetworkEvents(INVALID_SOCKET, NULL, NULL));
    SHOW(WSAEventSelect(INVALID_SOCKET, NULL, FD_READ));
    WSACloseEvent(event);
}

static void sockets(void)
{
    section("socket");
    SHOW_SOCKET(socket(AF_INET, SOCK_STREAM, IPPROTO_TCP));
    SHOW_SOCKET(socket(AF_INET6, SOCK_DGRAM, IPPROTO_UDP));
    SHOW_SOCKET(socket(AF_INET, 0, IPPROTO_TCP));
    SHOW_SOCKET(socket(AF_UNSPEC, 0, 0));
    SHOW_SOCKET(socket(1000, SOCK_STREAM, IPPROTO_TCP));
    SHOW_SOCKET(socket(-1, SOCK_STREAM, IPPROTO_TCP));
    SHOW_SOCKET(socket(AF_INET, 1000, IPPROTO_TCP));
    SHOW_SOCKET(socket(AF_INET, -1, IPPROTO_UDP));
    SHOW_SOCKET(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP));
    SHOW_SOCKET(socket(AF_INET, SOCK_DGRAM, IPPROTO_TCP));
    SHOW_SOCKET(socket(AF_INET, SOCK_STREAM, 1000));
    SHOW_SOCKET(socket(AF_INET, SOCK_STREAM, -1));
    SHOW_SOCKET(WSASocket(AF_INET, 0, 1000, NULL, 0, 0));
}

static void addresses(void)
{
    SOCKET s = new_socket(AF_INET, SOCK_STREAM), other = new_socket(AF_INET, SOCK_STREAM);
    SOCKET third = new_socket(AF_INET6, SOCK_STREAM), listener = new_listener(AF_INET);
    SOCKET datagrams = new_socket(AF_INET, SOCK_DGRAM);
    address unknown_family = v4, elsewhere = v4, broadcast = v4, taken, in_use = address_of(listener);
    broadcast.v4.sin_addr.s_addr = htonl(INADDR_BROADCAST);
    unknown_family.any.sa_family = 1000;
    elsewhere.v4.sin_addr.s_addr = htonl(0xC0000200); /* 192.0.2.0 is for documentation: nobody has it */

    section("bind");
    SHOW(bind(s, NULL, 0));
    SHOW(bind(s, NULL, sizeof v4.v4));
    SHOW(bind(s, &v4.any, 0));
    SHOW(bind(s, &v4.any, sizeof v4.v4 - 1));
    SHOW(bind(s, &v6.any, sizeof v6.v6));
    SHOW(bind(s, &unknown_family.any, sizeof v4.v4));
    SHOW(bind(s, &elsewhere.any, sizeof v4.v4));
    SHOW(bind(s, &in_use.any, sizeof v4.v4));
    SHOW(bind(s, &v4.any, sizeof v4.v4));
    SHOW(bind(s, &v4.any, sizeof v4.v4));
    taken = address_of(s);
    SHOW(bind(other, &taken.any, sizeof v4.v4));
    SHOW(bind(third, &v4.any, sizeof v4.v4));
    SHOW(bind(third, &v6.any, sizeof v6.v6 - 1));
    SHOW(bind(datagrams, &broadcast.any, sizeof v4.v4));
    set_option(datagrams, SOL_SOCKET, SO_BROADCAST, 1);
    SHOW(bind(datagrams, &broadcast.any, sizeof v4.v4));
    closesocket(datagrams);

    section("connect");
    SHOW(connect(s, NULL, sizeof v4.v4));
    SHOW(connect(s, &in_use.any, sizeof v4.v4 - 1));
    SHOW(connect(s, &v6.any, sizeof v6.v6));
    SHOW(connect(s, &unknown_family.any, sizeof v4.v4));
    SHOW(connect(listener, &in_use.any, sizeof v4.v4));
    SHOW(connect(other, &v4.any, sizeof v4.v4)); /* port 0 */
    SHOW(connect(s, &in_use.any, sizeof v4.v4));
    SHOW(connect(s, &in_use.any, sizeof v4.v4));
    closesocket(s);
    s = new_socket(AF_INET, SOCK_STREAM);
    in_use.v4.sin_addr.s_addr = htonl(INADDR_ANY);
    SHOW(connect(s, &in_use.any, sizeof v4.v4));

    closesocket(s);
    closesocket(other);
    closesocket(third);
    closesocket(listener);
}

static void names(void)
{
    SOCKET s = new_socket(AF_INET, SOCK_STREAM), connected, accepted;
    new_pair(AF_INET, &connected, &accepted);

    section("names");
    size = sizeof got;
    SHOW(getsockname(s, &got.any, &size));
    SHOW(getpeername(s, &got.any, &size));
    bound(s, AF_INET);
    SHOW(getpeername(s, &got.any, &size));
    SHOW(getsockname(s, NULL, &size));
    SHOW(getsockname(s, &got.any, NULL));
    SHOW(getpeername(connected, NULL, &size));
    SHOW(getpeername(connected, &got.any, NULL));
    size = sizeof v4.v4 - 1;
    SHOW(getsockname(s, &got.any, &size));
    SHOW(getpeername(connected, &got.any, &size));
    step("the length: %d", size);
    size = 0;
    SHOW(getsockname(s, &got.any, &size));
    SHOW(getpeername(connected, &got.any, &size));

    closesocket(s);
    closesocket(connected);
    closesocket(accepted);
}

static void listen_and_accept(void)
{
    SOCKET unbound = new_socket(AF_INET, SOCK_STREAM), datagrams = bound(new_socket(AF_INET, SOCK_DGRAM), AF_INET);
    SOCKET connected, accepted, listener = new_listener(AF_INET);
    new_pair(AF_INET, &connected, &accepted);

    section("listen");
    SHOW(listen(unbound, 1));
    SHOW(listen(connected, 1));
    SHOW(listen(accepted, 1));
    SHOW(listen(datagrams, 1));
    SHOW(listen(listener, 1));
    SHOW(listen(listener, SOMAXCONN));

    section("accept");
    SHOW_SOCKET(accept(unbound, NULL, NULL));
    SHOW_SOCKET(accept(connected, NULL, NULL));
    SHOW_SOCKET(accept(datagrams, NULL, NULL));
    must(set_nonblocking(listener, 1) == 0, "FIONBIO");
    SHOW_SOCKET(accept(listener, NULL, NULL));
    closesocket(connected);
    connected = new_client(listener);
    size = sizeof v4.v4 - 1;
    SHOW_SOCKET(accept(listener, &got.any, &size));
    step("the length: %d", size);

    closesocket(unbound);
    closesocket(datagrams);
    closesocket(connected);
    closesocket(accepted);
    closesocket(listener);
}

static void send_and_receive(void)
{
    SOCKET s = new_socket(AF_INET, SOCK_STREAM), datagrams = bound(new_socket(AF_INET, SOCK_DGRAM), AF_INET);
    SOCKET connected, accepted, listener = new_listener(AF_INET), unbound = new_socket(AF_INET, SOCK_DGRAM);
    SOCKET other, its_peer; /* may receive anything */
    address to = address_of(datagrams);
    new_pair(AF_INET, &connected, &accepted);
    new_pair(AF_INET, &other, &its_peer);
    must(set_nonblocking(s, 1) == 0 && set_nonblocking(listener, 1) == 0, "FIONBIO");
    must(set_nonblocking(accepted, 1) == 0 && set_nonblocking(datagrams, 1) == 0, "FIONBIO");

    section("send");
    SHOW(send(s, bytes, 1, 0));
    SHOW(send(listener, bytes, 1, 0));
    SHOW(send(datagrams, bytes, 1, 0));
    SHOW(send(connected, NULL, 1, 0));
    SHOW(send(connected, NULL, 0, 0));
    SHOW(send(other, bytes, -1, 0));
    SHOW(send(other, bytes, 1, 0x4000));
    SHOW(sendto(s, bytes, 1, 0, &to.any, sizeof to.v4));
    SHOW(sendto(unbound, NULL, 1, 0, &to.any, sizeof to.v4));
    SHOW(sendto(unbound, bytes, 1, 0, &to.any, sizeof to.v4 - 1));
    SHOW(sendto(unbound, bytes, 1, 0, &v6.any, sizeof v6.v6));
    SHOW(sendto(unbound, bytes, 1, MSG_OOB, &to.any, sizeof to.v4));
    SHOW(sendto(unbound, bytes, sizeof bytes, 0, &to.any, sizeof to.v4));

    section("recv");
    SHOW(recv(s, bytes, 1, 0));
    SHOW(recv(listener, bytes, 1, 0));
    SHOW(recv(accepted, bytes, 1, 0));
    SHOW(recv(accepted, bytes, 1, MSG_OOB));
    SHOW(recv(datagrams, bytes, 1, MSG_OOB));
    send_text(connected, "abc");
    until(unread(accepted) == 3);
    SHOW(recv(accepted, NULL, 1, 0));
    SHOW(recv(accepted, bytes, -1, 0));
    step("nothing is lost: %s", received(accepted, 10, 0));
    send_text(connected, "abc");
    until(unread(accepted) == 3);
    SHOW(recv(accepted, bytes, 1, 0x4000));
    SHOW(recvfrom(s, bytes, 1, 0, &got.any, &size));
    must(sendto(unbound, "abc", 3, 0, &to.any, sizeof to.v4) == 3, "sendto");
    until(unread(datagrams) > 0);
    size = sizeof v4.v4 - 1;
    SHOW(recvfrom(datagrams, bytes, 10, 0, &got.any, &size));

    section("shutdown");
    SHOW(shutdown(s, SD_BOTH));
    SHOW(shutdown(listener, SD_BOTH));
    SHOW(shutdown(connected, 3));
    SHOW(shutdown(connected, -1));
    SHOW(shutdown(connected, SD_SEND));
    SHOW(shutdown(connected, SD_SEND));
    SHOW(send(connected, bytes, 1, 0));
    SHOW(shutdown(connected, SD_RECEIVE));
    SHOW(recv(connected, bytes, 1, 0));

    closesocket(s);
    closesocket(datagrams);
    closesocket(unbound);
    closesocket(connected);
    closesocket(accepted);
    closesocket(other);
    closesocket(its_peer);
    closesocket(listener);
}

int main(void)
{
    begin();
    survive_faults();
    v4 = loopback(AF_INET);
    v6 = loopback(AF_INET6);
    no_sockets();
    sockets();
    addresses();
    names();
    listen_and_accept();
    send_and_receive();
    return finish();
}
