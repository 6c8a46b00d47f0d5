/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Connections to the agent's relay: whether it is there when a connect() needs it, and the entry in
 * `relayed` by which it knows where an accepted connection was going.
 */
#ifndef KMESH_EDGE_RELAY_H
#define KMESH_EDGE_RELAY_H

#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "address.h"
#include "maps.h"

/*
 * Somebody listens there, in the network namespace of this socket, and it is the relay: user space
 * has marked its sockets. After a crash of all of it another process may have the port, and another
 * namespace may use the same one for something else.
 */
static __always_inline bool is_relay_up(struct bpf_sock_addr *ctx, const struct destination *relay)
{
	struct bpf_sock_tuple tuple = {};
	struct connection *mark;
	struct bpf_sock *sk;
	bool is_marked;

	if (relay->family == FAMILY_V4) {
		tuple.ipv4.daddr = word(&relay->address, 0);
		tuple.ipv4.dport = relay->port_be;
		sk = bpf_sk_lookup_tcp(ctx, &tuple, sizeof(tuple.ipv4), BPF_F_CURRENT_NETNS, 0);
	} else {
		__builtin_memcpy(tuple.ipv6.daddr, relay->address.bytes, sizeof(tuple.ipv6.daddr));
		tuple.ipv6.dport = relay->port_be;
		sk = bpf_sk_lookup_tcp(ctx, &tuple, sizeof(tuple.ipv6), BPF_F_CURRENT_NETNS, 0);
	}
	if (!sk)
		return false;
	mark = bpf_sk_storage_get(&connections, sk, 0, 0);
	is_marked = mark && mark->phase == PHASE_RELAY;
	bpf_sk_release(sk);
	return is_marked;
}

/* Chooses the relay, over the family of the destination; false: it can't be reached. A socket that
 * is bound to a device can't reach loopback. */
static __always_inline bool choose_relay(struct bpf_sock_addr *ctx, const struct destination *to,
					 const struct settings *settings, struct connection *chosen)
{
	struct destination relay = {.address = to->family == FAMILY_V4 ? settings->relay_v4 : settings->relay_v6,
				    .port_be = settings->relay_port_be,
				    .family = to->family};

	if (!relay.port_be || ctx->sk->bound_dev_if || !is_relay_up(ctx, &relay))
		return false;
	chosen->chosen = relay.address;
	chosen->chosen_port_be = relay.port_be;
	chosen->chosen_family = relay.family;
	chosen->is_relayed = 1;
	return true;
}

/* This side of the connection, as the relay will see its peer: for an IPv4-mapped one that is
 * IPv4. */
static __always_inline void own_side(const struct bpf_sock_ops *ctx, const struct connection *connection,
				     struct relayed_key *key)
{
	key->family = connection->chosen_family;
	key->port_be = bpf_htons((__u16)ctx->local_port);
	if (key->family == FAMILY_V4) {
		set_word(&key->address, 0, ctx->local_ip4);
		return;
	}
	set_word(&key->address, 0, ctx->local_ip6[0]);
	set_word(&key->address, 1, ctx->local_ip6[1]);
	set_word(&key->address, 2, ctx->local_ip6[2]);
	set_word(&key->address, 3, ctx->local_ip6[3]);
}

/* Before the SYN leaves, so that the relay can't accept earlier than it can look up. */
static __always_inline void announce(const struct bpf_sock_ops *ctx, const struct connection *connection)
{
	struct relayed_key key = {};
	struct relayed value = {.original = connection->original,
				.port_be = connection->original_port_be,
				.family = connection->original_family,
				.listener = connection->listener,
				.chain = connection->chain,
				.since_ns = bpf_ktime_get_ns()};

	own_side(ctx, connection, &key);
	/* If there is no room, the relay closes the connection as a stranger's. */
	bpf_map_update_elem(&relayed, &key, &value, BPF_ANY);
}

/*
 * The connection is over. One that the client has closed in good order (from FIN_WAIT2) may still
 * wait to be accepted, with a request in it: the relay takes the entry, or user space sweeps it.
 */
static __always_inline void withdraw(const struct bpf_sock_ops *ctx, const struct connection *connection)
{
	struct relayed_key key = {};

	if (ctx->args[0] == BPF_TCP_FIN_WAIT2)
		return;
	own_side(ctx, connection, &key);
	bpf_map_delete_elem(&relayed, &key);
}

#endif
