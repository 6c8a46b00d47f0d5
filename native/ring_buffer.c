/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ring buffer map, drained into flat memory of the caller's: for each record its length (u32), 4
 * bytes of padding, and the payload padded to 8. So no foreign callback is needed, and the caller
 * decides when and how much.
 */
#include <stdlib.h>
#include <string.h>
#include "shim.h"

struct drain {
	struct ring_buffer *ring;
	char *out;
	uint64_t capacity, used;
	uint64_t largest; /* room for one record of any size, padded, with its header */
};

static int copy(void *context, void *record, size_t length)
{
	struct drain *drain = context;
	uint64_t needed = 8 + (((uint64_t)length + 7) & ~7ull);
	uint32_t header[2] = {length, 0};

	if (needed > drain->capacity - drain->used)
		return -EMSGSIZE; /* a record above the declared largest: it is consumed, and
				     reported */
	memcpy(drain->out + drain->used, header, sizeof(header));
	memcpy(drain->out + drain->used + sizeof(header), record, length);
	drain->used += needed;
	/* A negative result stops libbpf after this record, which counts as consumed. */
	return drain->capacity - drain->used < drain->largest ? -ENOSPC : 0;
}

API int shim_ring_open(int map_fd, uint32_t largest_record, uint64_t *out)
{
	struct drain *drain = calloc(1, sizeof(*drain));

	if (!drain)
		return -ENOMEM;
	drain->largest = 8 + (((uint64_t)largest_record + 7) & ~7ull);
	drain->ring = ring_buffer__new(map_fd, copy, drain, NULL);
	if (!drain->ring) {
		int error = -errno;

		free(drain);
		return error;
	}
	*out = (uint64_t)(uintptr_t)drain;
	return 0;
}

/* Readable while records are waiting. */
API int shim_ring_fd(struct drain *drain)
{
	return ring_buffer__epoll_fd(drain->ring);
}

/* How many bytes were written to `out`; 0 when the ring is empty. */
API int shim_ring_drain(struct drain *drain, char *out, uint64_t capacity)
{
	int error;

	if (capacity < drain->largest || capacity > INT32_MAX)
		return -EINVAL;
	drain->out = out;
	drain->capacity = capacity;
	drain->used = 0;
	error = ring_buffer__consume(drain->ring);
	drain->out = NULL;
	return error < 0 && error != -ENOSPC ? error : (int)drain->used;
}

API void shim_ring_close(struct drain *drain)
{
	ring_buffer__free(drain->ring);
	free(drain);
}
