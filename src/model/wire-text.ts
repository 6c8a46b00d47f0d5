// Text of a message as it looks on the wire: UTF-8, one character a byte, because that is how requests are read (model/matcher.ts).

export function wireText(text: string): string {
  return isAscii(text) ? text : Buffer.from(text, "utf8").toString("latin1");
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false;
  return true;
}
