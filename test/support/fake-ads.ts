// A control plane for tests, in process, over real HTTP/2 and gRPC on 127.0.0.1: the test itself is the server's logic. It takes
// the streams that clients open, reads their requests one by one and sends whatever it likes.
import { createServer, type Http2Server, type ServerHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError, type ConnectRouter } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { AggregatedDiscoveryService } from "../../src/xds/gen/envoy/service/discovery/v3/ads_pb.ts";
import type {
  DeltaDiscoveryRequest,
  DeltaDiscoveryResponseSchema,
  DiscoveryRequest,
  DiscoveryResponseSchema,
} from "../../src/xds/gen/envoy/service/discovery/v3/discovery_pb.ts";
import { Queue } from "../../src/xds/queue.ts";

export interface FakeStream<Request, Response> {
  readonly variant: "delta" | "sotw";
  /** The next request; undefined once the client is gone. */
  request(): Promise<Request | undefined>;
  /** Requests that have arrived and weren't read. */
  unread(): number;
  send(response: Response): void;
  /** Ends the stream well, or with an error. */
  end(error?: ConnectError): void;
  /** Resolves once `send` is out of the fake's hands: how far flow control let it get. */
  sent(): number;
}

export type DeltaFake = FakeStream<DeltaDiscoveryRequest, MessageInitShape<typeof DeltaDiscoveryResponseSchema>>;
export type SotwFake = FakeStream<DiscoveryRequest, MessageInitShape<typeof DiscoveryResponseSchema>>;

export interface FakeAdsOptions {
  /** 0 (the default) takes a free one. */
  readonly port?: number;
  /** Answers UNIMPLEMENTED to the other variants. */
  readonly variants?: readonly ("delta" | "sotw")[];
}

export class FakeAds implements AsyncDisposable {
  readonly #server: Http2Server;
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #deltas = new Queue<DeltaFake>();
  readonly #sotws = new Queue<SotwFake>();

  private constructor(variants: readonly string[]) {
    const isOffered = (variant: string): void => {
      if (!variants.includes(variant)) throw new ConnectError(`no ${variant} here`, Code.Unimplemented);
    };
    const routes = (router: ConnectRouter): void => {
      router.service(AggregatedDiscoveryService, {
        deltaAggregatedResources: (requests) => {
          isOffered("delta");
          return serve("delta", requests, this.#deltas);
        },
        streamAggregatedResources: (requests) => {
          isOffered("sotw");
          return serve("sotw", requests, this.#sotws);
        },
      });
    };
    this.#server = createServer(connectNodeAdapter({ routes, writeMaxBytes: 0x7fffffff }));
    this.#server.on("session", (session) => {
      this.#sessions.add(session);
      session.on("close", () => this.#sessions.delete(session));
      session.on("error", () => {}); // a client that goes away is part of the game
    });
  }

  static async start({ port = 0, variants = ["delta", "sotw"] }: FakeAdsOptions = {}): Promise<FakeAds> {
    const fake = new FakeAds(variants);
    await new Promise<void>((resolve, reject) => {
      fake.#server.once("error", reject);
      fake.#server.listen(port, "127.0.0.1", resolve);
    });
    return fake;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** The next stream that a client opens. */
  async delta(): Promise<DeltaFake> {
    return taken(await this.#deltas.next());
  }

  async sotw(): Promise<SotwFake> {
    return taken(await this.#sotws.next());
  }

  /** Cuts every connection, as a crash does; the server goes on listening. */
  cut(): void {
    for (const session of this.#sessions) session.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#deltas.end();
    this.#sotws.end();
    this.cut();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}

async function* serve<Request, Response>(
  variant: "delta" | "sotw",
  requests: AsyncIterable<Request>,
  streams: Queue<FakeStream<Request, Response>>,
): AsyncGenerator<Response> {
  const incoming = new Queue<Request>();
  const outgoing = new Queue<Response>();
  let error: ConnectError | undefined;
  let sent = 0;
  void drain(requests, incoming);
  streams.push({
    variant,
    request: () => incoming.next(),
    unread: () => incoming.length,
    send: (response) => outgoing.push(response),
    end: (reason) => {
      error = reason;
      outgoing.end();
    },
    sent: () => sent,
  });
  for await (const response of outgoing) {
    yield response;
    sent += 1;
  }
  if (error !== undefined) throw error;
}

async function drain<T>(from: AsyncIterable<T>, to: Queue<T>): Promise<void> {
  try {
    for await (const item of from) to.push(item);
  } catch {
    // The client went away: for the test that is the end of its requests.
  }
  to.end();
}

function taken<T>(item: T | undefined): T {
  if (item === undefined) throw new Error("the fake control plane was stopped");
  return item;
}
