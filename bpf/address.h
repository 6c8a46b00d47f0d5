/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* A destination, and how it goes between struct address and the context of the cgroup/connect and
 * getpeername hooks. */
#ifndef KMESH_EDGE_ADDRESS_H
#define KMESH_EDGE_ADDRESS_H

#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "mesh.h"

struct destination {
	struct address address;
	__be16 port_be;
	__u8 family; /* enum family */
	__u8 _pad;
};

static __always_inline __be32 word(const struct address *address, int i)
{
	__be32 value;

	__builtin_memcpy(&value, &address->bytes[4 * i], 4);
	return value;
}

static __always_inline void set_word(struct address *address, int i, __be32 value)
{
	__builtin_memcpy(&address->bytes[4 * i], &value, 4);
}

static __always_inline bool same_address(const struct address *a, const struct address *b)
{
	return word(a, 0) == word(b, 0) && word(a, 1) == word(b, 1) && word(a, 2) == word(b, 2) &&
	       word(a, 3) == word(b, 3);
}

static __always_inline void read_v4(const struct bpf_sock_addr *ctx, struct destination *to)
{
	__builtin_memset(to, 0, sizeof(*to));
	set_word(&to->address, 0, ctx->user_ip4);
	to->port_be = (__be16)ctx->user_port;
	to->family = FAMILY_V4;
}

/* ::ffff:a.b.c.d is read as IPv4 */
static __always_inline void read_v6(const struct bpf_sock_addr *ctx, struct destination *to)
{
	__be32 a = ctx->user_ip6[0], b = ctx->user_ip6[1], c = ctx->user_ip6[2], d = ctx->user_ip6[3];

	__builtin_memset(to, 0, sizeof(*to));
	to->port_be = (__be16)ctx->user_port;
	if (a == 0 && b == 0 && c == bpf_htonl(0xffff)) {
		set_word(&to->address, 0, d);
		to->family = FAMILY_V4;
		return;
	}
	set_word(&to->address, 0, a);
	set_word(&to->address, 1, b);
	set_word(&to->address, 2, c);
	set_word(&to->address, 3, d);
	to->family = FAMILY_V6;
}

static __always_inline void write_v4(struct bpf_sock_addr *ctx, const struct address *address, __be16 port_be)
{
	ctx->user_ip4 = word(address, 0);
	ctx->user_port = port_be;
}

static __always_inline void write_v6(struct bpf_sock_addr *ctx, const struct address *address, __be16 port_be,
				     __u8 family)
{
	if (family == FAMILY_V4) {
		ctx->user_ip6[0] = 0;
		ctx->user_ip6[1] = 0;
		ctx->user_ip6[2] = bpf_htonl(0xffff);
		ctx->user_ip6[3] = word(address, 0);
	} else {
		ctx->user_ip6[0] = word(address, 0);
		ctx->user_ip6[1] = word(address, 1);
		ctx->user_ip6[2] = word(address, 2);
		ctx->user_ip6[3] = word(address, 3);
	}
	ctx->user_port = port_be;
}

static __always_inline bool is_loopback(const struct destination *to)
{
	if (to->family == FAMILY_V4)
		return to->address.bytes[0] == 127;
	return word(&to->address, 0) == 0 && word(&to->address, 1) == 0 && word(&to->address, 2) == 0 &&
	       word(&to->address, 3) == bpf_htonl(1);
}

#endif
