#!/usr/bin/env bash
# beside_gdnsd.sh BUILD_DIR [--seconds N] [--runs N] [--rate N] [--gate RATIO] [--edns]
#
# What a query costs: gslbd, gdnsd and a UDP echo (the floor) answer the same names under the same
# load, each on core 0 with the load generator dnsperf on core 1. The figure is the CPU time of the
# server process per answered query; queries per second on two cores measure dnsperf rather.
#
# Each name is asked in two ways, because either alone can mislead:
#   rate   at a fixed rate, the same for all. The servers see the same arrivals, so this is the fair
#          comparison, but it also holds the cost of falling asleep and waking up between packets.
#   full   as fast as dnsperf can. Packets queue, so a system call carries many and the answering
#          itself weighs more, but a quicker server finds smaller batches and is punished for it.
# "q/wakeup" shows that effect: queries answered per voluntary context switch.
#
# The servers take turns of one second (echo, gslbd, gdnsd, echo, …), so a disturbance meets all of
# them; a run is the sum of N such turns. They are started anew for every run, so that no lucky
# memory layout lasts. A ratio is gslbd / gdnsd of one run; the median of the runs counts.
#
# Exit code: 0; 1 when a server did not start, answered wrongly or lost more than 0.1 % of the
# queries, or with --gate when a median ratio of either way is over it; 2 for a usage error.
#
# Needs gdnsd, dnsperf and dig (packages gdnsd, dnsperf, bind9-dnsutils), taskset (util-linux).

set -u
export LC_ALL=C

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/demo/lib.sh
source "$here/../demo/lib.sh"

TURNS=3 # of one second each, per run
RUNS=3
RATE=60000
GATE=''
DNSPERF_OPTIONS=()
readonly SERVER_CORE=0 LOAD_CORE=1
readonly LOSS_LIMIT=1000 # one query of so many may be lost
readonly SERVERS=(echo gslbd gdnsd)
readonly NAMES=(static weighted priority)
readonly WAYS=(rate full)
declare -rA OWNER=([static]=ns1.$ZONE [weighted]=vpn.$ZONE [priority]=vpn-priority.$ZONE)
declare -A PID=() PORT=()
troubles=0

# ---- Arguments --------------------------------------------------------------------------------

usage() {
  printf 'usage: %s BUILD_DIR [--seconds N] [--runs N] [--rate N] [--gate RATIO] [--edns]\n' \
    "${0##*/}" >&2
  exit 2
}

# number TEXT: REPLY is it, a whole number from 1.
number() {
  [[ ${1:-} =~ ^[1-9][0-9]{0,6}$ ]] || usage
  REPLY=$1
}

parse_arguments() {
  [[ $# -ge 1 ]] || usage
  BUILD=$(cd "$1" 2>/dev/null && pwd) || usage
  shift
  while [[ $# -gt 0 ]]; do
    case $1 in
      --seconds) number "${2:-}" && TURNS=$REPLY && shift 2 ;;
      --runs) number "${2:-}" && RUNS=$REPLY && shift 2 ;;
      --rate) number "${2:-}" && RATE=$REPLY && shift 2 ;;
      --gate) [[ ${2:-} =~ ^[0-9]+(\.[0-9]+)?$ ]] || usage && GATE=$2 && shift 2 ;;
      --edns) DNSPERF_OPTIONS=(-e) && shift ;; # for all servers alike
      *) usage ;;
    esac
  done
}

check_requirements() {
  local tool
  for tool in gdnsd dnsperf dig taskset; do
    command -v "$tool" >/dev/null && continue
    printf '%s is missing: apt-get install gdnsd dnsperf bind9-dnsutils util-linux\n' "$tool" >&2
    exit 1
  done
  if ! taskset -c "$SERVER_CORE,$LOAD_CORE" true 2>/dev/null || (($(nproc) < 2)); then
    printf 'Two cores are needed, one for the server and one for the load.\n' >&2
    exit 1
  fi
}

# ---- The servers ------------------------------------------------------------------------------

trouble() {
  troubles=$((troubles + 1))
  printf 'FAIL %s\n' "$*" >&2
}

# launch SERVER COMMAND…: on the servers' core; what it says goes to DIR/SERVER.log.
launch() {
  local server=$1
  shift
  : >"$DIR/$server.log" # it is read before the process has begun
  taskset -c "$SERVER_CORE" "$@" >"$DIR/$server.log" 2>&1 &
  PID[$server]=$! # taskset replaces itself by the command
}

# said SERVER PATTERN: the server logged a match, or is gone.
said() { grep -qE "$2" "$DIR/$1.log" || has_ended "${PID[$1]}"; }

start_echo() {
  launch echo "$BUILD/tests/bench/udp_echo"
  wait_until 10 said echo 'listening on'
}

start_gslbd_for_bench() {
  launch gslbd "$BUILD/app/gslbd" --config "$here/gslbd.toml"
  wait_until 10 said gslbd 'listening on 127\.0\.0\.1:'
}

# gdnsd does not pick a port itself and ends when the one it got is taken: another is tried.
start_gdnsd() {
  local attempt
  for attempt in 1 2 3 4 5; do
    PORT[gdnsd]=$((20000 + RANDOM % 12000))
    rm -rf "$DIR/gdnsd"
    mkdir -p "$DIR/gdnsd/zones" "$DIR/gdnsd-run" "$DIR/gdnsd-state"
    sed -e "s|@PORT@|${PORT[gdnsd]}|; s|@DIR@|$DIR|" "$here/gdnsd/config" >"$DIR/gdnsd/config"
    cp "$here/gdnsd/zone" "$DIR/gdnsd/zones/$ZONE"
    launch gdnsd gdnsd -c "$DIR/gdnsd" start
    wait_until 10 said gdnsd 'DNS listeners started'
    is_running "${PID[gdnsd]}" && return
    printf 'gdnsd did not start (attempt %s)\n' "$attempt" >&2
  done
}

start_servers() {
  local server
  start_echo
  start_gslbd_for_bench
  start_gdnsd
  for server in "${SERVERS[@]}"; do
    if ! is_running "${PID[$server]}"; then
      trouble "$server did not start: $(tail -n 5 "$DIR/$server.log")"
      return 1
    fi
  done
  for server in echo gslbd; do
    PORT[$server]=$(grep -m1 -oE 'listening on 127\.0\.0\.1:[0-9]+' "$DIR/$server.log")
    PORT[$server]=${PORT[$server]##*:}
  done
}

stop_servers() {
  local server
  for server in "${!PID[@]}"; do end_process "${PID[$server]}"; done
  PID=()
}

clean_up() {
  trap '' INT TERM
  stop_servers
  end_all
  rm -rf "$DIR"
}

# ---- Answers: equal before they are timed -----------------------------------------------------

# REPLY: status, flags, counts, TTL and type of an answer, and its size; without the address, which
# chance chooses.
outline_answer() {
  local port=$1 name=$2 edns=+noedns text
  ((${#DNSPERF_OPTIONS[@]})) && edns='+edns=0 +nocookie'
  # shellcheck disable=SC2086  # two options in one word
  text=$(dig @127.0.0.1 -p "$port" +tries=1 +timeout=2 +norecurse $edns "$name" A 2>&1)
  REPLY=$(sed -nE \
    -e 's/.*status: ([A-Z]+).*/\1/p' \
    -e 's/^;; flags: ([a-z ]*); QUERY: [0-9]+, (.*)/\1; \2/p' \
    -e 's/^[a-z].*\.[[:space:]]+([0-9]+)[[:space:]]+IN[[:space:]]+A[[:space:]].*/TTL \1 A/p' \
    -e 's/.*MSG SIZE +rcvd: ([0-9]+)/\1 octets/p' <<<"$text" | paste -sd' ')
}

compare_answers() {
  local name gslbd gdnsd
  printf 'The answers, which must cost the network the same:\n'
  for name in "${NAMES[@]}"; do
    outline_answer "${PORT[gslbd]}" "${OWNER[$name]}"
    gslbd=$REPLY
    outline_answer "${PORT[gdnsd]}" "${OWNER[$name]}"
    gdnsd=$REPLY
    printf '  %-9s gslbd  %s\n  %-9s gdnsd  %s\n' "$name" "$gslbd" '' "$gdnsd"
    # The TTL may differ: gslbd chooses it for static names.
    [[ ${gslbd##* A} == "${gdnsd##* A}" && $gslbd == NOERROR* && $gdnsd == NOERROR* ]] ||
      trouble "the answers for $name differ in size or status: ratios mean little"
  done
}

# ---- One measurement --------------------------------------------------------------------------

# REPLY: nanoseconds of CPU that all threads of a process have used. Field 1 of schedstat; where
# the kernel has none, user and system time in clock ticks of mostly 10 ms.
cpu_ns() {
  local pid=$1 file spent total=0 hertz
  if [[ -r /proc/$pid/schedstat ]]; then
    for file in /proc/"$pid"/task/*/schedstat; do
      read -r spent _ <"$file" && total=$((total + spent))
    done
  else
    hertz=$(getconf CLK_TCK)
    cpu_ticks "$pid"
    total=$(((REPLY + system_ticks) * (1000000000 / hertz)))
  fi
  REPLY=$total
}

# REPLY: clock ticks in user mode; system_ticks: in the kernel. The name in field 2 may hold blanks.
system_ticks=0
cpu_ticks() {
  local stat fields
  stat=$(<"/proc/$1/stat")
  read -ra fields <<<"${stat##*) }"
  REPLY=${fields[11]}
  system_ticks=${fields[12]}
}

# REPLY: how often the threads of a process have gone to sleep.
sleeps() {
  local file key value total=0
  for file in /proc/"$1"/task/*/status; do
    while read -r key value _; do
      [[ $key == voluntary_ctxt_switches: ]] && total=$((total + value))
    done <"$file"
  done
  REPLY=$total
}

# under_load WAY NAME SERVER: one turn of one second. The answers of dnsperf go to DIR/dnsperf.out.
under_load() {
  local limit=()
  [[ $1 == rate ]] && limit=(-Q "$RATE")
  timeout 20 taskset -c "$LOAD_CORE" dnsperf -s 127.0.0.1 -p "${PORT[$3]}" \
    -d "$DIR/$2.queries" -l 1 -c 4 -T 1 -t 1 "${limit[@]}" "${DNSPERF_OPTIONS[@]}" \
    >"$DIR/dnsperf.out" 2>&1
}

# from_dnsperf SED_PATTERN: REPLY is what the group matches in its report, or 0.
from_dnsperf() {
  REPLY=$(sed -nE "s/^ *$1.*/\\1/p" "$DIR/dnsperf.out")
  REPLY=${REPLY:-0}
}

# measure WAY NAME SERVER RUN: one turn, one line in DIR/results:
# way name server run cpu_ns answered sleeps user_ticks system_ticks lost response_octets
measure() {
  local way=$1 name=$2 server=$3 run=$4 pid=${PID[$3]}
  local ns slept user system answered lost octets

  cpu_ns "$pid" && ns=$REPLY
  sleeps "$pid" && slept=$REPLY
  cpu_ticks "$pid" && user=$REPLY system=$system_ticks
  under_load "$way" "$name" "$server"
  if ! is_running "$pid"; then
    trouble "$server ended under load: $(tail -n 3 "$DIR/$server.log")"
    return 1
  fi
  cpu_ns "$pid" && ns=$((REPLY - ns))
  sleeps "$pid" && slept=$((REPLY - slept))
  cpu_ticks "$pid" && user=$((REPLY - user)) system=$((system_ticks - system))

  from_dnsperf 'Queries completed: *([0-9]+)' && answered=$REPLY
  from_dnsperf 'Queries lost: *([0-9]+)' && lost=$REPLY
  from_dnsperf 'Average packet size: .*response ([0-9]+)' && octets=$REPLY
  if ((answered == 0)); then
    trouble "$server answered nothing for $name: $(tail -n 3 "$DIR/dnsperf.out")"
    return 1
  fi
  grep -q "Response codes: *NOERROR $answered " "$DIR/dnsperf.out" ||
    trouble "$server, $name: $(grep 'Response codes' "$DIR/dnsperf.out")"
  ((lost * LOSS_LIMIT <= answered)) ||
    trouble "$server lost $lost of $((answered + lost)) queries for $name ($way)"
  printf '%s\t' "$way" "$name" "$server" "$run" "$ns" "$answered" "$slept" "$user" "$system" \
    "$lost" >>"$DIR/results"
  printf '%s\n' "$octets" >>"$DIR/results"
}

measure_all() {
  local run way name turn server
  for ((run = 1; run <= RUNS; ++run)); do
    start_servers || return 1
    ((run == 1)) && compare_answers && printf '\n'
    # Other work on these cores changes how packets gather into batches, and with it every figure.
    printf 'run %d of %d, load average before it: %s\n' "$run" "$RUNS" \
      "$(cut -d' ' -f1-3 /proc/loadavg)"
    for way in "${WAYS[@]}"; do
      for name in "${NAMES[@]}"; do
        for ((turn = 0; turn < TURNS; ++turn)); do
          for server in "${SERVERS[@]}"; do
            measure "$way" "$name" "$server" "$run" || return 1
          done
        done
      done
    done
    ((run == RUNS)) && note_memory gdnsd "${PID[gdnsd]}"
    stop_servers
  done
}

# ---- Memory -----------------------------------------------------------------------------------

# note_memory WHO PID
note_memory() {
  printf 'rss_kib %s %s\n' "$1" "$(sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$2/status")" \
    >>"$DIR/memory"
}

# gslbd with the demo's configuration: three sites, all probed over TLS and Online.
measure_demo_memory() {
  if [[ ! -x $BUILD/tests/support/gslbd-demo-site ]]; then
    trouble "gslbd-demo-site is missing in $BUILD: memory with the demo configuration not measured"
    return
  fi
  mkdir "$DIR/demo"
  use_directory "$DIR/demo"
  if start_sites "$BUILD" && write_config && start_gslbd "$BUILD" &&
    wait_until 15 all_sites_online; then
    sample "vpn.$ZONE" 1000
    DIR=${DIR%/demo}
    note_memory gslbd "$GSLBD_PID"
  else
    DIR=${DIR%/demo}
    trouble "the demo did not come up: $(tail -n 5 "$LOG")"
  fi
  end_all
}

all_sites_online() {
  local site
  for site in "${SITES[@]}"; do logged_since 0 "endpoint $site: .*-> Online" || return 1; done
}

# ---- The report -------------------------------------------------------------------------------

report() {
  awk -F'\t' -v runs="$RUNS" -v rate="$RATE" -v turns="$TURNS" '
    function median(list, n,   i, j, t) {
      for (i = 2; i <= n; ++i)
        for (j = i; j > 1 && list[j - 1] > list[j]; --j) {
          t = list[j]; list[j] = list[j - 1]; list[j - 1] = t
        }
      return n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
    }
    # What one run says: microseconds of CPU per query, queries per second, …
    function figure(kind, way, name, server, run,   key) {
      key = way SUBSEP name SUBSEP server SUBSEP run
      if (kind == "cpu") return ns[key] / answered[key] / 1000
      if (kind == "qps") return answered[key] / turns
      if (kind == "lost") return 100 * lost[key] / (answered[key] + lost[key])
      if (kind == "batch") return answered[key] / (slept[key] ? slept[key] : 1)
      if (kind == "kernel") return ticks[key] ? 100 * system_ticks[key] / ticks[key] : 0
      if (kind == "ratio")
        return figure("cpu", way, name, "gslbd", run) / figure("cpu", way, name, "gdnsd", run)
    }
    # The median over the runs; `each` becomes all of them, in order.
    function over_runs(kind, way, name, server,   list, run) {
      each = ""
      for (run = 1; run <= runs; ++run) {
        list[run] = figure(kind, way, name, server, run)
        each = each sprintf("%s%.2f", run > 1 ? " " : "", list[run])
      }
      return median(list, runs)
    }
    function row(way, name, server,   cpu, all) {
      cpu = over_runs("cpu", way, name, server)
      all = each
      printf "%-9s %-6s %8.2f   %-20s %9.0f %7.2f %9.1f %8.0f %7d\n", name, server, cpu, all,
             over_runs("qps", way, name, server), over_runs("lost", way, name, server),
             over_runs("batch", way, name, server), over_runs("kernel", way, name, server),
             octets[way, name, server]
      return cpu
    }
    function table(way, title,   n, s, cpu, ratio) {
      printf "\n%s: medians of %d runs of %d s\n", title, runs, turns
      printf "%-9s %-6s %8s   %-20s %9s %7s %9s %8s %7s\n", "name", "server", "us/query",
             "each run", "queries/s", "lost %", "q/wakeup", "kernel %", "octets"
      for (n = 1; n <= 3; ++n) {
        for (s = 1; s <= 3; ++s) cpu[servers[s]] = row(way, names[n], servers[s])
        ratio = over_runs("ratio", way, names[n])
        printf "%-9s gslbd/gdnsd %.2f (%s); above the echo: gslbd %+.2f us, gdnsd %+.2f us\n",
               "", ratio, each, cpu["gslbd"] - cpu["echo"], cpu["gdnsd"] - cpu["echo"]
      }
    }
    {
      key = $1 SUBSEP $2 SUBSEP $3 SUBSEP $4
      ns[key] += $5
      answered[key] += $6
      slept[key] += $7
      ticks[key] += $8 + $9
      system_ticks[key] += $9
      lost[key] += $10
      octets[$1, $2, $3] = $11
    }
    END {
      split("static weighted priority", names, " ")
      split("echo gslbd gdnsd", servers, " ")
      table("rate", "At the same fixed rate, " rate " queries/s")
      table("full", "At full speed")
      print ""
      for (n = 1; n <= 3; ++n)
        printf "ratio %s %.2f\n", names[n], over_runs("ratio", "rate", names[n])
      for (n = 1; n <= 3; ++n)
        printf "ratio_full %s %.2f\n", names[n], over_runs("ratio", "full", names[n])
    }' "$DIR/results" | tee "$DIR/report"
  cat "$DIR/memory"
}

# check_gate: every median ratio, as printed, is at most the gate.
check_gate() {
  local kind name ratio
  while read -r kind name ratio; do
    awk -v r="$ratio" -v g="$GATE" 'BEGIN { exit r <= g }' &&
      trouble "$kind $name is $ratio, over the gate of $GATE"
  done < <(grep '^ratio' "$DIR/report")
}

# ---- Main -------------------------------------------------------------------------------------

parse_arguments "$@"
check_requirements
use_directory "$(mktemp -d "${TMPDIR:-/tmp}/gslbd-bench.XXXXXX")"
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
for name in "${NAMES[@]}"; do echo "${OWNER[$name]} A" >"$DIR/$name.queries"; done

measure_all && measure_demo_memory && report
if [[ -n $GATE && -s $DIR/report ]]; then check_gate; fi
((troubles == 0))
