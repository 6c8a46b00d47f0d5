// Which fields the relay itself must understand: those that frame a message, name its destination or belong to one hop. All
// others are forwarded unread.
import { isWord } from "./characters.ts";

export const FieldKind = {
  other: 0,
  host: 1,
  contentLength: 2,
  transferEncoding: 3,
  connection: 4,
  keepAlive: 5,
  proxyConnection: 6,
  upgrade: 7,
  expect: 8,
  te: 9,
  trailer: 10,
} as const;

export type FieldKind = (typeof FieldKind)[keyof typeof FieldKind];

/** The length tells most fields apart from all of these, so that few names are ever compared. */
export function fieldKind(text: string, start: number, end: number): FieldKind {
  switch (end - start) {
    case 2:
      return isWord(text, start, end, "te") ? FieldKind.te : FieldKind.other;
    case 4:
      return isWord(text, start, end, "host") ? FieldKind.host : FieldKind.other;
    case 6:
      return isWord(text, start, end, "expect") ? FieldKind.expect : FieldKind.other;
    case 7:
      if (isWord(text, start, end, "upgrade")) return FieldKind.upgrade;
      return isWord(text, start, end, "trailer") ? FieldKind.trailer : FieldKind.other;
    case 10:
      if (isWord(text, start, end, "connection")) return FieldKind.connection;
      return isWord(text, start, end, "keep-alive") ? FieldKind.keepAlive : FieldKind.other;
    case 14:
      return isWord(text, start, end, "content-length") ? FieldKind.contentLength : FieldKind.other;
    case 16:
      return isWord(text, start, end, "proxy-connection") ? FieldKind.proxyConnection : FieldKind.other;
    case 17:
      return isWord(text, start, end, "transfer-encoding") ? FieldKind.transferEncoding : FieldKind.other;
    default:
      return FieldKind.other;
  }
}
