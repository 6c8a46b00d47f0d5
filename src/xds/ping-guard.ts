// Keeps a keep-alive PING on a dying HTTP/2 session from taking the process down: session.ping() throws where connect-node
// calls it from a timer (connectrpc/connect-es#1795). With the guard the PING's callback gets the error instead.
import { type ClientHttp2Session, connect } from "node:http2";
import { Duplex } from "node:stream";

type PingCallback = (error: Error | null, durationMs: number, payload: Buffer) => void;
type Ping = (this: ClientHttp2Session, ...parameters: unknown[]) => boolean;

const guarded = Symbol.for("kmesh-edge.ping-guard");

/**
 * Guards every client session of this process; more than once is harmless. The class isn't exported by node:http2 (nor by
 * Bun's), so it is taken from a session that never reaches a network.
 */
export function guardPings(): void {
  const session = connect("http://127.0.0.1", { createConnection: () => new Duplex({ read() {}, write() {} }) });
  session.on("error", () => {}); // its "connection" is no socket: whatever it says about that is of no interest
  const prototype = Object.getPrototypeOf(session) as { ping: Ping; [guarded]?: true };
  session.destroy();
  if (prototype[guarded]) return;
  const { ping } = prototype;
  prototype.ping = function (...parameters) {
    try {
      if (!this.destroyed && !this.closed) return ping.apply(this, parameters);
    } catch {
      // Told to the callback below, as any other failure of a PING.
    }
    const callback = parameters.at(-1) as PingCallback | undefined;
    if (callback !== undefined) queueMicrotask(() => callback(new Error("the session is closed"), 0, Buffer.alloc(8)));
    return false;
  };
  prototype[guarded] = true;
}
