// The stateful session filter with its state in a cookie: a client stays with the endpoint that answered it first.
import type { StatefulSessionConfig } from "../../../model/http.ts";
import { wireText } from "../../../model/wire-text.ts";
import type {
  StatefulSession,
  StatefulSessionPerRoute,
} from "../../gen/envoy/extensions/filters/http/stateful_session/v3/stateful_session_pb.ts";
import {
  type CookieBasedSessionState,
  CookieBasedSessionStateSchema,
} from "../../gen/envoy/extensions/http/stateful_session/cookie/v3/cookie_pb.ts";
import { as, open } from "../any.ts";
import { milliseconds } from "../duration.ts";
import { inside, inspect, type Place } from "../inspect.ts";

export function convertStatefulSession(config: StatefulSession, place: Place): StatefulSessionConfig {
  const { strict, sessionState } = config;
  const cookie = sessionState && convertState(sessionState.typedConfig, inside(place, "session_state.typed_config"));
  return { type: "stateful_session", cookie, strict };
}

export function convertStatefulSessionPerRoute(
  { override }: StatefulSessionPerRoute,
  place: Place,
): StatefulSessionConfig | { readonly type: "disabled" } {
  if (override.case !== "statefulSession") return { type: "disabled" };
  return convertStatefulSession(override.value, inside(place, "stateful_session"));
}

function convertState(any: Parameters<typeof open>[0], place: Place): StatefulSessionConfig["cookie"] {
  const opened = open(any, place.path, place.report);
  if (opened === undefined) return undefined;
  const state = as(CookieBasedSessionStateSchema, opened);
  if (state === undefined) {
    place.report.reject(place.path, `${opened.typeName} isn't supported: sessions are kept in cookies`);
    return undefined;
  }
  inspect(CookieBasedSessionStateSchema, state, place);
  return convertCookie(state, inside(place, "cookie"));
}

/** An unset one was refused by inspection. */
function convertCookie({ cookie }: CookieBasedSessionState, place: Place): StatefulSessionConfig["cookie"] {
  if (cookie === undefined) return undefined;
  const ttlSeconds = Math.trunc((milliseconds(cookie.ttl, "ttl", place) ?? 0) / 1000);
  return { name: wireText(cookie.name), ttlSeconds, path: wireText(cookie.path) };
}
