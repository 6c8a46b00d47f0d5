// Request methods that the relay forwards: those that Envoy's HTTP/1 codec knows (BalsaParser, custom methods not allowed). Anything
// else is refused, as it is there.

const methods: ReadonlySet<string> = new Set([
  ...["ACL", "BIND", "CHECKOUT", "CONNECT", "COPY", "DELETE", "GET", "HEAD", "LINK", "LOCK", "MERGE", "MKACTIVITY"],
  ...["MKCALENDAR", "MKCOL", "MOVE", "MSEARCH", "NOTIFY", "OPTIONS", "PATCH", "POST", "PROPFIND", "PROPPATCH", "PURGE"],
  ...["PUT", "REBIND", "REPORT", "SEARCH", "SOURCE", "SUBSCRIBE", "TRACE", "UNBIND", "UNLINK", "UNLOCK", "UNSUBSCRIBE"],
]);

/** Case counts (RFC 9110, section 9.1): `get` isn't GET. */
export function isMethod(token: string): boolean {
  return methods.has(token);
}

/** A token that is longer can't become a method however many bytes follow. */
export const longestMethod = Math.max(...[...methods].map((method) => method.length));
