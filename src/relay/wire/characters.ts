// Which bytes may stand where in an HTTP/1.1 message: tables over character codes, so that the scanners do one load per byte.
// Codes that aren't in a table (256 and above can't come from latin1 text) read as undefined, which is in no set.

export const TAB = 9;
export const LF = 10;
export const CR = 13;
export const SPACE = 32;
export const COMMA = 44;
export const SLASH = 47;
export const COLON = 58;
export const SEMICOLON = 59;

const alphanumerics = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/** tchar of RFC 9110, section 5.6.2. */
export const TOKEN = setOf(`${alphanumerics}!#$%&'*+-.^_\`|~`);

/** Field values, reason phrases and chunk extensions: HTAB, SP, VCHAR and obs-text (RFC 9110, section 5.5). */
export const FIELD_VALUE = setWhere((code) => code === TAB || (code >= SPACE && code !== 127));

/** Request targets: visible ASCII. A fragment is never sent (RFC 9110, section 7.1), and Envoy refuses it. */
export const TARGET = setWhere((code) => code > SPACE && code < 127 && code !== 35);

/** Hosts and ports: uri-host of RFC 3986, section 3.2.2, with its brackets and the colon. No user information. */
export const AUTHORITY = setOf(`${alphanumerics}-._~%!$&'()*+,;=:[]`);

/** Each code in lower case; only ASCII letters have one. */
const LOWER = Uint8Array.from({ length: 256 }, (_, code) => (code >= 65 && code <= 90 ? code + 32 : code));

/** Whether `text` from `start` to `end` is `lower`, which is in lower case, in any case. */
export function isWord(text: string, start: number, end: number, lower: string): boolean {
  const length = lower.length;
  if (end - start !== length) return false;
  for (let i = 0; i < length; i++) {
    if (LOWER[text.charCodeAt(start + i)] !== lower.charCodeAt(i)) return false;
  }
  return true;
}

/** Whether each code of `text` from `start` to `end` is in `set`. */
export function isAll(set: Uint8Array, text: string, start: number, end: number): boolean {
  for (let i = start; i < end; i++) {
    if (set[text.charCodeAt(i)] !== 1) return false;
  }
  return true;
}

/** The first offset from `start` on that isn't a blank. */
export function skipBlanks(text: string, start: number, end: number): number {
  let i = start;
  while (i < end && isBlank(text.charCodeAt(i))) i++;
  return i;
}

/** The offset after the last one before `end` that isn't a blank. */
export function skipBlanksBack(text: string, start: number, end: number): number {
  let i = end;
  while (i > start && isBlank(text.charCodeAt(i - 1))) i--;
  return i;
}

function isBlank(code: number): boolean {
  return code === SPACE || code === TAB;
}

export function setOf(characters: string): Uint8Array {
  return setWhere((code) => characters.includes(String.fromCharCode(code)));
}

function setWhere(isIn: (code: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, code) => (isIn(code) ? 1 : 0));
}
