/* The headers' constants, types and structures: each as a number, which must be that of Windows' own headers. Other
 * headers of the system, before or after them, change none.
 */
#ifdef _WIN32
#define _WIN32_WINNT 0x0A00 /* all constants */
#endif
#include <winsock2.h>
#include <ws2tcpip.h>

#ifndef _WIN32
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#endif
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __cplusplus
#include <functional>

static int difference(int a, int b)
{
    return a - b;
}

/* That bind is Winsock's does not matter here. */
static int bound_difference(void)
{
    return std::bind(difference, 7, std::placeholders::_1)(2);
}
#else
static int bound_difference(void)
{
    return 5;
}
#endif

#define V(constant) printf("%s: %lld\n", #constant, (long long)(constant))
#define T(type) printf("%s: %d bytes, %s\n", #type, (int)sizeof(type), (type)-1 < (type)1 ? "signed" : "unsigned")
#define S(type) printf("%s: %d bytes\n", #type, (int)sizeof(type))
#define M(type, member) \
    printf("%s.%s: %d bytes at %d\n", #type, #member, (int)sizeof(((type *)0)->member), (int)offsetof(type, member))

static void constants(void)
{
    V(TRUE); V(FALSE); V(NO_ERROR); V(ERROR_SUCCESS); V(ERROR_FILE_NOT_FOUND); V(ERROR_ACCESS_DENIED);
    V(ERROR_INVALID_HANDLE); V(ERROR_NOT_ENOUGH_MEMORY); V(ERROR_NOT_SUPPORTED); V(ERROR_INVALID_PARAMETER);
    V(ERROR_CALL_NOT_IMPLEMENTED); V(ERROR_ALREADY_EXISTS); V(ERROR_OPERATION_ABORTED); V(ERROR_IO_INCOMPLETE);
    V(ERROR_IO_PENDING); V(INVALID_HANDLE_VALUE); V(INFINITE); V(MAXIMUM_WAIT_OBJECTS); V(WAIT_OBJECT_0); V(WAIT_ABANDONED);
    V(WAIT_ABANDONED_0); V(WAIT_IO_COMPLETION); V(WAIT_TIMEOUT); V(WAIT_FAILED); V(FD_SETSIZE); V(WSADESCRIPTION_LEN);
    V(WSASYS_STATUS_LEN); V(FD_MAX_EVENTS); V(MAX_PROTOCOL_CHAIN); V(WSAPROTOCOL_LEN); V(WINSOCK_VERSION);
    V(INVALID_SOCKET); V(SOCKET_ERROR); V(AF_UNSPEC); V(AF_UNIX); V(AF_INET); V(AF_INET6); V(PF_UNSPEC); V(PF_UNIX);
    V(PF_INET); V(PF_INET6); V(SOCK_STREAM); V(SOCK_DGRAM); V(SOCK_RAW); V(SOCK_RDM); V(SOCK_SEQPACKET);
    V(IPPROTO_IP); V(IPPROTO_ICMP); V(IPPROTO_TCP); V(IPPROTO_UDP); V(IPPROTO_IPV6); V(IPPROTO_ICMPV6);
    V(IPPROTO_RAW); V(INADDR_ANY); V(INADDR_LOOPBACK); V(INADDR_BROADCAST); V(INADDR_NONE); V(ADDR_ANY); V(SOMAXCONN);
    V(SOL_SOCKET); V(SO_DEBUG); V(SO_ACCEPTCONN); V(SO_REUSEADDR); V(SO_KEEPALIVE); V(SO_DONTROUTE); V(SO_BROADCAST);
    V(SO_USELOOPBACK); V(SO_LINGER); V(SO_OOBINLINE); V(SO_DONTLINGER); V(SO_EXCLUSIVEADDRUSE); V(SO_SNDBUF);
    V(SO_RCVBUF); V(SO_SNDLOWAT); V(SO_RCVLOWAT); V(SO_SNDTIMEO); V(SO_RCVTIMEO); V(SO_ERROR); V(SO_TYPE);
    V(SO_GROUP_ID); V(SO_GROUP_PRIORITY); V(SO_MAX_MSG_SIZE); V(SO_PROTOCOL_INFOA); V(SO_PROTOCOL_INFOW);
    V(PVD_CONFIG); V(SO_CONDITIONAL_ACCEPT); V(TCP_NODELAY); V(MSG_OOB); V(MSG_PEEK); V(MSG_DONTROUTE);
    V(MSG_WAITALL); V(MSG_INTERRUPT); V(MSG_PUSH_IMMEDIATE); V(MSG_PARTIAL); V(MSG_MAXIOVLEN); V(SD_RECEIVE);
    V(SD_SEND); V(SD_BOTH); V(FD_READ_BIT); V(FD_READ); V(FD_WRITE_BIT); V(FD_WRITE); V(FD_OOB_BIT); V(FD_OOB);
    V(FD_ACCEPT_BIT); V(FD_ACCEPT); V(FD_CONNECT_BIT); V(FD_CONNECT); V(FD_CLOSE_BIT); V(FD_CLOSE); V(FD_QOS_BIT);
    V(FD_QOS); V(FD_GROUP_QOS_BIT); V(FD_GROUP_QOS); V(FD_ROUTING_INTERFACE_CHANGE_BIT);
    V(FD_ROUTING_INTERFACE_CHANGE); V(FD_ADDRESS_LIST_CHANGE_BIT); V(FD_ADDRESS_LIST_CHANGE); V(FD_ALL_EVENTS);
    V(POLLERR); V(POLLHUP); V(POLLNVAL); V(POLLWRNORM); V(POLLOUT); V(POLLWRBAND); V(POLLRDNORM); V(POLLRDBAND);
    V(POLLIN); V(POLLPRI); V(WSA_IO_PENDING); V(WSA_IO_INCOMPLETE); V(WSA_INVALID_HANDLE); V(WSA_INVALID_PARAMETER);
    V(WSA_NOT_ENOUGH_MEMORY); V(WSA_OPERATION_ABORTED); V(WSA_INVALID_EVENT); V(WSA_MAXIMUM_WAIT_EVENTS);
    V(WSA_WAIT_FAILED); V(WSA_WAIT_EVENT_0); V(WSA_WAIT_IO_COMPLETION); V(WSA_WAIT_TIMEOUT); V(WSA_INFINITE);
    V(CF_ACCEPT); V(CF_REJECT); V(CF_DEFER); V(WSA_FLAG_OVERLAPPED); V(WSA_FLAG_MULTIPOINT_C_ROOT);
    V(WSA_FLAG_MULTIPOINT_C_LEAF); V(WSA_FLAG_MULTIPOINT_D_ROOT); V(WSA_FLAG_MULTIPOINT_D_LEAF);
    V(WSA_FLAG_ACCESS_SYSTEM_SECURITY); V(WSA_FLAG_NO_HANDLE_INHERIT); V(FROM_PROTOCOL_INFO); V(BASE_PROTOCOL);
    V(BIGENDIAN); V(LITTLEENDIAN); V(SECURITY_PROTOCOL_NONE); V(PFL_MULTIPLE_PROTO_ENTRIES);
    V(PFL_RECOMMENDED_PROTO_ENTRY); V(PFL_HIDDEN); V(PFL_MATCHES_PROTOCOL_ZERO); V(XP1_CONNECTIONLESS);
    V(XP1_GUARANTEED_DELIVERY); V(XP1_GUARANTEED_ORDER); V(XP1_MESSAGE_ORIENTED); V(XP1_PSEUDO_STREAM);
    V(XP1_GRACEFUL_CLOSE); V(XP1_EXPEDITED_DATA); V(XP1_SUPPORT_BROADCAST); V(XP1_SUPPORT_MULTIPOINT);
    V(XP1_IFS_HANDLES); V(FIONBIO); V(FIONREAD); V(FIOASYNC); V(SIOCATMARK); V(IOC_VOID); V(IOC_OUT); V(IOC_IN);
    V(IOC_INOUT); V(IOC_UNIX); V(IOC_WS2); V(IOC_PROTOCOL); V(IOC_VENDOR); V(SIO_ASSOCIATE_HANDLE);
    V(SIO_ENABLE_CIRCULAR_QUEUEING); V(SIO_FIND_ROUTE); V(SIO_FLUSH); V(SIO_GET_BROADCAST_ADDRESS);
    V(SIO_GET_EXTENSION_FUNCTION_POINTER); V(SIO_GET_QOS); V(SIO_GET_GROUP_QOS); V(SIO_MULTIPOINT_LOOPBACK);
    V(SIO_MULTICAST_SCOPE); V(SIO_SET_QOS); V(SIO_SET_GROUP_QOS); V(SIO_TRANSLATE_HANDLE);
    V(SIO_ROUTING_INTERFACE_QUERY); V(SIO_ROUTING_INTERFACE_CHANGE); V(SIO_ADDRESS_LIST_QUERY);
    V(SIO_ADDRESS_LIST_CHANGE); V(WSABASEERR); V(WSAEINTR); V(WSAEBADF); V(WSAEACCES); V(WSAEFAULT); V(WSAEINVAL);
    V(WSAEMFILE); V(WSAEWOULDBLOCK); V(WSAEINPROGRESS); V(WSAEALREADY); V(WSAENOTSOCK); V(WSAEDESTADDRREQ);
    V(WSAEMSGSIZE); V(WSAEPROTOTYPE); V(WSAENOPROTOOPT); V(WSAEPROTONOSUPPORT); V(WSAESOCKTNOSUPPORT);
    V(WSAEOPNOTSUPP); V(WSAEPFNOSUPPORT); V(WSAEAFNOSUPPORT); V(WSAEADDRINUSE); V(WSAEADDRNOTAVAIL); V(WSAENETDOWN);
    V(WSAENETUNREACH); V(WSAENETRESET); V(WSAECONNABORTED); V(WSAECONNRESET); V(WSAENOBUFS); V(WSAEISCONN);
    V(WSAENOTCONN); V(WSAESHUTDOWN); V(WSAETOOMANYREFS); V(WSAETIMEDOUT); V(WSAECONNREFUSED); V(WSAELOOP);
    V(WSAENAMETOOLONG); V(WSAEHOSTDOWN); V(WSAEHOSTUNREACH); V(WSAENOTEMPTY); V(WSAEPROCLIM); V(WSAEUSERS);
    V(WSAEDQUOT); V(WSAESTALE); V(WSAEREMOTE); V(WSASYSNOTREADY); V(WSAVERNOTSUPPORTED); V(WSANOTINITIALISED);
    V(WSAEDISCON); V(WSAENOMORE); V(WSAECANCELLED); V(WSAEINVALIDPROCTABLE); V(WSAEINVALIDPROVIDER);
    V(WSAEPROVIDERFAILEDINIT); V(WSASYSCALLFAILURE); V(WSASERVICE_NOT_FOUND); V(WSATYPE_NOT_FOUND); V(WSA_E_NO_MORE);
    V(WSA_E_CANCELLED); V(WSAEREFUSED); V(WSAHOST_NOT_FOUND); V(WSATRY_AGAIN); V(WSANO_RECOVERY); V(WSANO_DATA);
    V(INET_ADDRSTRLEN); V(INET6_ADDRSTRLEN); V(IP_TOS); V(IP_TTL); V(IPV6_UNICAST_HOPS); V(IPV6_V6ONLY);
}

static void types(void)
{
    T(CHAR); T(WCHAR); T(BYTE); T(UCHAR); T(SHORT); T(WORD); T(USHORT); T(INT); T(BOOL); T(UINT); T(LONG); T(DWORD);
    T(ULONG); T(LONGLONG); T(ULONGLONG); T(DWORD64); T(INT_PTR); T(LONG_PTR); T(LPARAM); T(UINT_PTR); T(ULONG_PTR);
    T(DWORD_PTR); T(WPARAM); T(SIZE_T); T(u_char); T(u_short); T(u_int); T(u_long); T(SOCKET); T(GROUP);
    T(ADDRESS_FAMILY); T(SERVICETYPE); T(socklen_t);
    S(HANDLE); S(WSAEVENT); S(HWND); S(LPVOID);
    S(GUID); M(GUID, Data1); M(GUID, Data2); M(GUID, Data3); M(GUID, Data4);
    S(SECURITY_ATTRIBUTES); M(SECURITY_ATTRIBUTES, nLength); M(SECURITY_ATTRIBUTES, lpSecurityDescriptor);
        M(SECURITY_ATTRIBUTES, bInheritHandle);
    S(struct fd_set); M(struct fd_set, fd_count); M(struct fd_set, fd_array);
    S(struct in_addr); M(struct in_addr, s_addr); M(struct in_addr, S_un.S_un_b.s_b1);
        M(struct in_addr, S_un.S_un_b.s_b4); M(struct in_addr, S_un.S_un_w.s_w2);
    S(struct in6_addr); M(struct in6_addr, s6_addr); M(struct in6_addr, u.Byte); M(struct in6_addr, u.Word);
        M(struct in6_addr, s6_bytes); M(struct in6_addr, s6_words);
    S(struct sockaddr); M(struct sockaddr, sa_family); M(struct sockaddr, sa_data);
    S(struct sockaddr_in); M(struct sockaddr_in, sin_family); M(struct sockaddr_in, sin_port);
        M(struct sockaddr_in, sin_addr); M(struct sockaddr_in, sin_zero);
    S(struct sockaddr_in6); M(struct sockaddr_in6, sin6_family); M(struct sockaddr_in6, sin6_port);
        M(struct sockaddr_in6, sin6_flowinfo); M(struct sockaddr_in6, sin6_addr);
        M(struct sockaddr_in6, sin6_scope_id);
    S(struct sockaddr_storage); M(struct sockaddr_storage, ss_family);
    S(struct linger); M(struct linger, l_onoff); M(struct linger, l_linger);
    S(struct pollfd); M(struct pollfd, fd); M(struct pollfd, events); M(struct pollfd, revents);
    S(WSADATA); M(WSADATA, wVersion); M(WSADATA, wHighVersion); M(WSADATA, szDescription); M(WSADATA, szSystemStatus);
        M(WSADATA, iMaxSockets); M(WSADATA, iMaxUdpDg); M(WSADATA, lpVendorInfo);
    S(WSABUF); M(WSABUF, len); M(WSABUF, buf);
    S(FLOWSPEC); M(FLOWSPEC, TokenRate); M(FLOWSPEC, TokenBucketSize); M(FLOWSPEC, PeakBandwidth);
        M(FLOWSPEC, Latency); M(FLOWSPEC, DelayVariation); M(FLOWSPEC, ServiceType); M(FLOWSPEC, MaxSduSize);
        M(FLOWSPEC, MinimumPolicedSize);
    S(QOS); M(QOS, SendingFlowspec); M(QOS, ReceivingFlowspec); M(QOS, ProviderSpecific);
    S(WSANETWORKEVENTS); M(WSANETWORKEVENTS, lNetworkEvents); M(WSANETWORKEVENTS, iErrorCode);
    S(WSAPROTOCOLCHAIN); M(WSAPROTOCOLCHAIN, ChainLen); M(WSAPROTOCOLCHAIN, ChainEntries);
    S(WSAPROTOCOL_INFOA); M(WSAPROTOCOL_INFOA, dwServiceFlags1); M(WSAPROTOCOL_INFOA, dwServiceFlags2);
        M(WSAPROTOCOL_INFOA, dwServiceFlags3); M(WSAPROTOCOL_INFOA, dwServiceFlags4);
        M(WSAPROTOCOL_INFOA, dwProviderFlags); M(WSAPROTOCOL_INFOA, ProviderId);
        M(WSAPROTOCOL_INFOA, dwCatalogEntryId); M(WSAPROTOCOL_INFOA, ProtocolChain); M(WSAPROTOCOL_INFOA, iVersion);
        M(WSAPROTOCOL_INFOA, iAddressFamily); M(WSAPROTOCOL_INFOA, iMaxSockAddr); M(WSAPROTOCOL_INFOA, iMinSockAddr);
        M(WSAPROTOCOL_INFOA, iSocketType); M(WSAPROTOCOL_INFOA, iProtocol); M(WSAPROTOCOL_INFOA, iProtocolMaxOffset);
        M(WSAPROTOCOL_INFOA, iNetworkByteOrder); M(WSAPROTOCOL_INFOA, iSecurityScheme);
        M(WSAPROTOCOL_INFOA, dwMessageSize); M(WSAPROTOCOL_INFOA, dwProviderReserved);
        M(WSAPROTOCOL_INFOA, szProtocol);
    S(WSAPROTOCOL_INFOW); M(WSAPROTOCOL_INFOW, dwServiceFlags1); M(WSAPROTOCOL_INFOW, dwServiceFlags2);
        M(WSAPROTOCOL_INFOW, dwServiceFlags3); M(WSAPROTOCOL_INFOW, dwServiceFlags4);
        M(WSAPROTOCOL_INFOW, dwProviderFlags); M(WSAPROTOCOL_INFOW, ProviderId);
        M(WSAPROTOCOL_INFOW, dwCatalogEntryId); M(WSAPROTOCOL_INFOW, ProtocolChain); M(WSAPROTOCOL_INFOW, iVersion);
        M(WSAPROTOCOL_INFOW, iAddressFamily); M(WSAPROTOCOL_INFOW, iMaxSockAddr); M(WSAPROTOCOL_INFOW, iMinSockAddr);
        M(WSAPROTOCOL_INFOW, iSocketType); M(WSAPROTOCOL_INFOW, iProtocol); M(WSAPROTOCOL_INFOW, iProtocolMaxOffset);
        M(WSAPROTOCOL_INFOW, iNetworkByteOrder); M(WSAPROTOCOL_INFOW, iSecurityScheme);
        M(WSAPROTOCOL_INFOW, dwMessageSize); M(WSAPROTOCOL_INFOW, dwProviderReserved);
        M(WSAPROTOCOL_INFOW, szProtocol);
}

/* What Winsock programs define for themselves, because Windows has no such function. */
static int inet_aton(const char *text, struct in_addr *address)
{
    return inet_pton(AF_INET, text, address);
}

static int poll(WSAPOLLFD *fds, ULONG count, int timeout)
{
    return WSAPoll(fds, count, timeout);
}

static int socketpair(SOCKET *pair)
{
    pair[0] = socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
    pair[1] = INVALID_SOCKET;
    return pair[0] == INVALID_SOCKET ? SOCKET_ERROR : 0;
}

/* Names that the C library has as well. Before WSAStartup the calls do nothing. */
static void calls(void)
{
    SOCKET pair[2];
    struct in_addr address;
    WSAPOLLFD fd = {INVALID_SOCKET, POLLIN, 0};
    printf("socket: %d\n", socketpair(pair));
    printf("poll: %d\n", poll(&fd, 1, 0));
    printf("inet_pton: %d\n", inet_aton("127.0.0.1", &address));
}

static void macros(void)
{
    fd_set set;
    u_int i;
    printf("bytes of a word: %d %d %d %d\n", MAKEWORD(2, 1), LOBYTE(0x1234), HIBYTE(0x1234), HIWORD(0x12345678));
    printf("words: %d %d %d\n", (int)MAKELONG(0x1234, 0x8765), LOWORD(0x12345678), WSAGETSELECTERROR(0x27460020));
    printf("byte order: %d %u %d %u\n", htons(0x1234), (unsigned)htonl(0x12345678), ntohs(0x1234),
        (unsigned)ntohl(0x12345678));
    FD_ZERO(&set);
    for (i = 1; i <= FD_SETSIZE + 2; i++) {
        FD_SET(4 * i, &set);
        FD_SET(4 * i, &set);
    }
    printf("a full set: %u, %d %d\n", set.fd_count - FD_SETSIZE, FD_ISSET(4 * FD_SETSIZE, &set) != 0,
        FD_ISSET(4 * FD_SETSIZE + 4, &set) != 0);
    FD_CLR(8, &set);
    FD_CLR(9, &set);
    printf("one less: %u, %d %d %d\n", FD_SETSIZE - set.fd_count, (int)set.fd_array[0], (int)set.fd_array[1],
        (int)set.fd_array[2]);
    printf("in6addr_any: %d, loopback: %d\n", in6addr_any.s6_addr[15], in6addr_loopback.s6_addr[15]);
    printf("std::bind: %d\n", bound_difference());
}

int main(void)
{
    constants();
    types();
    macros();
    calls();
    return 0;
}
