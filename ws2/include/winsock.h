/* winsock.h for Linux and macOS: the interface of Windows Sockets 2, which contains that of 1.1. */
#include "winsock2.h"
