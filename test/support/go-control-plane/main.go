// go-control-plane is an xDS control plane for tests: the snapshot cache and server of envoyproxy/go-control-plane,
// fed from a directory of Envoy resources that a test edits, or from a generator of many. Every node gets the same
// snapshot, by delta and by state of the world. A second port on loopback tells the server what to do next.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	discovery "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"github.com/envoyproxy/go-control-plane/pkg/cache/v3"
	"github.com/envoyproxy/go-control-plane/pkg/server/v3"
	"google.golang.org/grpc"
)

// anyNode is the one key of the snapshot cache.
type anyNode struct{}

func (anyNode) ID(*core.Node) string { return "" }

func main() {
	grpcAddress := flag.String("grpc", "127.0.0.1:18000", "xDS, plaintext")
	controlAddress := flag.String("control", "127.0.0.1:18001", "HTTP for the test")
	dir := flag.String("dir", "", "directory of *.yaml and *.json, each {resources: [{\"@type\": …}]}")
	var size scale
	flag.IntVar(&size.clusters, "clusters", 0, "instead of --dir: this many EDS clusters")
	flag.IntVar(&size.endpoints, "endpoints", 10, "endpoints of each of --clusters")
	flag.IntVar(&size.listeners, "listeners", 0, "TCP listeners, each to the cluster of the same number")
	flag.Parse()
	if err := run(*grpcAddress, *controlAddress, *dir, size); err != nil {
		fmt.Fprintln(os.Stderr, "go-control-plane:", err)
		os.Exit(1)
	}
}

func run(grpcAddress, controlAddress, dir string, size scale) error {
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer cancel()
	source, err := newSource(dir, size)
	if err != nil {
		return err
	}
	snapshots := cache.NewSnapshotCache(false, anyNode{}, nil)
	observed := &observer{}
	control := &control{source: source, snapshots: snapshots, observed: observed}
	if err := control.publish(ctx); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", grpcAddress)
	if err != nil {
		return fmt.Errorf("listen for xDS: %w", err)
	}
	controlListener, err := net.Listen("tcp", controlAddress)
	if err != nil {
		return fmt.Errorf("listen for control: %w", err)
	}
	xds := grpc.NewServer(grpc.MaxConcurrentStreams(1000))
	discovery.RegisterAggregatedDiscoveryServiceServer(xds, server.NewServer(ctx, snapshots, observed.callbacks()))
	api := &http.Server{Handler: control.routes(), ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 2)
	go func() { failed <- xds.Serve(listener) }()
	go func() { failed <- api.Serve(controlListener) }()
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	xds.Stop()
	return errors.Join(err, api.Close())
}
