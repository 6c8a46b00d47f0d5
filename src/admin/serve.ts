// The admin API on its two addresses: a socket for this user, who may do everything, and loopback TCP, where everybody on this host
// may read.
import type { Hono } from "hono";
import { MeshError } from "../errors.ts";
import { formatAddress, formatSocketAddress, isLoopback, type SocketAddress } from "../ip.ts";
import { createApp } from "./app.ts";
import { maxBodyBytes } from "./guard.ts";
import { placeSocket, requireFree } from "./socket.ts";
import type { AgentView } from "./view.ts";

export interface AdminAddresses {
  /** Absolute path. */
  readonly socket: string;
  /** Loopback only; undefined: no TCP. */
  readonly address: SocketAddress | undefined;
}

/** Until it is disposed. Throws MeshError "admin" where an address can't be had, for instance because another agent has it. */
export async function serve(view: AgentView, { socket, address }: AdminAddresses): Promise<Disposable> {
  using opened = new DisposableStack();
  await serveSocket(createApp(view, "full"), socket, opened);
  if (address !== undefined) serveTcp(createApp(view, "read"), address, opened);
  return opened.move();
}

/** Outside of development no error page shows a stack. Bun's own answer to a long body is empty: the application's comes first. */
const common = { development: false, maxRequestBodySize: 2 * maxBodyBytes } as const;

async function serveSocket({ fetch }: Hono, path: string, opened: DisposableStack): Promise<void> {
  try {
    await requireFree(path);
    const remove = placeSocket(path, (unix) => {
      const server = Bun.serve({ ...common, unix, fetch: (request) => fetch(request) });
      opened.defer(() => void server.stop(true));
    });
    opened.defer(remove);
  } catch (error) {
    throw refuse(path, error);
  }
}

function serveTcp({ fetch }: Hono, address: SocketAddress, opened: DisposableStack): void {
  const name = formatSocketAddress(address);
  if (!isLoopback(address.address)) throw new MeshError("admin", `serve ${name}: it is not a loopback address`);
  try {
    // Outside of development Bun shares a port with other processes unless it is told not to.
    const bind = { hostname: formatAddress(address.address), port: address.port, reusePort: false };
    const server = Bun.serve({ ...common, ...bind, fetch: (request) => fetch(request) });
    opened.defer(() => void server.stop(true));
  } catch (error) {
    throw refuse(name, error);
  }
}

function refuse(where: string, error: unknown): MeshError {
  if (error instanceof MeshError && error.code === "admin") return error;
  const { code } = error as { code?: unknown };
  const reason = code === "EADDRINUSE" ? "another process is listening there" : MeshError.from(error).reason;
  return new MeshError("admin", `serve ${where}: ${reason}`, { cause: error });
}
