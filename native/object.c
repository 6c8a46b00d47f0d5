/* SPDX-License-Identifier: Apache-2.0 */
/* A BPF object file: opened from memory, adjusted, loaded, and asked for the maps and programs that
 * came of it. */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <bpf/btf.h>
#include "shim.h"

API int shim_object_open(const void *bytes, uint64_t length, const char *name, uint64_t *out)
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = name);
	struct bpf_object *object = bpf_object__open_mem(bytes, length, &options);

	if (!object)
		return -errno;
	*out = (uint64_t)(uintptr_t)object;
	return 0;
}

API void shim_object_close(struct bpf_object *object)
{
	bpf_object__close(object);
}

API int shim_object_load(struct bpf_object *object)
{
	return bpf_object__load(object);
}

static int append(char *out, uint64_t capacity, uint64_t *used, const char *name)
{
	int added = snprintf(out + *used, capacity - *used, "%s\n", name);

	if (added < 0 || (uint64_t)added >= capacity - *used)
		return -ERANGE;
	*used += added;
	return 0;
}

/* Names, one a line. Internal maps (.rodata and its kind) are left out. */
API int shim_object_maps(struct bpf_object *object, char *out, uint64_t capacity)
{
	struct bpf_map *map;
	uint64_t used = 0;

	bpf_object__for_each_map(map, object)
	{
		if (!bpf_map__is_internal(map) && append(out, capacity, &used, bpf_map__name(map)))
			return -ERANGE;
	}
	return used;
}

API int shim_object_programs(struct bpf_object *object, char *out, uint64_t capacity)
{
	struct bpf_program *program;
	uint64_t used = 0;

	bpf_object__for_each_program(program, object)
	{
		if (append(out, capacity, &used, bpf_program__name(program)))
			return -ERANGE;
	}
	return used;
}

API int shim_object_set_autoload(struct bpf_object *object, const char *name, uint32_t on)
{
	struct bpf_program *program = bpf_object__find_program_by_name(object, name);

	return program ? bpf_program__set_autoload(program, on != 0) : -ENOENT;
}

API int shim_object_set_autocreate(struct bpf_object *object, const char *name, uint32_t on)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, name);

	return map ? bpf_map__set_autocreate(map, on != 0) : -ENOENT;
}

API int shim_object_set_max_entries(struct bpf_object *object, const char *name, uint32_t count)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, name);

	return map ? bpf_map__set_max_entries(map, count) : -ENOENT;
}

/* out: type, key size, value size, max_entries, flags, as the object declares them. */
API int shim_object_map_spec(struct bpf_object *object, const char *name, uint32_t out[5])
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, name);

	if (!map)
		return -ENOENT;
	out[0] = bpf_map__type(map);
	out[1] = bpf_map__key_size(map);
	out[2] = bpf_map__value_size(map);
	out[3] = bpf_map__max_entries(map);
	out[4] = bpf_map__map_flags(map);
	return 0;
}

API int shim_object_reuse_map(struct bpf_object *object, const char *name, int fd)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, name);

	return map ? bpf_map__reuse_fd(map, fd) : -ENOENT;
}

static bool is_zero(const char *bytes, uint64_t length)
{
	while (length && !bytes[length - 1])
		length--;
	return length == 0;
}

static int set_in_section(struct bpf_object *object, const struct btf *btf, const struct btf_type *section,
			  const char *name, const char *value, uint64_t length)
{
	const struct btf_var_secinfo *info = btf_var_secinfos(section);
	const char *section_name = btf__name_by_offset(btf, section->name_off);

	for (int i = 0; i < btf_vlen(section); i++, info++) {
		const struct btf_type *variable = btf__type_by_id(btf, info->type);
		struct bpf_map *map;
		char *bytes;
		size_t size;

		if (strcmp(btf__name_by_offset(btf, variable->name_off), name))
			continue;
		if (length < info->size || !is_zero(value + info->size, length - info->size))
			return -ERANGE;
		map = bpf_object__find_map_by_name(object, section_name);
		bytes = map ? (char *)bpf_map__initial_value(map, &size) : NULL;
		if (!bytes || info->offset + info->size > size)
			return -ENODATA;
		memcpy(bytes + info->offset, value, info->size);
		return 0;
	}
	return -ENOENT;
}

/*
 * The initial value of a global variable, before load. A longer value is taken if what is cut off
 * is zero, which lets a little-endian 64-bit integer set an integer of any size; -ERANGE otherwise.
 */
API int shim_object_set_variable(struct bpf_object *object, const char *name, const char *value, uint64_t length)
{
	const struct btf *btf = bpf_object__btf(object);
	int result = -ENOENT;

	for (uint32_t id = 1; btf && id < btf__type_cnt(btf) && result == -ENOENT; id++) {
		const struct btf_type *type = btf__type_by_id(btf, id);

		if (btf_is_datasec(type))
			result = set_in_section(object, btf, type, name, value, length);
	}
	return result;
}

static int duplicate(int fd)
{
	int copy = fd < 0 ? fd : fcntl(fd, F_DUPFD_CLOEXEC, 3);

	return copy < 0 && fd >= 0 ? -errno : copy;
}

/* A descriptor of its own: it outlives the object. */
API int shim_object_map_fd(struct bpf_object *object, const char *name)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, name);

	return map ? duplicate(bpf_map__fd(map)) : -ENOENT;
}

/* A descriptor of its own; out: the attach type that the program's section names. */
API int shim_object_program_fd(struct bpf_object *object, const char *name, uint32_t out[1])
{
	struct bpf_program *program = bpf_object__find_program_by_name(object, name);

	if (!program)
		return -ENOENT;
	out[0] = bpf_program__expected_attach_type(program);
	return duplicate(bpf_program__fd(program));
}
