// The authority as routing and upstream shall see it: without its port or the host's trailing dot where the listener says so. By
// Envoy's rules, which cut at the last colon or dot and leave alone what isn't a number.
import type { HttpOptions } from "../../model/http.ts";

export type AuthorityOptions = Pick<HttpOptions, "stripPort" | "stripTrailingDot">;

/** `localPort` is the port that the client connected to; `matching` removes only that. */
export function stripAuthority(authority: string, options: AuthorityOptions, localPort: number): string {
  const dotless = options.stripTrailingDot ? stripTrailingDot(authority) : authority;
  switch (options.stripPort) {
    case "no":
      return dotless;
    case "any":
      return stripPort(dotless, () => true);
    case "matching":
      return stripPort(dotless, (port) => port === localPort);
  }
}

function stripTrailingDot(authority: string): string {
  const dot = authority.lastIndexOf(".");
  if (dot < 0) return authority;
  const rest = authority.substring(dot + 1);
  return rest === "" || rest.startsWith(":") ? authority.substring(0, dot) + rest : authority;
}

function stripPort(authority: string, isStripped: (port: number) => boolean): string {
  const colon = authority.lastIndexOf(":");
  if (colon < 0 || authority.lastIndexOf("]") > colon) return authority;
  const port = portNumber(authority.substring(colon + 1));
  return port !== undefined && isStripped(port) ? authority.substring(0, colon) : authority;
}

/** Any number of 32 bits, as Envoy reads it. */
function portNumber(text: string): number | undefined {
  if (!/^\+?\d+$/.test(text)) return undefined;
  const port = Number(text);
  return port <= 0xffff_ffff ? port : undefined;
}
