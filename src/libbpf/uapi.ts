// Numbers of <linux/bpf.h> and <linux/magic.h> that user space passes to the kernel. They are ABI and never change.

/** enum bpf_map_type */
export const MapType = {
  HASH: 1,
  ARRAY: 2,
  PROG_ARRAY: 3,
  PERCPU_HASH: 5,
  PERCPU_ARRAY: 6,
  LRU_HASH: 9,
  LRU_PERCPU_HASH: 10,
  LPM_TRIE: 11,
  ARRAY_OF_MAPS: 12,
  HASH_OF_MAPS: 13,
  SOCKHASH: 18,
  PERCPU_CGROUP_STORAGE: 21,
  SK_STORAGE: 24,
  RINGBUF: 27,
} as const;

/** BPF_F_*: flags of a map */
export const MapFlags = { NO_PREALLOC: 1 } as const;

/** enum bpf_prog_type */
export const ProgramType = {
  SOCKET_FILTER: 1,
  SCHED_CLS: 3,
  CGROUP_SKB: 8,
  CGROUP_SOCK: 9,
  SOCK_OPS: 13,
  SK_MSG: 16,
  CGROUP_SOCK_ADDR: 18,
  CGROUP_SOCKOPT: 25,
} as const;

/** enum bpf_attach_type */
export const AttachType = {
  CGROUP_INET_INGRESS: 0,
  CGROUP_INET_EGRESS: 1,
  CGROUP_SOCK_OPS: 3,
  CGROUP_INET4_CONNECT: 10,
  CGROUP_INET6_CONNECT: 11,
  CGROUP_INET4_GETPEERNAME: 29,
  CGROUP_INET6_GETPEERNAME: 30,
  CGROUP_INET_SOCK_RELEASE: 34,
} as const;

/** enum bpf_func_id: helpers that some supported kernel lacks, or offers to fewer hooks */
export const Helper = {
  SK_STORAGE_GET: 107,
  RINGBUF_OUTPUT: 130,
  SET_RETVAL: 187,
} as const;

export const FileSystemMagic = {
  BPF: 0xcafe4a11,
  CGROUP2: 0x63677270,
} as const;
