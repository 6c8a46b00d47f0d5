// Why a cheaper engine won't do for a resource that is honoured.

/** Something that needs a decision or a change per request. */
export interface Need {
  /** Field path, relative to whatever has the need. */
  readonly path: string;
  readonly reason: string;
}
