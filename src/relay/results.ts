// What became of requests, for the agent's outlier detection: collected, and reported in batches.

import { formatSocketAddress, type SocketAddress } from "../ip.ts";
import type { ClusterState } from "./cluster.ts";
import type { EndpointResult } from "./protocol.ts";
import { Timer, type Timers } from "./timers.ts";

const batchMs = 100;

export class Results {
  readonly #timer: Timer;
  #results: EndpointResult[] = [];

  constructor(timers: Timers, report: (results: readonly EndpointResult[]) => void) {
    this.#timer = new Timer(timers, () => {
      const batch = this.#results;
      this.#results = [];
      report(batch);
    });
  }

  /** Only of clusters where somebody wants to know. */
  add({ cluster }: ClusterState, endpoint: SocketAddress, result: EndpointResult["result"]): void {
    if (cluster.outlierDetection === undefined) return;
    this.#results.push({ cluster: cluster.name, endpoint: formatSocketAddress(endpoint), result });
    if (!this.#timer.isRunning) this.#timer.start(batchMs);
  }
}
