// Files that are embedded in the executable.
import { readFileSync } from "node:fs";
import bpfObject from "../../build/mesh.bpf.o" with { type: "file" };

/** The linked BPF object: all programs and maps. */
export function readBpfObject(): Uint8Array {
  return readFileSync(bpfObject);
}
