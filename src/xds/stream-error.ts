// Why a stream to the control plane ended, in the words of the user who has to fix it. Whatever the server says is hostile:
// it is cut and stripped of control characters before it reaches a log or a terminal.
import { Code, ConnectError } from "@connectrpc/connect";

const MAX_DETAIL = 200;

/** `server` is `host:port`. One line, no code in front, never a stack trace. */
export function describeStreamError(thrown: unknown, server: string): string {
  const system = systemCode(thrown);
  const known = system === undefined ? undefined : systemText(system, server);
  if (known !== undefined) return known;
  if (!(thrown instanceof ConnectError)) return `the stream to ${server} failed: ${detail(String(thrown))}`;
  return connectText(thrown, server);
}

/** The server is there, but doesn't offer this variant of ADS. */
export function isUnimplemented(thrown: unknown): boolean {
  return thrown instanceof ConnectError && thrown.code === Code.Unimplemented;
}

/** GOAWAY ENHANCE_YOUR_CALM, in Bun's words and in connect-node's. */
export function isTooManyPings(thrown: unknown): boolean {
  return thrown instanceof ConnectError && /error code (11$|ENHANCE_YOUR_CALM)/.test(thrown.rawMessage);
}

function connectText(error: ConnectError, server: string): string {
  const said = detail(error.rawMessage);
  // Connect's words for a stream that ended without its closing status.
  if (said.endsWith("missing status")) return `the connection to ${server} was lost`;
  if (isTooManyPings(error)) return `${server} finds our keep-alive PINGs too frequent: they will come half as often`;
  switch (error.code) {
    case Code.Canceled:
    case Code.Aborted:
      return `the connection to ${server} was lost`;
    case Code.Unavailable:
      return `${server} is unavailable: ${said}`;
    case Code.Unimplemented:
      return `${server} doesn't offer ADS: ${said}`;
    case Code.ResourceExhausted:
      return `${server} sent more than is allowed, or wants less: ${said}`;
    case Code.Unauthenticated:
    case Code.PermissionDenied:
      return `${server} refuses this node: ${said}`;
    case Code.Internal:
    case Code.InvalidArgument:
    case Code.Unknown:
    case Code.DataLoss:
      return `the stream to ${server} broke: ${said}`;
    default:
      return `${server} ended the stream: ${said}`;
  }
}

function systemText(code: string, server: string): string | undefined {
  switch (code) {
    case "ECONNREFUSED":
      return `connection refused by ${server}`;
    case "ECONNRESET":
    case "EPIPE":
    case "ERR_STREAM_PREMATURE_CLOSE":
      return `the connection to ${server} was lost`;
    case "ENOTFOUND":
    case "EAI_AGAIN":
    case "ENODATA":
      return `the name of ${server} can't be resolved`;
    case "ETIMEDOUT":
      return `no answer from ${server}`;
    case "EHOSTUNREACH":
    case "ENETUNREACH":
      return `no route to ${server}`;
    default:
      return undefined;
  }
}

/** The first code of a system error in the chain of causes. */
function systemCode(thrown: unknown): string | undefined {
  let current = thrown;
  for (let depth = 0; depth < 8 && current instanceof Error; depth += 1) {
    const { code } = current as { code?: unknown };
    if (typeof code === "string" && code !== "") return code;
    current = current.cause;
  }
  return undefined;
}

function detail(text: string): string {
  const clean = text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, " ").trim();
  return clean.length > MAX_DETAIL ? `${clean.slice(0, MAX_DETAIL)}…` : clean;
}
