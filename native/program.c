/* SPDX-License-Identifier: Apache-2.0 */
/* Programs, links and pins by descriptor, and what the running kernel supports. */
#include <string.h>
#include <linux/bpf.h>
#include "shim.h"

API int shim_pin(int fd, const char *path)
{
	return bpf_obj_pin(fd, path);
}

API int shim_get_pinned(const char *path)
{
	return bpf_obj_get(path);
}

/* out: type, id, verified instructions (0 before Linux 5.16), translated bytes */
API int shim_program_info(int fd, uint32_t out[4], char name[BPF_OBJ_NAME_LEN], uint8_t tag[BPF_TAG_SIZE])
{
	struct bpf_prog_info info = {};
	uint32_t length = sizeof(info);
	int error = bpf_obj_get_info_by_fd(fd, &info, &length);

	if (error)
		return error;
	out[0] = info.type;
	out[1] = info.id;
	out[2] = info.verified_insns;
	out[3] = info.xlated_prog_len;
	memcpy(name, info.name, BPF_OBJ_NAME_LEN);
	memcpy(tag, info.tag, BPF_TAG_SIZE);
	return 0;
}

/* out: the program's return value, nanoseconds per run, bytes written to `output` */
API int shim_program_run(int fd, const void *input, uint64_t input_length, void *output, uint64_t output_length,
			 uint32_t repeat, uint32_t out[3])
{
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = input_length ? input : NULL, .data_size_in = input_length,
		    .data_out = output_length ? output : NULL, .data_size_out = output_length, .repeat = repeat);
	int error = bpf_prog_test_run_opts(fd, &options);

	if (error)
		return error;
	out[0] = options.retval;
	out[1] = options.duration;
	out[2] = options.data_size_out;
	return 0;
}

/* The kernel lets several links share a cgroup's hook (BPF_F_ALLOW_MULTI is implied). */
API int shim_link_create(int program_fd, int target_fd, uint32_t attach_type)
{
	return bpf_link_create(program_fd, target_fd, attach_type, NULL);
}

API int shim_link_update(int link_fd, int program_fd)
{
	return bpf_link_update(link_fd, program_fd, NULL);
}

API int shim_link_detach(int link_fd)
{
	return bpf_link_detach(link_fd);
}

/* out: link id, program id, attach type, link type; cgroup_id: 0 when the cgroup is gone or the
 * link was detached */
API int shim_link_info(int fd, uint32_t out[4], uint64_t *cgroup_id)
{
	struct bpf_link_info info = {};
	uint32_t length = sizeof(info);
	int error = bpf_obj_get_info_by_fd(fd, &info, &length);

	if (error)
		return error;
	out[0] = info.id;
	out[1] = info.prog_id;
	out[2] = info.type == BPF_LINK_TYPE_CGROUP ? info.cgroup.attach_type : 0;
	out[3] = info.type;
	*cgroup_id = info.type == BPF_LINK_TYPE_CGROUP ? info.cgroup.cgroup_id : 0;
	return 0;
}

/*
 * Probes: 1 supported, 0 not, -errno when it can't be told. libbpf's own are not used where they
 * take a refusal for lack of rights as "not supported", or don't know what newer verifiers say.
 */

static int load(uint32_t program_type, uint32_t attach_type, const struct bpf_insn *program, size_t length, char *log,
		size_t log_size)
{
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = attach_type, .log_buf = log,
		    .log_size = log_size, .log_level = log ? 1 : 0);
	int fd = bpf_prog_load(program_type, NULL, "GPL", program, length, &options);

	return fd < 0 ? fd : shim_close(fd) ?: 1;
}

API int shim_probe_program_type(uint32_t type, uint32_t attach_type)
{
	const struct bpf_insn program[] = {
	    {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 1},
	    {.code = BPF_JMP | BPF_EXIT},
	};
	int result = load(type, attach_type, program, 2, NULL, 0);

	return result == -EINVAL ? 0 : result;
}

API int shim_probe_map_type(uint32_t type)
{
	int result;

	errno = 0;
	result = libbpf_probe_bpf_map_type(type, NULL);
	/* libbpf says 0 for every failed bpf(), whose errno is still there. */
	return result == 0 && errno != EINVAL ? -errno : result;
}

API int shim_probe_helper(uint32_t program_type, uint32_t attach_type, uint32_t helper)
{
	const struct bpf_insn program[] = {
	    {.code = BPF_JMP | BPF_CALL, .imm = helper},
	    {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 1},
	    {.code = BPF_JMP | BPF_EXIT},
	};
	/* the last one: since Linux 6.10, "program of this type cannot use helper" */
	static const char *const refusals[] = {"invalid func ", "unknown func ", "cannot use helper "};
	char log[4096] = "";
	int result = load(program_type, attach_type, program, 3, log, sizeof(log));

	for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++) {
		if (strstr(log, refusals[i]))
			return 0;
	}
	/*
	 * Another complaint of the verifier's is about the arguments, which are wrong: the helper
	 * is known. Without a word from it, something else was refused: rights, memory, the program
	 * type.
	 */
	return log[0] ? 1 : result;
}
