// What this executable was built from. scripts/build.ts puts the values in; a run from the sources has none.

export interface BuildInfo {
  readonly version: string;
  /** First 16 hex digits of the SHA-256 over the sources. */
  readonly sources: string;
  /** Git commit, with `-dirty` if the tree had changes; empty outside a repository. */
  readonly commit: string;
}

declare const BUILD_INFO: BuildInfo | undefined;

export const buildInfo: BuildInfo =
  typeof BUILD_INFO === "undefined" ? { version: "0.0.0", sources: "unbuilt", commit: "" } : BUILD_INFO;
