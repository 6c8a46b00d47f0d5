// Between node:http2 and its socket: a server that raises SETTINGS_INITIAL_WINDOW_SIZE while a stream is open (grpc-go does, when
// requests are large) makes Bun forget the credit of earlier WINDOW_UPDATEs, and the stream stalls for ever without an error
// (oven-sh/bun#41329). The guard says the same in a form that Bun gets right: a WINDOW_UPDATE of the difference (RFC 9113, 6.9.2).
import type { Socket } from "node:net";
import { Duplex } from "node:stream";

const HEADER_BYTES = 9;
const TYPE_SETTINGS = 4;
const TYPE_WINDOW_UPDATE = 8;
const FLAG_ACK = 1;
const SETTING_BYTES = 6;
const INITIAL_WINDOW_SIZE = 4;
const DEFAULT_WINDOW_BYTES = 65_535;
const MAX_WINDOW_BYTES = 0x7fffffff;
/** A frame is never larger unless we allow it (SETTINGS_MAX_FRAME_SIZE). */
const MAX_SETTINGS_BYTES = HEADER_BYTES + 16_384;

/** The first stream of a client; a connection to the control plane has one only. */
const STREAM_ID = 1;

/** A connection with one stream, whose incoming SETTINGS are translated. The socket is closed with it, and it with the socket. */
export function guardWindow(socket: Socket): Duplex {
  const translate = createTranslator();
  const guarded = new Duplex({
    read: () => {
      socket.resume();
    },
    write: (chunk: Buffer, _encoding, done) => {
      socket.write(chunk, done);
    },
    final: (done) => {
      socket.end(done);
    },
    destroy: (error, done) => {
      socket.destroy();
      done(error);
    },
  });
  socket.on("data", (chunk: Buffer) => {
    if (!guarded.push(translate(chunk))) socket.pause();
  });
  socket.on("end", () => guarded.push(null));
  socket.on("error", (error) => guarded.destroy(error));
  socket.on("close", () => guarded.destroy());
  socket.on("connect", () => guarded.emit("connect"));
  return guarded;
}

/** Takes the bytes of an HTTP/2 connection in any pieces; only SETTINGS frames are held back until they are whole. */
export function createTranslator(): (chunk: Buffer) => Buffer {
  const translateSettings = createSettingsTranslator();
  let rest = Buffer.alloc(0);
  /** Bytes of a frame of another type that are still to come. */
  let passBytes = 0;

  return (chunk) => {
    let input = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const output: Buffer[] = [];
    for (;;) {
      const byteLength = Math.min(passBytes, input.length);
      output.push(input.subarray(0, byteLength));
      input = input.subarray(byteLength);
      passBytes -= byteLength;
      if (input.length < HEADER_BYTES) break;
      const frameBytes = HEADER_BYTES + input.readUIntBE(0, 3);
      if (!isTranslatable(input, frameBytes)) {
        passBytes = frameBytes;
        continue;
      }
      if (input.length < frameBytes) break;
      output.push(...translateSettings(Buffer.from(input.subarray(0, frameBytes))));
      input = input.subarray(frameBytes);
    }
    rest = Buffer.from(input);
    return Buffer.concat(output);
  };
}

/** SETTINGS, but no acknowledgement, and nothing that is too large to be one: Bun answers that with an error. */
function isTranslatable(input: Buffer, frameBytes: number): boolean {
  return input[3] === TYPE_SETTINGS && ((input[4] ?? 0) & FLAG_ACK) === 0 && frameBytes <= MAX_SETTINGS_BYTES;
}

function createSettingsTranslator(): (frame: Buffer) => Buffer[] {
  /** What Bun was told last, and what the server means now. */
  let toldBytes = DEFAULT_WINDOW_BYTES;
  let meantBytes = DEFAULT_WINDOW_BYTES;
  let isFirst = true;

  return (frame) => {
    const frames = [frame];
    for (let at = HEADER_BYTES; at + SETTING_BYTES <= frame.length; at += SETTING_BYTES) {
      if (frame.readUInt16BE(at) !== INITIAL_WINDOW_SIZE) continue;
      const bytes = frame.readUInt32BE(at + 2);
      // The first SETTINGS come before any credit; a decrease and a value out of range are Bun's to deal with.
      if (isFirst || bytes < meantBytes || bytes > MAX_WINDOW_BYTES) {
        toldBytes = bytes;
      } else {
        frame.writeUInt32BE(toldBytes, at + 2);
        if (bytes > meantBytes) frames.push(windowUpdate(bytes - meantBytes));
      }
      meantBytes = bytes;
    }
    isFirst = false;
    return frames;
  };
}

function windowUpdate(byteLength: number): Buffer {
  const frame = Buffer.alloc(HEADER_BYTES + 4);
  frame.writeUIntBE(4, 0, 3);
  frame[3] = TYPE_WINDOW_UPDATE;
  frame.writeUInt32BE(STREAM_ID, 5);
  frame.writeUInt32BE(byteLength, HEADER_BYTES);
  return frame;
}
