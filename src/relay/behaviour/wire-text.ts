// Names of the configuration (clusters, routes, hosts) as they may stand in a message: UTF-8, one character a byte, and without the
// control characters that would end a field. Written as they are, U+010A would become a line feed.

export function wireText(text: string): string {
  if (/^[\x20-\x7e]*$/.test(text)) return text;
  return Buffer.from(text, "utf8")
    .toString("latin1")
    .replace(/\p{Cc}/gu, (control) => (control < "\x80" ? "" : control));
}
