import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type NormalizedPath, type NormalizeOptions, normalizePath } from "./normalize.ts";

/** Each column is a listener of Envoy 1.40, whose answers these are. */
const off: NormalizeOptions = { normalizePath: false, mergeSlashes: false, escapedSlashes: "keep" };
const dots: NormalizeOptions = { ...off, normalizePath: true };
const merge: NormalizeOptions = { ...off, mergeSlashes: true };
const reject: NormalizeOptions = { normalizePath: true, mergeSlashes: true, escapedSlashes: "reject" };
const redirect: NormalizeOptions = { ...reject, escapedSlashes: "unescape_and_redirect" };
const forward: NormalizeOptions = { ...reject, escapedSlashes: "unescape_and_forward" };
const onlySlashes: NormalizeOptions = { ...off, escapedSlashes: "unescape_and_forward" };

/** A path, or the status and where to. */
function shown(result: NormalizedPath): string {
  if ("reject" in result) return "400";
  return "redirect" in result ? `307 ${result.redirect}` : result.path;
}

interface Row {
  readonly path: string;
  readonly dots: string;
  readonly merge?: string;
  readonly reject?: string;
  readonly redirect?: string;
  readonly forward?: string;
  readonly onlySlashes?: string;
}

const rows: readonly Row[] = [
  { path: "/a", dots: "/a" },
  { path: "/a/./b", dots: "/a/b", forward: "/a/b" },
  { path: "/a/../b", dots: "/b", forward: "/b" },
  { path: "/../a", dots: "/a", forward: "/a" },
  { path: "/..", dots: "/", forward: "/" },
  { path: "/.", dots: "/", forward: "/" },
  { path: "/a/.", dots: "/a/", forward: "/a/" },
  { path: "/a/..", dots: "/", forward: "/" },
  { path: "/a/b/..", dots: "/a/", forward: "/a/" },
  { path: "/a/b/c/./../../g", dots: "/a/g", forward: "/a/g" },
  { path: "/a/...", dots: "/a/..." },
  { path: "/a/..b", dots: "/a/..b" },
  { path: "/a/b../c", dots: "/a/b../c" },
  { path: "/a;b/../c", dots: "/c", forward: "/c" },
  { path: "/a//b", dots: "/a//b", merge: "/a/b", forward: "/a/b" },
  { path: "//a", dots: "//a", merge: "/a", forward: "/a" },
  { path: "/a//../b", dots: "/a/b", merge: "/a/../b", forward: "/a/b" },
  { path: "//", dots: "//", merge: "//", forward: "//" },
  { path: "/a//", dots: "/a//", merge: "/a/", forward: "/a/" },
  { path: "/a/%2e/b", dots: "/a/b", forward: "/a/b" },
  { path: "/a/%2E%2e/b", dots: "/b", forward: "/b" },
  { path: "/a/.%2e/b", dots: "/b", forward: "/b" },
  { path: "/a/%2e%2e", dots: "/", forward: "/" },
  { path: "/a/%252e%252e/b", dots: "/a/%252e%252e/b" },
  { path: "/a%25%32%65", dots: "/a%252e", forward: "/a%252e" },
  { path: "/a\\b", dots: "/a/b", forward: "/a/b" },
  { path: "/a\\..\\b", dots: "/b", forward: "/b" },
  { path: "/%41%5a%7a%7e%2d%5F", dots: "/AZz~-_", forward: "/AZz~-_" },
  { path: "/a%C3%A9", dots: "/a%C3%A9" },
  { path: "/a%c3%2b", dots: "/a%c3%2b" },
  { path: "/a%", dots: "/a%" },
  { path: "/a%2", dots: "/a%2" },
  { path: "/a%zz", dots: "/a%zz" },
  { path: "/a%2%41", dots: "/a%252A", forward: "/a%252A" },
  { path: "/%%30%30", dots: "/%2500", forward: "/%2500" },
  { path: "/%%30%30x", dots: "/%2500x", forward: "/%2500x" },
  { path: "/%%300", dots: "/%2500", forward: "/%2500" },
  { path: "/%%30x", dots: "/%0x", forward: "/%0x" },
  { path: "/a/..;x/b", dots: "/b", forward: "/b" },
  { path: "/a/.;x/b", dots: "/a/b", forward: "/a/b" },
  { path: "/a/..;", dots: "/", forward: "/" },
  { path: "/a/..;x\\c/b", dots: "/b", forward: "/b" },
  { path: "/a/%2e%2e;x/b", dots: "/a/..;x/b", forward: "/a/..;x/b" },
  { path: "/a/..%3bx/b", dots: "/a/..%3bx/b" },
  { path: "/a\\..;x\\b", dots: "/a/..;x/b", forward: "/a/..;x/b" },
  { path: "/a/b;x/..;y/c", dots: "/a/c", forward: "/a/c" },
  { path: '/a|b"<>`{}^', dots: "/a%7Cb%22%3C%3E%60%7B%7D%5E", forward: "/a%7Cb%22%3C%3E%60%7B%7D%5E" },
  { path: "/a%00b", dots: "400", reject: "400", redirect: "400", forward: "400" },
  { path: "/a?%00", dots: "/a?%00" },
  { path: '/a/..?x=//../%41|"\\%2f', dots: '/?x=//../%41|"\\%2f', forward: '/?x=//../%41|"\\%2f' },
  {
    path: "/a/%2f/b",
    ...{ dots: "/a/%2f/b", reject: "400", redirect: "307 /a/b", forward: "/a/b", onlySlashes: "/a///b" },
  },
  {
    path: "/a%2F..%2Fb?c",
    ...{ dots: "/a%2F..%2Fb?c", reject: "400", redirect: "307 /b?c", forward: "/b?c", onlySlashes: "/a/../b?c" },
  },
  {
    path: "/a%5c..%5Cb",
    ...{ dots: "/a%5c..%5Cb", reject: "400", redirect: "307 /b", forward: "/b", onlySlashes: "/a\\..\\b" },
  },
  {
    path: "/a/%2e%2e%2fb",
    ...{ dots: "/a/..%2fb", reject: "400", redirect: "307 /b", forward: "/b", onlySlashes: "/a/%2e%2e/b" },
  },
];

test.each(rows.map((row) => [row.path, row] as const))("%s", (path, row) => {
  const normalized = (options: NormalizeOptions): string => shown(normalizePath(path, options));
  expect(normalized(off)).toBe(path);
  expect(normalized(dots)).toBe(row.dots);
  expect(normalized(merge)).toBe(row.merge ?? path);
  expect(normalized(forward)).toBe(row.forward ?? path);
  expect(normalized(reject)).toBe(row.reject ?? row.forward ?? path);
  expect(normalized(redirect)).toBe(row.redirect ?? row.forward ?? path);
  expect(normalized(onlySlashes)).toBe(row.onlySlashes ?? path);
});

describe("any path", () => {
  const piece = fc.constantFrom(..."/ // . .. a %2e %2F %5c \\ % %2 5 c e %41 %25 %c3 ; { ^".split(" "));
  const paths = fc.array(piece, { maxLength: 12 }).map((pieces) => `/${pieces.join("")}`);

  test("comes out below / and without dot segments", () => {
    fc.assert(
      fc.property(paths, (path) => {
        const result = normalizePath(path, forward);
        if (!("path" in result)) throw new Error(path);
        const segments = result.path.split("/");
        expect(segments[0]).toBe("");
        expect(segments.filter((segment) => segment === "." || segment === ".." || segment.includes("\\"))).toEqual([]);
      }),
    );
  });

  test("stays what it has become, but for what only then looks like a parameter", () => {
    fc.assert(
      fc.property(
        paths.filter((path) => !path.includes(";")),
        (path) => {
          const once = shown(normalizePath(path, dots));
          expect(shown(normalizePath(once, dots))).toBe(once);
        },
      ),
      { numRuns: 1000 },
    );
  });
});
