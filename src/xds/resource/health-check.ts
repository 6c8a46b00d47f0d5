// envoy.config.core.v3.HealthCheck: active checks by HTTP/1 or TCP, plaintext, at each endpoint's own address.
import type { HealthCheck as CheckModel } from "../../model/cluster.ts";
import { wireText } from "../../model/wire-text.ts";
import { RequestMethod } from "../gen/envoy/config/core/v3/base_pb.ts";
import type {
  HealthCheck,
  HealthCheck_HttpHealthCheck,
  HealthCheck_Payload,
  HealthCheck_TcpHealthCheck,
} from "../gen/envoy/config/core/v3/health_check_pb.ts";
import { CodecClientType } from "../gen/envoy/type/v3/http_pb.ts";
import { milliseconds } from "./duration.ts";
import { convertAdditions } from "./header-mutations.ts";
import { inside, type Place } from "./inspect.ts";
import { at, type Report } from "./report.ts";

type Check = CheckModel["check"];
type HttpCheck = Extract<Check, { type: "http" }>;

const DEFAULT_NO_TRAFFIC_MS = 60_000;
const OK: readonly [start: number, end: number] = [200, 201];
/** Stands where a check was refused. */
const NO_CHECK: Check = { type: "tcp", send: new Uint8Array(), receive: [] };

/** The cluster was inspected. */
export function convertHealthChecks(checks: readonly HealthCheck[], report: Report): CheckModel[] {
  return checks.map((check, i) =>
    convertHealthCheck(check, { report, path: `health_checks[${i}]`, needs: [], needPath: "" }),
  );
}

function convertHealthCheck(check: HealthCheck, place: Place): CheckModel {
  const intervalMs = positive(milliseconds(check.interval, "interval", place));
  return {
    timeoutMs: positive(milliseconds(check.timeout, "timeout", place)),
    intervalMs,
    noTrafficIntervalMs: positive(
      milliseconds(check.noTrafficInterval, "no_traffic_interval", place) ?? DEFAULT_NO_TRAFFIC_MS,
    ),
    unhealthyIntervalMs: positive(milliseconds(check.unhealthyInterval, "unhealthy_interval", place) ?? intervalMs),
    unhealthyThreshold: check.unhealthyThreshold ?? 1,
    healthyThreshold: check.healthyThreshold ?? 1,
    check: convertChecker(check, place),
  };
}

/** Inspection saw that it is more than nothing; less than a millisecond would be a busy loop. */
function positive(ms: number | undefined): number {
  return Math.max(ms ?? 1, 1);
}

function convertChecker({ healthChecker: checker }: HealthCheck, place: Place): Check {
  switch (checker.case) {
    case "httpHealthCheck":
      return convertHttp(checker.value, inside(place, "http_health_check"));
    case "tcpHealthCheck":
      return convertTcp(checker.value, inside(place, "tcp_health_check"));
    case "grpcHealthCheck":
    case "customHealthCheck":
    case undefined:
      return NO_CHECK; // refused by inspection
    default:
      return checker satisfies never;
  }
}

function convertHttp(check: HealthCheck_HttpHealthCheck, { path, report }: Place): HttpCheck {
  if (check.codecClientType !== CodecClientType.HTTP1)
    report.reject(at(path, "codec_client_type"), "must be HTTP1: checks speak HTTP/1.1");
  if (!/^[!-~]+$/.test(check.path)) report.reject(at(path, "path"), "must have no spaces and only ASCII characters");
  return {
    type: "http",
    path: check.path,
    host: wireText(check.host),
    method: methodOf(check.method),
    expectedStatuses: check.expectedStatuses.length === 0 ? [OK] : convertStatuses(check, path, report),
    requestHeaders: convertHeaders(check, path, report),
  };
}

function methodOf(method: RequestMethod): string {
  const [name] = Object.entries(RequestMethod).find(([, number]) => number === method) ?? [];
  return name === undefined || name === "METHOD_UNSPECIFIED" ? "GET" : name;
}

/** By Envoy's rule (health_checker_impl.cc, HttpStatusChecker). */
function convertStatuses(
  { expectedStatuses }: HealthCheck_HttpHealthCheck,
  path: string,
  report: Report,
): (readonly [start: number, end: number])[] {
  return expectedStatuses.map(({ start, end }, i) => {
    const isRange = start >= 100n && start < end && end <= 600n;
    if (!isRange)
      report.reject(at(path, `expected_statuses[${i}]`), "must be start to end (exclusive) within 100 to 600");
    return isRange ? [Number(start), Number(end)] : OK;
  });
}

/** Values are sent as they are: a check has no request that an operator could take something of. */
function convertHeaders(
  { requestHeadersToAdd }: HealthCheck_HttpHealthCheck,
  path: string,
  report: Report,
): (readonly [name: string, value: string])[] {
  const field = at(path, "request_headers_to_add");
  return convertAdditions(requestHeadersToAdd, field, report).map(({ name, value }, i) => {
    const texts = value.flatMap((part) => (part.type === "text" ? [part.text] : []));
    if (texts.length < value.length)
      report.reject(`${field}[${i}].header.value`, "must be literal: checks have no command operators");
    return [name, texts.join("")];
  });
}

function convertTcp({ send, receive }: HealthCheck_TcpHealthCheck, place: Place): Check {
  return {
    type: "tcp",
    send: send === undefined ? new Uint8Array() : convertPayload(send, inside(place, "send")),
    receive: receive.map((payload, i) => convertPayload(payload, inside(place, `receive[${i}]`))),
  };
}

/** Text is hexadecimal. The bytes are copied: nothing of a response's buffer may stay in the model. */
function convertPayload({ payload }: HealthCheck_Payload, { path, report }: Place): Uint8Array {
  if (payload.case === "binary") return Uint8Array.from(payload.value);
  const text = payload.value ?? "";
  if (/^(?:[0-9A-Fa-f]{2})+$/.test(text)) return Uint8Array.from(Buffer.from(text, "hex"));
  report.reject(at(path, "text"), "must be bytes in hexadecimal");
  return new Uint8Array();
}
