// A directory of the test's own, gone afterwards.
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export class TempDir implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), "kmesh-edge-test-"));

  join(...parts: readonly string[]): string {
    return join(this.path, ...parts);
  }

  /** Writes a file whole or not at all, as an editor does: the reader never sees half of it. */
  write(name: string, content: string): string {
    const path = this.join(name);
    writeFileSync(`${path}.part`, content);
    renameSync(`${path}.part`, path);
    return path;
  }

  remove(name: string): void {
    rmSync(this.join(name), { recursive: true, force: true });
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
