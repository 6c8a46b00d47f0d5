// The maps of one dataplane, typed by their generated layouts, and where they are pinned. A pin directory is named after the layout's
// fingerprint: another version of the agent with other layouts has its own.
import { mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { MapDefinition } from "../layout/codec.ts";
import { maps as definitions, fingerprint, type maps as layouts } from "../layout/mesh.gen.ts";
import { BpfMap } from "../libbpf/map.ts";

export type MapName = keyof typeof layouts;

type MapOf<D> = D extends MapDefinition<infer K, infer V> ? BpfMap<K, V> : never;

export type DataplaneMaps = { readonly [Name in MapName]: MapOf<(typeof layouts)[Name]> };

export const mapNames = Object.keys(definitions) as readonly MapName[];

/** Of `settings`, which has one entry. */
export const mainKey = 0;

/** Links are pinned beside the maps, one folder a cgroup id. */
export function linkDirectory(pinDirectory: string): string {
  return join(pinDirectory, "links");
}

export function mapDirectory(pinDirectory: string): string {
  return join(pinDirectory, `maps-${fingerprint}`);
}

/** The pinned maps of this layout, where all are there; undefined otherwise. */
export function openPinnedMaps(pinDirectory: string): DataplaneMaps | undefined {
  const directory = mapDirectory(pinDirectory);
  const opened: BpfMap<unknown, unknown>[] = [];
  for (const name of mapNames) {
    const map = BpfMap.openPinned<unknown, unknown>(
      join(directory, name),
      definitions[name] as MapDefinition<unknown, unknown>,
    );
    if (map === undefined) {
      for (const one of opened) one[Symbol.dispose]();
      return undefined;
    }
    opened.push(map);
  }
  return Object.fromEntries(mapNames.map((name, i) => [name, opened[i]])) as unknown as DataplaneMaps;
}

/** Pins every map; the rename is the moment from which a restart finds them. What was pinned before goes. */
export function pinMaps(pinDirectory: string, maps: DataplaneMaps): void {
  const fresh = join(pinDirectory, "maps-new");
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { recursive: true, mode: 0o700 });
  for (const name of mapNames) maps[name].pin(join(fresh, name));
  const directory = mapDirectory(pinDirectory);
  rmSync(directory, { recursive: true, force: true });
  renameSync(fresh, directory);
}

/** Pins of other layouts: an older or newer agent's. */
export function removeOtherLayouts(pinDirectory: string): void {
  for (const name of readdirSync(pinDirectory)) {
    if (name.startsWith("maps-") && join(pinDirectory, name) !== mapDirectory(pinDirectory)) {
      rmSync(join(pinDirectory, name), { recursive: true, force: true });
    }
  }
}
