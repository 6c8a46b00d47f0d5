// Decoded kernel values as JSON has them: 64-bit numbers as decimal text (as protobuf's JSON mapping), addresses as text, other bytes
// in hex.
import { formatAddress } from "../ip.ts";

export function toPlain(value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  if (value instanceof Uint8Array) return value.toHex();
  if (Array.isArray(value)) return value.map(toPlain);
  if (typeof value !== "object" || value === null || value instanceof Date) return value;
  const family = "family" in value ? value.family : undefined;
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, toPlainField(key, field, family)]));
}

function toPlainField(key: string, field: unknown, family: unknown): unknown {
  const isAddress = key === "address" && field instanceof Uint8Array && field.length === 16;
  return isAddress && (family === 4 || family === 6) ? formatAddress({ family, bytes: field }) : toPlain(field);
}
