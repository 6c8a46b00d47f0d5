// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* sockops and cgroup/sock_release: counts governed connections in and out, once each. Never changes traffic. */
#include <stdbool.h>
#include <stddef.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "maps.h"
#include "account.h"

#define PROCEED 1

/* A SYN is about to leave: from here on the kernel tells when the connection ends. */
static __always_inline void connecting(struct bpf_sock_ops *ctx, struct connection *connection)
{
	if (connection->phase != PHASE_CHOSEN)
		return;
	connection->phase = PHASE_CONNECTING;
	bpf_sock_ops_cb_flags_set(ctx, ctx->bpf_sock_ops_cb_flags | BPF_SOCK_OPS_STATE_CB_FLAG);
}

SEC("sockops")
int account(struct bpf_sock_ops *ctx)
{
	struct connection *connection;
	struct bpf_sock *sk;

	/* before the look-up: most callbacks are of no interest, and those of ungoverned sockets end here or at the next line */
	if (ctx->op != BPF_SOCK_OPS_TCP_CONNECT_CB && ctx->op != BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB &&
	    ctx->op != BPF_SOCK_OPS_STATE_CB)
		return PROCEED;
	sk = ctx->sk;
	if (!sk)
		return PROCEED;
	connection = bpf_sk_storage_get(&connections, sk, 0, 0);
	if (!connection)
		return PROCEED;

	switch (ctx->op) {
	case BPF_SOCK_OPS_TCP_CONNECT_CB:
		connecting(ctx, connection);
		break;
	case BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB:
		if (connection->phase == PHASE_CONNECTING)
			establish(connection);
		break;
	case BPF_SOCK_OPS_STATE_CB:
		if (ctx->args[1] == BPF_TCP_CLOSE)
			end(connection, ctx->bytes_acked, ctx->bytes_received);
		break;
	}
	return PROCEED;
}

/* A connect that failed before its SYN (no route, no free port) leaves no other trace than the socket's release. */
SEC("cgroup/sock_release")
int release(struct bpf_sock *ctx)
{
	struct connection *connection = bpf_sk_storage_get(&connections, ctx, 0, 0);

	if (connection && connection->phase == PHASE_CHOSEN)
		end(connection, 0, 0);
	return PROCEED;
}

char _license[] SEC("license") = "Dual BSD/GPL";
