// What an HTTP client sees of listeners where every request goes to one place, beyond who answers a new connection.
import type { DifferenceId } from "../differences.ts";
import { cluster, httpManager, listener } from "../mesh.ts";
import type { Setting } from "../scenario.ts";

export interface HttpCase {
  readonly name: string;
  readonly difference: DifferenceId;
  readonly setting: Omit<Setting, "probes">;
  /** That many requests of one client, that keeps its connection. */
  readonly url: string;
  readonly requests: number;
  /** Statuses (000: no answer), and who answered. */
  readonly envoy: RegExp;
  readonly ours: RegExp;
}

export const httpCases: readonly HttpCase[] = [
  {
    name: "a kept-alive connection",
    difference: "http-per-connection",
    setting: {
      listeners: [listener("kept", "127.96.40.1:80", [{ filter: httpManager("kept") }])],
      clusters: [cluster("kept", { endpoints: ["v", "w"] })],
    },
    url: "http://127.96.40.1/",
    requests: 4,
    envoy: /^(v 200 w 200 v 200 w 200|w 200 v 200 w 200 v 200)$/,
    ours: /^(v 200 v 200 v 200 v 200|w 200 w 200 w 200 w 200)$/,
  },
  {
    name: "no endpoint",
    difference: "http-refusal",
    setting: {
      listeners: [listener("none", "127.96.40.2:80", [{ filter: httpManager("none") }])],
      clusters: [cluster("none", {})],
    },
    url: "http://127.96.40.2/",
    requests: 1,
    envoy: /^no healthy upstream 503$/,
    ours: /^000$/,
  },
];
