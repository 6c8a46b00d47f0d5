// Real HTTP servers, for the far end of a mesh. Go's and Node's have the same paths: /pattern?bytes=N&framing=length|chunked|close
// answers N known bytes; /flaky?id=X&failures=N answers 503 N times for X and then 200; /slow?ms=N answers late; /trailers has a
// trailer; any other path answers what came, as an Inspection. Go's has more: /late?ms=N leaves the request's body waiting,
// /hold?id=X answers once /release?id=X was asked, /records?id=X lists the requests that carried this id, and a request with failing=NAME gets a 500 of the server with that name.
// nginx has what its configuration below says.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { patternBytes, systemPython } from "./http-clients.ts";
import { binDir, type Enter, Process, run } from "./process.ts";
import { TempDir } from "./temp.ts";

const port = 8080;
export const goServer = { name: "go", address: `127.0.2.1:${port}` };
export const nodeServer = { name: "node", address: `127.0.2.2:${port}` };
export const nginxServer = { name: "nginx", address: `127.0.2.3:${port}` };
export const webSocketServer = { name: "websockets", address: `127.0.2.4:${port}` };

/** What a server says about a request. */
export interface Inspection {
  readonly server: string;
  /** Whose connection it came over. */
  readonly peer: string;
  readonly method: string;
  readonly target: string;
  readonly host: string;
  /** Without `host`. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly length: number;
  readonly sha256: string;
}

export interface HttpServers extends AsyncDisposable {
  /** Where nginx keeps what is sent to it (/stored/NAME), and what it serves (/files/NAME). */
  readonly stored: string;
  readonly files: string;
}

export async function startHttpServers(enter: Enter): Promise<HttpServers> {
  await using stack = new AsyncDisposableStack();
  const directory = stack.use(new TempDir());
  const [stored, files] = [directory.join("www/stored"), directory.join("www/files")];
  for (const path of [stored, files, directory.join("temp")]) mkdirSync(path, { recursive: true });
  writeFileSync(join(files, "large"), patternBytes(64 << 20));
  writeFileSync(join(files, "text.txt"), "all work and no play ".repeat(5000));
  const programs = join(import.meta.dir, "programs");
  const nodeHost = nodeServer.address.split(":")[0] ?? "";
  const webSocketHost = webSocketServer.address.split(":")[0] ?? "";
  const servers = [
    [goServer, [join(binDir, "go-http"), "serve", goServer.name, goServer.address]],
    [nodeServer, ["node", join(programs, "http-server.mjs"), nodeServer.name, nodeHost, String(port)]],
    [nginxServer, ["nginx", "-c", directory.write("nginx.conf", nginxConfig(directory.path)), "-e", "stderr"]],
    [webSocketServer, [systemPython, join(programs, "websocket-server.py"), webSocketHost, String(port)]],
  ] as const;
  for (const [{ name }, argv] of servers) stack.use(Process.start(argv, { name: `server-${name}`, enter }));
  for (const [{ address }] of servers) await listening(address, enter);
  const owned = stack.move();
  return { stored, files, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

async function listening(address: string, enter: Enter): Promise<void> {
  const [host, number] = address.split(":");
  const command = `for i in $(seq 500); do (: </dev/tcp/${host}/${number}) 2>/dev/null && exit; sleep 0.02; done; exit 1`;
  const { status } = await run(["bash", "-c", command], { enter });
  if (status !== 0) throw new Error(`nobody listens on ${address}`);
}

/** One process; bodies compressed on the way have no length: they are sent in chunks, or until the connection closes. */
function nginxConfig(directory: string): string {
  const temp = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (of) => `${of}_temp_path ${directory}/temp/${of};`,
  );
  return `
user root;
daemon off;
master_process off;
pid ${directory}/nginx.pid;
error_log stderr;
events {}
http {
  access_log off;
  ${temp.join(" ")}
  client_max_body_size 128m;
  default_type text/plain;
  gzip_types text/plain;
  server {
    listen ${nginxServer.address};
    root ${directory}/www;
    location = /peer { return 200 $remote_port; }
    ${[200, 204, 304, 404, 503].map((code) => `location = /${code} { return ${code} "status ${code}"; }`).join(" ")}
    location /stored/ { dav_methods PUT; }
    location /files/ {}
    location /chunked/ { alias ${directory}/www/files/; gzip on; add_trailer x-sum "by nginx"; }
    location /close/ { alias ${directory}/www/files/; gzip on; chunked_transfer_encoding off; }
  }
}
`;
}
