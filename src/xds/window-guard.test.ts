import { expect, test } from "bun:test";
import { connect as connectHttp2 } from "node:http2";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { createTranslator, guardWindow } from "./window-guard.ts";

function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(9);
  header.writeUIntBE(payload.length, 0, 3);
  header[3] = type;
  header[4] = flags;
  header.writeUInt32BE(stream, 5);
  return Buffer.concat([header, payload]);
}

function settings(...pairs: readonly (readonly [id: number, value: number])[]): Buffer {
  const payload = Buffer.alloc(6 * pairs.length);
  pairs.forEach(([id, value], i) => {
    payload.writeUInt16BE(id, 6 * i);
    payload.writeUInt32BE(value, 6 * i + 2);
  });
  return frame(4, 0, 0, payload);
}

function windowUpdate(stream: number, bytes: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(bytes);
  return frame(8, 0, stream, payload);
}

const window = (bytes: number): Buffer => settings([4, bytes]);
const data = frame(0, 0, 1, Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0, 7, 7]));
const ack = frame(4, 1, 0, Buffer.alloc(0));
const huge = frame(4, 0, 0, Buffer.alloc(17_000, 4));

const cases: readonly [string, readonly Buffer[], readonly Buffer[]][] = [
  ["other frames, though they look like SETTINGS inside", [data, ack, data], [data, ack, data]],
  ["the first SETTINGS", [settings([3, 100], [4, 1_000_000])], [settings([3, 100], [4, 1_000_000])]],
  ["SETTINGS without a window", [window(10), settings([3, 5])], [window(10), settings([3, 5])]],
  ["an increase", [settings(), window(131_070)], [settings(), window(65_535), windowUpdate(1, 65_535)]],
  [
    "one increase after another",
    [window(100), window(300), window(700)],
    [window(100), window(100), windowUpdate(1, 200), window(100), windowUpdate(1, 400)],
  ],
  ["the same again", [window(100), window(100)], [window(100), window(100)]],
  [
    "a decrease, and an increase after it",
    [window(100), window(50), window(80)],
    [window(100), window(50), window(50), windowUpdate(1, 30)],
  ],
  [
    "several settings in one frame",
    [settings(), settings([3, 9], [4, 65_536], [5, 20_000])],
    [settings(), settings([3, 9], [4, 65_535], [5, 20_000]), windowUpdate(1, 1)],
  ],
  ["values out of range", [settings(), window(0xffffffff)], [settings(), window(0xffffffff)]],
  ["SETTINGS that are too large to be any", [settings(), huge], [settings(), huge]],
];

test.each(cases)("window guard: %s", (_, input, expected) => {
  const translate = createTranslator();
  expect(translate(Buffer.concat(input))).toEqual(Buffer.concat(expected));
});

test.each(cases)("window guard, byte by byte: %s", (_, input, expected) => {
  const translate = createTranslator();
  const output = Array.from(Buffer.concat(input), (byte) => translate(Buffer.from([byte])));
  expect(Buffer.concat(output)).toEqual(Buffer.concat(expected));
});

/** Plays grpc-go: gives back credit for the first bytes, then raises the initial window instead. Resolves at `totalBytes`. */
function receive(socket: Socket, raiseAtBytes: number, raisedBytes: number, totalBytes: number): Promise<number> {
  let input = Buffer.alloc(0);
  let receivedBytes = 0;
  let hasPreface = false;
  let isRaised = false;
  socket.write(settings());
  socket.write(windowUpdate(0, 10_000_000));
  return new Promise((resolve) => {
    socket.on("data", (chunk: Buffer) => {
      input = Buffer.concat([input, chunk]);
      if (!hasPreface && input.length >= 24) {
        hasPreface = true;
        input = input.subarray(24);
      }
      while (hasPreface && input.length >= 9 && input.length >= 9 + input.readUIntBE(0, 3)) {
        const bytes = input.readUIntBE(0, 3);
        if (input[3] === 4 && input[4] === 0) socket.write(ack);
        if (input[3] === 0 && bytes > 0) {
          receivedBytes += bytes;
          if (!isRaised) socket.write(windowUpdate(1, bytes));
          if (!isRaised && receivedBytes >= raiseAtBytes) {
            isRaised = true;
            socket.write(window(raisedBytes));
          }
        }
        input = input.subarray(9 + bytes);
      }
      if (receivedBytes >= totalBytes) resolve(receivedBytes);
    });
  });
}

test("window guard: a stream goes on sending after the server has raised its window", async () => {
  const totalBytes = 500_000;
  const received = Promise.withResolvers<number>();
  const server = createServer((socket) => {
    socket.on("error", () => {}); // the client cuts it at the end
    void receive(socket, 200_000, 300_000, totalBytes).then(received.resolve);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const session = connectHttp2(`http://127.0.0.1:${port}`, {
    createConnection: () => guardWindow(connect(port, "127.0.0.1")),
  });
  const stream = session.request({ ":method": "POST", ":path": "/" });
  stream.on("error", () => {}); // it never gets a response
  for (let sent = 0; sent < totalBytes; sent += 50_000) stream.write(Buffer.alloc(50_000));
  expect(await received.promise).toBe(totalBytes);
  session.destroy();
  await new Promise<void>((resolve) => server.close(() => resolve()));
});
