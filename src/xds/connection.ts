// One HTTP/2 connection to the control plane (plaintext gRPC). Every attempt makes a new one: its PINGs notice a peer that is
// gone without a word, and closing it ends whatever runs on it.
import { connect } from "node:net";
import { type Client, createClient } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { type Clock, sleep } from "../clock.ts";
import { MeshError } from "../errors.ts";
import { AggregatedDiscoveryService } from "./gen/envoy/service/discovery/v3/ads_pb.ts";
import { describeStreamError } from "./stream-error.ts";
import { guardWindow } from "./window-guard.ts";

export interface Server {
  readonly host: string;
  readonly port: number;
}

export interface ConnectionOptions {
  readonly clock: Clock;
  readonly connectTimeoutMs: number;
  readonly pingIntervalMs: number;
  readonly pingTimeoutMs: number;
  /** A larger message ends the stream. */
  readonly readMaxBytes: number;
}

/** Envoy's initial_stream_window_size is far larger; 1 MiB bounds what a flooding server can have in flight. */
const WINDOW_BYTES = 1 << 20;

export class Connection implements Disposable {
  readonly client: Client<typeof AggregatedDiscoveryService>;
  readonly #session: Http2SessionManager;

  private constructor(session: Http2SessionManager, baseUrl: string, readMaxBytes: number) {
    this.#session = session;
    const transport = createGrpcTransport({
      baseUrl,
      sessionManager: session,
      readMaxBytes,
      // Control planes don't compress unless asked to, and what isn't accepted can't be a decompression bomb.
      acceptCompression: [],
    });
    this.client = createClient(AggregatedDiscoveryService, transport);
  }

  /** Throws a MeshError that says what is wrong, in the user's words. */
  static async open(server: Server, options: ConnectionOptions, signal: AbortSignal): Promise<Connection> {
    const baseUrl = `http://${hostOf(server)}:${server.port}`;
    const session = new Http2SessionManager(
      baseUrl,
      {
        pingIntervalMs: options.pingIntervalMs,
        pingTimeoutMs: options.pingTimeoutMs,
        // PINGs on a session that is being destroyed crash (ping-guard.ts); with no stream there is nothing to keep alive.
        pingIdleConnection: false,
      },
      {
        settings: { initialWindowSize: WINDOW_BYTES, enablePush: false },
        createConnection: () => guardWindow(connect({ host: server.host, port: server.port, noDelay: true })),
      },
    );
    const timer = new AbortController();
    const timeout = sleep(options.clock, options.connectTimeoutMs, AbortSignal.any([signal, timer.signal]));
    const state = await Promise.race([session.connect(), timeout]);
    timer.abort();
    if (state === undefined) {
      session.abort();
      throw new MeshError("xds", `no answer from ${formatServer(server)} within ${options.connectTimeoutMs} ms`);
    }
    if (state === "error") {
      const cause = session.error();
      throw new MeshError("xds", describeStreamError(cause, formatServer(server)), { cause });
    }
    return new Connection(session, baseUrl, options.readMaxBytes);
  }

  [Symbol.dispose](): void {
    this.#session.abort();
  }
}

export function formatServer(server: Server): string {
  return `${hostOf(server)}:${server.port}`;
}

function hostOf({ host }: Server): string {
  return host.includes(":") ? `[${host}]` : host;
}
