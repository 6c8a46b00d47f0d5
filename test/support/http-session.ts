// Connections that a test keeps open over whatever it does to the mesh, and asks again and again: see programs/http-session.ts.
import { Companion } from "./companion.ts";
import type { Enter } from "./process.ts";

export type SessionAnswer =
  | { readonly status: number; readonly head: string; readonly body: string }
  /** How the connection ended instead. */
  | { readonly error: string };

/** What came of a body, or went of one. */
export interface Transferred {
  readonly length: number;
  readonly sha256: string;
}

export class HttpSessions implements AsyncDisposable {
  readonly #companion: Companion;
  #next = 0;

  private constructor(companion: Companion) {
    this.#companion = companion;
  }

  static start(enter: Enter): HttpSessions {
    return new HttpSessions(Companion.start("http-session.ts", enter));
  }

  async open(address: string, port = 80): Promise<HttpSession> {
    const id = this.#next++;
    await this.#companion.ask({ op: "open", id, address, port });
    return new HttpSession(this.#companion, id, address);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#companion[Symbol.asyncDispose]();
  }
}

/** One connection. */
export class HttpSession {
  readonly #companion: Companion;
  readonly #id: number;
  readonly #address: string;

  constructor(companion: Companion, id: number, address: string) {
    this.#companion = companion;
    this.#id = id;
    this.#address = address;
  }

  /** Answers with a `content-length` only. */
  get(path: string, headers: Readonly<Record<string, string>> = {}): Promise<SessionAnswer> {
    return this.#ask("get", { head: this.#head("GET", path, headers) });
  }

  /** Asks for a large body and reads no more of it than its begin. */
  beginDownload(path: string): Promise<void> {
    return this.#ask("beginDownload", { head: this.#head("GET", path) });
  }

  /** Reads the rest. */
  finishDownload(): Promise<Transferred> {
    return this.#ask("finishDownload");
  }

  /** Sends a body of zeros for as long as it is taken; returns at once. */
  beginUpload(path: string, bytes: number): Promise<void> {
    const head = this.#head("POST", path, { "content-length": String(bytes) });
    return this.#ask("beginUpload", { head, bytes });
  }

  /** Waits until all of it was taken, and for the answer. */
  finishUpload(): Promise<SessionAnswer> {
    return this.#ask("finishUpload");
  }

  #head(method: string, path: string, headers: Readonly<Record<string, string>> = {}): string {
    const lines = Object.entries({ Host: this.#address, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
    return `${method} ${path} HTTP/1.1\r\n${lines.join("")}\r\n`;
  }

  #ask<Answer>(op: string, more: object = {}): Promise<Answer> {
    return this.#companion.ask<Answer>({ op, id: this.#id, ...more });
  }
}
