// Several ways to do the same thing, measured in turns: a round measures each once, so that a ratio compares neighbours in time
// and what else the machine does hits all of them alike.
import { median } from "./statistics.ts";

/** What was measured, by name; the n-th of each is the n-th round's. */
export type Samples<Sample> = ReadonlyMap<string, readonly Sample[]>;

export async function takeTurns<Path extends { readonly name: string }, Sample>(
  paths: readonly Path[],
  rounds: number,
  sample: (path: Path) => Promise<Sample>,
): Promise<Samples<Sample>> {
  const samples = new Map<string, Sample[]>(paths.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    // Nobody is always first, and neighbours stay neighbours.
    const turns = round % 2 === 0 ? paths : paths.toReversed();
    for (const path of turns) samples.get(path.name)?.push(await sample(path));
  }
  return samples;
}

export function middle<Sample>(own: readonly Sample[], value: (one: Sample) => number): number {
  return median(own.map(value));
}

/** The median of the rounds' ratios: not the ratio of the medians, which come from different moments. */
export function ratio<Sample>(own: readonly Sample[], base: readonly Sample[], value: (one: Sample) => number): number {
  return median(own.flatMap((one, round) => (base[round] === undefined ? [] : [value(one) / value(base[round])])));
}
