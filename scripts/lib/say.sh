# Sourced by the scripts here: what they say, and how they fail.

# One line of progress, on standard error: standard output belongs to the caller's result.
say() { echo "$script: $*" >&2; }

die() {
  say "$*"
  exit 1
}

# quietly WHAT CMD…: says WHAT, keeps CMD's output in build/logs, and shows the end of it only when CMD fails.
quietly() {
  local what=$1 log
  shift
  mkdir -p build/logs
  log=build/logs/$script-$(echo "$what" | tr -cs 'A-Za-z0-9.' -).log
  say "$what"
  if "$@" >"$log" 2>&1; then return; fi
  tail -20 "$log" >&2
  die "$what failed; all of it is in $log"
}

need_root() { [ "$(id -u)" = 0 ] || die "must run as root: it $1"; }

# content FILE…: a short key that changes when a file does.
content() { cat "$@" | sha256sum | cut -c1-16; }
