/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * All maps. User space publishes bodies before roots (slots, endpoints, clusters, then listeners)
 * and removes in reverse, so that an entry that is found only refers to entries that exist; a miss
 * further down is refused and counted. Definitions are weak: every object file has them, the linker
 * keeps one.
 */
#ifndef KMESH_EDGE_MAPS_H
#define KMESH_EDGE_MAPS_H

#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>
#include "mesh.h"

/* written by user space, read by connect; missing: not this destination */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1024);
	__type(key, struct listener_key);
	__type(value, struct listener);
} listeners __weak SEC(".maps");

/* written by user space, read by connect; missing: native */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1024);
	__type(key, struct listener_prefix_key);
	__type(value, struct listener);
} listener_prefixes __weak SEC(".maps");

/* cluster id; written by user space, read by connect; missing: refused */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, struct cluster);
} clusters __weak SEC(".maps");

/* the arena of all tables; a table is written at fresh rows, then its parent is flipped to them */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, struct slot);
} slots __weak SEC(".maps");

/* endpoint id; written by user space, read by connect; missing: refused */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, struct endpoint);
} endpoints __weak SEC(".maps");

/* listener id; created by user space, written by connect, read by user space; missing: not counted
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, struct listener_state);
} listener_states __weak SEC(".maps");

/* cluster id; created by user space, written by connect and sockops; missing: refused */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, struct cluster_state);
} cluster_states __weak SEC(".maps");

/* endpoint id; created by user space, written by connect and sockops; missing: not counted */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, struct endpoint_state);
} endpoint_states __weak SEC(".maps");

/* written by connect and sockops, read by getpeername; missing: not governed */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct connection);
} connections __weak SEC(".maps");

/* the relay's peer; written by sockops, read and deleted by the relay; missing: not an enrolled
 * workload */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, struct relayed_key);
	__type(value, struct relayed);
} relayed __weak SEC(".maps");

/* enum verdict; written by connect, read by user space */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, VERDICT_COUNT);
	__type(key, __u32);
	__type(value, __u64);
} verdicts __weak SEC(".maps");

/* one entry; written by user space, read by connect */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct settings);
} settings __weak SEC(".maps");

/* read and written by user space only: a restarted agent finds the same ids */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 8192);
	__type(key, struct id_key);
	__type(value, __u32);
} ids __weak SEC(".maps");

#endif
