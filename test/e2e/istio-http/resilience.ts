// HTTPRoute's timeouts, retries, faults and mirrors: what a service gets when its servers are slow, fail, or are copied to.
import { expect } from "bun:test";
import { waitFor } from "../../support/wait.ts";
import { acting, type IstioCase } from "./case.ts";

const flaky = (failures: number) => `/flaky?id=${crypto.randomUUID()}&failures=${failures}`;
export const resilience: readonly IstioCase[] = [
  acting("timeout", { timeout: "0.3s" }, async ({ ask }) => {
    expect(await ask("/slow?ms=20000", "/slow?ms=1")).toMatchObject([
      { status: 504, text: "upstream request timeout" },
      { status: 200, text: "late" },
    ]);
  }),
  acting("retries", { retries: { attempts: 3, retryOn: "5xx" } }, async ({ ask }) => {
    expect(await ask(flaky(3), flaky(4))).toMatchObject([
      { status: 200, text: "attempt 4" },
      { status: 503, text: "attempt 4" },
    ]);
  }),
  acting(
    "retries, of statuses, with back-off",
    { retries: { attempts: 2, retryOn: "gateway-error,503", backoff: "5ms", retryIgnorePreviousHosts: false } },
    async ({ ask }) => {
      expect(await ask(flaky(2))).toMatchObject([{ status: 200, text: "attempt 3" }]);
    },
  ),
  acting("retries, none", { retries: { attempts: 0 } }, async ({ ask }) => {
    expect(await ask(flaky(1))).toMatchObject([{ status: 503, text: "attempt 1" }]);
  }),
  acting(
    "retries, a timeout for each try",
    { retries: { attempts: 2, perTryTimeout: "0.2s", retryOn: "5xx" }, timeout: "10s" },
    async ({ ask }) => {
      const [answer] = await ask("/slow?ms=20000");
      expect(answer).toMatchObject({ status: 504, text: "upstream request timeout" });
    },
  ),
  {
    name: "fault abort",
    rules: ({ to }) => {
      const abort = { httpStatus: 555, percentage: { value: 100 } };
      const never = { httpStatus: 556, percentage: { value: 0 } };
      return {
        http: [
          { match: [{ uri: { prefix: "/abort" } }], fault: { abort }, route: [to("v1")] },
          { fault: { abort: never }, route: [to("v1")] },
        ],
      };
    },
    check: async ({ ask }) => {
      expect(await ask("/abort", "/")).toMatchObject([{ status: 555, text: "fault filter abort" }, { status: 200 }]);
    },
  },
  acting("fault delay", { fault: { delay: { fixedDelay: "0.5s", percentage: { value: 100 } } } }, async ({ who }) => {
    const start = performance.now();
    expect(await who("/")).toEqual(["v1"]);
    // Sooner is impossible where the delay is kept; later is the machine's business.
    expect(performance.now() - start).toBeGreaterThanOrEqual(500);
  }),
  {
    name: "mirror, all and none",
    rules: ({ to, host }) => ({
      http: [
        {
          match: [{ uri: { prefix: "/all" } }],
          route: [to("v1")],
          mirror: { host, subset: "v2" },
          mirrorPercentage: { value: 100 },
        },
        { route: [to("v1")], mirror: { host, subset: "v2" }, mirrorPercentage: { value: 0 } },
      ],
    }),
    check: async ({ ask, host, records }) => {
      const [all, none] = [crypto.randomUUID(), crypto.randomUUID()];
      await ask(`/none?id=${none}`, { path: `/all?id=${all}`, method: "POST", body: "text mirrored" });
      const mirrored = await waitFor("the mirrored request", async () => {
        const found = await records("v2", all);
        return found.length > 0 && found;
      });
      expect(mirrored).toEqual([{ host, method: "POST", target: `/all?id=${all}`, length: 8 }]);
      expect(await records("v2", none)).toEqual([]);
      expect(await records("v1", all)).toHaveLength(1);
    },
  },
  {
    name: "mirrors",
    rules: ({ to, host }) => ({
      http: [
        {
          route: [to("v1")],
          mirrors: (["v2", "v3"] as const).map((subset) => ({
            destination: { host, subset },
            percentage: { value: 100 },
          })),
        },
      ],
    }),
    check: async ({ who, records }) => {
      const id = crypto.randomUUID();
      expect(await who(`/?id=${id}`)).toEqual(["v1"]);
      for (const version of ["v2", "v3"] as const) {
        await waitFor("the mirrored request", async () => (await records(version, id)).length === 1);
      }
    },
  },
];
