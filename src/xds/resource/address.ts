// envoy.config.core.v3.Address to an address and port. Names aren't resolved: a kernel-level mesh connects to addresses.
import {
  type Address as AddressValue,
  isPort,
  type Prefix,
  parseAddress,
  prefixOf,
  type SocketAddress,
} from "../../ip.ts";
import { type Address, type CidrRange, SocketAddress_Protocol } from "../gen/envoy/config/core/v3/address_pb.ts";
import { at, type Report } from "./report.ts";

export interface Bind {
  readonly address: SocketAddress;
  readonly ipv4Compat: boolean;
}

/** Undefined if it isn't an IP address and a port: then the problem was reported. */
export function convertAddress(address: Address | undefined, path: string, report: Report): Bind | undefined {
  if (address === undefined) return reject(report, path, "must be set");
  // Other kinds of address were rejected by inspection, and so was an unset one.
  if (address.address.case !== "socketAddress") return undefined;
  const socket = address.address.value;
  const field = (name: string): string => at(path, `socket_address.${name}`);
  if (socket.protocol !== SocketAddress_Protocol.TCP) return reject(report, field("protocol"), "only TCP is governed");
  const ip = convertIp(socket.address, field("address"), report);
  if (socket.portSpecifier.case === "namedPort") return undefined;
  const port = socket.portSpecifier.value ?? 0;
  // More than 65535 was refused by inspection.
  if (port === 0) report.reject(field("port_value"), "must be 1 to 65535");
  return ip === undefined || !isPort(port)
    ? undefined
    : { address: { address: ip, port }, ipv4Compat: socket.ipv4Compat };
}

export function convertIp(text: string, path: string, report: Report): AddressValue | undefined {
  const address = parseAddress(text);
  return address ?? reject(report, path, `${JSON.stringify(text.slice(0, 100))} is not an IP address`);
}

/** Undefined if it is no prefix: then the problem was reported. Bits after its length are cleared. */
export function convertPrefix(range: CidrRange, path: string, report: Report): Prefix | undefined {
  const address = convertIp(range.addressPrefix, at(path, "address_prefix"), report);
  if (address === undefined) return undefined;
  const length = range.prefixLen ?? 0;
  if (length <= (address.family === 4 ? 32 : 128)) return prefixOf(address, length);
  return reject(report, at(path, "prefix_len"), "is longer than the address");
}

function reject(report: Report, path: string, reason: string): undefined {
  report.reject(path, reason);
  return undefined;
}
