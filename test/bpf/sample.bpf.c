// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* A small object for the tests of src/libbpf: a map of each kind, programs that can be attached,
 * run, and refused. */
#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct pair {
	__u32 a;
	__u32 b;
};

struct prefix {
	__u32 length;
	__u8 bytes[4];
};

struct record {
	__u32 sequence;
	__u8 payload[20];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, struct pair);
	__type(value, __u64);
} pairs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1024);
	__type(key, struct prefix);
	__type(value, __u32);
} prefixes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u32);
} runs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 64 * 1024);
} records SEC(".maps");

const volatile __u32 answer = 1;
const volatile bool is_loud = false;
const volatile __u64 burst = 1;

SEC("cgroup/connect4")
int allow(struct bpf_sock_addr *ctx)
{
	(void)ctx;
	return 1;
}

SEC("cgroup/connect4")
int deny(struct bpf_sock_addr *ctx)
{
	(void)ctx;
	return 0;
}

/* BPF_PROG_TEST_RUN works on it: counts, says `answer`, and writes `burst` records if it is loud.
 */
SEC("socket")
int say(struct __sk_buff *ctx)
{
	__u32 key = 1;
	__u32 *count = bpf_map_lookup_elem(&runs, &key);
	struct record record = {};

	(void)ctx;
	if (count)
		(*count)++;
	for (__u32 i = 0; is_loud && i < 2000 && i < burst; i++) {
		record.sequence = i;
		bpf_ringbuf_output(&records, &record, sizeof(record), 0);
	}
	return answer;
}

/* The verifier refuses it: a null pointer may be followed. */
SEC("cgroup/connect4")
int careless(struct bpf_sock_addr *ctx)
{
	struct pair key = {.a = ctx->user_ip4};
	__u64 *value = bpf_map_lookup_elem(&pairs, &key);

	return *value == 1;
}

char _license[] SEC("license") = "Dual BSD/GPL";
