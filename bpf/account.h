/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Accounting of a governed connection through its life: reserved in connect4/6, counted in and out
 * by sockops, and given back by sock_release where the connect never got as far as a SYN. Every
 * step checks the phase, so that programs that run twice (nested enrolment) count once. A relayed
 * connection is in no cluster: the relay counts.
 */
#ifndef KMESH_EDGE_ACCOUNT_H
#define KMESH_EDGE_ACCOUNT_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "maps.h"

static __always_inline void add(__u64 *counter, __u64 amount)
{
	__sync_fetch_and_add(counter, amount);
}

/* Takes a place in the cluster and this connection's turn; false: max_connections is reached. */
static __always_inline bool reserve(struct cluster_state *state, const struct cluster *cluster, __u32 *turn)
{
	bool is_full;

	bpf_spin_lock(&state->lock);
	is_full = state->active >= cluster->max_connections;
	if (!is_full) {
		state->active++;
		if (state->cursor >= cluster->count) /* the table shrank, or all rows had their turn */
			state->cursor = 0;
		*turn = state->cursor++;
	}
	bpf_spin_unlock(&state->lock);
	return !is_full;
}

static __always_inline void give_back(struct cluster_state *state)
{
	bpf_spin_lock(&state->lock);
	if (state->active)
		state->active--;
	bpf_spin_unlock(&state->lock);
}

static __always_inline void establish(struct connection *connection)
{
	struct cluster_state *cluster;
	struct endpoint_state *endpoint;

	connection->phase = PHASE_ESTABLISHED;
	if (connection->is_relayed)
		return;
	cluster = bpf_map_lookup_elem(&cluster_states, &connection->cluster);
	endpoint = bpf_map_lookup_elem(&endpoint_states, &connection->endpoint);
	if (cluster)
		add(&cluster->opened, 1);
	if (endpoint)
		add(&endpoint->opened, 1);
}

/* Counts a connection out, whatever its phase; sent and received are 0 where it never established.
 */
static __always_inline void end(struct connection *connection, __u64 sent, __u64 received)
{
	bool was_established = connection->phase == PHASE_ESTABLISHED;
	struct cluster_state *cluster;
	struct endpoint_state *endpoint;

	if (connection->phase > PHASE_ESTABLISHED) /* counted out, or the agent's own */
		return;
	connection->phase = PHASE_ENDED;
	if (connection->is_relayed)
		return;
	cluster = bpf_map_lookup_elem(&cluster_states, &connection->cluster);
	endpoint = bpf_map_lookup_elem(&endpoint_states, &connection->endpoint);
	if (cluster) {
		add(was_established ? &cluster->closed : &cluster->failed, 1);
		give_back(cluster);
	}
	if (endpoint) {
		add(was_established ? &endpoint->closed : &endpoint->failed, 1);
		/* Not for zero: clang would make an atomic OR of it, which Linux 5.10 has not. */
		if (sent)
			add(&endpoint->bytes_sent, sent);
		if (received)
			add(&endpoint->bytes_received, received);
		__sync_fetch_and_add(&endpoint->active, -1);
	}
}

#endif
