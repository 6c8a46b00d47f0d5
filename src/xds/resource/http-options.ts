// What a connection manager does to every request apart from routing, with Envoy's defaults. What it adds or changes only where
// somebody wrote it (x-request-id, x-forwarded-for) is a need; what Envoy does by default is not done (ARCHITECTURE.md).
import type { HttpOptions, HttpTimeouts } from "../../model/http.ts";
import { wireText } from "../../model/wire-text.ts";
import { HttpProtocolOptions_HeadersWithUnderscoresAction } from "../gen/envoy/config/core/v3/protocol_pb.ts";
import {
  type HttpConnectionManager,
  HttpConnectionManager_PathWithEscapedSlashesAction,
  HttpConnectionManager_ServerHeaderTransformation,
} from "../gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts";
import { milliseconds } from "./duration.ts";
import { inside, type Place } from "./inspect.ts";
import { at } from "./report.ts";
import { needWherePositive } from "./route-action.ts";

// Envoy's defaults (http_connection_manager.proto, protocol.proto).
const DEFAULT_STREAM_IDLE_MS = 300_000;
const DEFAULT_CONNECTION_IDLE_MS = 3_600_000;
const DEFAULT_HEAD_KB = 60;
const DEFAULT_HEADERS = 100;
// Of a listener (listener.proto).
const DEFAULT_BUFFER_BYTES = 1024 * 1024;

/** `place` is the connection manager's, which was inspected. */
export function convertHttpOptions(manager: HttpConnectionManager, place: Place): HttpOptions {
  const common = manager.commonHttpProtocolOptions;
  const http1 = manager.httpProtocolOptions;
  const isOn = (field: string, value: boolean | undefined, reason: string): boolean => {
    if (value === true) place.needs.push({ path: at(place.needPath, field), reason });
    return value === true;
  };
  return {
    timeouts: convertTimeouts(manager, place),
    maxHeadBytes: (manager.maxRequestHeadersKb ?? DEFAULT_HEAD_KB) * 1024,
    bufferLimitBytes: DEFAULT_BUFFER_BYTES,
    maxHeaders: common?.maxHeadersCount ?? DEFAULT_HEADERS,
    maxRequestsPerConnection: common?.maxRequestsPerConnection ?? 0,
    acceptHttp10: http1?.acceptHttp10 ?? false,
    allowAbsoluteUrl: http1?.allowAbsoluteUrl ?? true,
    upgrades: convertUpgrades(manager, place),
    normalizePath: manager.normalizePath ?? false,
    mergeSlashes: manager.mergeSlashes,
    escapedSlashes: convertEscapedSlashes(manager, place),
    stripPort: convertStripPort(manager, place),
    stripTrailingDot: manager.stripTrailingHostDot,
    underscores: underscoresOf(common?.headersWithUnderscoresAction),
    generateRequestId: isOn("generate_request_id", manager.generateRequestId, "adds x-request-id"),
    preserveExternalRequestId: manager.preserveExternalRequestId,
    requestIdInResponse: manager.alwaysSetRequestIdInResponse,
    ...convertServer(manager, place),
    via: wireText(manager.via),
    appendForwardedFor: isOn(
      "use_remote_address",
      manager.useRemoteAddress === true && !manager.skipXffAppend,
      "adds the client to x-forwarded-for",
    ),
    proxy100Continue: manager.proxy100Continue,
    addUserAgent: isOn("add_user_agent", manager.addUserAgent, "changes headers"),
    statPrefix: manager.statPrefix,
  };
}

function convertTimeouts(manager: HttpConnectionManager, place: Place): HttpTimeouts {
  const common = manager.commonHttpProtocolOptions;
  const commonPlace = inside(place, "common_http_protocol_options");
  const streamIdle = milliseconds(manager.streamIdleTimeout, "stream_idle_timeout", place);
  const request = milliseconds(manager.requestTimeout, "request_timeout", place);
  const requestHeaders = milliseconds(manager.requestHeadersTimeout, "request_headers_timeout", place);
  const connectionIdle = milliseconds(common?.idleTimeout, "idle_timeout", commonPlace);
  const maxConnection = milliseconds(common?.maxConnectionDuration, "max_connection_duration", commonPlace);
  const maxStream = milliseconds(common?.maxStreamDuration, "max_stream_duration", commonPlace);
  needWherePositive(place, {
    request_timeout: request,
    request_headers_timeout: requestHeaders,
    stream_idle_timeout: streamIdle,
    "common_http_protocol_options.idle_timeout": connectionIdle,
    "common_http_protocol_options.max_connection_duration": maxConnection,
    "common_http_protocol_options.max_stream_duration": maxStream,
  });
  return {
    streamIdleMs: streamIdle ?? DEFAULT_STREAM_IDLE_MS,
    requestMs: request ?? 0,
    requestHeadersMs: requestHeaders ?? 0,
    connectionIdleMs: connectionIdle ?? DEFAULT_CONNECTION_IDLE_MS,
    maxConnectionMs: maxConnection ?? 0,
    maxStreamMs: maxStream ?? 0,
  };
}

/** A connection without a proxy may change its protocol as it likes: no need, but the relay keeps to it. */
function convertUpgrades({ upgradeConfigs }: HttpConnectionManager, { path, report }: Place): string[] {
  const types = upgradeConfigs.map(({ upgradeType }) => upgradeType.toLowerCase());
  for (const [i, type] of types.entries()) {
    if (types.indexOf(type) < i) report.reject(at(path, `upgrade_configs[${i}]`), "has the type of another one");
  }
  return types.filter((_, i) => upgradeConfigs[i]?.enabled !== false);
}

/** Istio writes KEEP_UNCHANGED on every listener. */
function convertEscapedSlashes(
  { pathWithEscapedSlashesAction: action }: HttpConnectionManager,
  { needs, needPath }: Place,
): HttpOptions["escapedSlashes"] {
  const kept = escapedSlashesOf(action);
  if (kept !== "keep")
    needs.push({ path: at(needPath, "path_with_escaped_slashes_action"), reason: "rewrites or refuses requests" });
  return kept;
}

function escapedSlashesOf(action: HttpConnectionManager_PathWithEscapedSlashesAction): HttpOptions["escapedSlashes"] {
  switch (action) {
    case HttpConnectionManager_PathWithEscapedSlashesAction.REJECT_REQUEST:
      return "reject";
    case HttpConnectionManager_PathWithEscapedSlashesAction.UNESCAPE_AND_REDIRECT:
      return "unescape_and_redirect";
    case HttpConnectionManager_PathWithEscapedSlashesAction.UNESCAPE_AND_FORWARD:
      return "unescape_and_forward";
    default:
      return "keep";
  }
}

/** That strip_matching_host_port is a need, inspection has seen. */
function convertStripPort(manager: HttpConnectionManager, { needs, needPath }: Place): HttpOptions["stripPort"] {
  const { stripPortMode: mode, stripMatchingHostPort } = manager;
  if (mode.case !== "stripAnyHostPort" || !mode.value) return stripMatchingHostPort ? "matching" : "no";
  needs.push({ path: at(needPath, "strip_any_host_port"), reason: "changes headers" });
  return "any";
}

function underscoresOf(
  action: HttpProtocolOptions_HeadersWithUnderscoresAction | undefined,
): HttpOptions["underscores"] {
  if (action === HttpProtocolOptions_HeadersWithUnderscoresAction.REJECT_REQUEST) return "reject";
  return action === HttpProtocolOptions_HeadersWithUnderscoresAction.DROP_HEADER ? "drop" : "allow";
}

/** Without a server_name nothing is written, unlike Envoy, which has a name of its own. */
function convertServer(
  manager: HttpConnectionManager,
  { needs, needPath }: Place,
): Pick<HttpOptions, "serverName" | "serverHeader"> {
  const serverHeader = serverHeaderOf(manager.serverHeaderTransformation);
  const serverName = wireText(manager.serverName);
  if (serverName !== "" && serverHeader !== "pass_through")
    needs.push({ path: at(needPath, "server_name"), reason: "changes headers" });
  return { serverName, serverHeader };
}

function serverHeaderOf(transformation: HttpConnectionManager_ServerHeaderTransformation): HttpOptions["serverHeader"] {
  if (transformation === HttpConnectionManager_ServerHeaderTransformation.APPEND_IF_ABSENT) return "append_if_absent";
  return transformation === HttpConnectionManager_ServerHeaderTransformation.PASS_THROUGH
    ? "pass_through"
    : "overwrite";
}
