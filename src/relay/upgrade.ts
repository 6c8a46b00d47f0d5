// Requests to switch protocols: which kind they ask for, and whether it is allowed (source/common/http/filter_manager.cc,
// createUpgradeFilterChain).
import type { HttpOptions } from "../model/http.ts";
import type { RouteAction } from "../model/route.ts";
import type { MessageHead } from "./wire/head.ts";

/** In lower case; "": none is asked for. HTTP/2 isn't offered here, so that such a request is one like any other. */
export function upgradeType({ method, upgrade }: MessageHead): string {
  if (method === "CONNECT") return "connect";
  if (upgrade === "") return "";
  const type = upgrade.toLowerCase();
  return type === "h2c" ? "" : type;
}

/** What the route says comes before what the connection manager says. */
export function mayUpgrade(type: string, action: RouteAction, { upgrades }: HttpOptions): boolean {
  if (type === "") return true;
  const byRoute = action.type === "forward" ? action.upgrades[type] : undefined;
  return byRoute ?? upgrades.includes(type);
}
