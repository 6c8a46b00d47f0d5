# Sourced by scripts/setup: npm packages as the lock file says, and Bun at node_modules/.bin/bun.

# Whether node_modules holds exactly the lock file's packages; those for another platform may be absent.
is_locked() {
  node -e '
    const read = (path) => JSON.parse(require("fs").readFileSync(path, "utf8")).packages;
    const want = read("package-lock.json");
    const have = read("node_modules/.package-lock.json");
    const same = (path) => have[path].version === want[path]?.version && have[path].integrity === want[path]?.integrity;
    const here = Object.keys(have).every(same);
    const all = Object.keys(want).every((path) => path === "" || want[path].optional || have[path]);
    process.exit(here && all ? 0 : 1);
  ' 2>/dev/null
}

bun_runs() { node_modules/.bin/bun --version >/dev/null 2>&1; }

install_node_packages() {
  # Not `npm ci`: it refuses a lock file without the optional packages of other platforms, which not every registry has.
  # What is installed is compared with the lock file instead, integrity and all.
  if ! is_locked; then
    quietly "installing npm packages" npm install --no-save --no-progress
    is_locked || die "npm installed other packages than package-lock.json names"
  fi
  if bun_runs; then return; fi
  # npm may be told not to run the script that fetches Bun's executable.
  if [ -e node_modules/bun/install.js ]; then quietly "installing Bun" node node_modules/bun/install.js; fi
  if bun_runs; then return; fi
  local executable
  for executable in "$PWD"/node_modules/@oven/bun-*/bin/bun; do
    ln -sf "$executable" node_modules/.bin/bun
    if bun_runs; then return; fi
  done
  die "Bun doesn't run: see node_modules/@oven"
}
