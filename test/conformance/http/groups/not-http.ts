// Bytes that aren't HTTP/1 on a listener that expects it: an application may speak TLS or something else of its own on a port that
// was declared to be HTTP. Envoy refuses them; here they go where the default route goes.
import { type Case, type Group, one, plainRoutes } from "../scenario.ts";

const protocols = [
  ["a TLS hello", `\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03${"a".repeat(100)}`],
  ["HTTP/2 with prior knowledge", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
  ["SSH", "SSH-2.0-OpenSSH_9.6\r\n"],
  ["NULs", "\x00\x00\x00\x00\x00\x00\x00\x00"],
] as const;

/** Envoy closes the connection on HTTP/2's preface without an answer. */
const envoysAnswer = (bytes: string): string => (bytes.startsWith("PRI") ? "" : "400 Bad Request");

function passed(name: string, bytes: string): Case {
  return one(name, [bytes, { text: bytes }, "more", { text: `${bytes}more` }], envoysAnswer(bytes), {
    backends: { a: { replies: [], accept: [{ do: "echo" }] } },
    difference: { id: "not-http", ours: { answers: [], rest: `${bytes}more`, closed: "open" } },
  });
}

function closed(name: string, bytes: string): Case {
  return one(name, bytes, envoysAnswer(bytes), {
    difference: { id: "not-http", ours: { answers: [], rest: "", closed: "fin", upstream: {} } },
  });
}

export const notHttp: Group = {
  name: "bytes that aren't HTTP/1",
  settings: [
    { name: "a default route", routes: plainRoutes, cases: protocols.map(([name, bytes]) => passed(name, bytes)) },
    {
      name: "no default route",
      hosts: [{ name: "h", domains: ["h"], routes: [...plainRoutes] }],
      cases: protocols.map(([name, bytes]) => closed(name, bytes)),
    },
  ],
};
