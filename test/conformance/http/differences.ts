// Where kmesh-edge's relay doesn't do what Envoy does with the same file, and why: the whole list. Transparency's rules are shown
// by any scenario that needs them, the others by a scenario that expects both answers; each fails when the difference is gone.
import type { Difference } from "../differences.ts";

export const httpDifferences = {
  "own-fields": {
    envoy:
      "writes server, date, x-envoy-upstream-service-time, x-forwarded-proto, x-envoy-expected-rq-timeout-ms, x-request-id, x-envoy-external-address x-envoy-downstream-service-cluster, x-envoy-original-path, -host and -url by itself; x-envoy-overloaded in answers; x-forwarded-for and x-envoy-internal in mirrored requests",
    ours: "adds none of them unless the configuration asks for it",
    why: "an application's traffic isn't to be seen to have passed something",
  },
  "field-case": {
    envoy: "writes field names in lower case",
    ours: "as they were sent",
    why: "transparent: some clients and servers compare names by case",
  },
  "field-order": {
    envoy: "puts host first, framing fields last, and what it overwrites at the end",
    ours: "keeps the order, and overwrites in place",
    why: "transparent",
  },
  "reason-phrase": {
    envoy: "writes the usual reason phrase",
    ours: "keeps the server's",
    why: "transparent",
  },
  "empty-length": {
    envoy: "adds content-length: 0 to requests without a body whose method may have one",
    ours: "adds nothing",
    why: "transparent: no length and a length of 0 mean the same",
  },
  "answer-version": {
    envoy: "answers an HTTP/1.0 request with HTTP/1.0",
    ours: "with HTTP/1.1",
    why: "a server says the highest version that it speaks (RFC 9110, section 6.2); the message itself is one that 1.0 understands",
  },
  trailers: {
    envoy: "drops trailers unless enable_trailers is set",
    ours: "keeps them",
    why: "transparent: they are part of the message",
  },
  "pipelined-local-answers": {
    envoy: "answers the first two of several pipelined requests that need no backend, and closes",
    ours: "answers all of them",
    why: "RFC 9112, section 9.3.2: pipelined requests are answered in order; the client can't know which were lost",
  },
  "kept-connection": {
    envoy:
      "ends the connection after an answer of its own to a request with a body, and after a refused upgrade or CONNECT",
    ours: "reads the rest of the request and serves on",
    why: "the next request is where the last one ends: there is nothing to lose the connection for",
  },
  "cut-request": {
    envoy: "forgets a request whose client goes away before its endpoint is connected",
    ours: "the endpoint sees as much of it as had come, and then the end of the connection",
    why: "a loopback connection is there at once: there is nothing to wait for, and no request is cut that Envoy would have completed",
  },
  "stale-connection": {
    envoy: "answers 503 when a kept connection to an endpoint turns out to have been closed",
    ours: "sends the request once more, on a new connection",
    why: "the endpoint closed it while it was idle, and the request is safe to send again (RFC 9110, section 9.2.2)",
  },
  "trusted-address": {
    envoy:
      "takes the last address of x-forwarded-for for the client's (remote_ip, DOWNSTREAM_REMOTE_ADDRESS), unless use_remote_address is set",
    ours: "the address that has connected",
    why: "whoever connects could write any address into a header, and pass a rule by it",
  },
  "needless-100": {
    envoy: "answers Expect: 100-continue with 100 even where the body is there or there is none",
    ours: "only where the body is waited for",
    why: "100 may be left out then (RFC 9110, section 10.1.1)",
  },
  "length-of-204": {
    envoy: "removes content-length: 0 from a 204",
    ours: "keeps it",
    why: "transparent: it means the same",
  },
  "nominated-fields": {
    envoy: "passes on fields of an answer that its Connection field names",
    ours: "removes them",
    why: "they are for one hop only (RFC 9110, section 7.6.1)",
  },
  "half-close": {
    envoy: "drops a request whose client has sent its FIN before the answer",
    ours: "answers it",
    why: "a client may close its sending side when it has sent all (RFC 9112, section 9.6); netcat and some old clients do",
  },
  "strict-parsing": {
    envoy:
      "accepts bare LF, obs-fold, several Host fields, repeated Content-Length and other forms that two parsers may read differently",
    ours: "answers 400, or 502 where a server sent it, and closes",
    why: "what can be read in two ways is how requests are smuggled",
  },
  "not-http": {
    envoy: "answers bytes that aren't HTTP/1 with 400, and closes",
    ours: "passes them to the default route's cluster, or closes where there is none",
    why: "an application that speaks TLS or HTTP/2 of its own to a port that was declared HTTP worked before it was enrolled",
  },
  "filters-with-services": {
    envoy: "has filters that ask a service, run code or change bodies (ext_authz, lua, wasm, ratelimit, compressor …)",
    ours: "refuses the listener that has one, unless it is_optional",
    why: "a request that should have been asked about must not pass unasked",
  },
  "rate-limit-descriptors": {
    envoy: "counts local rate limits by descriptors",
    ours: "refuses them; the bucket of the filter, a virtual host or a route is honoured",
    why: "descriptors are made by rate limit actions, which aren't interpreted",
  },
  "request-metadata": {
    envoy: "matches, hashes and writes metadata, filter state and properties of TLS",
    ours: "refuses them",
    why: "none of these exist here: connections are plaintext and no filter writes metadata",
  },
  hedging: {
    envoy: "sends a request again while the first try goes on (hedge_policy)",
    ours: "refuses it",
    why: "a server would do the work twice where the configuration alone doesn't say that it may",
  },
  "local-replies": {
    envoy: "changes the answers that it makes itself (local_reply_config)",
    ours: "refuses it",
    why: "clients would get other statuses and bodies than were configured",
  },
  "connect-termination": {
    envoy: "ends CONNECT itself and passes on the bytes of the tunnel (connect_config)",
    ours: "refuses it; CONNECT is passed on as it is",
    why: "a client here would have connected to the destination, not asked for a tunnel",
  },
  "default-host": {
    envoy: "gives HTTP/1.0 requests without a Host a configured one (default_host_for_http_10)",
    ours: "refuses it",
    why: "nothing is added to requests that the backend didn't get before",
  },
} as const satisfies Readonly<Record<string, Difference>>;

export type HttpDifferenceId = keyof typeof httpDifferences;
