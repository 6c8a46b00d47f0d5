# What the guest does, step by step: loads the programs by hand, then lives with the compiled binary as a user would.
# The steps' names are what kernels.test.ts asks for.

load_programs() {
  bpftool -d prog loadall /mesh.bpf.o /sys/fs/bpf/loaded >/tmp/log 2>&1
  status=$?
  # The verifier's last line for each program is the one figure that every kernel gives.
  sed -nE "s/^libbpf: prog '([^']*)': -- BEGIN PROG LOAD LOG --/program \1/p; s/^processed ([0-9]+) insns.*/processed \1/p" /tmp/log
  if [ $status != 0 ]; then tail -40 /tmp/log; fi
  rm -rf /sys/fs/bpf/loaded /tmp/log
  return $status
}

backend() {
  mkdir -p "/srv/$1"
  echo "$1" >"/srv/$1/index.html"
  httpd -p "$2:9001" -h "/srv/$1"
}

as_workload() (
  echo 0 >/sys/fs/cgroup/workload/cgroup.procs
  "$@"
)

# A request by nc: busybox's wget, linked statically with glibc, crashes where there is no name service.
get() { printf 'GET / HTTP/1.0\r\n\r\n' | nc -w 20 "$1" "$2" 2>&1 | tail -1; }

# 40 connections from the workload, one line per name that answered.
who_answers() {
  i=0
  while [ $i -lt 40 ]; do
    as_workload get "$1" "$2"
    i=$((i + 1))
  done | sort | uniq -c | awk '{ $3 = $1; $1 = ""; print }' | sed 's/^ //'
}

start_agent() {
  kmesh-edge run --mesh /mesh.yaml --cgroup /sys/fs/cgroup/workload --state-dir /tmp/state --pin-dir /sys/fs/bpf/mesh \
    --admin /run/mesh/admin.sock --admin off "$@" >>/tmp/agent.log 2>&1 &
  agent=$!
  i=0
  until kmesh-edge status --socket /run/mesh/admin.sock >/dev/null 2>&1; do
    i=$((i + 1))
    if [ $i = 100 ] || ! kill -0 $agent 2>/dev/null; then
      cat /tmp/agent.log
      return 1
    fi
    sleep 0.3
  done
}

stop_agent() {
  kill "-$1" $agent
  wait $agent
  status=$?
  if [ "$1" = 9 ]; then [ $status = 137 ]; else return $status; fi
}

leftovers() {
  ls /sys/fs/bpf
  bpftool -j prog show
  cat /proc/modules | grep kmesh
  true
}

step programs load_programs
step doctor kmesh-edge doctor --json
step demo kmesh-edge demo --json
step "leftovers of the demo" leftovers

mkdir /sys/fs/cgroup/workload
backend one 127.0.1.1
backend two 127.0.1.2
step start start_agent
step "governed" who_answers 127.96.0.1 80
step "wildcard" who_answers 127.96.0.9 8080
step "empty cluster" as_workload get 127.96.0.2 80
step "outside the cgroup" get 127.96.0.1 80
step crash stop_agent 9
step "governed without an agent" who_answers 127.96.0.1 80
step "start again" start_agent --detach-on-exit
step "governed again" who_answers 127.96.0.1 80
step "status" kmesh-edge status --json --socket /run/mesh/admin.sock
step stop stop_agent 15
step "leftovers" leftovers
killall httpd
