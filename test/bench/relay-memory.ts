// What idle connections cost in each way's processes: how much their resident memory grows when thousands of clients, each of which
// has made a request, keep their connections open for the first time; later ones find what allocators have kept. The kernel's own
// share isn't in it: it is the same for all.
import { Dialer } from "../support/dialer.ts";
import type { RelayPath } from "./relay-paths.ts";
import { canaryField } from "./relay-peers.ts";
import { memoryIn } from "./usage.ts";

export interface Idle {
  readonly path: string;
  /** Before; processes that share a file are counted with it once each. */
  readonly rssMb: number;
  readonly anonymousMb: number;
  readonly mbPer1000: number;
}

/** How many ask at once, so that the upstream side has as few connections everywhere. */
const concurrency = 16;
const settleMs = 500;

export async function measureIdle(paths: readonly RelayPath[], connections: number): Promise<Idle[]> {
  const all: Idle[] = [];
  for (const { name, address, enter, mesh } of paths) {
    if (mesh === undefined) continue;
    const [host = "", port] = address.split(":");
    await using client = Dialer.start(enter);
    await Bun.sleep(settleMs);
    const { rssMb, anonymousMb } = memoryIn(mesh);
    const send = `GET / HTTP/1.1\r\nhost: shop\r\n${canaryField}\r\n\r\n`;
    const tally = await client.tally(host, Number(port), { send, count: connections, concurrency, hold: true });
    if (tally["canary"] !== connections) throw new Error(`${name} didn't serve them all: ${JSON.stringify(tally)}`);
    await Bun.sleep(settleMs);
    const growth = memoryIn(mesh).rssMb - rssMb;
    all.push({ path: name, rssMb, anonymousMb, mbPer1000: (growth / connections) * 1000 });
  }
  return all;
}
