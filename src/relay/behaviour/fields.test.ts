import { describe, expect, test } from "bun:test";
import { Fields } from "./fields.ts";

function sample(): Fields {
  return Fields.of([
    ["Host", "a"],
    ["X-A", "1"],
    ["x-b", "2"],
    ["x-a", "3"],
  ]);
}

describe("Fields", () => {
  const changes: readonly (readonly [string, (fields: Fields) => void, string])[] = [
    ["nothing", () => undefined, "Host: a\r\nX-A: 1\r\nx-b: 2\r\nx-a: 3\r\n"],
    ["set replaces all of that name", (fields) => fields.set("x-A", "9"), "Host: a\r\nX-A: 9\r\nx-b: 2\r\n"],
    ["set adds", (fields) => fields.set("X-New", "9"), "Host: a\r\nX-A: 1\r\nx-b: 2\r\nx-a: 3\r\nX-New: 9\r\n"],
    ["add", (fields) => fields.add("X-A", "9"), "Host: a\r\nX-A: 1\r\nx-b: 2\r\nx-a: 3\r\nX-A: 9\r\n"],
    ["append joins", (fields) => fields.append("x-a", "9"), "Host: a\r\nX-A: 1,3,9\r\nx-b: 2\r\n"],
    [
      "append with a separator",
      (fields) => fields.append("x-b", "9", ", "),
      "Host: a\r\nX-A: 1\r\nx-b: 2, 9\r\nx-a: 3\r\n",
    ],
    ["remove", (fields) => fields.remove("X-a"), "Host: a\r\nx-b: 2\r\n"],
    ["removeWhere", (fields) => fields.removeWhere((name) => name.startsWith("x-")), "Host: a\r\n"],
  ];
  test.each(changes)("%s", (_, change, expected) => {
    const fields = sample();
    change(fields);
    expect(fields.toString()).toBe(expected);
  });

  test("finds without regard to case", () => {
    const fields = sample();
    expect(fields.get("x-a")).toBe("1");
    expect(fields.values("X-A")).toEqual(["1", "3"]);
    expect(fields.header("X-a")).toBe("1,3");
    expect(fields.header("x-none")).toBeUndefined();
    expect(fields.has("HOST")).toBe(true);
  });

  test("is made of a head, without the fields that end here", () => {
    const names = ["A", "B", "C"];
    const head = { count: 3, name: (i: number) => names[i] ?? "", value: (i: number) => String(i) };
    expect(Fields.from(head, (i) => i !== 1).toString()).toBe("A: 0\r\nC: 2\r\n");
  });

  test("a copy is its own", () => {
    const fields = sample();
    fields.copy().set("Host", "b");
    expect(fields.get("host")).toBe("a");
  });
});
