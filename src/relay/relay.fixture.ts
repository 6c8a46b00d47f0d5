// For tests of the engine: a relay between raw clients and raw servers in one process, so that a test sees and decides every byte.
import { freePorts } from "../../test/support/process.ts";
import { meshOf, type RelayMesh, TestRelay } from "../../test/support/relay.ts";
import { waitFor } from "../../test/support/wait.ts";
import type { Shared } from "./shared.ts";

type Json = Readonly<Record<string, unknown>>;

export interface MeshText {
  readonly routes: readonly Json[];
  /** By name: the ports of its endpoints on 127.0.0.1, or the whole of it. */
  readonly clusters: Readonly<Record<string, readonly number[] | Json>>;
  readonly manager?: Json;
  readonly virtualHost?: Json;
  readonly filters?: readonly Json[];
  /** Where bytes go that aren't HTTP. */
  readonly plain?: string;
}

export const vip = "127.96.0.1";

/** One listener on every port of the relay's, as an Envoy bootstrap. */
export function meshText(port: number, { routes, clusters, manager, virtualHost, filters, plain }: MeshText): string {
  const virtualHosts = [{ name: "v", domains: ["*"], routes, ...virtualHost }];
  const http = typed("filters.network.http_connection_manager.v3.HttpConnectionManager", {
    stat_prefix: "s",
    route_config: { name: "r", virtual_hosts: virtualHosts },
    http_filters: [...(filters ?? []), { name: "router", ...typed("filters.http.router.v3.Router", {}) }],
    ...manager,
  });
  const tcp = typed("filters.network.tcp_proxy.v3.TcpProxy", { stat_prefix: "t", cluster: plain });
  const httpOnly = plain === undefined ? {} : { filter_chain_match: { application_protocols: ["http/1.1"] } };
  const listener = {
    name: "l",
    address: socketAddress(vip, port),
    filter_chains: [{ ...httpOnly, filters: [{ name: "http", ...http }] }],
    ...(plain === undefined ? {} : { default_filter_chain: { filters: [{ name: "tcp", ...tcp }] } }),
  };
  const all = Object.entries(clusters).map(([name, value]) => cluster(name, value));
  return JSON.stringify({ static_resources: { listeners: [listener], clusters: all } });
}

function cluster(name: string, value: readonly number[] | Json): Json {
  const { ports, ...rest } = isPorts(value) ? { ports: value } : { ports: [], ...value };
  const endpoints = (ports as readonly number[]).map((port) => ({
    endpoint: { address: socketAddress("127.0.0.1", port) },
  }));
  return {
    name,
    type: "STATIC",
    connect_timeout: "1s",
    load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: endpoints }] },
    ...rest,
  };
}

function isPorts(value: readonly number[] | Json): value is readonly number[] {
  return Array.isArray(value);
}

export function typed(type: string, fields: Json): Json {
  return { typed_config: { "@type": `type.googleapis.com/envoy.extensions.${type}`, ...fields } };
}

function socketAddress(address: string, port: number): Json {
  return { socket_address: { address, port_value: port } };
}

/** A relay on the VIP, with everything that was made for a test; all of it ends with it. */
export class Bench implements AsyncDisposable {
  readonly port: number;
  readonly relay: TestRelay;
  readonly #clients: Peer[] = [];

  constructor(text: MeshText, shared?: Shared) {
    const [port = 0] = freePorts(1);
    this.port = port;
    this.relay = new TestRelay(this.mesh(text), shared);
  }

  mesh(text: MeshText): RelayMesh {
    return meshOf(meshText(this.port, text));
  }

  async client(): Promise<Peer> {
    const peer = await Peer.connect(vip, this.port);
    this.#clients.push(peer);
    return peer;
  }

  /** What comes back on a connection of its own until it is closed, or whole answers that end with `end`. */
  async ask(request: string, end: string): Promise<string> {
    const client = await this.client();
    client.send(request);
    return client.until(end);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.close();
    await this.relay[Symbol.asyncDispose]();
    if (this.relay.log.length > 0) throw new Error(this.relay.log.join(""));
  }
}

type Socket = Bun.Socket<Peer>;

/** One end of a connection, byte for byte; text is one character a byte. */
export class Peer {
  received = "";
  /** The other end sends no more. */
  hasEnded = false;
  isClosed = false;
  readonly #socket: () => Socket | undefined;
  #queue = Buffer.alloc(0);
  onData: ((peer: Peer) => void) | undefined;
  keepsData = true;
  receivedBytes = 0;

  constructor(socket: () => Socket | undefined) {
    this.#socket = socket;
  }

  static async connect(hostname: string, port: number): Promise<Peer> {
    let socket: Socket | undefined;
    const peer = new Peer(() => socket);
    socket = await Bun.connect<Peer>({ hostname, port, allowHalfOpen: true, data: peer, socket: handlers });
    return peer;
  }

  send(text: string | Buffer): void {
    const bytes = typeof text === "string" ? Buffer.from(text, "latin1") : text;
    this.#queue = Buffer.concat([this.#queue, bytes]);
    this.flush();
  }

  flush(): void {
    const taken = this.#socket()?.write(this.#queue) ?? 0;
    this.#queue = this.#queue.subarray(Math.max(taken, 0));
  }

  get unsent(): number {
    return this.#queue.length;
  }

  take(bytes: Buffer): void {
    this.receivedBytes += bytes.length;
    if (this.keepsData) this.received += bytes.toString("latin1");
    this.onData?.(this);
  }

  /** What has come once it ends so. */
  async until(end: string): Promise<string> {
    await waitFor(`${JSON.stringify(end)} at the end of ${JSON.stringify(this.received.slice(-300))}`, () =>
      this.received.endsWith(end),
    );
    return this.received;
  }

  /** All that comes until the other end stops. */
  async untilEnd(): Promise<string> {
    await waitFor("the connection's end", () => this.hasEnded || this.isClosed);
    return this.received;
  }

  stopReading(): void {
    this.#socket()?.pause();
  }

  readOn(): void {
    this.#socket()?.resume();
  }

  /** Sends no more. */
  end(): void {
    this.#socket()?.shutdown();
  }

  close(): void {
    this.#socket()?.end();
  }

  reset(): void {
    this.#socket()?.terminate();
  }
}

const handlers: Bun.SocketHandler<Peer> = {
  data: (socket, bytes) => socket.data.take(bytes),
  drain: (socket) => socket.data.flush(),
  end: (socket) => {
    socket.data.hasEnded = true;
  },
  close: (socket) => {
    socket.data.isClosed = true;
  },
  error: () => {
    // The tests see how it ends.
  },
};

/** A server that does what the test says when something comes. */
export class Backend implements Disposable {
  /** In the order in which they were accepted. */
  readonly connections: Peer[] = [];
  readonly #listener: Bun.TCPSocketListener<Peer>;

  /** `onData` is called with each connection to which something has come, all of it in `received`. */
  constructor(onData: (peer: Peer, backend: Backend) => void) {
    const accept = (socket: Socket): void => {
      const peer = new Peer(() => socket);
      peer.onData = () => onData(peer, this);
      socket.data = peer;
      this.connections.push(peer);
    };
    this.#listener = Bun.listen<Peer>({
      hostname: "127.0.0.1",
      port: 0,
      allowHalfOpen: true,
      socket: { ...handlers, open: accept },
    });
  }

  get port(): number {
    return this.#listener.port;
  }

  /** Everything that has come, connection after connection. */
  get received(): string {
    return this.connections.map(({ received }) => received).join("");
  }

  [Symbol.dispose](): void {
    this.#listener.stop(true);
  }
}

/** Answers each request whose head has come, without looking at bodies. */
export function answering(response: (count: number, head: string) => string): (peer: Peer) => void {
  const answered = new Map<Peer, number>();
  let total = 0;
  return (peer) => {
    const heads = peer.received.split("\r\n\r\n");
    for (let i = answered.get(peer) ?? 0; i < heads.length - 1; i++) {
      answered.set(peer, i + 1);
      peer.send(response(total++, `${heads[i]}\r\n\r\n`));
    }
  };
}

export const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

export function get(path: string, fields = ""): string {
  return `GET ${path} HTTP/1.1\r\nHost: a.example\r\n${fields}\r\n`;
}

export function post(path: string, body: string, fields = ""): string {
  return `POST ${path} HTTP/1.1\r\nHost: a.example\r\nContent-Length: ${body.length}\r\n${fields}\r\n${body}`;
}

/** All requests to one cluster. */
export function toCluster(cluster: string, fields: Json = {}): readonly Json[] {
  return [{ match: { prefix: "/" }, route: { cluster, ...fields } }];
}
