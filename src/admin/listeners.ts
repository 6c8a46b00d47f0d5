// /listeners: Envoy's text and JSON (envoy.admin.v3.Listeners), with our destinations beside each listener.
import type { CompiledListener } from "../compile/compile.ts";
import { formatSocketAddress } from "../ip.ts";
import { type Destination, destinationsOf } from "./destinations.ts";
import { type JsonObject, renderAddress } from "./envoy/address.ts";
import type { AgentView } from "./view.ts";

export interface ListenerStatus {
  readonly name: string;
  readonly local_address: JsonObject;
  readonly additional_local_addresses?: readonly JsonObject[];
  readonly kmesh_edge: readonly Destination[];
}

export interface ListenerStatuses {
  readonly listener_statuses: readonly ListenerStatus[];
}

export function listListeners(view: AgentView): ListenerStatuses {
  return { listener_statuses: compiledListeners(view).map(describe) };
}

/** `name::1.2.3.4:80`, a line for each address. */
export function formatListeners(view: AgentView): string {
  return compiledListeners(view)
    .flatMap(({ listener: { name, address, additionalAddresses } }) =>
      [address, ...additionalAddresses.map((additional) => additional.address)].map(
        (one) => `${name}::${formatSocketAddress(one)}\n`,
      ),
    )
    .join("");
}

function describe(compiled: CompiledListener): ListenerStatus {
  const { name, address, additionalAddresses } = compiled.listener;
  const additional = additionalAddresses.map((one) => renderAddress(one.address));
  return {
    name,
    local_address: renderAddress(address),
    ...(additional.length === 0 ? {} : { additional_local_addresses: additional }),
    kmesh_edge: destinationsOf(compiled),
  };
}

function compiledListeners(view: AgentView): CompiledListener[] {
  return [...(view.compiled()?.listeners.values() ?? [])];
}
