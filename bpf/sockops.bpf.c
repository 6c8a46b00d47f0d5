// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* sockops and cgroup/sock_release: counts governed connections in and out, once each, and tells the
 * relay of those that come to it. Never changes traffic. */
#include <stdbool.h>
#include <stddef.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "maps.h"
#include "account.h"
#include "relay.h"

#define PROCEED 1

/* A SYN is about to leave: from here on the kernel tells when the connection ends. */
static __always_inline void connecting(struct bpf_sock_ops *ctx, struct connection *connection)
{
	if (connection->phase != PHASE_CHOSEN)
		return;
	connection->phase = PHASE_CONNECTING;
	if (connection->is_relayed)
		announce(ctx, connection);
	bpf_sock_ops_cb_flags_set(ctx, ctx->bpf_sock_ops_cb_flags | BPF_SOCK_OPS_STATE_CB_FLAG);
}

/*
 * Linux counts sequence numbers: the SYN and our acknowledged FIN are in bytes_acked, the peer's
 * FIN is in bytes_received. The state that the connection closes from tells which of them there
 * were.
 */
static __always_inline __u64 payload_sent(const struct bpf_sock_ops *ctx)
{
	__u32 from = ctx->args[0];
	__u64 acked = ctx->bytes_acked;
	bool is_fin_acked = from == BPF_TCP_FIN_WAIT2 ||
			    ((from == BPF_TCP_LAST_ACK || from == BPF_TCP_CLOSING) && ctx->snd_una == ctx->snd_nxt);
	__u64 controls = is_fin_acked ? 2 : 1;

	return acked > controls ? acked - controls : 0;
}

/*
 * From FIN_WAIT2 a connection closes when the peer's FIN arrives, or as an orphan without one: then
 * nothing has arrived since. (One byte too few remains where an application shuts down its side,
 * receives more, and closes without waiting for the FIN.)
 */
static __always_inline __u64 payload_received(const struct bpf_sock_ops *ctx, const struct connection *connection)
{
	__u32 from = ctx->args[0];
	__u64 received = ctx->bytes_received;
	bool has_fin = from == BPF_TCP_CLOSE_WAIT || from == BPF_TCP_LAST_ACK || from == BPF_TCP_CLOSING ||
		       (from == BPF_TCP_FIN_WAIT2 && (__u32)received != connection->received_at_fin_wait2);

	return has_fin && received ? received - 1 : received;
}

static __always_inline void closed(struct bpf_sock_ops *ctx, struct connection *connection)
{
	if (connection->phase > PHASE_ESTABLISHED) /* seen by another program, or the agent's own */
		return;
	if (connection->is_relayed)
		withdraw(ctx, connection);
	end(connection, payload_sent(ctx), payload_received(ctx, connection));
}

SEC("sockops")
int account(struct bpf_sock_ops *ctx)
{
	struct connection *connection;
	struct bpf_sock *sk;

	/* before the look-up: most callbacks are of no interest, and those of ungoverned sockets
	 * end here or at the next line */
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
		if (ctx->args[1] == BPF_TCP_FIN_WAIT2)
			connection->received_at_fin_wait2 = (__u32)ctx->bytes_received;
		else if (ctx->args[1] == BPF_TCP_CLOSE)
			closed(ctx, connection);
		break;
	}
	return PROCEED;
}

/* A connect that failed before its SYN (no route, no free port) leaves no other trace than the
 * socket's release. */
SEC("cgroup/sock_release")
int release(struct bpf_sock *ctx)
{
	struct connection *connection = bpf_sk_storage_get(&connections, ctx, 0, 0);

	if (connection && connection->phase == PHASE_CHOSEN)
		end(connection, 0, 0);
	return PROCEED;
}

char _license[] SEC("license") = "Dual BSD/GPL";
