// Waiting for something to become true: the only way tests here deal with time. A deadline is for hanging, not for speed.

const PATIENCE_MS = 60_000;
const INTERVAL_MS = 20;

/** Asks until the answer isn't undefined or false; an error counts as "not yet" and is shown if time runs out. */
export async function waitFor<T>(
  what: string,
  ask: () => Promise<T | undefined | false> | T | undefined | false,
  patienceMs = PATIENCE_MS,
): Promise<T> {
  const deadline = performance.now() + patienceMs;
  let last: unknown;
  for (;;) {
    try {
      const answer = await ask();
      if (answer !== undefined && answer !== false) return answer;
      last = undefined;
    } catch (error) {
      if (error instanceof GaveUp) throw error;
      last = error;
    }
    if (performance.now() > deadline) throw new Error(`waited ${patienceMs} ms for ${what}${because(last)}`);
    await Bun.sleep(INTERVAL_MS);
  }
}

/** Thrown inside `waitFor` when waiting on is pointless, for example because a process has ended. */
export class GaveUp extends Error {}

function because(error: unknown): string {
  return error === undefined ? "" : `: ${error instanceof Error ? error.message : String(error)}`;
}
