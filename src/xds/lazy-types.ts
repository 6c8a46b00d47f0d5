// The descriptors of the API's types, each built by protobuf-es when it is first looked at: to build all of them at start would
// take 45 ms and 10 MB, and a configuration uses a twentieth. References lead to a stand-in, which is a full descriptor itself.
import {
  createFileRegistry,
  type DescEnum,
  type DescFile,
  type DescMessage,
  type DescService,
  type Message,
  type Registry,
} from "@bufbuild/protobuf";
import type { GenEnum, GenMessage, GenService, GenServiceMethods } from "@bufbuild/protobuf/codegenv2";
import type {
  DescriptorProto,
  EnumDescriptorProto,
  FileDescriptorProto,
  ServiceDescriptorProto,
} from "@bufbuild/protobuf/wkt";

/** The functions have the names that generated code calls. */
export interface Types {
  readonly registry: Registry;
  messageDesc<T extends Message>(name: string): GenMessage<T>;
  enumDesc<T extends number>(name: string): GenEnum<T>;
  serviceDesc<T extends GenServiceMethods>(name: string): GenService<T>;
}

type Desc = DescMessage | DescEnum | DescService;
type Kind = Desc["kind"];

/** `lines`: kind, full name and descriptor of a type each, as proto/embed.ts writes them. All types are proto3. */
export function createTypes(lines: string): Types {
  const sources = indexLines(lines);
  const known = new Map<string, Desc>();
  const get = (name: string): Desc | undefined => {
    const source = sources.get(name);
    if (source === undefined) return undefined;
    let desc = known.get(name);
    if (desc === undefined) {
      desc = createDesc(source, find);
      known.set(name, desc);
    }
    return desc;
  };
  const find = (name: string): Desc => {
    const desc = get(name);
    if (desc === undefined) throw new Error(`${name} is not among the generated types`);
    return desc;
  };
  const ofKind = <K extends Kind>(kind: K, name: string): Extract<Desc, { kind: K }> | undefined => {
    const desc = get(name);
    return desc?.kind === kind ? (desc as Extract<Desc, { kind: K }>) : undefined;
  };
  return {
    registry: {
      kind: "registry",
      *[Symbol.iterator]() {
        for (const name of sources.keys()) yield find(name);
      },
      get,
      getMessage: (name) => ofKind("message", name),
      getEnum: (name) => ofKind("enum", name),
      getService: (name) => ofKind("service", name),
      getExtension: () => undefined,
      getExtensionFor: () => undefined,
    },
    // The generated code says the type that belongs to the name.
    messageDesc: <T extends Message>(name: string) => find(name) as GenMessage<T>,
    enumDesc: <T extends number>(name: string) => find(name) as unknown as GenEnum<T>,
    serviceDesc: <T extends GenServiceMethods>(name: string) => find(name) as unknown as GenService<T>,
  };
}

interface Source {
  readonly kind: Kind;
  /** The scope: the package, or the message that it is declared in. */
  readonly scope: string;
  readonly fullName: string;
  readonly json: string;
}

function indexLines(lines: string): Map<string, Source> {
  const sources = new Map<string, Source>();
  for (const line of lines.split("\n")) {
    if (line === "") continue;
    const nameStart = line.indexOf(" ") + 1;
    const nameEnd = line.indexOf(" ", nameStart);
    const fullName = line.slice(nameStart, nameEnd);
    const kind = line.slice(0, nameStart - 1) as Kind;
    sources.set(fullName, {
      kind,
      fullName,
      scope: fullName.slice(0, fullName.lastIndexOf(".")),
      json: line.slice(nameEnd + 1),
    });
  }
  return sources;
}

type Find = (name: string) => Desc;

function createDesc(source: Source, find: Find): Desc {
  switch (source.kind) {
    case "message":
      return createMessage(source, find);
    case "enum":
      return buildFrom({ enumType: [JSON.parse(source.json) as EnumDescriptorProto] }, source, []).enums[0] as DescEnum;
    case "service": {
      const service = JSON.parse(source.json) as ServiceDescriptorProto;
      const messages = service.method.flatMap(({ inputType, outputType }) => [find(inputType), find(outputType)]);
      return buildFrom({ service: [service] }, source, messages).services[0] as DescService;
    }
    default:
      return source.kind satisfies never;
  }
}

/** The stand-in: knows its name; all else is built when it is asked for. */
function createMessage(source: Source, find: Find): DescMessage {
  let built: DescMessage | undefined;
  const whole = (): DescMessage => {
    built ??= buildMessage(source, find);
    return built;
  };
  return {
    kind: "message",
    typeName: source.fullName,
    name: source.fullName.slice(source.scope.length + 1),
    parent: undefined,
    deprecated: false,
    // Nested types are found by their full names.
    nestedEnums: [],
    nestedMessages: [],
    nestedExtensions: [],
    get file() {
      return whole().file;
    },
    get fields() {
      return whole().fields;
    },
    get field() {
      return whole().field;
    },
    get oneofs() {
      return whole().oneofs;
    },
    get members() {
      return whole().members;
    },
    get proto() {
      return whole().proto;
    },
    toString: () => `message ${source.fullName}`,
  };
}

function buildMessage(source: Source, find: Find): DescMessage {
  const message = complete(JSON.parse(source.json) as DescriptorProto);
  const entries = new Set(message.nestedType.map(({ name }) => `${source.fullName}.${name}`));
  const references = [message, ...message.nestedType]
    .flatMap(({ field }) => field.map(({ typeName }) => typeName))
    .filter((name) => name !== undefined && name !== source.fullName && !entries.has(name));
  const types = [...new Set(references)].map(find);
  return buildFrom({ messageType: [message] }, source, types).messages[0] as DescMessage;
}

/** With what the lines leave out because it is always empty. */
function complete(message: DescriptorProto): DescriptorProto {
  return Object.assign(message, { enumType: [], extension: [], nestedType: message.nestedType.map(complete) });
}

/** A file of its own for one type, in the package that gives it its full name; `types` are what it refers to. */
function buildFrom(types: Partial<FileDescriptorProto>, source: Source, references: readonly Desc[]): DescFile {
  const file = {
    $typeName: "google.protobuf.FileDescriptorProto",
    name: source.fullName,
    package: source.scope,
    syntax: "proto3",
    dependency: ["references"],
    messageType: [],
    enumType: [],
    service: [],
    extension: [],
    ...types,
  };
  // It lacks what the registry doesn't read: names of other files, options, positions in the source.
  const registry = createFileRegistry(file as unknown as FileDescriptorProto, () => fileOf(references));
  const built = registry.getFile(source.fullName);
  if (built === undefined) throw new Error(`${source.fullName} can't be built`);
  return built;
}

function fileOf(types: readonly Desc[]): DescFile {
  const file = {
    kind: "file",
    name: "references",
    proto: { name: "references" },
    dependencies: [],
    messages: types.filter(({ kind }) => kind === "message"),
    enums: types.filter(({ kind }) => kind === "enum"),
    services: [],
    extensions: [],
  };
  return file as unknown as DescFile; // as above: only what is read
}
