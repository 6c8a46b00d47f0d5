// Writes the field limits that Envoy enforces (protoc-gen-validate's options) as JSON: message → field → rules, in the
// options' own words. A oneof that must be set stands under the oneof's name.
package main

import (
	"encoding/json"
	"strings"

	"github.com/envoyproxy/protoc-gen-validate/validate"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

type limits map[string]map[string]json.RawMessage

func limitsOf(files *protoregistry.Files) []byte {
	found := limits{}
	files.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		found.addAll(file.Messages())
		return true
	})
	encoded, err := json.MarshalIndent(found, "", "\t") // json sorts map keys: the output is reproducible
	if err != nil {
		fail(err)
	}
	return encoded
}

func (l limits) addAll(messages protoreflect.MessageDescriptors) {
	for i := range messages.Len() {
		message := messages.Get(i)
		if disabled, _ := proto.GetExtension(message.Options(), validate.E_Disabled).(bool); disabled {
			continue
		}
		l.addFields(message)
		l.addOneofs(message)
		l.addAll(message.Messages())
	}
}

func (l limits) addFields(message protoreflect.MessageDescriptor) {
	for i := range message.Fields().Len() {
		field := message.Fields().Get(i)
		if rules, ok := proto.GetExtension(field.Options(), validate.E_Rules).(*validate.FieldRules); ok && rules != nil {
			encoded, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(rules)
			if err != nil {
				fail(err)
			}
			l.add(message, field.Name(), encoded)
		}
	}
}

func (l limits) addOneofs(message protoreflect.MessageDescriptor) {
	for i := range message.Oneofs().Len() {
		oneof := message.Oneofs().Get(i)
		if required, _ := proto.GetExtension(oneof.Options(), validate.E_Required).(bool); required {
			l.add(message, oneof.Name(), json.RawMessage(`{"oneof_required":true}`))
		}
	}
}

func (l limits) add(message protoreflect.MessageDescriptor, name protoreflect.Name, rules json.RawMessage) {
	key := string(message.FullName())
	if strings.HasPrefix(key, "validate.") {
		return
	}
	if l[key] == nil {
		l[key] = map[string]json.RawMessage{}
	}
	l[key][string(name)] = rules
}
