/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TCP sockets that are prepared before the runtime gets them: it can neither open one without
 * connecting it at once, nor hold a port that others shall listen on. Addresses are 16 bytes, IPv4
 * in the first four; families are 4 and 6.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "shim.h"

union any_address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static socklen_t fill(union any_address *to, uint32_t family, const uint8_t *address, uint32_t port)
{
	memset(to, 0, sizeof(*to));
	if (family == 4) {
		to->v4.sin_family = AF_INET;
		to->v4.sin_port = htons(port);
		memcpy(&to->v4.sin_addr, address, 4);
		return sizeof(to->v4);
	}
	to->v6.sin6_family = AF_INET6;
	to->v6.sin6_port = htons(port);
	memcpy(&to->v6.sin6_addr, address, 16);
	return sizeof(to->v6);
}

static int enable(int fd, int level, int option)
{
	int on = 1;

	return setsockopt(fd, level, option, &on, sizeof(on)) ? -errno : 0;
}

/* The descriptor, or -errno and nothing open. */
static int keep(int fd, int error)
{
	if (error)
		close(fd);
	return error ? error : fd;
}

static int open_socket(uint32_t family)
{
	int fd = socket(family == 4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);

	return fd < 0 ? -errno : fd;
}

API int shim_stream_open(uint32_t family)
{
	int fd = open_socket(family);

	return fd < 0 ? fd : keep(fd, enable(fd, IPPROTO_TCP, TCP_NODELAY));
}

/* Takes the error that a socket holds: 0 or a positive errno. */
API int shim_socket_error(int fd)
{
	int error = 0;
	socklen_t length = sizeof(error);

	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) ? -errno : error;
}

/*
 * 0: connected; 1: it will be, or fail, later. Over loopback the handshake is done inside connect(),
 * which says EINPROGRESS all the same: so the socket is asked once.
 */
API int shim_stream_connect(int fd, uint32_t family, const uint8_t *address, uint32_t port)
{
	struct pollfd writable = {.fd = fd, .events = POLLOUT};
	union any_address to;
	socklen_t length = fill(&to, family, address, port);
	int error;

	if (connect(fd, &to.any, length) == 0)
		return 0;
	if (errno != EINPROGRESS)
		return -errno;
	if (poll(&writable, 1, 0) <= 0)
		return 1;
	error = shim_socket_error(fd);
	return error > 0 ? -error : error;
}

/*
 * With SO_REUSEPORT, so that several processes of one user can listen there, each with a socket of
 * its own. One that never listens holds the port for them.
 */
API int shim_stream_bind(uint32_t family, const uint8_t *address, uint32_t port)
{
	union any_address at;
	socklen_t length = fill(&at, family, address, port);
	int fd = open_socket(family), error;

	if (fd < 0)
		return fd;
	error = enable(fd, SOL_SOCKET, SO_REUSEPORT);
	if (!error && bind(fd, &at.any, length))
		error = -errno;
	return keep(fd, error);
}

API int shim_stream_listen(int fd, int backlog)
{
	return listen(fd, backlog) ? -errno : 0;
}

/* The port that a socket is bound to. */
API int shim_socket_port(int fd)
{
	union any_address at;
	socklen_t length = sizeof(at);

	if (getsockname(fd, &at.any, &length))
		return -errno;
	return ntohs(at.any.sa_family == AF_INET ? at.v4.sin_port : at.v6.sin6_port);
}
