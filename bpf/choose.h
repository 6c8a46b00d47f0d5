/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* From a listener to the endpoint of one connection, with a place in its cluster taken. */
#ifndef KMESH_EDGE_CHOOSE_H
#define KMESH_EDGE_CHOOSE_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "account.h"
#include "balance.h"
#include "maps.h"
#include "source-hash.h"

/* VERDICT_BALANCED; or the reason why there is none, and then nothing is taken. */
static __always_inline enum verdict choose(const struct bpf_sock_addr *ctx, const struct destination *to,
					   const struct listener *listener, const struct settings *current,
					   struct connection *chosen)
{
	__u32 cluster_id = listener->target, turn = 0;
	struct cluster_state *state;
	struct cluster *cluster;
	struct endpoint *endpoint;
	__u64 hash = 0;

	if (listener->action == ACTION_WEIGHTED_CLUSTERS) {
		cluster_id = draw(listener->target, listener->count, listener->total);
		if (cluster_id == NO_ROW)
			return VERDICT_SLOT_MISSING;
	}
	cluster = bpf_map_lookup_elem(&clusters, &cluster_id);
	state = bpf_map_lookup_elem(&cluster_states, &cluster_id);
	if (!cluster || !state)
		return VERDICT_CLUSTER_MISSING;
	if (cluster->count == 0) {
		add(&state->unusable, 1);
		return VERDICT_NO_ENDPOINT;
	}
	if (cluster->pick == PICK_RING || cluster->pick == PICK_MAGLEV)
		hash = listener->flags & LISTENER_HASH_SOURCE ? source_hash(ctx->sk, to, current) : random64();
	if (!reserve(state, cluster, &turn)) {
		add(&state->overflow, 1);
		return VERDICT_MAX_CONNECTIONS;
	}
	chosen->cluster = cluster_id;
	chosen->endpoint = pick_endpoint(cluster, turn, hash);
	endpoint = bpf_map_lookup_elem(&endpoints, &chosen->endpoint);
	if (!endpoint) {
		give_back(state);
		if (chosen->endpoint == NO_ENDPOINT) {
			add(&state->unusable, 1);
			return VERDICT_NO_ENDPOINT;
		}
		return chosen->endpoint == NO_ROW ? VERDICT_SLOT_MISSING : VERDICT_ENDPOINT_MISSING;
	}
	chosen->chosen = endpoint->address;
	chosen->chosen_port_be = endpoint->port_be;
	chosen->chosen_family = endpoint->family;
	return VERDICT_BALANCED;
}

/* Gives back what was chosen for a connection that won't be. */
static __always_inline void unchoose(const struct connection *chosen)
{
	struct cluster_state *state;

	if (chosen->is_relayed)
		return;
	state = bpf_map_lookup_elem(&cluster_states, &chosen->cluster);
	if (state)
		give_back(state);
}

#endif
