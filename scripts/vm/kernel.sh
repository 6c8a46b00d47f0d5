#!/bin/bash
# Prints the path of a Debian kernel image, downloaded once into .cache/vm. Nothing is installed, and the system's own
# package lists and sources stay as they are. Usage: kernel.sh NAME, a name of test/kernels.json.
set -euo pipefail
cd "$(dirname "$0")/../.."

die() {
  echo "vm: $*" >&2
  exit 1
}

# One field of the kernel's line in test/kernels.json, which keeps one kernel a line.
field() { sed -nE "/\"name\": \"${name//./\\.}\"/s/.*\"$1\": \"([^\"]*)\".*/\1/p" test/kernels.json; }

# The archive that this host uses itself; it carries the other suites too.
archive() {
  local uri
  uri=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | sort -u | grep -vE 'security|updates' | grep -E '/debian/?$' | head -1)
  [ -n "$uri" ] || die "no Debian archive among this host's package sources"
  echo "$uri"
}

[ $# = 1 ] || die "usage: kernel.sh NAME"
name=$1
suite=$(field suite)
package=$(field package)
[ -n "$suite" ] && [ -n "$package" ] || die "no kernel $name in test/kernels.json"
cache=$PWD/.cache/vm/kernel-$name-$suite
if [ -e "$cache/vmlinuz" ]; then
  echo "$cache/vmlinuz"
  exit
fi
command -v apt-get >/dev/null || die "kernels come from Debian's archive, and this host has no apt-get"

mkdir -p "$cache/lists/partial" "$cache/archives/partial"
exec 9>"$cache/lock"
flock 9
if [ ! -e "$cache/vmlinuz" ]; then
  echo "vm: downloading the $name kernel ($suite)" >&2
  echo "deb $(archive) $suite main" >"$cache/sources.list"
  apt=(-q -o Dir::Etc::SourceList="$cache/sources.list" -o Dir::Etc::SourceParts=- -o Dir::State::Lists="$cache/lists"
    -o Dir::Cache="$cache" -o APT::Sandbox::User=root -o Acquire::Languages=none -o Acquire::Check-Valid-Until=false
    -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false -o Acquire::Retries=3)
  apt-get -qq "${apt[@]}" update >/dev/null
  # The meta-package depends on the image whose name carries the ABI number.
  image=$(apt-cache "${apt[@]}" show "$package" | sed -nE 's/^Depends: (.*, )?(linux-image-[^ ,]+).*/\2/p' | head -1)
  [ -n "$image" ] || die "$suite has no $package"
  (cd "$cache" && apt-get -qq "${apt[@]}" download "$image" >/dev/null)
  dpkg-deb --fsys-tarfile "$cache/$image"_*.deb >"$cache/files.tar"
  tar -C "$cache" --wildcards -xOf "$cache/files.tar" './boot/vmlinuz-*' >"$cache/vmlinuz.part"
  tar -C "$cache" --wildcards -xOf "$cache/files.tar" './boot/config-*' >"$cache/config"
  rm -rf "$cache/files.tar" "$cache"/*.deb "$cache/lists" "$cache/archives" "$cache"/*.bin
  mv "$cache/vmlinuz.part" "$cache/vmlinuz"
fi
echo "$cache/vmlinuz"
