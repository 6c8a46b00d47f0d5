// Which virtual host serves a request: exact names, wildcards by length, ports, case.

import type { Json } from "../../mesh.ts";
import { at, type Group, get, kept, one } from "../scenario.ts";

function hostOf(letter: string, ...domains: readonly string[]): Json {
  return { name: letter, domains, routes: [{ match: { prefix: "/" }, route: { cluster: `@${letter}` } }] };
}

const withoutHost = "GET / HTTP/1.1\r\n\r\n";

export const hosts: Group = {
  name: "virtual hosts",
  settings: [
    {
      name: "search order",
      hosts: [
        hostOf("a", "exact.example", "exact.example:8080"),
        hostOf("b", "*.example"),
        hostOf("c", "*-suffix.example", "*.long.example"),
        hostOf("d", "prefix.*", "prefix-*"),
        hostOf("e", "prefix.longer.*"),
        hostOf("f", "*"),
      ],
      cases: [
        one("exact", at("exact.example"), "200 a"),
        one("exact, other case", at("EXACT.Example"), "200 a"),
        one("exact with the port that it names", at("exact.example:8080"), "200 a"),
        one("exact with another port is no match for the name", at("exact.example:81"), "200 f"),
        one("suffix", at("other.example"), "200 b"),
        one("suffix, several labels", at("x.y.example"), "200 b"),
        one("suffix, other case", at("OTHER.EXAMPLE"), "200 b"),
        one("the longer suffix wins", at("x-suffix.example"), "200 c"),
        one("the longer suffix wins, by labels", at("x.long.example"), "200 c"),
        one("a suffix needs something before it", at(".example"), "200 f"),
        one("what the suffix is of", at("example"), "200 f"),
        one("a suffix doesn't match a part of a label", at("other-example"), "200 f"),
        one("suffix with a port", at("other.example:80"), "200 f"),
        one("prefix", at("prefix.test"), "200 d"),
        one("prefix, other case", at("Prefix.TEST"), "200 d"),
        one("prefix with a port", at("prefix.test:81"), "200 d"),
        one("prefix without a dot", at("prefix-x"), "200 d"),
        one("a prefix needs something after it", at("prefix."), "200 f"),
        one("the longer prefix wins", at("prefix.longer.test"), "200 e"),
        one("suffix before prefix", at("prefix.example"), "200 b"),
        one("everything else", at("unknown.test"), "200 f"),
        one("an address", at("127.96.1.1"), "200 f"),
        one("an IPv6 address", at("[::1]:80"), "200 f"),
        one("an empty Host", at(""), "200 f"),
        one("no Host", withoutHost, "400", { closed: "fin" }),
        one("the absolute form decides, not Host", get("http://exact.example/x", "Host: unknown.test"), "200 a", {
          sent: { host: "exact.example" },
          upstream: { a: ["GET /x"] },
        }),
      ],
    },
    {
      name: "no default",
      hosts: [hostOf("a", "one.example", "two.example:80")],
      cases: [
        one("no match", at("three.example"), "404", { upstream: {}, closed: "open" }),
        kept(
          one("no match, POST with a body", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", "404", {
            upstream: {},
          }),
        ),
        one("with a port that isn't named", at("one.example:80"), "404"),
        one("without the port that is named", at("two.example"), "404"),
        one("a trailing dot is another name", at("one.example."), "404"),
        one("after a 404 the connection serves on", [at("x"), { answers: 1 }, at("one.example")], "404|200 a"),
      ],
    },
    {
      name: "ignore_port_in_host_matching",
      hosts: [hostOf("a", "one.example"), hostOf("b", "*.example"), hostOf("c", "[::1]")],
      configuration: { ignore_port_in_host_matching: true },
      cases: [
        one("exact", at("one.example:1234"), "200 a", { sent: { host: "one.example:1234" } }),
        one("suffix", at("x.example:1234"), "200 b"),
        one("IPv6", at("[::1]:1234"), "200 c"),
        one("whatever follows the last colon is taken for a port", at("one.example:x"), "200 a"),
      ],
    },
    {
      name: "strip_any_host_port",
      hosts: [hostOf("a", "one.example"), hostOf("b", "[::1]")],
      manager: { strip_any_host_port: true },
      cases: [
        one("a port", at("one.example:1234"), "200 a", { sent: { host: "one.example" } }),
        one("no port", at("one.example"), "200 a", { sent: { host: "one.example" } }),
        one("IPv6", at("[::1]:1234"), "200 b", { sent: { host: "[::1]" } }),
      ],
    },
    {
      name: "strip_matching_host_port",
      hosts: [hostOf("a", "one.example"), hostOf("b", "one.example:81")],
      manager: { strip_matching_host_port: true },
      cases: [
        one("the listener's port", at("one.example:80"), "200 a", { sent: { host: "one.example" } }),
        one("another port", at("one.example:81"), "200 b", { sent: { host: "one.example:81" } }),
      ],
    },
    {
      name: "strip_trailing_host_dot",
      hosts: [hostOf("a", "one.example", "one.example:81")],
      manager: { strip_trailing_host_dot: true },
      cases: [
        one("a dot", at("one.example."), "200 a", { sent: { host: "one.example" } }),
        one("a dot before a port", at("one.example.:81"), "200 a", { sent: { host: "one.example:81" } }),
        one("two dots", at("one.example.."), "404"),
      ],
    },
    {
      name: "require_tls",
      hosts: [
        { ...hostOf("a", "all.example"), require_tls: "ALL" },
        { ...hostOf("b", "external.example"), require_tls: "EXTERNAL_ONLY" },
      ],
      cases: [
        one("ALL", at("all.example", "/x?y"), "301", { fields: { location: "https://all.example/x?y" }, upstream: {} }),
        one("ALL, port kept out", at("all.example:80", "/"), "404"),
        one("EXTERNAL_ONLY", at("external.example", "/x"), "301", {
          fields: { location: "https://external.example/x" },
        }),
      ],
    },
  ],
};
