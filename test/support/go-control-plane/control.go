// The test's side: publish what the source holds now, change one cluster's endpoints, and tell what the clients said.
package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"sync"

	"github.com/envoyproxy/go-control-plane/pkg/cache/types"
	"github.com/envoyproxy/go-control-plane/pkg/cache/v3"
	"google.golang.org/protobuf/proto"
)

// source is where resources come from: a directory, or a generator.
type source interface {
	resources() ([]types.Resource, error)
}

func newSource(dir string, size scale) (source, error) {
	if (dir == "") == (size.clusters == 0) {
		return nil, fmt.Errorf("give one of --dir and --clusters")
	}
	if dir != "" {
		return directory{path: dir}, nil
	}
	return &size, size.valid()
}

type control struct {
	mutex     sync.Mutex
	source    source
	snapshots cache.SnapshotCache
	observed  *observer
	versions  map[string]string
}

func (c *control) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", c.status)
	mux.HandleFunc("POST /reload", func(w http.ResponseWriter, r *http.Request) { c.reply(w, c.publish(r.Context())) })
	mux.HandleFunc("POST /change", func(w http.ResponseWriter, r *http.Request) { c.reply(w, c.change(r)) })
	return mux
}

func (c *control) reply(w http.ResponseWriter, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	c.status(w, nil)
}

func (c *control) status(w http.ResponseWriter, _ *http.Request) {
	c.mutex.Lock()
	versions := c.versions
	c.mutex.Unlock()
	w.Header().Set("content-type", "application/json")
	// The client went away: nobody is left to tell.
	_ = json.NewEncoder(w).Encode(map[string]any{"versions": versions, "clients": c.observed.report()})
}

// change: POST /change?cluster=N gives the cluster new endpoints; for the generator only.
func (c *control) change(r *http.Request) error {
	generator, ok := c.source.(*scale)
	if !ok {
		return fmt.Errorf("change needs --clusters")
	}
	i, err := strconv.Atoi(r.URL.Query().Get("cluster"))
	if err != nil {
		return fmt.Errorf("cluster: %w", err)
	}
	c.mutex.Lock()
	err = generator.change(i)
	c.mutex.Unlock()
	if err != nil {
		return err
	}
	return c.publish(r.Context())
}

// publish makes a snapshot of the source. A type's version is the hash of its resources, so that a type that didn't
// change isn't sent again.
func (c *control) publish(ctx context.Context) error {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	all, err := c.source.resources()
	if err != nil {
		return err
	}
	byType := make(map[types.ResponseType][]types.Resource)
	for i, r := range all {
		kind := cache.GetResponseType("type.googleapis.com/" + string(proto.MessageName(r)))
		if kind == types.UnknownType {
			return fmt.Errorf("resource %d: %s is not an xDS resource", i, proto.MessageName(r))
		}
		byType[kind] = append(byType[kind], r)
	}
	snapshot := &cache.Snapshot{}
	versions := make(map[string]string)
	for kind := types.ResponseType(0); kind < types.UnknownType; kind++ {
		version, err := hash(byType[kind])
		if err != nil {
			return err
		}
		snapshot.Resources[kind] = cache.NewResources(version, byType[kind])
		if url, err := cache.GetResponseTypeURL(kind); err == nil && len(byType[kind]) > 0 {
			versions[url] = version
		}
	}
	if err := c.snapshots.SetSnapshot(ctx, "", snapshot); err != nil {
		return fmt.Errorf("set snapshot: %w", err)
	}
	c.versions = versions
	return nil
}

func hash(resources []types.Resource) (string, error) {
	sum := sha256.New()
	for _, r := range resources {
		bytes, err := proto.MarshalOptions{Deterministic: true}.Marshal(r)
		if err != nil {
			return "", fmt.Errorf("marshal: %w", err)
		}
		sum.Write(bytes)
	}
	return hex.EncodeToString(sum.Sum(nil)[:8]), nil
}
