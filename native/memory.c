/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that several processes share by inheriting its descriptor. */
#define _GNU_SOURCE /* memfd_create, seals */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "shim.h"

/* Its size is sealed: a process that shrank it would kill the others, which have it mapped. */
API int shim_memory_create(uint64_t bytes)
{
	int fd = memfd_create("kmesh-edge-shared", MFD_CLOEXEC | MFD_ALLOW_SEALING), error;

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, (off_t)bytes) == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0)
		return fd;
	error = errno;
	close(fd);
	return -error;
}

/* The whole of it, for as long as the process lives. -EINVAL where it hasn't the size that is expected. */
API int shim_memory_map(int fd, uint64_t bytes, uint64_t *out)
{
	struct stat status;
	void *memory;

	if (fstat(fd, &status))
		return -errno;
	if (!S_ISREG(status.st_mode) || (uint64_t)status.st_size != bytes)
		return -EINVAL;
	memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		return -errno;
	*out = (uintptr_t)memory;
	return 0;
}
