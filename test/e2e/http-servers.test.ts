// Real HTTP servers behind the mesh: what Go's, Node's and nginx send and take arrives whole, whatever its framing and size; first
// through real Envoy, which says what is right, then through the compiled agent.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { type Ask, ask, askAll, type HttpClientName, patternDigest, told } from "../support/http-clients.ts";
import { goServer, type HttpServers, nodeServer, startHttpServers } from "../support/http-servers.ts";
import { run } from "../support/process.ts";
import { type Governed, govern, governors } from "./http-resources.ts";
import { headerOf, inspection, MiB, mesh, uploaded, vips } from "./http-shop.ts";
import { testTimeoutMs } from "./world.ts";

setDefaultTimeout(testTimeoutMs);

describe.each(governors)("%s", (governor) => {
  const stack = new AsyncDisposableStack();
  let governed: Governed;
  let files: HttpServers;

  beforeAll(async () => {
    governed = stack.use(
      await govern(governor, mesh, async (enter) => {
        files = await startHttpServers(enter);
        return files;
      }),
    );
  });
  afterAll(() => stack.disposeAsync());

  describe.each([goServer, nodeServer])("server $name", ({ name }) => {
    const of = (path: string, more: Partial<Ask> = {}): Ask => ({
      ...{ method: "GET", url: `http://${vips[name as "go" | "node"]}${path}` },
      ...more,
    });
    const one = (request: Ask, client: HttpClientName = "Go net/http") => ask(client, request, governed.enter);

    test("the request comes as it was sent, with what the mesh adds", async () => {
      const headers = { "X-CaSe": "Kept", "x-empty": "" };
      const seen = inspection(await one(of("/a//b/../c?d=%7e#", { headers, body: "text hi", method: "PUT" })));
      expect(seen).toMatchObject({ server: name, method: "PUT", host: vips[name as "go"], length: 2 });
      expect([headerOf(seen, "x-case"), headerOf(seen, "x-mesh")]).toEqual(["Kept", "edge"]);
    });

    test("its connection is kept over requests", async () => {
      const answers = await askAll(
        "Go net/http",
        Array.from({ length: 5 }, () => of("/")),
        governed.enter,
      );
      const peers = answers.map((answer) => inspection(told(answer)).peer);
      expect(new Set(peers).size).toBe(1);
    });

    test.each(["fixed", "chunked"] as const)("64 MiB to it, %s", async (kind) => {
      const answer = await one(of("/", { method: "POST", body: `${kind} ${64 * MiB}` }));
      uploaded(64 * MiB)([answer]);
    });

    test.each(["length", "chunked", "close"])("64 MiB from it, framed by %s", async (framing) => {
      const answer = await one(of(`/pattern?bytes=${64 * MiB}&framing=${framing}`));
      expect(answer).toMatchObject({ status: 200, length: 64 * MiB, sha256: patternDigest(64 * MiB) });
    });

    test("trailers from it", async () => {
      expect((await one(of("/trailers"))).trailers).toEqual({ "x-sum": "three parts" });
    });

    test("HEAD to it", async () => {
      const answer = await one(of("/pattern?bytes=77", { method: "HEAD" }));
      expect(answer).toMatchObject({ status: 200, length: 0 });
      expect(answer.headers["content-length"]).toBe("77");
    });
  });

  describe("server nginx", () => {
    const of = (path: string, more: Partial<Ask> = {}): Ask => ({
      ...{ method: "GET", url: `http://${vips.nginx}${path}` },
      ...more,
    });
    const one = (request: Ask) => ask("Go net/http", request, governed.enter);
    const text = "all work and no play ".repeat(5000);

    test("its connection is kept over requests", async () => {
      const answers = await askAll(
        "curl",
        Array.from({ length: 5 }, () => of("/peer")),
        governed.enter,
      );
      expect(new Set(answers.map((answer) => told(answer).text)).size).toBe(1);
    });

    test.each(["fixed", "chunked"] as const)("64 MiB to it, %s", async (kind) => {
      const answer = await one(of(`/stored/${kind}`, { method: "PUT", body: `${kind} ${64 * MiB}` }));
      expect(answer).toMatchObject({ status: 201 });
      const stored = await Bun.file(join(files.stored, kind)).bytes();
      expect(new Bun.CryptoHasher("sha256").update(stored).digest("hex")).toBe(patternDigest(64 * MiB));
    });

    test("64 MiB from it", async () => {
      const sha256 = patternDigest(64 * MiB);
      expect(await one(of("/files/large"))).toMatchObject({ status: 200, length: 64 * MiB, sha256 });
    });

    test("a part of a file", async () => {
      const answer = await one(of("/files/text.txt", { headers: { range: "bytes=4-7" } }));
      expect(answer).toMatchObject({ status: 206, text: "work" });
      expect(answer.headers["content-range"]).toBe(`bytes 4-7/${text.length}`);
    });

    test.each(["chunked", "close"])("a compressed answer, framed by %s", async (framing) => {
      const { status, stdout } = await run(["curl", "-sS", "--compressed", of(`/${framing}/text.txt`).url], {
        enter: governed.enter,
      });
      expect({ status, isSame: stdout === text }).toEqual({ status: 0, isSame: true });
    });

    test.each([204, 304, 404, 503])("a bare %d, and the connection goes on", async (code) => {
      const answers = await askAll("curl", [of(`/${code}`), of("/200")], governed.enter);
      expect(answers).toMatchObject([{ status: code }, { status: 200, isReused: true, text: "status 200" }]);
    });
  });
});
