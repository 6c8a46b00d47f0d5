// One case: a service with its own VIP and Istio's rules for it, and what requests to it must get.
import { expect } from "bun:test";
import type { Told } from "../../support/http-clients.ts";
import { destinationRuleOf, hostOf, resource, serviceEntry } from "../istio-resources.ts";
import type { Json } from "../resources.ts";
import { addressOf, type IstioWorld, inspection, type ServiceAsk, type Version, versions } from "./world.ts";

export interface Rules {
  /** VirtualService's `http`. */
  readonly http?: readonly Json[];
  /** DestinationRule's `trafficPolicy`. */
  readonly policy?: Json;
  /** More of Istio's resources, as YAML. */
  readonly more?: string;
}

export interface IstioCase {
  readonly name: string;
  readonly rules: (service: RuleWriter) => Rules;
  readonly check: (service: Service) => Promise<void>;
}

/** What rules name the service's parts by. */
export interface RuleWriter {
  readonly host: string;
  /** A destination: one version. */
  readonly to: (version: Version, more?: Json) => Json;
}

/** The service, asked by a client in the mesh. */
export interface Service {
  readonly host: string;
  readonly address: string;
  readonly ask: (...asks: readonly ServiceAsk[]) => Promise<readonly Told[]>;
  /** The versions that answered. */
  readonly who: (...asks: readonly ServiceAsk[]) => Promise<readonly string[]>;
  readonly records: IstioWorld["records"];
  readonly release: IstioWorld["release"];
}

export function nameOf(index: number): string {
  return `case-${index}`;
}

function writerOf(name: string): RuleWriter {
  const host = hostOf(name);
  return { host, to: (subset, more = {}) => ({ destination: { host, subset }, ...more }) };
}

const vipOf = (index: number): string => `127.96.1.${index + 1}`;

/** Istio's resources for the case. */
export function resourcesOf({ rules }: IstioCase, index: number): string {
  const name = nameOf(index);
  const endpoints = Object.fromEntries(versions.map((version) => [addressOf(version), { version }]));
  const { http, policy, more = "" } = rules(writerOf(name));
  return [
    serviceEntry(name, { vip: vipOf(index), port: 80, protocol: "HTTP", endpoints }),
    destinationRuleOf(name, versions, policy),
    http === undefined ? "" : resource("VirtualService", name, { hosts: [hostOf(name)], http }),
    more,
  ].join("");
}

export function serviceOf(world: IstioWorld, index: number): Service {
  const host = hostOf(nameOf(index));
  const address = vipOf(index);
  const ask = (...asks: readonly ServiceAsk[]) => world.ask(address, host, asks);
  const who = async (...asks: readonly ServiceAsk[]) => (await ask(...asks)).map((answer) => inspection(answer).server);
  return {
    host,
    address,
    ask,
    who,
    records: (version, id) => world.records(version, id),
    release: (id) => world.release(id),
  };
}

/** Requests that match go to v2, others to v1. */
export function matching(
  name: string,
  match: readonly Json[],
  hits: readonly ServiceAsk[],
  misses: readonly ServiceAsk[],
): IstioCase {
  return {
    name,
    rules: ({ to }) => ({ http: [{ match, route: [to("v2")] }, { route: [to("v1")] }] }),
    check: async ({ who }) => {
      expect(await who(...hits)).toEqual(hits.map(() => "v2"));
      expect(await who(...misses)).toEqual(misses.map(() => "v1"));
    },
  };
}

/** One rule for everything, to v1, with `more` of HTTPRoute. */
export function acting(name: string, more: Json, check: IstioCase["check"]): IstioCase {
  return { name, rules: ({ to }) => ({ http: [{ route: [to("v1")], ...more }] }), check };
}

/** A DestinationRule only; all versions serve. */
export function policed(name: string, policy: Json, check: IstioCase["check"]): IstioCase {
  return { name, rules: () => ({ policy }), check };
}

/** The same with a rule that only the relay can keep: each request is balanced, not each connection. */
export function policedRelayed(name: string, policy: Json, check: IstioCase["check"]): IstioCase {
  const rules: IstioCase["rules"] = ({ host }) => ({
    policy,
    http: [{ route: [{ destination: { host } }], timeout: "60s" }],
  });
  return { name: `${name}, relayed`, rules, check };
}
