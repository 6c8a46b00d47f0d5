/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What it takes to link the distributions' static libelf and libbpf, which are built for
 * executables, into a shared object that also loads on an older glibc than the build host's.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#define HIDDEN __attribute__((visibility("hidden")))

/*
 * elf_error.o of libelf.a keeps its error in local-exec thread storage, which a shared object can't
 * have: the Makefile takes it out of the archive, and this is its interface (libelf.h), on one
 * thread.
 */
static int elf_error;

int elf_errno(void);
const char *elf_errmsg(int error);
HIDDEN void __libelf_seterrno(int error);

int elf_errno(void)
{
	int error = elf_error;

	elf_error = 0;
	return error;
}

const char *elf_errmsg(int error)
{
	(void)error;
	return "malformed ELF file";
}

HIDDEN void __libelf_seterrno(int error)
{
	elf_error = error & 0xffff;
}

/* libbpf.a reaches `stderr` by an address that only an executable can resolve: the Makefile renames
 * it to this. */
HIDDEN FILE *shim_stderr;

__attribute__((constructor)) static void set_stderr(void)
{
	shim_stderr = stderr;
}

/*
 * A compiler with glibc >= 2.38 turns strtol and its kind into __isoc23_*: the same but for binary
 * literals, and absent on the older hosts that we run on. libbpf parses no binary literals.
 */
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
extern long old_strtol(const char *, char **, int) __asm__("strtol");
extern unsigned long old_strtoul(const char *, char **, int) __asm__("strtoul");
extern long long old_strtoll(const char *, char **, int) __asm__("strtoll");
extern unsigned long long old_strtoull(const char *, char **, int) __asm__("strtoull");
extern int old_vsscanf(const char *, const char *, va_list) __asm__("vsscanf");
extern int old_vfscanf(FILE *, const char *, va_list) __asm__("vfscanf");

HIDDEN long __isoc23_strtol(const char *text, char **end, int base)
{
	return old_strtol(text, end, base);
}

HIDDEN unsigned long __isoc23_strtoul(const char *text, char **end, int base)
{
	return old_strtoul(text, end, base);
}

HIDDEN long long __isoc23_strtoll(const char *text, char **end, int base)
{
	return old_strtoll(text, end, base);
}

HIDDEN unsigned long long __isoc23_strtoull(const char *text, char **end, int base)
{
	return old_strtoull(text, end, base);
}

HIDDEN int __isoc23_sscanf(const char *text, const char *format, ...)
{
	va_list args;
	int result;

	va_start(args, format);
	result = old_vsscanf(text, format, args);
	va_end(args);
	return result;
}

HIDDEN int __isoc23_fscanf(FILE *file, const char *format, ...)
{
	va_list args;
	int result;

	va_start(args, format);
	result = old_vfscanf(file, format, args);
	va_end(args);
	return result;
}
