// A program in an enrolled cgroup that has the mesh's maps as the relay's workers have them, as descriptors 3, 4 and 5: connects with an
// exempt socket and with one that isn't, and prints who answered each. Usage: exempt.ts ADDRESS:PORT
import { RelayMaps } from "../../src/dataplane/relay-maps.ts";
import { parseSocketAddress, type SocketAddress } from "../../src/ip.ts";
import { connect, openStream } from "../../src/libbpf/socket.ts";

const target = process.argv[2] ?? "";
const maps = RelayMaps.adopt({ relayed: 3, connections: 4, settings: 5 });
const to = parseSocketAddress(target);
if (to === undefined) throw new Error(`not an address: ${target}`);

for (const isExempt of [true, false]) console.log(await firstLine(to, isExempt));

function firstLine(address: SocketAddress, isExempt: boolean): Promise<string> {
  const fd = openStream(address.address.family);
  if (isExempt) maps.exempt(fd);
  connect(fd, address);
  return new Promise((resolve, reject) => {
    const socket: Bun.SocketHandler<undefined> = {
      data(from, bytes) {
        resolve(bytes.toString().trimEnd());
        from.end();
      },
      close: (_, error) => reject(error ?? new Error("closed without a word")),
    };
    void Bun.connect({ fd, socket } as unknown as Bun.TCPSocketConnectOptions<undefined>);
  });
}
