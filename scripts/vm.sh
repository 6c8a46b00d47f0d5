#!/bin/bash
# Runs a command under another kernel, in a throw-away machine without network: scripts/vm.sh KERNEL [OPTION…] -- CMD…
#   KERNEL             a name of test/kernels.json
#   --add FILE[:PATH]  put FILE into the guest, at PATH (default: / and its name), executable bit kept
#   --memory MB        default 1024
#   --timeout SECONDS  default 300
#   --console FILE     keep everything the guest's console said
# CMD runs by the guest's sh; its output comes out here and its exit status is this script's. 70: the guest didn't come
# back. 71: the command succeeded, but the kernel complained.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
usage() {
  sed -n '2,9s/^# //p' "$0" >&2
  exit 2
}

[ $# -ge 1 ] || usage
kernel=$1
shift
memory=1024
timeout=300
console=
files=()
while [ $# -gt 0 ]; do
  case $1 in
    --add) files+=("$2") ;;
    --memory) memory=$2 ;;
    --timeout) timeout=$2 ;;
    --console) console=$2 ;;
    --) break ;;
    *) usage ;;
  esac
  shift 2 || usage
done
[ $# -ge 2 ] || usage
shift

image=$("$here/vm/kernel.sh" "$kernel")
base=$("$here/vm/initramfs.sh")
work=$(mktemp -d)
qemu=
cleanup() {
  if [ -n "$qemu" ]; then kill -9 "$qemu" 2>/dev/null || true; fi
  rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

mkdir "$work/root"
for file in "${files[@]}"; do
  source=${file%%:*}
  path=/$(basename "$source")
  if [ "$source" != "$file" ]; then path=${file#*:}; fi
  mkdir -p "$work/root$(dirname "$path")"
  cp -L "$source" "$work/root$path"
done
if [ $# = 1 ]; then echo "$1"; else printf '%q ' "$@"; fi >"$work/root/command"
(cd "$work/root" && find . | cpio --quiet -o -H newc -R 0:0) | cat "$base" - >"$work/initramfs"
rm -rf "$work/root"

# KVM may be absent, or present and unusable in a nested machine: emulation works everywhere.
timeout -k 5 "$timeout" qemu-system-x86_64 -accel tcg,thread=multi -cpu max -smp 2 -m "$memory" \
  -nographic -no-reboot -nic none -kernel "$image" -initrd "$work/initramfs" \
  -append "console=ttyS0 quiet loglevel=1 panic=-1 oops=panic random.trust_cpu=on mitigations=off" \
  </dev/null >"$work/console" 2>&1 &
qemu=$!
wait "$qemu" || true
qemu=
tr -d '\r' <"$work/console" >"$work/lines"
if [ -n "$console" ]; then cp "$work/lines" "$console"; fi

sed -n '/^@@ begin$/,/^@@ end /p' "$work/lines" | sed '/^@@ /d'
status=$(sed -nE 's/^@@ end ([0-9]+)$/\1/p' "$work/lines" | tail -1)
if [ -z "$status" ]; then
  echo "vm: the $kernel guest did not finish within $timeout s; the end of its console:" >&2
  tail -15 "$work/lines" >&2
  exit 70
fi
if grep '^@@ kernel ' "$work/lines" >&2; then
  [ "$status" != 0 ] || status=71
fi
exit "$status"
