// The text of a NACK: every refused resource with its field path, bounded, for the operator of the control plane and `status`.
import type { Rejection } from "../model/snapshot.ts";

/** Servers log it, and some bound the size of a request. */
const MAX_LENGTH = 32 * 1024;

export function describeRejections(rejections: readonly Rejection[]): string {
  const lines: string[] = [];
  let length = 0;
  for (const rejection of rejections) {
    const line = describeRejection(rejection);
    length += line.length + 2;
    if (length > MAX_LENGTH) return [...lines, `and ${rejections.length - lines.length} more`].join("; ");
    lines.push(line);
  }
  return lines.join("; ");
}

function describeRejection({ type, name, path, reason }: Rejection): string {
  const what = name === "" ? `${type} without a readable name` : `${type} ${name}`;
  return path === "" ? `${what}: ${reason}` : `${what}: ${path}: ${reason}`;
}
