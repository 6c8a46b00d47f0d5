/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The hash of a connection's source address, for RING_HASH and MAGLEV. Envoy hashes the textual
 * source address with xxHash64 (seed 0); so do we for IPv4, in the kernel for bound sockets and in
 * user space for the address that the kernel will choose (struct settings). A bound IPv6 source is
 * hashed by its 16 bytes: stable, but not Envoy's value.
 */
#ifndef KMESH_EDGE_SOURCE_HASH_H
#define KMESH_EDGE_SOURCE_HASH_H

#include <linux/bpf.h>
#include "address.h"
#include "maps.h"

#define XXH_PRIME1 0x9e3779b185ebca87ULL
#define XXH_PRIME2 0xc2b2ae3d27d4eb4fULL
#define XXH_PRIME3 0x165667b19e3779f9ULL
#define XXH_PRIME4 0x85ebca77c2b2ae63ULL
#define XXH_PRIME5 0x27d4eb2f165667c5ULL
#define IPV4_TEXT 16 /* "255.255.255.255" and a zero */

static __always_inline __u64 rotate_left(__u64 value, int bits)
{
	return (value << bits) | (value >> (64 - bits));
}

static __always_inline __u64 xxh_avalanche(__u64 hash)
{
	hash ^= hash >> 33;
	hash *= XXH_PRIME2;
	hash ^= hash >> 29;
	hash *= XXH_PRIME3;
	return hash ^ (hash >> 32);
}

static __always_inline __u64 xxh_word(__u64 hash, __u64 value)
{
	hash ^= rotate_left(value * XXH_PRIME2, 31) * XXH_PRIME1;
	return rotate_left(hash, 27) * XXH_PRIME1 + XXH_PRIME4;
}

static __always_inline __u64 xxh_half(__u64 hash, __u32 value)
{
	hash ^= (__u64)value * XXH_PRIME1;
	return rotate_left(hash, 23) * XXH_PRIME2 + XXH_PRIME3;
}

static __always_inline __u64 xxh_byte(__u64 hash, __u8 value)
{
	return rotate_left(hash ^ value * XXH_PRIME5, 11) * XXH_PRIME1;
}

/* The text is packed into two words as it is made: no variable stack access for the verifier to
 * reason about. */
struct text {
	__u64 low, high;
	__u32 length;
};

static __always_inline void append(struct text *text, __u8 character)
{
	if (text->length < 8)
		text->low |= (__u64)character << (8 * text->length);
	else
		text->high |= (__u64)character << (8 * (text->length - 8));
	text->length++;
}

static __always_inline void append_octet(struct text *text, __u8 octet)
{
	if (octet >= 100)
		append(text, '0' + octet / 100);
	if (octet >= 10)
		append(text, '0' + octet / 10 % 10);
	append(text, '0' + octet % 10);
}

/* xxHash64 of "a.b.c.d" (7 to 15 bytes): at most one word, one half and three bytes */
__noinline __u64 hash_ipv4_text(__be32 address)
{
	struct text text = {};
	__u64 hash, rest;
	__u32 left;

	append_octet(&text, address & 0xff);
	append(&text, '.');
	append_octet(&text, address >> 8 & 0xff);
	append(&text, '.');
	append_octet(&text, address >> 16 & 0xff);
	append(&text, '.');
	append_octet(&text, address >> 24 & 0xff);

	hash = XXH_PRIME5 + text.length;
	rest = text.low;
	left = text.length;
	if (left >= 8) {
		hash = xxh_word(hash, text.low);
		rest = text.high;
		left -= 8;
	}
	if (left & 4) {
		hash = xxh_half(hash, (__u32)rest);
		rest >>= 32;
	}
	if (left & 2) {
		hash = xxh_byte(hash, rest & 0xff);
		hash = xxh_byte(hash, rest >> 8 & 0xff);
		rest >>= 16;
	}
	if (left & 1)
		hash = xxh_byte(hash, rest & 0xff);
	return xxh_avalanche(hash);
}

__noinline __u64 hash_ipv6_bytes(__u64 high, __u64 low)
{
	return xxh_avalanche(xxh_word(xxh_word(XXH_PRIME5 + 16, high), low));
}

static __always_inline __u64 source_hash(const struct bpf_sock *sk, const struct destination *to,
					 const struct settings *settings)
{
	bool loopback = is_loopback(to);

	if (to->family == FAMILY_V4) {
		__be32 bound = sk->src_ip4;

		if (bound)
			return hash_ipv4_text(bound);
		return loopback ? settings->source_hash_loopback_v4 : settings->source_hash_v4;
	}
	__u64 high = (__u64)sk->src_ip6[1] << 32 | sk->src_ip6[0];
	__u64 low = (__u64)sk->src_ip6[3] << 32 | sk->src_ip6[2];

	if (high | low)
		return hash_ipv6_bytes(high, low);
	return loopback ? settings->source_hash_loopback_v6 : settings->source_hash_v6;
}

#endif
