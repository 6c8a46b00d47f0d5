// Names of the configuration (clusters, routes, hosts) as they may stand in a field: on the wire U+010A must not become a line feed, and
// the control characters that would end the field are left out.
import { wireText } from "../../model/wire-text.ts";

export function fieldText(text: string): string {
  return wireText(text).replace(/\p{Cc}/gu, (control) => (control < "\x80" ? "" : control));
}
