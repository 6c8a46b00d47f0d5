#!/usr/bin/env bash
# Generates src/xds/gen/ (TypeScript types of the xDS API, their descriptors, and the limits that Envoy sets for each field):
#   Go descriptors of a pinned go-control-plane → buf image of the files in roots.txt → protoc-gen-es → embed.ts.
# `--check` generates into a temporary folder and fails if the committed files differ.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
target="$root/src/xds/gen"
export PATH="$root/node_modules/.bin:$PATH"
export BUF_CACHE_DIR="${BUF_CACHE_DIR:-$root/.cache/buf}"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

(cd "$here/descriptors" && go run -mod=readonly . "$work/all.binpb" "$work/limits.json")

mapfile -t paths < <(sed 's/^/--path=/' "$here/roots.txt")
buf build "$work/all.binpb" "${paths[@]}" -o "$work/xds.binpb"
(cd "$work" && buf generate --template "$here/buf.gen.yaml" xds.binpb)
bun "$here/embed.ts" "$work/gen" "$work/xds.binpb" "$work/limits.json"

if [[ "${1:-}" == "--check" ]]; then
  if ! diff -r "$work/gen" "$target" >"$work/diff"; then
    head -20 "$work/diff" >&2
    echo "src/xds/gen is not what proto/ generates: run npm run gen:proto" >&2
    exit 1
  fi
  exit 0
fi
mkdir -p "$target"
rm -rf "${target:?}"/*
cp -r "$work/gen/." "$target/"
echo "src/xds/gen: $(find "$target" -name '*.ts' | wc -l) files"
