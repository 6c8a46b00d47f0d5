// What a cluster means to whatever names it.
import type { Need } from "../model/need.ts";

export type Disposition =
  | { readonly type: "balanced" /** What only a per-request engine can give. */; readonly needs: readonly Need[] }
  /** ORIGINAL_DST: the connection stays as it is. */
  | { readonly type: "native"; readonly needs: readonly Need[] }
  /** Traffic can't be taken there exactly, for this reason; it is left untouched. */
  | { readonly type: "unsupported"; readonly reason: string };
