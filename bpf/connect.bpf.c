// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * cgroup/connect4 and connect6: one connect() of an enrolled workload, from its destination to an
 * endpoint. destination → listener → (weighted) cluster → place in the cluster → endpoint →
 * rewritten destination; or to the agent's relay, which does the rest for each request. What no listener has is left native; what a listener has and can't be
 * served is refused, never sent to the VIP.
 */
#include <stdbool.h>
#include <linux/bpf.h>
#include <linux/in.h>
#include <linux/errno.h>
#include <bpf/bpf_helpers.h>
#include "maps.h"
#include "address.h"
#include "account.h"
#include "choose.h"
#include "relay.h"

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

/* Left native though a listener has it. */
static __always_inline int pass(enum verdict verdict, struct listener_state *state)
{
	if (state)
		add(&state->passed, 1);
	return native(verdict);
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

/* Remembers the connection on its socket. `known`: what an earlier connect() of the same socket
 * left there. */
static __always_inline bool remember(struct bpf_sock_addr *ctx, struct connection *known,
				     const struct connection *chosen)
{
	struct endpoint_state *state;

	if (!known)
		known = bpf_sk_storage_get(&connections, ctx->sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!known)
		return false;
	*known = *chosen;
	if (chosen->is_relayed)
		return true;
	state = bpf_map_lookup_elem(&endpoint_states, &chosen->endpoint);
	if (state)
		__sync_fetch_and_add(&state->active, 1);
	return true;
}

/* The agent's own socket: what the relay connects to would come back to the relay. */
static __always_inline bool is_own(const struct connection *known)
{
	return known->phase == PHASE_EXEMPT || known->phase == PHASE_RELAY;
}

/* Whether a listener that needs the relay may be served without it. */
static __always_inline bool may_fall_back(const struct listener *listener, const struct settings *current)
{
	return !current->relay_refuse && listener->flags & (LISTENER_FALLBACK_CLUSTER | LISTENER_FALLBACK_NATIVE);
}

static __always_inline bool is_decided(const struct connection *known, const struct destination *to)
{
	return known->phase == PHASE_CHOSEN && known->chosen_port_be == to->port_be &&
	       known->chosen_family == to->family && same_address(&known->chosen, &to->address);
}

/* Makes the connection the one that was chosen: remembered, then written into the call. */
static __always_inline enum verdict redirect(struct bpf_sock_addr *ctx, bool is_v4_socket, struct connection *known,
					     const struct connection *chosen)
{
	if (is_v4_socket && chosen->chosen_family != FAMILY_V4)
		return VERDICT_FAMILY_MISMATCH;
	if (!remember(ctx, known, chosen))
		return VERDICT_NO_STORAGE;
	if (is_v4_socket)
		write_v4(ctx, &chosen->chosen, chosen->chosen_port_be);
	else
		write_v6(ctx, &chosen->chosen, chosen->chosen_port_be, chosen->chosen_family);
	return chosen->is_relayed ? VERDICT_RELAYED : VERDICT_BALANCED;
}

/* A destination that has a listener. `known`: what the socket's storage holds, if it has any. */
static __always_inline int serve(struct bpf_sock_addr *ctx, const struct destination *to, bool is_v4_socket,
				 const struct listener *listener, const struct settings *current,
				 struct connection *known)
{
	struct listener_state *state = bpf_map_lookup_elem(&listener_states, &listener->id);
	bool is_relay = listener->action == ACTION_RELAY;
	struct connection chosen = {.original = to->address,
				    .original_port_be = to->port_be,
				    .original_family = to->family,
				    .phase = PHASE_CHOSEN,
				    .listener = listener->id};
	enum verdict verdict;

	if (listener->action == ACTION_PASS)
		return pass(VERDICT_PASSED, state);
	if (listener->action == ACTION_REFUSE)
		return refuse(VERDICT_NO_FILTER_CHAIN, state);
	if (is_relay && choose_relay(ctx, to, current, &chosen)) {
		chosen.chain = listener->count;
	} else if (is_relay && !may_fall_back(listener, current)) {
		return refuse(VERDICT_RELAY_DOWN_REFUSED, state);
	} else if (is_relay && !(listener->flags & LISTENER_FALLBACK_CLUSTER)) {
		return pass(VERDICT_RELAY_DOWN_BYPASSED, state);
	} else {
		verdict = choose(ctx, to, listener, current, &chosen);
		if (verdict != VERDICT_BALANCED)
			return refuse(verdict, state);
	}
	verdict = redirect(ctx, is_v4_socket, known, &chosen);
	if (verdict != VERDICT_BALANCED && verdict != VERDICT_RELAYED) {
		unchoose(&chosen);
		return refuse(verdict, state);
	}
	if (state)
		add(chosen.is_relayed ? &state->relayed : &state->accepted, 1);
	return native(is_relay && !chosen.is_relayed ? VERDICT_RELAY_DOWN_BYPASSED : verdict);
}

static __always_inline int govern(struct bpf_sock_addr *ctx, const struct destination *to, bool is_v4_socket)
{
	struct connection *known = bpf_sk_storage_get(&connections, ctx->sk, 0, 0);
	struct listener *listener;
	struct settings *current;
	__u32 zero = 0;

	/* Nested enrolment: every program runs, whatever the others returned. What one has decided
	 * is decided. */
	if (can_set_retval && bpf_get_retval())
		return native(VERDICT_AGAIN);
	if (known && is_own(known))
		return native(VERDICT_EXEMPT);
	if (known && is_decided(known, to))
		return native(VERDICT_AGAIN);
	if (known)
		end(known, 0, 0); /* an earlier connect() of this socket that failed */

	current = bpf_map_lookup_elem(&settings, &zero);
	if (!current || current->bypass)
		return native(VERDICT_BYPASSED);
	listener = find_listener(to);
	if (!listener)
		return native(VERDICT_NO_LISTENER);
	return serve(ctx, to, is_v4_socket, listener, current, known);
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
