// One line of /stats.
export interface Stat {
  readonly name: string;
  readonly value: number | bigint;
}
