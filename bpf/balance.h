/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* From a table to one row: every policy is one bounded lookup. The tables are made by src/compile.
 */
#ifndef KMESH_EDGE_BALANCE_H
#define KMESH_EDGE_BALANCE_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "maps.h"

#define NO_ROW 0xfffffffe /* instead of an id: the row was missing */

static __always_inline struct slot *slot_at(__u32 row)
{
	return bpf_map_lookup_elem(&slots, &row);
}

static __always_inline __u64 random64(void)
{
	return (__u64)bpf_get_prandom_u32() << 32 | bpf_get_prandom_u32();
}

/* Walker's alias method: a column, then one of its two ids; exact in integers */
__noinline __u32 draw(__u32 table, __u32 count, __u64 total)
{
	struct slot *slot;

	if (count == 0 || total == 0)
		return NO_ROW;
	slot = slot_at(table + (__u32)(random64() % count));
	if (!slot)
		return NO_ROW;
	return random64() % total < slot->value ? slot->id : slot->alias;
}

/* The first row whose hash is not below `hash`; past the last one the ring starts again. */
__noinline __u32 find_on_ring(__u32 table, __u32 count, __u64 hash)
{
	__u32 low = 0, high = count;
	struct slot *slot;

	for (int step = 0; step < RING_STEPS && low < high; step++) {
		__u32 middle = low + (high - low) / 2;

		slot = slot_at(table + middle);
		if (!slot)
			return NO_ROW;
		if (slot->value < hash)
			low = middle + 1;
		else
			high = middle;
	}
	slot = slot_at(table + (low == count ? 0 : low));
	return slot ? slot->id : NO_ROW;
}

/* true: a is less loaded than b, by active / weight; an unknown endpoint is never preferred */
static __always_inline bool less_loaded(__u32 a, __u32 b)
{
	struct endpoint_state *state_a = bpf_map_lookup_elem(&endpoint_states, &a);
	struct endpoint_state *state_b = bpf_map_lookup_elem(&endpoint_states, &b);
	struct endpoint *endpoint_a = bpf_map_lookup_elem(&endpoints, &a);
	struct endpoint *endpoint_b = bpf_map_lookup_elem(&endpoints, &b);

	if (!state_a || !endpoint_a)
		return false;
	if (!state_b || !endpoint_b)
		return true;
	return (__u64)state_a->active * endpoint_b->weight < (__u64)state_b->active * endpoint_a->weight;
}

__noinline __u32 draw_least_loaded(__u32 table, __u32 count, __u64 total, __u32 draws)
{
	__u32 best = draw(table, count, total);

	for (__u32 i = 1; i < LEAST_REQUEST_DRAWS; i++) {
		__u32 other;

		if (i >= draws)
			break;
		other = draw(table, count, total);
		if (less_loaded(other, best))
			best = other;
	}
	return best;
}

static __always_inline __u32 pick_by_hash(const struct cluster *cluster, __u64 hash)
{
	__u32 table = cluster->table, count = cluster->count;
	struct slot *slot;

	if (cluster->flags & CLUSTER_HASH_BUCKETS) {
		slot = slot_at(table + (__u32)(hash % HASH_BUCKETS));
		if (!slot)
			return NO_ROW;
		table += slot->id;
		count = slot->alias;
	}
	if (count == 0)
		return NO_ENDPOINT;
	if (cluster->pick == PICK_RING)
		return find_on_ring(table, count, hash);
	slot = slot_at(table + (__u32)(hash % count));
	return slot ? slot->id : NO_ROW;
}

/* `turn`: the cluster's cursor, below count; `hash`: of the source address, or random where the
 * listener doesn't hash */
static __always_inline __u32 pick_endpoint(const struct cluster *cluster, __u32 turn, __u64 hash)
{
	struct slot *slot;

	switch (cluster->pick) {
	case PICK_SEQUENCE:
		slot = slot_at(cluster->table + turn);
		return slot ? slot->id : NO_ROW;
	case PICK_ALIAS:
		return draw(cluster->table, cluster->count, cluster->total);
	case PICK_LEAST_REQUEST:
		return draw_least_loaded(cluster->table, cluster->count, cluster->total, cluster->draws);
	default:
		return pick_by_hash(cluster, hash);
	}
}

#endif
