/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every file of the shim shares. The shim is the part of libbpf's interface that a foreign
 * function call can't reach: option structs, pointers that report through errno, va_list logs,
 * callbacks. It is generic. Every exported function returns 0 or a positive result, or -errno; text
 * is NUL-terminated; buffers belong to the caller and are not kept after the call.
 */
#ifndef SHIM_H
#define SHIM_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#if LIBBPF_MAJOR_VERSION < 1
#error "libbpf 1.0 or newer is needed: older ones report errors in another way"
#endif

#define API __attribute__((visibility("default")))

/* The kernel's own "not supported", which <errno.h> doesn't name. */
#define ENOTSUPP_KERNEL 524

int shim_close(int fd);

#endif
