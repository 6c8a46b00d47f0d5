// What a cluster means to whatever names it.

export type Disposition =
  | { readonly type: "balanced" }
  /** ORIGINAL_DST: the connection stays as it is. */
  | { readonly type: "native" }
  /** Traffic can't be taken there exactly, for this reason; it is left untouched. */
  | { readonly type: "unsupported"; readonly reason: string };
