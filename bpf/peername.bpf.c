// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* cgroup/getpeername4 and getpeername6: a governed socket names the destination that the
 * application asked for. */
#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "maps.h"
#include "address.h"

#define PROCEED 1

/*
 * Only while the peer is the endpoint that was chosen: an outer program may have answered already.
 * Not once the connection has ended: the same socket may since have been connected to that very
 * endpoint, natively.
 */
static __always_inline struct connection *governed(struct bpf_sock_addr *ctx, const struct destination *peer)
{
	struct connection *known = bpf_sk_storage_get(&connections, ctx->sk, 0, 0);

	if (!known || known->phase == PHASE_ENDED || known->chosen_port_be != peer->port_be ||
	    known->chosen_family != peer->family || !same_address(&known->chosen, &peer->address))
		return NULL;
	return known;
}

SEC("cgroup/getpeername4")
int getpeername4(struct bpf_sock_addr *ctx)
{
	struct connection *known;
	struct destination peer;

	read_v4(ctx, &peer);
	known = governed(ctx, &peer);
	if (known)
		write_v4(ctx, &known->original, known->original_port_be);
	return PROCEED;
}

SEC("cgroup/getpeername6")
int getpeername6(struct bpf_sock_addr *ctx)
{
	struct connection *known;
	struct destination peer;

	read_v6(ctx, &peer);
	known = governed(ctx, &peer);
	if (known)
		write_v6(ctx, &known->original, known->original_port_be, known->original_family);
	return PROCEED;
}

char _license[] SEC("license") = "Dual BSD/GPL";
