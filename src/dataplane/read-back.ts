// The kernel's maps as they are, decoded: what stands beside the configuration in /config_dump.
import { formatAddress } from "../ip.ts";
import { type DataplaneMaps, mapNames } from "./maps.ts";

/** Every entry but unused rows of slots; 64-bit numbers as decimal text, addresses as text, digests as hex. */
export function readBack(maps: DataplaneMaps): Record<string, unknown[]> {
  const dump: Record<string, unknown[]> = {};
  for (const name of mapNames) {
    if (name === "connections" || name === "verdicts") continue; // per socket, per CPU: see counters
    const entries: [unknown, unknown][] = maps[name].entries();
    dump[name] = entries
      .map(([key, value]) => ({ key: toPlain(key), value: toPlain(value) }))
      .filter(({ value }) => name !== "slots" || isUsed(value));
  }
  return dump;
}

function isUsed(value: unknown): boolean {
  return typeof value === "object" && value !== null && "id" in value && value.id !== 0;
}

function toPlain(value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  if (value instanceof Uint8Array) return value.toHex();
  if (typeof value !== "object" || value === null) return value;
  const family = "family" in value ? value.family : undefined;
  return Object.fromEntries(
    Object.entries(value).map(([key, field]) => {
      if (key === "address" && field instanceof Uint8Array && (family === 4 || family === 6)) {
        return [key, formatAddress({ family, bytes: field })];
      }
      return [key, toPlain(field)];
    }),
  );
}
