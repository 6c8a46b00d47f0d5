// Bun's own WebSocket client: websocket-client.ts URL. Prints what it saw as JSON.

const socket = new WebSocket(process.argv[2] ?? "");
socket.binaryType = "arraybuffer";
const large = crypto.getRandomValues(new Uint8Array(1 << 16));
const messages: unknown[] = [];
let isPonged = false;

socket.addEventListener("open", () => {
  socket.send("hello");
  socket.send(large);
  socket.addEventListener("pong", () => {
    isPonged = true;
    socket.send("close");
  });
  socket.ping();
});
socket.addEventListener("message", ({ data }) => messages.push(data));
socket.addEventListener("error", () => process.exit(1));
socket.addEventListener("close", ({ code, reason }) => {
  const [text, bytes] = messages;
  const isSame = bytes instanceof ArrayBuffer && Buffer.from(bytes).equals(large);
  console.log(JSON.stringify({ text, isSame, ping: isPonged, code, reason }));
});
