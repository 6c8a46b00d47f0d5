import { expect, test } from "bun:test";
import { connect, createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { guardPings } from "./ping-guard.ts";

test("ping guard: a PING on a destroyed session tells its callback instead of throwing; others work", async () => {
  guardPings();
  guardPings();
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const ping = (): Promise<Error | null> =>
    new Promise((resolve) => session.ping((error: Error | null) => resolve(error)));
  await new Promise((resolve) => session.once("connect", resolve));
  expect(await ping()).toBeNull();
  session.destroy();
  expect((await ping())?.message).toBe("the session is closed");
  await new Promise<void>((resolve) => server.close(() => resolve()));
});
