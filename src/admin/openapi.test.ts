import { describe, expect, test } from "bun:test";
import { createApp } from "./app.ts";
import { routes } from "./table.ts";
import { fixtureView } from "./view.fixture.ts";

interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly {
    readonly name: string;
    readonly required: boolean;
    readonly schema: { readonly enum?: readonly string[] };
  }[];
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, unknown>> }>>;
}

interface Document {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

const app = createApp(fixtureView(), "full");
const document = (await (await app.request("/openapi.json")).json()) as Document;
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
);
const gets = operations.filter(({ method }) => method === "get");

test("every route is in it, once, under its own id", () => {
  expect(document.openapi).toBe("3.1.0");
  expect(operations.map(({ method, path }) => `${method.toUpperCase()} ${path}`).sort()).toEqual(
    routes.map(({ method, path }) => `${method} ${path}`).sort(),
  );
  expect(new Set(operations.map(({ operation }) => operation.operationId)).size).toBe(operations.length);
});

const example: Readonly<Record<string, string>> = { destination: "127.96.0.1:80" };

describe("every documented GET answers as documented", () => {
  test.each(gets.map(({ path, operation }) => [path, operation] as const))(
    "%s",
    async (path, { parameters = [], responses }) => {
      const required = parameters.filter((one) => one.required).map(({ name }) => `${name}=${example[name]}`);
      // Once plain, and once with each value that is documented.
      const queries = [
        [],
        ...parameters.flatMap(({ name, schema }) => (schema.enum ?? []).map((value) => [`${name}=${value}`])),
      ];
      const seen = new Set<string>();
      for (const query of queries) {
        const response = await app.request(`${path}?${[...required, ...query].join("&")}`);
        expect(response.status).toBe(200);
        const contentType = (response.headers.get("content-type") ?? "").replace(/;.*/, "");
        expect(Object.keys(responses[200]?.content ?? {})).toContain(contentType);
        seen.add(contentType);
        if (contentType === "application/json") await response.json();
      }
      if (path !== "/") expect([...seen].sort()).toEqual(Object.keys(responses[200]?.content ?? {}).sort());
    },
  );

  test.each(
    gets.filter(({ operation }) => operation.parameters?.some(({ required }) => required)).map(({ path }) => [path]),
  )("%s without what it requires", async (path) => {
    expect((await app.request(path)).status).toBe(400);
  });
});
