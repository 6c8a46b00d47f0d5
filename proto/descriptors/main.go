// Writes one FileDescriptorSet with every proto file that is linked into this binary. The Go packages of
// go-control-plane carry exactly the descriptors that istiod and Envoy of that version speak, so their pinned module
// version (go.mod, go.sum) is the pin of our Envoy API: no protoc and no schema registry is needed.
package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	// One import per line of ../roots.txt.
	_ "github.com/cncf/xds/go/udpa/type/v1"
	_ "github.com/cncf/xds/go/xds/type/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/config/bootstrap/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/buffer/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/cors/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/fault/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/local_ratelimit/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/rbac/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/router/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/stateful_session/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/tcp_proxy/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/http/stateful_session/cookie/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/load_balancing_policies/least_request/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/load_balancing_policies/maglev/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/load_balancing_policies/random/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/load_balancing_policies/ring_hash/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/load_balancing_policies/round_robin/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/upstreams/http/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
)

func main() {
	if len(os.Args) != 3 {
		fail("usage: descriptors DESCRIPTORS LIMITS")
	}
	set := &descriptorpb.FileDescriptorSet{}
	seen := map[string]bool{}
	protoregistry.GlobalFiles.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		appendWithImports(set, seen, file)
		return true
	})
	encoded, err := proto.MarshalOptions{Deterministic: true}.Marshal(set)
	if err != nil {
		fail(err)
	}
	if err := os.WriteFile(os.Args[1], encoded, 0o644); err != nil {
		fail(err)
	}
	if err := os.WriteFile(os.Args[2], limitsOf(protoregistry.GlobalFiles), 0o644); err != nil {
		fail(err)
	}
}

// Imports come before the file that needs them: readers of a FileDescriptorSet may rely on that order.
func appendWithImports(set *descriptorpb.FileDescriptorSet, seen map[string]bool, file protoreflect.FileDescriptor) {
	if seen[file.Path()] {
		return
	}
	seen[file.Path()] = true
	for i := range file.Imports().Len() {
		appendWithImports(set, seen, file.Imports().Get(i).FileDescriptor)
	}
	descriptor := protodesc.ToFileDescriptorProto(file)
	if isAnnotation(file.Path()) {
		return
	}
	removeAnnotations(descriptor)
	set.File = append(set.File, descriptor)
}

// Drops the custom options (limits.go keeps those that matter) and the imports that only they needed: they are half of the
// bytes that the agent would have to read at every start.
func removeAnnotations(file *descriptorpb.FileDescriptorProto) {
	file.Dependency = slices.DeleteFunc(file.Dependency, func(path string) bool {
		return isAnnotation(path)
	})
	file.PublicDependency = nil
	file.Extension = nil
	file.Options = nil
	for _, service := range file.Service {
		service.Options = nil
		for _, method := range service.Method {
			method.Options = nil
		}
	}
	for _, enum := range file.EnumType {
		removeEnumOptions(enum)
	}
	for _, message := range file.MessageType {
		removeMessageOptions(message)
	}
}

func isAnnotation(path string) bool {
	return strings.HasPrefix(path, "validate/") || strings.Contains(path, "/annotations/") || path == "google/protobuf/descriptor.proto" ||
		path == "google/api/annotations.proto" || path == "envoy/annotations/deprecation.proto"
}

func removeMessageOptions(message *descriptorpb.DescriptorProto) {
	if message.GetOptions().GetMapEntry() {
		message.Options = &descriptorpb.MessageOptions{MapEntry: message.Options.MapEntry}
	} else {
		message.Options = nil
	}
	for _, field := range message.Field {
		field.Options = nil // proto3: packed by default
	}
	for _, oneof := range message.OneofDecl {
		oneof.Options = nil
	}
	for _, enum := range message.EnumType {
		removeEnumOptions(enum)
	}
	for _, nested := range message.NestedType {
		removeMessageOptions(nested)
	}
}

func removeEnumOptions(enum *descriptorpb.EnumDescriptorProto) {
	if enum.GetOptions().GetAllowAlias() {
		enum.Options = &descriptorpb.EnumOptions{AllowAlias: enum.Options.AllowAlias}
	} else {
		enum.Options = nil
	}
	for _, value := range enum.Value {
		value.Options = nil
	}
}

func fail(reason any) {
	fmt.Fprintln(os.Stderr, "descriptors:", reason)
	os.Exit(1)
}
