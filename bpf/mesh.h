/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Every struct and enum that crosses the boundary between user space and BPF.
 * src/layout/mesh.gen.ts is generated from the BTF of this file. Ports and addresses are in network
 * order (__be*), all else in host order.
 */
#ifndef KMESH_EDGE_MESH_H
#define KMESH_EDGE_MESH_H

/* binary search over at most 2^23 ring entries: Envoy's largest ring is 8388608 */
#define RING_STEPS 24
/* the largest choice_count that is honoured */
#define LEAST_REQUEST_DRAWS 8
/* a hash policy with several priorities picks the priority by hash % 100, as Envoy */
#define HASH_BUCKETS 100
/* an id in a row: refuse, as Envoy fails this part of the traffic (fail_traffic_on_panic) */
#define NO_ENDPOINT 0xffffffff

enum family {
	FAMILY_V4 = 4,
	FAMILY_V6 = 6,
};

/* IPv4 in bytes 0 to 3, the rest zero; an IPv4-mapped IPv6 destination is looked up as IPv4. */
struct address {
	__u8 bytes[16];
};

/* listeners: an exact destination */
struct listener_key {
	struct address address;
	__be16 port_be;
	__u8 family; /* enum family */
	__u8 _pad;
};

/* listener_prefixes: wildcard listeners and the prefix_ranges of their filter chains; family and
 * port always match whole */
struct listener_prefix_key {
	__u32 prefix_length; /* bits: 32 for family, port and padding, then those of the address */
	__be16 port_be;
	__u8 family; /* enum family */
	__u8 _pad;
	struct address address;
};

enum listener_action {
	ACTION_PASS = 1,	      /* native, on purpose: ORIGINAL_DST, or an engine that isn't there */
	ACTION_REFUSE = 2,	      /* no filter chain matches: Envoy would close the connection */
	ACTION_CLUSTER = 3,	      /* target is a cluster id */
	ACTION_WEIGHTED_CLUSTERS = 4, /* [target, target + count) are cluster choices in slots */
	ACTION_RELAY = 5,	      /* to the agent's relay; count is the filter chain's index, target
					 the cluster of LISTENER_FALLBACK_CLUSTER */
};

enum listener_flags {
	LISTENER_HASH_SOURCE = 1, /* tcp_proxy.hash_policy has source_ip */
	/* What becomes of a connect() while the relay can't be reached; neither: refused. */
	LISTENER_FALLBACK_CLUSTER = 2, /* the cluster `target` */
	LISTENER_FALLBACK_NATIVE = 4,
};

struct listener {
	__u64 total; /* sum of the weights of the cluster choices */
	__u32 id;
	__u32 target;
	__u32 count;
	__u8 action; /* enum listener_action */
	__u8 flags;  /* enum listener_flags */
	__u8 _pad[2];
};

/*
 * One row of a table; the parent (listener or cluster) names the table's first row and its length.
 * What `value` is: alias table:   draw a column, then r < total; r < value keeps `id`, otherwise
 * `alias` (Walker's alias method) sequence, Maglev: unused hash ring:     the hash; rows ascend by
 * it hash buckets:  (cluster flag CLUSTER_HASH_BUCKETS) unused; id is the table's first row, alias
 * its length `id` and `alias` are endpoint ids, or cluster ids in a listener's table.
 */
struct slot {
	__u64 value;
	__u32 id;
	__u32 alias;
};

enum pick {
	PICK_SEQUENCE = 1,	/* rows in turn: round robin */
	PICK_ALIAS = 2,		/* one weighted random draw */
	PICK_LEAST_REQUEST = 3, /* the least loaded of `draws` weighted random draws */
	PICK_RING = 4,		/* the first row whose hash is >= the connection's */
	PICK_MAGLEV = 5,	/* row hash % count */
};

enum cluster_flags {
	CLUSTER_HASH_BUCKETS = 1, /* several priorities: the table starts with HASH_BUCKETS rows
				     that name one table each */
};

struct cluster {
	__u64 total;	       /* of the alias table */
	__u32 table;	       /* first row in slots */
	__u32 count;	       /* rows; 0 = no usable endpoint */
	__u32 max_connections; /* 0xffffffff = unlimited */
	__u8 pick;	       /* enum pick */
	__u8 draws;	       /* PICK_LEAST_REQUEST: 1 to LEAST_REQUEST_DRAWS */
	__u8 flags;	       /* enum cluster_flags */
	__u8 _pad;
};

struct endpoint {
	struct address address;
	__u32 cluster; /* cluster id */
	__be16 port_be;
	__u8 family; /* enum family */
	__u8 _pad;
	__u32 weight; /* PICK_LEAST_REQUEST compares active / weight */
};

/* Written by BPF only; user space creates and deletes entries. Totals never go down while the entry
 * lives. */
struct cluster_state {
	__u64 opened;		   /* connections that were established */
	__u64 closed;		   /* of those, ended */
	__u64 failed;		   /* connects that did not establish */
	__u64 overflow;		   /* connects refused by max_connections */
	__u64 unusable;		   /* connects refused because no endpoint was usable */
	struct bpf_spin_lock lock; /* guards active and cursor */
	__u32 active;		   /* connections chosen and not ended yet */
	__u32 cursor;		   /* PICK_SEQUENCE: the next row */
	__u32 _pad;
};

struct endpoint_state {
	__u64 opened;
	__u64 closed;
	__u64 failed;
	__u64 bytes_sent;     /* payload, acknowledged by the peer; added when the connection ends */
	__u64 bytes_received; /* payload; added when the connection ends */
	__s64 active;	      /* connections chosen and not ended yet */
};

struct listener_state {
	__u64 accepted; /* connects that were given an endpoint */
	__u64 passed;	/* connects left native on purpose */
	__u64 refused;	/* connects refused, for any reason */
	__u64 relayed;	/* connects sent to the relay */
};

enum connection_phase {
	PHASE_CHOSEN = 1,     /* connect4/6 chose an endpoint */
	PHASE_CONNECTING = 2, /* the SYN is on its way */
	PHASE_ESTABLISHED = 3,
	PHASE_ENDED = 4, /* counted out */
	/* Set by user space, through the map, on sockets of its own; never changed by BPF. */
	PHASE_EXEMPT = 5, /* an upstream socket of the relay: native in any cgroup */
	PHASE_RELAY = 6,  /* a listening socket of the relay: only such a one is the relay, whatever
			     else may listen on its port, in this or another network namespace */
};

/* socket-local storage of a governed connection, and of the relay's own sockets */
struct connection {
	struct address original; /* the destination that the application asked for */
	struct address chosen;	 /* the endpoint's, as the kernel was told */
	__be16 original_port_be;
	__be16 chosen_port_be;
	__u8 original_family; /* enum family */
	__u8 chosen_family;   /* enum family */
	__u8 phase;	      /* enum connection_phase */
	__u8 is_relayed;      /* 1: chosen is the relay; counted in no cluster and endpoint */
	__u32 listener;
	__u32 chain; /* of a relayed connection: the filter chain's index */
	__u32 cluster;
	__u32 endpoint;
	__u32 received_at_fin_wait2; /* low bits of the bytes received when our FIN was acknowledged
				      */
};

/* relayed: the client's side of a connection to the relay, which the relay sees as its peer */
struct relayed_key {
	struct address address;
	__be16 port_be;
	__u8 family; /* enum family */
	__u8 _pad;
};

/*
 * What the relay has to know of a connection that it accepts. Whoever connects to the relay without
 * such an entry isn't an enrolled workload. Written before the SYN leaves, and deleted by the
 * relay when it accepts; or by BPF when the connection is refused or reset before that.
 */
struct relayed {
	struct address original; /* the destination that the application asked for */
	__be16 port_be;
	__u8 family; /* enum family */
	__u8 _pad;
	__u32 listener;
	__u32 chain; /* the filter chain's index */
	__u32 _pad2;
	__u64 since_ns; /* CLOCK_MONOTONIC; nobody accepts an old one any more: user space sweeps it */
};

/* What became of a connect(): one per-CPU counter each, exported with the label `reason`. */
enum verdict {
	VERDICT_NO_LISTENER = 0,	  /* native: no listener has this destination */
	VERDICT_BALANCED = 1,		  /* an endpoint was chosen */
	VERDICT_PASSED = 2,		  /* native on purpose (ACTION_PASS) */
	VERDICT_AGAIN = 3,		  /* decided already by another program (nested enrolment): left as it is */
	VERDICT_NO_FILTER_CHAIN = 4,	  /* refused */
	VERDICT_NO_ENDPOINT = 5,	  /* refused: the cluster has no usable endpoint */
	VERDICT_MAX_CONNECTIONS = 6,	  /* refused: circuit breaker */
	VERDICT_FAMILY_MISMATCH = 7,	  /* refused: an IPv4 socket can't reach an IPv6 endpoint */
	VERDICT_CLUSTER_MISSING = 8,	  /* refused: a live entry refers to a missing cluster */
	VERDICT_SLOT_MISSING = 9,	  /* refused: a table row is missing */
	VERDICT_ENDPOINT_MISSING = 10,	  /* refused: a row refers to a missing endpoint */
	VERDICT_NO_STORAGE = 11,	  /* refused: socket storage could not be had */
	VERDICT_BYPASSED = 12,		  /* native: break-glass */
	VERDICT_RELAYED = 13,		  /* sent to the relay */
	VERDICT_RELAY_DOWN_BYPASSED = 14, /* the relay can't be reached: balanced or native, as the
					     listener says */
	VERDICT_RELAY_DOWN_REFUSED = 15,  /* refused: the relay can't be reached */
	VERDICT_EXEMPT = 16,		  /* native: the relay's own upstream connection */
	VERDICT_COUNT = 17,
};

/* settings[0]: written by user space at any time */
struct settings {
	__u64 source_hash_v4; /* xxHash64 of this host's source address: used where the socket isn't
				 bound */
	__u64 source_hash_v6;
	__u64 source_hash_loopback_v4; /* the same for destinations in 127.0.0.0/8 and ::1 */
	__u64 source_hash_loopback_v6;
	__u32 bypass;	      /* 1: every connect is native */
	__be16 relay_port_be; /* 0: there is no relay */
	__u8 relay_refuse;    /* 1: a listener's fallback isn't used */
	__u8 _pad;
	struct address relay_v4; /* for IPv4 destinations, also of IPv6 sockets */
	struct address relay_v6;
};

/* ids: a resource's name to its id, kept so that a restart uses the same ids */
enum id_kind {
	ID_LISTENER = 1,
	ID_CLUSTER = 2,
};

struct id_key {
	__u8 digest[15]; /* first 15 bytes of SHA-256 of the name */
	__u8 kind;	 /* enum id_kind */
};

#endif
