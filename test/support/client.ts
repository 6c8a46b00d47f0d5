// Real clients in the languages that users have: each prints what an HTTP server answered. None knows of the mesh.
import { join } from "node:path";
import { binDir, type Enter, run } from "./process.ts";
import { TempDir } from "./temp.ts";

const JAVA = `
import java.net.URI;
import java.net.http.*;
class Get {
  public static void main(String[] arguments) throws Exception {
    var request = HttpRequest.newBuilder(URI.create(arguments[0])).version(HttpClient.Version.HTTP_1_1).build();
    System.out.print(HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString()).body());
  }
}`;

/** A proxy of the environment would be asked instead of the address. */
const NO_PROXY = { http_proxy: "", HTTP_PROXY: "", no_proxy: "*", NO_PROXY: "*" };

const COMMANDS = {
  curl: (url: string) => ["curl", "--silent", "--show-error", "--max-time", "20", url],
  /** Go's standard HTTP client, which fortio carries. */
  go: (url: string) => [join(binDir, "fortio"), "curl", "-quiet", "-stdclient", url],
  python: (url: string) => [
    "python3",
    "-c",
    "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1], timeout=20).read().decode(), end='')",
    url,
  ],
  node: (url: string) => ["node", "-e", "require('http').get(process.argv[1], (r) => r.pipe(process.stdout))", url],
  /** Run from its source: the file is the second word. */
  java: (url: string) => ["java", "Get.java", url],
} as const satisfies Record<string, (url: string) => readonly string[]>;

export type ClientName = keyof typeof COMMANDS;
export const clientNames = Object.keys(COMMANDS) as readonly ClientName[];

/** The body that a server at `url` answered `client` with, without the line's end; throws what the client said if it failed. */
export async function get(client: ClientName, url: string, enter: Enter): Promise<string> {
  using directory = new TempDir();
  const source = directory.write("Get.java", JAVA);
  const argv = COMMANDS[client](url).map((word) => (word === "Get.java" ? source : word));
  const { status, stdout, stderr } = await run(argv, { enter, env: NO_PROXY });
  if (status !== 0) throw new Error(`${client} ${url}: exit status ${status}: ${stderr}`);
  return stdout.trimEnd();
}
