/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libbpf's messages, kept until they are taken, so that an error can say what libbpf and the
 * verifier said and nothing is printed. libbpf prints on the thread that called it, and all calls
 * come from one thread: no lock.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "shim.h"

/* A verifier log is at most a few MB; what comes after this much is dropped. */
#define LOG_MAX (16u << 20)

static char *text;
static size_t length;

static int keep(enum libbpf_print_level level, const char *format, va_list args)
{
	va_list again;
	char *grown;
	int added;

	if (level == LIBBPF_DEBUG)
		return 0;
	va_copy(again, args);
	added = vsnprintf(NULL, 0, format, again);
	va_end(again);
	if (added <= 0 || length + added > LOG_MAX)
		return 0;
	grown = realloc(text, length + added + 1);
	if (!grown)
		return 0;
	text = grown;
	vsnprintf(text + length, added + 1, format, args);
	length += added;
	return added;
}

__attribute__((constructor)) static void install(void)
{
	libbpf_set_print(keep);
}

API uint32_t shim_log_length(void)
{
	return length;
}

/* Copies at most `capacity` bytes and forgets everything. */
API int shim_log_take(char *out, uint64_t capacity)
{
	size_t taken = length < capacity ? length : capacity;

	if (taken)
		memcpy(out, text, taken);
	free(text);
	text = NULL;
	length = 0;
	return taken;
}
