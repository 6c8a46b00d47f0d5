// Keeps HTTP connections open and uses them as a test says, from wherever it was started.
import { createHash } from "node:crypto";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { serve } from "../companion.ts";
import type { SessionAnswer, Transferred } from "../http-session.ts";

interface Session {
  readonly socket: Socket;
  input: Buffer;
  /** Why no more will come. */
  ended: string | undefined;
  /** Bytes of the download that came so far, and how many there will be. */
  readonly digest: ReturnType<typeof createHash>;
  left: number;
  length: number;
  uploaded: Promise<void>;
}

const sessions = new Map<number, Session>();
const patienceMs = 60_000;

async function open(id: number, address: string, port: number): Promise<null> {
  const socket = connect({ host: address, port });
  await once(socket, "connect");
  const session: Session = {
    ...{ socket, input: Buffer.alloc(0), ended: undefined, digest: createHash("sha256") },
    ...{ left: 0, length: 0, uploaded: Promise.resolve() },
  };
  socket.on("error", (error: NodeJS.ErrnoException) => {
    session.ended = error.code ?? error.message;
  });
  socket.on("close", () => {
    session.ended ??= "CLOSED";
  });
  socket.on("end", () => {
    session.ended ??= "CLOSED";
  });
  sessions.set(id, session);
  return null;
}

/** The next piece of what comes; undefined when nothing will. */
async function more(session: Session): Promise<Buffer | undefined> {
  for (;;) {
    const chunk = session.socket.read() as Buffer | null;
    if (chunk !== null) return chunk;
    if (session.ended !== undefined) return undefined;
    const signal = AbortSignal.timeout(patienceMs);
    const happened = Promise.race(["readable", "end", "close"].map((event) => once(session.socket, event, { signal })));
    // An error has been kept as the reason of the end.
    await happened.catch((error: unknown) => {
      if (session.ended === undefined) throw error;
    });
  }
}

async function readHead(session: Session): Promise<string | undefined> {
  for (;;) {
    const end = session.input.indexOf("\r\n\r\n");
    if (end >= 0) {
      const head = session.input.subarray(0, end).toString("latin1");
      session.input = session.input.subarray(end + 4);
      return head;
    }
    const chunk = await more(session);
    if (chunk === undefined) return undefined;
    session.input = Buffer.concat([session.input, chunk]);
  }
}

function lengthIn(head: string): number {
  return Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? Number.NaN);
}

async function readAnswer(session: Session): Promise<SessionAnswer> {
  const head = await readHead(session);
  if (head === undefined) return { error: session.ended ?? "CLOSED" };
  const length = lengthIn(head);
  while (session.input.length < length) {
    const chunk = await more(session);
    if (chunk === undefined) return { error: session.ended ?? "CLOSED" };
    session.input = Buffer.concat([session.input, chunk]);
  }
  const body = session.input.subarray(0, length).toString();
  session.input = session.input.subarray(length);
  return { status: Number(head.split(" ")[1]), head, body };
}

function get(session: Session, head: string): Promise<SessionAnswer> | SessionAnswer {
  if (session.ended !== undefined) return { error: session.ended };
  session.socket.write(head);
  return readAnswer(session);
}

async function beginDownload(session: Session, request: string): Promise<null> {
  session.socket.write(request);
  const head = await readHead(session);
  session.left = lengthIn(head ?? "");
  if (!(session.left > 0)) throw new Error(`no body: ${head}`);
  return null;
}

async function finishDownload(session: Session): Promise<Transferred> {
  let chunk: Buffer | undefined = session.input;
  while (chunk !== undefined) {
    session.digest.update(chunk);
    session.length += chunk.length;
    session.left -= chunk.length;
    if (session.left <= 0) break;
    chunk = await more(session);
  }
  return { length: session.length, sha256: session.digest.digest("hex") };
}

function beginUpload(session: Session, head: string, bytes: number): null {
  session.socket.write(head);
  session.uploaded = upload(session, bytes);
  session.uploaded.catch(() => {});
  return null;
}

async function upload({ socket }: Session, bytes: number): Promise<void> {
  const zeros = Buffer.alloc(65_536);
  for (let left = bytes; left > 0; left -= zeros.length) {
    if (!socket.write(zeros.subarray(0, Math.min(left, zeros.length)))) await once(socket, "drain");
  }
}

interface Request {
  readonly op: "open" | "get" | "beginDownload" | "finishDownload" | "beginUpload" | "finishUpload";
  readonly id: number;
  readonly address: string;
  readonly port: number;
  readonly head: string;
  readonly bytes: number;
}

await serve(async (received) => {
  const { op, id, address, port, head, bytes } = received as unknown as Request;
  if (op === "open") return open(id, address, port);
  const session = sessions.get(id);
  if (session === undefined) throw new Error(`no session ${id}`);
  switch (op) {
    case "get":
      return get(session, head);
    case "beginDownload":
      return beginDownload(session, head);
    case "finishDownload":
      return finishDownload(session);
    case "beginUpload":
      return beginUpload(session, head, bytes);
    case "finishUpload":
      await session.uploaded;
      return readAnswer(session);
  }
});
