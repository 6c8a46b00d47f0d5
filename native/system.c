/* SPDX-License-Identifier: Apache-2.0 */
/* System calls that the runtime doesn't offer. */
#include <fcntl.h>
#include <linux/membarrier.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "shim.h"

API int shim_close(int fd)
{
	return close(fd) ? -errno : 0;
}

API int shim_mount_bpffs(const char *path)
{
	return mount("bpf", path, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700") ? -errno : 0;
}

API int shim_unmount(const char *path)
{
	return umount2(path, 0) ? -errno : 0;
}

/* An exclusive lock on a directory, held by the descriptor that is returned; -EWOULDBLOCK where another process has it. */
API int shim_lock_directory(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int error;

	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	error = errno;
	close(fd);
	return -error;
}

/* Returns when every BPF program that was running at the call has ended: MEMBARRIER_CMD_GLOBAL
 * waits for an RCU grace period. */
API int shim_synchronize_rcu(void)
{
	return syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) ? -errno : 0;
}

/* CLOCK_MONOTONIC in nanoseconds: the clock of bpf_ktime_get_ns. The runtime's own begins with the process. */
API int shim_monotonic(uint64_t *nanoseconds)
{
	struct timespec now;

	if (clock_gettime(CLOCK_MONOTONIC, &now))
		return -errno;
	*nanoseconds = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	return 0;
}
