// Where kmesh-edge doesn't do what Envoy does with the same file, and why: the whole list. Each is shown by a test that fails when
// the difference is gone, and no other difference is let pass.

export interface Difference {
  readonly envoy: string;
  readonly ours: string;
  readonly why: string;
}

export const differences = {
  refusal: {
    envoy: "accepts a connection that it can't serve, and closes or resets it",
    ours: "connect() fails with ECONNREFUSED",
    why: "the decision is taken when the application connects: nothing has been accepted that would have to be closed",
  },
  "unset-max-connections": {
    envoy: "1,024 connections to a cluster where max_connections is unset",
    ours: "no limit",
    why: "the default guards a proxy's sockets and memory; a governed connection costs neither",
  },
  "one-attempt": {
    envoy: "max_connect_attempts tries further endpoints when one doesn't answer",
    ours: "one endpoint is tried; its refusal is the application's to see. `check` reports it",
    why: "the kernel connects the application's own socket once",
  },
  "long-period": {
    envoy: "weighted round robin is even at any sum of the weights",
    ours: "above 4,096 turns a period it is a weighted random draw",
    why: "a period is written out as a table, and longer ones would cost more memory than their evenness is worth",
  },
  "bound-v6-source": {
    envoy: "RING_HASH and MAGLEV hash the text of an IPv6 source address",
    ours: "its 16 bytes: each source keeps its endpoint, but not the one that Envoy gives it",
    why: "the kernel program would have to print the address in its canonical form",
  },
  "http-per-connection": {
    envoy: "chooses an endpoint for each HTTP request",
    ours: "for each connection, where the whole listener leads to one place",
    why: "the connection is the application's own; nothing sees its requests",
  },
  "http-refusal": {
    envoy: "answers HTTP requests that have no endpoint with 503",
    ours: "connect() fails with ECONNREFUSED",
    why: "as `refusal`",
  },
  "unknown-cluster": {
    envoy: "starts with a listener whose cluster doesn't exist, and closes its connections",
    ours: "refuses the file, with the field path",
    why: "in a file that is complete it is a mistake; from a control plane, where it may come later, it is waited for, then refused as in Envoy",
  },
  "no-filters": {
    envoy: "takes a filter chain without filters, and closes its connections",
    ours: "refuses the listener",
    why: "nothing says where the connections should go: it is a mistake, best said before it costs traffic",
  },
  "dns-clusters": {
    envoy: "resolves names (STRICT_DNS, LOGICAL_DNS)",
    ours: "refuses the cluster",
    why: "names aren't resolved: endpoints are IP addresses, from the file or by EDS",
  },
  "subset-selectors": {
    envoy: "chooses endpoints by metadata (lb_subset_config)",
    ours: "refuses the cluster",
    why: "subsets are clusters of their own, as Istio makes them",
  },
  "slow-start": {
    envoy: "gives new endpoints less traffic for a while (slow_start_config)",
    ours: "refuses the cluster",
    why: "weights would be wrong without it",
  },
  "bounded-loads": {
    envoy: "bounds an endpoint's load under RING_HASH and MAGLEV (hash_balance_factor)",
    ours: "refuses the cluster",
    why: "some clients would be sent elsewhere than asked for",
  },
  "drop-overload": {
    envoy: "drops a part of the connections (drop_overloads)",
    ours: "refuses the cluster",
    why: "serving what should be dropped would change how much traffic arrives",
  },
  "source-match": {
    envoy: "chooses a filter chain by the client's address",
    ours: "`check` refuses the listener; the agent leaves its traffic as it is",
    why: "the source address isn't known when a connection is opened",
  },
} as const satisfies Readonly<Record<string, Difference>>;

export type DifferenceId = keyof typeof differences;
