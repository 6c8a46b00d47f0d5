// The file of the same size as the generated control plane: listener i at 127.96.(i / 250).(i % 250 + 1):80 to cluster i, whose
// endpoints are 127.(1 + i / 250).(i % 250).(1 …):8080. YAML, as people write it.
import type { Scale } from "../support/control-plane.ts";

const perBlock = 250;

export function scaleMesh({ clusters, endpoints, listeners }: Scale): string {
  return [
    "static_resources:",
    "  listeners:",
    ...Array.from({ length: listeners }, (_, i) => listener(i)),
    "  clusters:",
    ...Array.from({ length: clusters }, (_, i) => cluster(i, endpoints)),
    "",
  ].join("\n");
}

function listener(i: number): string {
  const vip = `127.96.${Math.floor(i / perBlock)}.${(i % perBlock) + 1}`;
  return `    - name: ${vip}_80
      address: { socket_address: { address: ${vip}, port_value: 80 } }
      filter_chains:
        - filters:
            - name: envoy.filters.network.tcp_proxy
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy
                stat_prefix: ${clusterName(i)}
                cluster: ${clusterName(i)}`;
}

function cluster(i: number, endpoints: number): string {
  const block = `127.${1 + Math.floor(i / perBlock)}.${i % perBlock}`;
  const hosts = Array.from(
    { length: endpoints },
    (_, e) =>
      `              - endpoint: { address: { socket_address: { address: ${block}.${e + 1}, port_value: 8080 } } }
                load_balancing_weight: 1`,
  );
  return `    - name: ${clusterName(i)}
      type: STATIC
      connect_timeout: 10s
      circuit_breakers: { thresholds: [{ max_connections: 4294967295 }] }
      load_assignment:
        cluster_name: ${clusterName(i)}
        endpoints:
          - locality: { region: r1, zone: z1 }
            lb_endpoints:
${hosts.join("\n")}`;
}

function clusterName(i: number): string {
  return `outbound|80||service-${String(i).padStart(5, "0")}.default.svc.cluster.local`;
}
