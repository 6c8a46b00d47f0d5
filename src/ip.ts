// Addresses, prefixes and ports: the only address code. An address is kept as its 16 bytes in network order, IPv4 in the
// first four with the rest zero, beside its family: the layout that the BPF maps use (bpf/mesh.h, struct address).
import { isIPv4, isIPv6 } from "node:net";

export type Family = 4 | 6;

export interface Address {
  readonly family: Family;
  /** 16 bytes, network order; IPv4 in bytes 0 to 3. Never changed after it was made. */
  readonly bytes: Uint8Array;
}

export interface SocketAddress {
  readonly address: Address;
  /** 1 to 65535, host order. */
  readonly port: number;
}

export interface Prefix {
  readonly address: Address;
  /** 0 to 32 for IPv4, 0 to 128 for IPv6. Bits after it are zero in `address`. */
  readonly length: number;
}

/** Parses a textual IPv4 or IPv6 address (RFC 4291; no zone, no brackets, no port). IPv4-mapped IPv6 becomes IPv4. Undefined if it isn't one. */
export function parseAddress(text: string): Address | undefined {
  if (isIPv4(text)) return { family: 4, bytes: ipv4Bytes(text) };
  if (!isIPv6(text) || text.includes("%")) return undefined;
  const bytes = ipv6Bytes(text);
  return isMapped(bytes) ? { family: 4, bytes: pad(bytes.subarray(12)) } : { family: 6, bytes };
}

/** Canonical text: dotted decimal, or RFC 5952. */
export function formatAddress(address: Address): string {
  const { bytes } = address;
  if (address.family === 4) return `${bytes[0]}.${bytes[1]}.${bytes[2]}.${bytes[3]}`;
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0));
  const zeros = longestZeroRun(groups);
  const hex = (part: readonly number[]): string => part.map((group) => group.toString(16)).join(":");
  if (zeros.length < 2) return hex(groups);
  return `${hex(groups.slice(0, zeros.start))}::${hex(groups.slice(zeros.start + zeros.length))}`;
}

/** `1.2.3.4:80` or `[2001:db8::1]:80`. */
export function formatSocketAddress({ address, port }: SocketAddress): string {
  return address.family === 4 ? `${formatAddress(address)}:${port}` : `[${formatAddress(address)}]:${port}`;
}

/** Parses `1.2.3.4:80` or `[::1]:80`. Undefined if it isn't one. */
export function parseSocketAddress(text: string): SocketAddress | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const address = host === undefined ? undefined : parseAddress(host);
  const port = Number(match?.[3]);
  if (address === undefined || !isPort(port)) return undefined;
  return { address, port };
}

export function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= 65535;
}

/** The prefix of `length` bits that contains `address` (host bits are cleared, as Envoy's CidrRange does). */
export function prefixOf(address: Address, length: number): Prefix {
  const bytes = new Uint8Array(16);
  const whole = length >> 3;
  bytes.set(address.bytes.subarray(0, whole));
  if (length % 8 !== 0) bytes[whole] = (address.bytes[whole] ?? 0) & (0xff << (8 - (length % 8)));
  return { address: { family: address.family, bytes }, length };
}

/** True for 0.0.0.0 and ::. */
export function isUnspecified(address: Address): boolean {
  return address.bytes.every((byte) => byte === 0);
}

export function isLoopback({ family, bytes }: Address): boolean {
  if (family === 4) return bytes[0] === 127;
  return bytes[15] === 1 && bytes.subarray(0, 15).every((byte) => byte === 0);
}

export function equalAddress(a: Address, b: Address): boolean {
  return a.family === b.family && a.bytes.every((byte, i) => byte === b.bytes[i]);
}

function ipv4Bytes(text: string): Uint8Array {
  return pad(text.split(".").map(Number));
}

function ipv6Bytes(text: string): Uint8Array {
  const bytes = new Uint8Array(16);
  const [head = "", tail] = text.split("::");
  const left = ipv6Groups(head);
  const right = tail === undefined ? [] : ipv6Groups(tail);
  bytes.set(left, 0);
  bytes.set(right, 16 - right.length);
  return bytes;
}

function ipv6Groups(text: string): number[] {
  if (text === "") return [];
  return text.split(":").flatMap((group) => {
    if (group.includes(".")) return group.split(".").map(Number);
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}

function isMapped(bytes: Uint8Array): boolean {
  return bytes.subarray(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff;
}

function pad(bytes: ArrayLike<number>): Uint8Array {
  const padded = new Uint8Array(16);
  padded.set(bytes);
  return padded;
}

function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let start = 0;
  groups.forEach((group, i) => {
    if (group !== 0) {
      start = i + 1;
      return;
    }
    const length = i + 1 - start;
    if (length > best.length) best = { start, length };
  });
  return best;
}
