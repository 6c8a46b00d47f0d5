// What libbpf and the verifier printed, made into an error: one line that says what is wrong, the whole log beside it.
import { KernelError, VerifierError } from "../errors.ts";
import { errnoName } from "./errno.ts";
import { allocate, native } from "./ffi.ts";

/** Everything libbpf printed since the last call. */
export function takeLog(): string {
  const length = native().shim_log_length();
  const text = allocate(length + 1);
  const taken = native().shim_log_take(text, length);
  return new TextDecoder().decode(text.subarray(0, taken));
}

/** The error of a failed open or load: a VerifierError if the verifier had a say, otherwise libbpf's own words. */
export function loadError(operation: string, errno: number): KernelError {
  const log = takeLog();
  const refusal = [...log.matchAll(/prog '([^']*)': -- BEGIN PROG LOAD LOG --\n([\s\S]*?)-- END PROG LOAD LOG --/g)].at(
    -1,
  );
  const program = refusal?.[1];
  const said = refusal?.[2]?.trim() ?? "";
  if (program !== undefined && said !== "") {
    return new VerifierError(`${operation}, program ${program}`, errno, errnoName(errno), said, summarize(said));
  }
  return new KernelError(operation, errno, errnoName(errno), libbpfReason(log));
}

/**
 * The verifier's verdict is its last line, after which come only statistics; before it, "12: (85) call …" is the instruction
 * and "; …" the source line that it was compiled from.
 */
export function summarize(log: string): string {
  const lines = log
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !/^(processed \d+ insns|verification time|stack depth|peak_states)/.test(line));
  const verdict = lines.at(-1) ?? "the verifier gave no reason";
  const instruction = lines.findLast((line, i) => i < lines.length - 1 && /^\d+: \([0-9a-f]{2}\)/.test(line));
  const source = lines.findLast((line) => line.startsWith(";"));
  const places = [
    ...(instruction === undefined ? [] : [`at instruction ${instruction.replace(/\s*;.*$/, "")}`]),
    ...(source === undefined ? [] : [`from \`${source.replace(/^;\s*/, "").replace(/\s*@ .*$/, "")}\``]),
  ];
  return [verdict, ...places].join(", ");
}

/** libbpf's first warning is the cause; the later ones only pass it on. */
function libbpfReason(log: string): string {
  const first = log.split("\n").find((line) => line.startsWith("libbpf:"));
  return first?.replace(/^libbpf:\s*/, "") ?? "";
}
