import { expect, test } from "bun:test";
import type { BodyLimit } from "../../model/route.ts";
import { modelOf } from "./testdata/decode-yaml.ts";
import { configuration, forwarding, host, route } from "./testdata/route-yaml.ts";

const older = (bytes: number): string => `per_request_buffer_limit_bytes: ${bytes},`;
const newer = (bytes: string): string => `request_body_buffer_limit: ${bytes},`;

const cases: readonly (readonly [ofRoute: string, ofHost: string, expected: BodyLimit | undefined])[] = [
  ["", "", undefined],
  [older(0), older(9), { bytes: 0, isWithinListeners: true }],
  ["", older(9), { bytes: 9, isWithinListeners: true }],
  [newer("5000000000"), newer("7"), { bytes: 5_000_000_000, isWithinListeners: false }],
  [older(9), newer("7"), { bytes: 7, isWithinListeners: false }],
];
test.each([...cases])("route: %p, virtual host: %p", (ofRoute, ofHost, expected) => {
  const yaml = configuration(host(route(forwarding(""), "prefix: /", ofRoute), ofHost));
  const [decoded] = modelOf("route", yaml).virtualHosts[0]?.routes ?? [];
  expect(decoded?.action).toMatchObject({ type: "forward", bodyLimit: expected });
  // Without the relay nothing is kept, so nobody has to be asked to keep less.
  expect(decoded?.needs).toEqual([]);
});
