// Generates many clusters, endpoints and listeners, and changes the endpoints of one cluster at a time.
package main

import (
	"fmt"
	"time"

	cluster "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpoint "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	listener "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	tcpproxy "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/tcp_proxy/v3"
	"github.com/envoyproxy/go-control-plane/pkg/cache/types"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

const (
	perBlock     = 250 // hosts used of each /24
	endpointPort = 8080
	listenerPort = 80
)

type scale struct {
	clusters, endpoints, listeners int
	// generation of each cluster's endpoints: its first endpoint's weight follows it, so that a change is visible.
	generation map[int]int
}

func (s *scale) valid() error {
	// 127.1.0.0 to 127.95.255.255 are endpoints, 127.96.0.0/16 are listeners.
	if s.clusters > 94*perBlock || s.endpoints > 254 || s.listeners > 255*perBlock || s.listeners > s.clusters {
		return fmt.Errorf("at most %d clusters of 254 endpoints, and as many listeners", 94*perBlock)
	}
	return nil
}

func (s *scale) resources() ([]types.Resource, error) {
	all := make([]types.Resource, 0, 2*s.clusters+s.listeners)
	for i := range s.clusters {
		all = append(all, edsCluster(i), s.assignment(i))
	}
	for i := range s.listeners {
		l, err := tcpListener(i)
		if err != nil {
			return nil, err
		}
		all = append(all, l)
	}
	return all, nil
}

// change makes the next generation of cluster i's endpoints.
func (s *scale) change(i int) error {
	if i < 0 || i >= s.clusters {
		return fmt.Errorf("no cluster %d of %d", i, s.clusters)
	}
	if s.generation == nil {
		s.generation = make(map[int]int)
	}
	s.generation[i]++
	return nil
}

func clusterName(i int) string {
	return fmt.Sprintf("outbound|80||service-%05d.default.svc.cluster.local", i)
}

func edsCluster(i int) *cluster.Cluster {
	unlimited := wrapperspb.UInt32(1<<32 - 1)
	return &cluster.Cluster{
		Name:                 clusterName(i),
		ConnectTimeout:       durationpb.New(10 * time.Second),
		ClusterDiscoveryType: &cluster.Cluster_Type{Type: cluster.Cluster_EDS},
		EdsClusterConfig: &cluster.Cluster_EdsClusterConfig{EdsConfig: &core.ConfigSource{
			ResourceApiVersion:    core.ApiVersion_V3,
			ConfigSourceSpecifier: &core.ConfigSource_Ads{Ads: &core.AggregatedConfigSource{}},
		}},
		CircuitBreakers: &cluster.CircuitBreakers{Thresholds: []*cluster.CircuitBreakers_Thresholds{{
			MaxConnections: unlimited, MaxPendingRequests: unlimited, MaxRequests: unlimited, MaxRetries: unlimited,
		}}},
	}
}

func (s *scale) assignment(i int) *endpoint.ClusterLoadAssignment {
	endpoints := make([]*endpoint.LbEndpoint, s.endpoints)
	for e := range endpoints {
		endpoints[e] = &endpoint.LbEndpoint{
			HealthStatus:        core.HealthStatus_HEALTHY,
			LoadBalancingWeight: wrapperspb.UInt32(1),
			HostIdentifier: &endpoint.LbEndpoint_Endpoint{Endpoint: &endpoint.Endpoint{
				Address: socketAddress(fmt.Sprintf("127.%d.%d.%d", 1+i/perBlock, i%perBlock, e+1), endpointPort),
			}},
		}
	}
	if len(endpoints) > 0 {
		endpoints[0].LoadBalancingWeight = wrapperspb.UInt32(uint32(1 + s.generation[i]%100))
	}
	return &endpoint.ClusterLoadAssignment{
		ClusterName: clusterName(i),
		Endpoints: []*endpoint.LocalityLbEndpoints{{
			Locality:            &core.Locality{Region: "r1", Zone: "z1"},
			LoadBalancingWeight: wrapperspb.UInt32(1),
			LbEndpoints:         endpoints,
		}},
	}
}

func tcpListener(i int) (*listener.Listener, error) {
	proxy, err := anypb.New(&tcpproxy.TcpProxy{
		StatPrefix:       clusterName(i),
		ClusterSpecifier: &tcpproxy.TcpProxy_Cluster{Cluster: clusterName(i)},
	})
	if err != nil {
		return nil, fmt.Errorf("pack tcp_proxy: %w", err)
	}
	vip := fmt.Sprintf("127.96.%d.%d", i/perBlock, i%perBlock+1)
	return &listener.Listener{
		Name:    fmt.Sprintf("%s_%d", vip, listenerPort),
		Address: socketAddress(vip, listenerPort),
		FilterChains: []*listener.FilterChain{{Filters: []*listener.Filter{{
			Name:       "envoy.filters.network.tcp_proxy",
			ConfigType: &listener.Filter_TypedConfig{TypedConfig: proxy},
		}}}},
	}, nil
}

func socketAddress(address string, port uint32) *core.Address {
	return &core.Address{Address: &core.Address_SocketAddress{SocketAddress: &core.SocketAddress{
		Address: address, PortSpecifier: &core.SocketAddress_PortValue{PortValue: port},
	}}}
}
