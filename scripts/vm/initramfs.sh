#!/bin/bash
# Packs the guest's base system into a cpio archive and prints its path: busybox, the C library and the init script.
# Cached by content; files of one run are appended by vm.sh (the kernel unpacks concatenated archives in turn).
set -euo pipefail
cd "$(dirname "$0")/../.."

busybox=$(command -v busybox)
# What a program that needs only the C library finds at run time, by glibc's names before and after 2.34.
libraries=(libc.so.6 libm.so.6 libpthread.so.0 libdl.so.2 librt.so.1 ld-linux-x86-64.so.2)
paths=()
for name in "${libraries[@]}"; do
  path=$(ldconfig -p | sed -nE "s/^\s*${name//./\\.} \(.*x86-64.*\) => //p" | head -1)
  if [ -n "$path" ]; then paths+=("$(readlink -f "$path"):$name"); fi
done

sum=$(cat "$0" scripts/vm/init "$busybox" "${paths[@]%%:*}" | sha256sum | cut -c1-16)
out=$PWD/.cache/vm/base-$sum.cpio
if [ ! -e "$out" ]; then
  mkdir -p .cache/vm
  root=$(mktemp -d)
  trap 'rm -rf "$root"' EXIT
  mkdir -p "$root"/{bin,dev,proc,sys,run,tmp,etc,root,lib64,var/lib,lib/x86_64-linux-gnu}
  cp "$busybox" "$root/bin/busybox"
  ln -s busybox "$root/bin/sh"
  for entry in "${paths[@]}"; do cp "${entry%%:*}" "$root/lib/x86_64-linux-gnu/${entry##*:}"; done
  mv "$root/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2" "$root/lib64/"
  echo root:x:0:0:root:/root:/bin/sh >"$root/etc/passwd"
  echo root:x:0: >"$root/etc/group"
  install -m 755 scripts/vm/init "$root/init"
  (cd "$root" && find . | LC_ALL=C sort | cpio --quiet -o -H newc -R 0:0) >"$out.part"
  mv "$out.part" "$out"
fi
echo "$out"
