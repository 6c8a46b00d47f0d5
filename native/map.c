/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Maps by descriptor. The bulk calls use the kernel's batch commands, and one call per element
 * where the kernel has no batch for the type of map (5.10: LPM tries and maps of maps).
 */
#include <string.h>
#include "shim.h"

API int shim_map_create(uint32_t type, const char *name, uint32_t key_size, uint32_t value_size, uint32_t max_entries,
			uint32_t flags, int inner_fd)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = flags, .inner_map_fd = inner_fd > 0 ? inner_fd : 0);

	return bpf_map_create(type, name, key_size, value_size, max_entries, &options);
}

/* out: type, id, key size, value size, max_entries, flags */
API int shim_map_info(int fd, uint32_t out[6], char name[BPF_OBJ_NAME_LEN])
{
	struct bpf_map_info info = {};
	uint32_t length = sizeof(info);
	int error = bpf_obj_get_info_by_fd(fd, &info, &length);

	if (error)
		return error;
	out[0] = info.type;
	out[1] = info.id;
	out[2] = info.key_size;
	out[3] = info.value_size;
	out[4] = info.max_entries;
	out[5] = info.map_flags;
	memcpy(name, info.name, BPF_OBJ_NAME_LEN);
	return 0;
}

API int shim_map_get_fd_by_id(uint32_t id)
{
	return bpf_map_get_fd_by_id(id);
}

API int shim_map_lookup(int fd, const void *key, void *value)
{
	return bpf_map_lookup_elem(fd, key, value);
}

API int shim_map_update(int fd, const void *key, const void *value, uint64_t flags)
{
	return bpf_map_update_elem(fd, key, value, flags);
}

API int shim_map_delete(int fd, const void *key)
{
	return bpf_map_delete_elem(fd, key);
}

/* Gives the value and removes the element. Hash maps do both at once since Linux 5.14; before, the caller must be the only one to
 * take this key. */
API int shim_map_take(int fd, const void *key, void *value)
{
	int error = bpf_map_lookup_and_delete_elem(fd, key, value);

	if (error != -ENOTSUPP_KERNEL && error != -EINVAL)
		return error;
	error = bpf_map_lookup_elem(fd, key, value);
	return error ? error : bpf_map_delete_elem(fd, key);
}

static int update_each(int fd, const char *keys, uint32_t key_size, const char *values, uint32_t value_size,
		       uint32_t count, uint64_t flags, uint32_t *done)
{
	for (*done = 0; *done < count; (*done)++) {
		int error = bpf_map_update_elem(fd, keys + (size_t)*done * key_size,
						values + (size_t)*done * value_size, flags);

		if (error)
			return error;
	}
	return 0;
}

/* Packed keys and values. `done` says how many were written, also when it fails. */
API int shim_map_update_batch(int fd, const char *keys, uint32_t key_size, const char *values, uint32_t value_size,
			      uint32_t count, uint64_t flags, uint32_t *done)
{
	LIBBPF_OPTS(bpf_map_batch_opts, options, .elem_flags = flags);
	int error;

	*done = count;
	error = bpf_map_update_batch(fd, keys, values, done, &options);
	if (error == -ENOTSUPP_KERNEL)
		return update_each(fd, keys, key_size, values, value_size, count, flags, done);
	return error;
}

static int delete_each(int fd, const char *keys, uint32_t key_size, uint32_t count, uint32_t *deleted)
{
	for (uint32_t i = 0; i < count; i++) {
		int error = bpf_map_delete_elem(fd, keys + (size_t)i * key_size);

		if (error && error != -ENOENT)
			return error;
		*deleted += !error;
	}
	return 0;
}

/* Packed keys. A key that isn't there is passed over; `deleted` says how many were. */
API int shim_map_delete_batch(int fd, const char *keys, uint32_t key_size, uint32_t count, uint32_t *deleted)
{
	uint32_t next = 0;

	for (*deleted = 0; next < count;) {
		uint32_t done = count - next;
		int error = bpf_map_delete_batch(fd, keys + (size_t)next * key_size, &done, NULL);

		if (error == -ENOTSUPP_KERNEL)
			return delete_each(fd, keys + (size_t)next * key_size, key_size, count - next, deleted);
		*deleted += done;
		if (!error)
			return 0;
		if (error != -ENOENT)
			return error;
		next += done + 1; /* the kernel stops at the first missing key */
	}
	return 0;
}

/* Where a dump stands. It lives in the caller's memory, zeroed at the start; the kernel's token is
 * at most a key. */
struct cursor {
	uint32_t how;
	uint32_t _pad;
	char token[];
};

enum { START = 0, BATCH = 1, EACH = 2 };

static int read_each(int fd, uint32_t key_size, uint32_t value_stride, struct cursor *cursor, char *keys, char *values,
		     uint32_t *count)
{
	uint32_t room = *count;

	for (*count = 0; *count < room;) {
		char *key = keys + (size_t)*count * key_size;
		int error = bpf_map_get_next_key(fd, cursor->how == START ? NULL : cursor->token, key);

		if (error)
			return error == -ENOENT ? 1 : error;
		cursor->how = EACH;
		memcpy(cursor->token, key, key_size);
		error = bpf_map_lookup_elem(fd, key, values + (size_t)*count * value_stride);
		if (error && error != -ENOENT) /* ENOENT: deleted in between */
			return error;
		*count += !error;
	}
	return 0;
}

/*
 * Reads up to *count elements, packed, and says in *count how many it read. 1: that was all; 0:
 * call again; -ENOSPC: call again with more room (the kernel hands over whole buckets).
 */
API int shim_map_read(int fd, uint32_t key_size, uint32_t value_stride, struct cursor *cursor, char *keys, char *values,
		      uint32_t *count)
{
	uint32_t room = *count;
	int error;

	if (cursor->how == EACH)
		return read_each(fd, key_size, value_stride, cursor, keys, values, count);
	error = bpf_map_lookup_batch(fd, cursor->how == START ? NULL : cursor->token, cursor->token, keys, values,
				     count, NULL);
	if (error == -ENOTSUPP_KERNEL && cursor->how == START) {
		*count = room;
		return read_each(fd, key_size, value_stride, cursor, keys, values, count);
	}
	if (error && error != -ENOENT)
		return error;
	cursor->how = BATCH;
	return error == -ENOENT;
}

API int shim_possible_cpus(void)
{
	return libbpf_num_possible_cpus();
}
