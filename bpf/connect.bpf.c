// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * cgroup/connect4 and connect6: one connect() of an enrolled workload, from its destination to an
 * endpoint. destination → listener → (weighted) cluster → place in the cluster → endpoint →
 * rewritten destination. What no listener has is left native; what a listener has and can't be
 * served is refused, never sent to the VIP.
 */
#include <stdbool.h>
#include <linux/bpf.h>
#include <linux/in.h>
#include <linux/errno.h>
#include <bpf/bpf_helpers.h>
#include "maps.h"
#include "address.h"
#include "source-hash.h"
#include "balance.h"
#include "account.h"

#define PROCEED 1
#define REFUSE 0

/*
 * Set at load where the kernel lets this hook choose the error (bpf_set_retval, 6.1). Otherwise
 * connect() fails with EPERM, and a refusal by nested enrolment is counted once for each enrolled
 * cgroup.
 */
const volatile bool can_set_retval = false;

static __always_inline void count(enum verdict verdict)
{
	__u32 key = verdict;
	__u64 *counter = bpf_map_lookup_elem(&verdicts, &key);

	if (counter) /* atomic: another connect may preempt this one on the same CPU */
		add(counter, 1);
}

static __always_inline int native(enum verdict verdict)
{
	count(verdict);
	return PROCEED;
}

static __always_inline int refuse(enum verdict verdict, struct listener_state *state)
{
	count(verdict);
	if (state)
		add(&state->refused, 1);
	if (can_set_retval)
		bpf_set_retval(-ECONNREFUSED);
	return REFUSE;
}

/* An exact listener wins over any wildcard; among wildcards and their chains the longest prefix
 * wins, as in Envoy. */
static __always_inline struct listener *find_listener(const struct destination *to)
{
	struct listener_key exact = {.address = to->address, .port_be = to->port_be, .family = to->family};
	struct listener_prefix_key prefix = {.prefix_length = 32 + (to->family == FAMILY_V4 ? 32 : 128),
					     .port_be = to->port_be,
					     .family = to->family,
					     .address = to->address};
	struct listener *listener = bpf_map_lookup_elem(&listeners, &exact);

	return listener ? listener : bpf_map_lookup_elem(&listener_prefixes, &prefix);
}

/* The endpoint for this connect, with the place in its cluster taken; or the reason why there is
 * none. */
static __always_inline enum verdict choose(const struct bpf_sock_addr *ctx, const struct destination *to,
					   const struct listener *listener, struct connection *chosen)
{
	__u32 cluster_id = listener->target, zero = 0, turn = 0;
	struct cluster_state *state;
	struct settings *current;
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
	current = bpf_map_lookup_elem(&settings, &zero);
	if (!cluster || !state || !current)
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

/* Remembers the connection on its socket. `known`: what an earlier connect() of the same socket
 * left there. */
static __always_inline bool remember(struct bpf_sock_addr *ctx, struct connection *known,
				     const struct connection *chosen)
{
	struct endpoint_state *state = bpf_map_lookup_elem(&endpoint_states, &chosen->endpoint);

	if (!known)
		known = bpf_sk_storage_get(&connections, ctx->sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!known)
		return false;
	*known = *chosen;
	if (state)
		__sync_fetch_and_add(&state->active, 1);
	return true;
}

static __always_inline bool is_decided(const struct connection *known, const struct destination *to)
{
	return known->phase == PHASE_CHOSEN && known->chosen_port_be == to->port_be &&
	       known->chosen_family == to->family && same_address(&known->chosen, &to->address);
}

static __always_inline int govern(struct bpf_sock_addr *ctx, const struct destination *to, bool is_v4_socket)
{
	struct connection *known = bpf_sk_storage_get(&connections, ctx->sk, 0, 0);
	struct connection chosen = {};
	struct listener_state *state;
	struct listener *listener;
	struct settings *current;
	enum verdict verdict;
	__u32 zero = 0;

	/* Nested enrolment: every program runs, whatever the others returned. What one has decided
	 * is decided. */
	if (can_set_retval && bpf_get_retval())
		return native(VERDICT_AGAIN);
	if (known && is_decided(known, to))
		return native(VERDICT_AGAIN);
	if (known)
		end(known, 0, 0); /* an earlier connect() of this socket that failed */

	current = bpf_map_lookup_elem(&settings, &zero);
	if (current && current->bypass)
		return native(VERDICT_BYPASSED);
	listener = find_listener(to);
	if (!listener)
		return native(VERDICT_NO_LISTENER);
	state = bpf_map_lookup_elem(&listener_states, &listener->id);
	if (listener->action == ACTION_PASS) {
		if (state)
			add(&state->passed, 1);
		return native(VERDICT_PASSED);
	}
	if (listener->action == ACTION_REFUSE)
		return refuse(VERDICT_NO_FILTER_CHAIN, state);

	verdict = choose(ctx, to, listener, &chosen);
	if (verdict != VERDICT_BALANCED)
		return refuse(verdict, state);
	chosen.listener = listener->id;
	chosen.original = to->address;
	chosen.original_port_be = to->port_be;
	chosen.original_family = to->family;
	chosen.phase = PHASE_CHOSEN;

	if (is_v4_socket && chosen.chosen_family != FAMILY_V4)
		verdict = VERDICT_FAMILY_MISMATCH;
	else if (!remember(ctx, known, &chosen))
		verdict = VERDICT_NO_STORAGE;
	if (verdict != VERDICT_BALANCED) {
		struct cluster_state *reserved = bpf_map_lookup_elem(&cluster_states, &chosen.cluster);

		if (reserved)
			give_back(reserved);
		return refuse(verdict, state);
	}
	if (is_v4_socket)
		write_v4(ctx, &chosen.chosen, chosen.chosen_port_be);
	else
		write_v6(ctx, &chosen.chosen, chosen.chosen_port_be, chosen.chosen_family);
	if (state)
		add(&state->accepted, 1);
	return native(verdict);
}

SEC("cgroup/connect4")
int connect4(struct bpf_sock_addr *ctx)
{
	struct destination to;

	if (ctx->protocol != IPPROTO_TCP)
		return PROCEED;
	read_v4(ctx, &to);
	return govern(ctx, &to, true);
}

SEC("cgroup/connect6")
int connect6(struct bpf_sock_addr *ctx)
{
	struct destination to;

	if (ctx->protocol != IPPROTO_TCP)
		return PROCEED;
	read_v6(ctx, &to);
	return govern(ctx, &to, false);
}

char _license[] SEC("license") = "Dual BSD/GPL";
