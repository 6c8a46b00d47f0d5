// One script for both variants of ADS: requests as small plain objects, responses from packed resources.
import type { ResourceType } from "../../src/model/snapshot.ts";
import { typeOf, typeUrlOf, type Variant } from "../../src/xds/stream.ts";
import type { DeltaFake, FakeAds, SotwFake } from "./fake-ads.ts";
import type { Packed } from "./xds-resources.ts";

/** A request without what is empty. SotW: `names` is everything wanted. Delta: `names` is what is added. */
export interface ScriptRequest {
  readonly type: ResourceType | undefined;
  readonly nonce?: string;
  readonly nack?: string;
  readonly names?: readonly string[];
  readonly unsubscribe?: readonly string[];
  /** initial_resource_versions */
  readonly held?: Readonly<Record<string, string>>;
  /** version_info */
  readonly version?: string;
  readonly node?: string;
}

export interface Sent {
  readonly nonce: string;
  readonly version?: string;
  readonly removed?: readonly string[];
}

export interface Script {
  readonly variant: Variant;
  /** The next request; undefined once the client is gone. */
  request(): Promise<ScriptRequest | undefined>;
  send(type: ResourceType | string, resources: readonly Packed[], sent: Sent): void;
  readonly stream: DeltaFake | SotwFake;
}

export async function script(server: FakeAds, variant: Variant): Promise<Script> {
  return variant === "delta" ? deltaScript(await server.delta()) : sotwScript(await server.sotw());
}

function deltaScript(stream: DeltaFake): Script {
  return {
    variant: "delta",
    stream,
    request: async () => {
      const it = await stream.request();
      if (it === undefined) return undefined;
      return compact({
        type: typeOf(it.typeUrl),
        nonce: it.responseNonce,
        nack: it.errorDetail?.message ?? "",
        names: it.resourceNamesSubscribe,
        unsubscribe: it.resourceNamesUnsubscribe,
        held: it.initialResourceVersions,
        node: it.node?.id ?? "",
      });
    },
    send: (type, resources, { nonce, version = "", removed = [] }) =>
      stream.send({
        typeUrl: urlOf(type),
        nonce,
        systemVersionInfo: version,
        removedResources: [...removed],
        resources: resources.map((it) => ({ ...it })),
      }),
  };
}

function sotwScript(stream: SotwFake): Script {
  return {
    variant: "sotw",
    stream,
    request: async () => {
      const it = await stream.request();
      if (it === undefined) return undefined;
      return compact({
        type: typeOf(it.typeUrl),
        nonce: it.responseNonce,
        nack: it.errorDetail?.message ?? "",
        names: it.resourceNames,
        version: it.versionInfo,
        node: it.node?.id ?? "",
      });
    },
    send: (type, resources, { nonce, version = "" }) =>
      stream.send({
        typeUrl: urlOf(type),
        nonce,
        versionInfo: version,
        resources: resources.map(({ resource }) => resource),
      }),
  };
}

function urlOf(type: string): string {
  switch (type) {
    case "cluster":
    case "endpoint":
    case "listener":
    case "route":
      return typeUrlOf(type);
    default:
      return type;
  }
}

function compact(
  request: { readonly [K in keyof ScriptRequest]-?: ScriptRequest[K] | undefined } | object,
): ScriptRequest {
  const entries = Object.entries(request).filter(([, value]) => {
    if (value === undefined || value === "") return false;
    if (Array.isArray(value)) return value.length > 0;
    return typeof value !== "object" || Object.keys(value).length > 0;
  });
  return Object.fromEntries(entries) as unknown as ScriptRequest;
}
