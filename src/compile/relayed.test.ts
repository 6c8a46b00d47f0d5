import { expect, test } from "bun:test";
import { connectionManager, routeConfiguration, routeTo, virtualHost } from "../model/http.fixture.ts";
import type { FilterConfig } from "../model/http.ts";
import type { Filter, FilterChain } from "../model/listener.ts";
import { plainClusters } from "./relayed.ts";

const configuration = routeConfiguration("r", [virtualHost("all", ["*"], [routeTo("web")])]);

function chain(filter: Filter): FilterChain {
  return { name: "", match: { destinationPort: undefined, prefixes: [], httpOnly: false }, filter };
}

function http(...filters: readonly FilterConfig[]): FilterChain {
  const manager = connectionManager({ source: "inline", configuration });
  return chain({
    ...manager,
    filters: filters.map((config) => ({ name: config.type, disabled: false, config })),
  });
}

const tcp = chain({ type: "tcp_proxy", clusters: [{ cluster: "tcp", weight: 1 }], hashSourceIp: false });
const rbac: FilterConfig = { type: "rbac", rules: undefined };

test("what isn't HTTP goes to its own chain, else where the default route says", () => {
  expect(plainClusters({ http: http(), plain: tcp }, configuration)).toEqual([{ cluster: "tcp", weight: 1 }]);
  expect(plainClusters({ http: undefined, plain: http() }, configuration)).toMatchObject([{ cluster: "web" }]);
  expect(plainClusters({ http: undefined, plain: http() }, routeConfiguration("r", []))).toBeUndefined();
});

test("nothing gets past a filter that may refuse, except into a chain that is meant for it", () => {
  expect(plainClusters({ http: undefined, plain: http(rbac) }, configuration)).toBeUndefined();
  expect(plainClusters({ http: http(rbac), plain: undefined }, configuration)).toBeUndefined();
  expect(plainClusters({ http: http(rbac), plain: tcp }, configuration)).toMatchObject([{ cluster: "tcp" }]);
});
