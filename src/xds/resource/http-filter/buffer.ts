// The buffer filter: requests go on when they have arrived as a whole.
import type { BufferConfig } from "../../../model/http.ts";
import type { Buffer, BufferPerRoute } from "../../gen/envoy/extensions/filters/http/buffer/v3/buffer_pb.ts";

/** An unset limit was refused by inspection. */
export function convertBuffer({ maxRequestBytes }: Buffer): BufferConfig {
  return { type: "buffer", maxBytes: maxRequestBytes ?? 0 };
}

export function convertBufferPerRoute({ override }: BufferPerRoute): BufferConfig | { readonly type: "disabled" } {
  return override.case === "buffer" ? convertBuffer(override.value) : { type: "disabled" };
}
