// Regular expressions from a query, with Envoy's engine RE2 (re2js): its time grows with the text only, so that no pattern can
// hold the agent up. Loaded when it is first needed: it takes longer to load than the agent has to start.
import { MeshError } from "../errors.ts";

export const maxPatternLength = 128;

/** whole: the text from its start to its end, as Envoy's name_regex. part: anywhere in it, as its stats filter. */
export async function compileRegex(
  parameter: string,
  pattern: string,
  matches: "whole" | "part",
): Promise<(text: string) => boolean> {
  const { RE2JS, RE2JSException } = await import("re2js");
  try {
    const regex = RE2JS.compile(pattern);
    return matches === "whole" ? (text) => regex.matches(text) : (text) => regex.matcher(text).find();
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error;
    const reason = error.message.replace(/^error parsing regexp: /, "");
    throw new MeshError("usage", `query parameter ${parameter}: not an RE2 regular expression: ${reason}`, {
      cause: error,
    });
  }
}
