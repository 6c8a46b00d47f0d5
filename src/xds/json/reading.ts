// What all readers of JSON share: the values, the place that is being read, and the problems found so far.
import { MAX_PROBLEMS, type Problem } from "../resource/report.ts";

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export type JsonObject = { readonly [key: string]: Json };

/**
 * The way to the value that is being read is a stack of steps: paths are only needed for problems, and to make one for each
 * value would cost more than to read it.
 */
export interface Reading {
  enter(step: string | number): void;
  leave(): void;
  /** At the value that is being read, or at a field of it. */
  reject(reason: string, field?: string): void;
  readonly problems: readonly Problem[];
  /** More would not be told: stop looking. */
  isFull(): boolean;
}

export function createReading(path: string): Reading {
  const steps: (string | number)[] = [];
  const problems: Problem[] = [];
  return {
    enter: (step) => void steps.push(step),
    leave: () => void steps.pop(),
    reject(reason, field) {
      if (problems.length < MAX_PROBLEMS)
        problems.push({ path: formatPath(path, field === undefined ? steps : [...steps, field]), reason });
    },
    problems,
    isFull: () => problems.length >= MAX_PROBLEMS,
  };
}

/** The step to a value of a map. */
export function keyStep(key: string): string {
  return `["${key}"]`;
}

/** `parent.field[0]["key"]` */
function formatPath(parent: string, steps: readonly (string | number)[]): string {
  return steps.reduce<string>((path, step) => {
    if (typeof step === "number") return `${path}[${step}]`;
    return path === "" || step.startsWith('["') ? `${path}${step}` : `${path}.${step}`;
  }, parent);
}

export function isObject(value: Json): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

/** A value in the words of a user. */
export function kindOf(value: Json): string {
  switch (typeof value) {
    case "string":
      return quote(value);
    case "object":
      if (value === null) return "nothing";
      return Array.isArray(value) ? "a list" : "a mapping";
    default:
      return String(value);
  }
}

export function quote(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
