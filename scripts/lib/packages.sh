# Sourced by scripts/setup: system packages, on Debian and its relatives (apt) and on openEuler and its relatives (dnf).
# Lines are "what it is for: packages"; A|B takes the first that the archive has.

build_packages() {
  case $1 in
    apt) echo "clang-16|clang bpftool|linux-tools-common libbpf-dev libelf-dev zlib1g-dev gcc make pkg-config" ;;
    dnf) echo "clang bpftool libbpf-devel elfutils-libelf-devel zlib-devel gcc make pkgconf-pkg-config|pkgconf" ;;
  esac
}

test_packages() {
  case $1 in
    apt) echo "clang-format-16|clang-format nginx-light|nginx libnginx-mod-stream haproxy wrk qemu-system-x86 busybox-static cpio iproute2 curl python3-venv python3-requests python3-websockets" ;;
    dnf) echo "clang-tools-extra nginx nginx-mod-stream haproxy wrk qemu-system-x86_64|qemu busybox cpio iproute curl python3 python3-requests python3-websockets" ;;
  esac
}

# Programs that a machine may have from elsewhere: "command: package".
build_commands() { echo "node:nodejs npm:npm"; }
test_commands() {
  case $1 in
    apt) echo "java:default-jdk-headless" ;;
    dnf) echo "java:java-17-openjdk-devel|java-21-openjdk-devel" ;;
  esac
}

package_manager() {
  local tool
  for tool in apt-get dnf; do
    if command -v "$tool" >/dev/null; then
      echo "${tool%-get}"
      return
    fi
  done
  die "neither apt-get nor dnf here: install by hand what scripts/lib/packages.sh lists"
}

installed() {
  case $1 in
    apt) dpkg-query -W -f '${db:Status-Status}\n' "$2" 2>/dev/null | grep -qx installed ;;
    dnf) rpm -q --quiet "$2" ;;
  esac
}

available() {
  case $1 in
    apt) apt-cache show --no-all-versions "$2" >/dev/null 2>&1 ;;
    dnf) dnf -q list --available "$2" >/dev/null 2>&1 ;;
  esac
}

any_installed() {
  local name
  for name in ${2//|/ }; do
    if installed "$1" "$name"; then return 0; fi
  done
  return 1
}

first_available() {
  local name
  for name in ${2//|/ }; do
    if available "$1" "$name"; then
      echo "$name"
      return
    fi
  done
  die "no package ${2//|/ or } in this host's archives"
}

# wanted MANAGER ENTRY…: those that aren't there yet. COMMAND:PACKAGE counts as there when COMMAND is on the path.
missing() {
  local manager=$1 entry
  shift
  for entry in "$@"; do
    case $entry in
      *:*) if ! command -v "${entry%%:*}" >/dev/null; then echo "${entry#*:}"; fi ;;
      *) if ! any_installed "$manager" "$entry"; then echo "$entry"; fi ;;
    esac
  done
}

# install_packages ENTRY…: what is missing of it, in one transaction.
install_packages() {
  local manager entries names=() entry
  manager=$(package_manager)
  mapfile -t entries < <(missing "$manager" "$@")
  if [ ${#entries[@]} = 0 ]; then return; fi
  need_root "installs packages (${entries[*]})"
  if [ "$manager" = apt ]; then quietly "reading package lists" refresh; fi
  for entry in "${entries[@]}"; do names+=("$(first_available "$manager" "$entry")"); done
  quietly "installing ${names[*]}" transaction "$manager" "${names[@]}"
}

refresh() { apt-get -q -o Acquire::Retries=3 update; }

transaction() {
  local manager=$1
  shift
  case $manager in
    apt) without_services apt-get -q -y -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3 install --no-install-recommends "$@" ;;
    dnf) dnf -q -y install --setopt=install_weak_deps=False "$@" ;;
  esac
}

# Debian starts a daemon when its package arrives. nginx and haproxy are peers in tests here, not services of the host.
without_services() (
  policy=/usr/sbin/policy-rc.d
  if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
  fi
  DEBIAN_FRONTEND=noninteractive "$@"
)
