#!/bin/sh
# Runs the executable in a root directory of its own that holds nothing but it, the dynamic loader and libc, with /tmp mounted
# noexec. bare-root.sh EXECUTABLE MOUNTS -- ARGUMENTS; MOUNTS: any of proc, sys, bpf, hostile, comma-separated, or none.
# Everything is in a mount namespace of its own, and gone when the command ends.
set -eu
if [ "${BARE_ROOT_INSIDE:-}" = "" ]; then
	BARE_ROOT_INSIDE=1 exec unshare --mount --propagation private -- "$0" "$@"
fi
executable=$1 mounts=,$2,
shift 3

wants() { case $mounts in *,"$1",*) true ;; *) false ;; esac; }

root=$(mktemp -d)
# The directory is removed by who comes after: while it is mounted upon here, it is only a name.
trap 'umount -l "$root"; rmdir "$root"' EXIT
mount -t tmpfs -o size=16m tmpfs "$root"
mkdir "$root/tmp" "$root/proc" "$root/sys"
mount -t tmpfs -o noexec,nosuid,nodev,size=1m tmpfs "$root/tmp"
for library in $(ldd "$executable" | grep -oE '/[^ ]+'); do
	mkdir -p "$root$(dirname "$library")"
	cp -L "$library" "$root$library"
done
touch "$root/kmesh-edge"
mount --bind "$executable" "$root/kmesh-edge"
if wants proc; then mount -t proc proc "$root/proc"; fi
if wants sys; then mount --rbind /sys "$root/sys"; fi
if wants bpf; then mount -t bpf bpf "$root/sys/fs/bpf"; fi
# chroot starts in /: these files are in the working directory.
if wants hostile; then
	printf 'preload = ["./evil.ts"]\n[install]\nauto = "force"\n' >"$root/bunfig.toml"
	printf 'console.log("EVIL RAN");\nprocess.exit(77);\n' >"$root/evil.ts"
	printf 'MESH_CONTROLLER=evil.invalid:1\nBUN_OPTIONS=--preload=/evil.ts\n' >"$root/.env"
	printf '{"imports":{"#x":"./evil.ts"},"main":"evil.ts"}' >"$root/package.json"
	printf '{"compilerOptions":{"paths":{"*":["./evil.ts"]}}}' >"$root/tsconfig.json"
	set -- BUN_OPTIONS=--preload=/evil.ts BUN_BE_BUN=1 BUN_CONFIG_FILE=/bunfig.toml \
		NODE_OPTIONS=--require=/evil.ts BUN_INSPECT_PRELOAD=/evil.ts -- "$@"
else
	set -- -- "$@"
fi

# The variables before --, then the arguments.
variables=
while [ "$1" != -- ]; do
	variables="$variables $1"
	shift
done
shift
status=0
# shellcheck disable=SC2086  # a list of words
env -i PATH=/ $variables "$(command -v chroot)" "$root" /kmesh-edge "$@" || status=$?
exit $status
