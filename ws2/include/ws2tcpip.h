/* ws2tcpip.h for Linux and macOS: what winsock2.h leaves out, mostly IPv6. */
#ifndef _WS2TCPIP_H_
#define _WS2TCPIP_H_

#include "winsock2.h"

#undef INET_ADDRSTRLEN
#undef INET6_ADDRSTRLEN
#undef IN6ADDR_ANY_INIT
#undef IN6ADDR_LOOPBACK_INIT
#undef IP_TOS
#undef IP_TTL
#undef IPV6_UNICAST_HOPS
#undef IPV6_V6ONLY

#define socklen_t ws2_socklen_t
#define in6addr_any ws2_in6addr_any
#define in6addr_loopback ws2_in6addr_loopback
#define inet_ntop ws2_inet_ntop
#define inet_pton ws2_inet_pton

typedef int socklen_t;

#define INET_ADDRSTRLEN 22
#define INET6_ADDRSTRLEN 65

#define IP_TOS 3
#define IP_TTL 4
#define IPV6_UNICAST_HOPS 4
#define IPV6_V6ONLY 27

#define IN6ADDR_ANY_INIT { { { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 } } }
#define IN6ADDR_LOOPBACK_INIT { { { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 } } }
static const struct in6_addr in6addr_any = IN6ADDR_ANY_INIT;
static const struct in6_addr in6addr_loopback = IN6ADDR_LOOPBACK_INIT;

#ifdef __cplusplus
extern "C" {
#endif

INT inet_pton(INT Family, PCSTR pszAddrString, PVOID pAddrBuf);
PCSTR inet_ntop(INT Family, LPCVOID pAddr, PSTR pStringBuf, size_t StringBufSize);

#ifdef __cplusplus
}
#endif

#define InetPtonA inet_pton
#define InetNtopA inet_ntop
#ifndef UNICODE
#define InetPton InetPtonA
#define InetNtop InetNtopA
#endif

#endif
