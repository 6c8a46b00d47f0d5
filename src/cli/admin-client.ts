// Asks the running agent over its admin socket.
import { defaults } from "../config.ts";
import { MeshError } from "../errors.ts";
import type { Invocation } from "./command.ts";

/** The agent isn't running, or doesn't answer: exit code 4. */
export class NotRunningError extends MeshError {
  constructor(socket: string, cause: unknown) {
    super("admin", `ask the agent at ${socket}: it isn't running, or this user may not ask it`, { cause });
    this.name = "NotRunningError";
  }
}

const timeoutMs = 10_000;

/** The answer's JSON. Throws NotRunningError, or MeshError "admin" with what the agent says. */
export async function ask<T>(invocation: Invocation, path: string, method = "GET", body?: unknown): Promise<T> {
  const socket = invocation.options.socket ?? invocation.options.admin;
  const unix = typeof socket === "string" ? socket : defaults.adminSocket;
  const response = await send(unix, path, method, body);
  const text = await response.text();
  const answer = parse(text);
  if (response.ok) return answer as T;
  const said = typeof answer === "object" && answer !== null && "error" in answer ? String(answer.error) : text.trim();
  throw new MeshError("admin", said === "" ? `the agent answered ${response.status}` : said);
}

async function send(unix: string, path: string, method: string, body: unknown): Promise<Response> {
  try {
    return await fetch(`http://localhost${path}`, {
      unix,
      method,
      signal: AbortSignal.timeout(timeoutMs),
      headers: { accept: "application/json", "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  } catch (error) {
    throw new NotRunningError(unix, error);
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text; // plain text, such as /ready's
  }
}
