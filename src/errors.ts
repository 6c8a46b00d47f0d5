// Every error that leaves a module is a MeshError: one line, `[code] verb object: reason`, with the cause kept for --verbose.
// Children exist only where a caller branches on them.

/** Stable machine-readable codes; the first word of every message. */
export type ErrorCode =
  | "usage"
  | "config"
  | "rejected"
  | "kernel"
  | "verifier"
  | "unsupported"
  | "capacity"
  | "io"
  | "xds"
  | "admin"
  | "unexpected";

export class MeshError extends Error {
  /** What happened, without the code prefix: `verb object: reason`. */
  readonly reason: string;
  readonly code: ErrorCode;

  constructor(code: ErrorCode, reason: string, options?: { cause?: unknown }) {
    super(`[${code}] ${reason}`, options);
    this.name = "MeshError";
    this.code = code;
    this.reason = reason;
  }

  /** The only funnel for catch blocks: anything thrown becomes a MeshError, and `doing` (a verb and its object) is put in front. */
  static from(thrown: unknown, doing?: string): MeshError {
    const prefix = doing === undefined ? "" : `${doing}: `;
    if (thrown instanceof MeshError) {
      return doing === undefined ? thrown : new MeshError(thrown.code, prefix + thrown.reason, { cause: thrown });
    }
    if (isSystemError(thrown)) return new MeshError("io", prefix + systemReason(thrown), { cause: thrown });
    return new MeshError("unexpected", prefix + (thrown instanceof Error ? thrown.message : String(thrown)), {
      cause: thrown,
    });
  }
}

/** Bad usage or bad configuration: exit code 2. `path` is the file and field that is wrong. */
export class ConfigError extends MeshError {
  readonly path: string;

  constructor(path: string, reason: string, options?: { cause?: unknown }) {
    super("config", path === "" ? reason : `${path}: ${reason}`, options);
    this.name = "ConfigError";
    this.path = path;
  }
}

/** A failed kernel or libbpf call. `errno` is positive; `errnoName` is for example EINVAL. */
export class KernelError extends MeshError {
  readonly operation: string;
  readonly errno: number;
  readonly errnoName: string;

  constructor(operation: string, errno: number, errnoName: string, detail = "", code: ErrorCode = "kernel") {
    super(code, `${operation}: ${errnoName}${detail === "" ? "" : ` (${detail})`}`);
    this.name = "KernelError";
    this.operation = operation;
    this.errno = errno;
    this.errnoName = errnoName;
  }
}

/** The verifier refused a program. The message holds its last meaningful lines, `log` everything it said. */
export class VerifierError extends KernelError {
  readonly log: string;

  constructor(operation: string, errno: number, errnoName: string, log: string, summary: string) {
    super(operation, errno, errnoName, summary, "verifier");
    this.name = "VerifierError";
    this.log = log;
  }
}

/** This host can't do something that was asked for: exit code 3. `remedy` says how to get it. */
export class UnsupportedError extends MeshError {
  readonly feature: string;
  readonly remedy: string;
  readonly sinceKernel: string | undefined;

  constructor(feature: string, reason: string, remedy: string, sinceKernel?: string) {
    super("unsupported", `${feature}: ${reason}; ${remedy}`);
    this.name = "UnsupportedError";
    this.feature = feature;
    this.remedy = remedy;
    this.sinceKernel = sinceKernel;
  }
}

type SystemError = Error & { code: string; syscall?: string; path?: string };

function isSystemError(value: unknown): value is SystemError {
  return value instanceof Error && typeof (value as { code?: unknown }).code === "string";
}

function systemReason(error: SystemError): string {
  const where = error.path === undefined ? "" : ` ${error.path}`;
  return error.syscall === undefined ? error.message : `${error.syscall}${where}: ${error.code}`;
}
