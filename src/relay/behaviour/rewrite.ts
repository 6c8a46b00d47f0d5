// What a route changes of the request's path and host (source/common/router/config_impl.cc: finalizeRequestHeaders,
// currentUrlPathAfterRewriteWithMatchedPath).
import type { PathMatcher } from "../../model/matcher.ts";
import type { RequestView } from "../../model/request.ts";
import type { HostRewrite, PathRewrite } from "../../model/route.ts";
import { firstValue } from "./conditions.ts";
import { fieldText } from "./field-text.ts";
import type { Fields } from "./fields.ts";
import type { Patterns } from "./patterns.ts";

export function pathWithoutQuery(path: string): string {
  const end = path.search(/[?#]/);
  return end === -1 ? path : path.slice(0, end);
}

/** `path` and the outcome are with query. `matched` is the route's own path condition: a prefix rewrite replaces what it took. */
export function rewritePath(path: string, rewrite: PathRewrite, matched: PathMatcher, patterns: Patterns): string {
  const bare = pathWithoutQuery(path);
  switch (rewrite.type) {
    case "prefix":
      return rewrite.value + path.slice(matchedLength(matched, bare));
    case "regex": {
      const rewritten = patterns.replaceAll(rewrite.rewrite, bare);
      // Nothing left is a failed rewrite: the path stays.
      return rewritten === "" ? path : rewritten + path.slice(bare.length);
    }
  }
}

/** The new authority; undefined leaves it as it is. `hostname` is the endpoint's, "" where it has none. */
export function rewriteHost(
  rewrite: HostRewrite,
  request: RequestView,
  hostname: string,
  patterns: Patterns,
): string | undefined {
  switch (rewrite.type) {
    case "literal":
      return rewrite.value;
    case "header":
      return firstValue(request, rewrite.header) || undefined;
    case "path_regex":
      return patterns.replaceAll(rewrite.rewrite, pathWithoutQuery(request.path));
    case "endpoint":
      return fieldText(hostname) || undefined;
  }
}

/** append_x_forwarded_host, before the host is rewritten; not where it is the last one already (utility.cc, updateAuthority). */
export function appendForwardedHost(fields: Fields, authority: string): void {
  if (authority === "") return;
  const sent = fields.header("x-forwarded-host");
  if (sent?.split(",").findLast((host) => host !== "") === authority) return;
  fields.append("x-forwarded-host", authority);
}

/** How much of the path the condition took: a prefix takes itself, the others everything up to the query. */
function matchedLength(matched: PathMatcher, bare: string): number {
  return matched.match === "prefix" || matched.match === "separated_prefix" ? matched.value.length : bare.length;
}
