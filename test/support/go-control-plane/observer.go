// Remembers what the clients did: streams, acknowledgements and rejections, so that a test can assert on them.
package main

import (
	"context"
	"sync"
	"time"

	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	discovery "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"github.com/envoyproxy/go-control-plane/pkg/server/v3"
	"google.golang.org/genproto/googleapis/rpc/status"
)

// keptRejections bounds the memory of a client that rejects everything for ever.
const keptRejections = 1000

type rejection struct {
	TypeURL string `json:"type_url"`
	Message string `json:"message"`
}

type report struct {
	OpenStreams  int         `json:"open_streams"`
	TotalStreams int         `json:"total_streams"`
	Delta        int         `json:"delta_streams"`
	Acks         int         `json:"acks"`
	Nacks        int         `json:"nacks"`
	Rejections   []rejection `json:"rejections"`
	NodeIDs      []string    `json:"node_ids"`
	// Microseconds since 1970: when the last delta response was sent, and when the last answer to one came.
	LastSent int64 `json:"last_sent"`
	LastAck  int64 `json:"last_ack"`
}

type observer struct {
	mutex sync.Mutex
	seen  report
}

func (o *observer) report() report {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	copied := o.seen
	copied.Rejections = append([]rejection{}, o.seen.Rejections...)
	copied.NodeIDs = append([]string{}, o.seen.NodeIDs...)
	return copied
}

func (o *observer) callbacks() server.Callbacks {
	return server.CallbackFuncs{
		StreamOpenFunc: func(context.Context, int64, string) error { o.opened(false); return nil },
		DeltaStreamOpenFunc: func(context.Context, int64, string) error {
			o.opened(true)
			return nil
		},
		StreamClosedFunc:      func(int64, *core.Node) { o.closed() },
		DeltaStreamClosedFunc: func(int64, *core.Node) { o.closed() },
		StreamRequestFunc: func(_ int64, r *discovery.DiscoveryRequest) error {
			o.requested(r.GetNode(), r.GetTypeUrl(), r.GetResponseNonce(), r.GetErrorDetail())
			return nil
		},
		StreamDeltaResponseFunc: func(int64, *discovery.DeltaDiscoveryRequest, *discovery.DeltaDiscoveryResponse) { o.sent() },
		StreamDeltaRequestFunc: func(_ int64, r *discovery.DeltaDiscoveryRequest) error {
			o.requested(r.GetNode(), r.GetTypeUrl(), r.GetResponseNonce(), r.GetErrorDetail())
			return nil
		},
	}
}

func (o *observer) sent() {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	o.seen.LastSent = time.Now().UnixMicro()
}

func (o *observer) opened(delta bool) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	o.seen.OpenStreams++
	o.seen.TotalStreams++
	if delta {
		o.seen.Delta++
	}
}

func (o *observer) closed() {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	o.seen.OpenStreams--
}

func (o *observer) requested(node *core.Node, typeURL, nonce string, detail *status.Status) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	if id := node.GetId(); id != "" && len(o.seen.NodeIDs) < keptRejections {
		o.seen.NodeIDs = append(o.seen.NodeIDs, id)
	}
	switch {
	case nonce == "":
		// A first request, or a change of subscription: it answers nothing.
	case detail == nil:
		o.seen.Acks++
		o.seen.LastAck = time.Now().UnixMicro()
	default:
		o.seen.Nacks++
		if len(o.seen.Rejections) < keptRejections {
			o.seen.Rejections = append(o.seen.Rejections, rejection{TypeURL: typeURL, Message: detail.GetMessage()})
		}
	}
}
