# shellcheck shell=bash
# What the demo and the benchmark share: three local VPN sites, a configuration that steers clients
# among them, gslbd itself, and dig. Sourced, not run.
#
# Everything is started by `start_…`, remembered by process id, and ended by `end_all`, which the
# caller puts into its EXIT trap. Functions that produce a value leave it in REPLY: no subshells,
# so that polling stays cheap.

readonly ZONE=gslb.example.com
readonly SITES=(london paris newyork)
readonly SITE_HOST=vpn.example.com
declare -rA SITE_ADDRESS=([london]=127.0.1.1 [paris]=127.0.1.2 [newyork]=127.0.1.3)
declare -rA SITE_OF=([127.0.1.1]=london [127.0.1.2]=paris [127.0.1.3]=newyork)
declare -A SITE_PID=()
SITE_PORT=0

GSLBD_PID=''
GSLBD_PORT=0

# The directories of one run; `use_directory` fills them.
DIR=''
TOML=''
LOG=''

# ---- Time and waiting -------------------------------------------------------------------------

# REPLY: milliseconds since 1970.
now_ms() {
  local us=${EPOCHREALTIME/[.,]/}
  REPLY=$((us / 1000))
}

# wait_until SECONDS COMMAND ARGUMENT…: polls until the command succeeds; 1 when time is up.
# REPLY: the milliseconds that it took.
wait_until() {
  local seconds=$1 start deadline
  shift
  now_ms
  start=$REPLY
  deadline=$((start + seconds * 1000))
  while ! "$@"; do
    now_ms
    if ((REPLY > deadline)); then
      REPLY=$((REPLY - start))
      return 1
    fi
    sleep 0.02
  done
  now_ms
  REPLY=$((REPLY - start))
}

# ---- Processes --------------------------------------------------------------------------------

is_running() { [[ -n ${1:-} ]] && kill -0 "$1" 2>/dev/null; }

# has_ended PID: the opposite, for wait_until.
has_ended() { ! is_running "$1"; }

# end_process PID: asks, then insists after three seconds. Reaps it, so that bash reports nothing.
end_process() {
  local pid=$1
  is_running "$pid" || return 0
  kill -TERM "$pid" 2>/dev/null
  kill -CONT "$pid" 2>/dev/null # it may have been stopped
  wait_until 3 has_ended "$pid" || kill -KILL "$pid" 2>/dev/null
  wait "$pid" 2>/dev/null
}

end_all() {
  local site
  end_process "$GSLBD_PID"
  GSLBD_PID=''
  for site in "${!SITE_PID[@]}"; do end_process "${SITE_PID[$site]}"; done
  SITE_PID=()
}

# use_directory DIR: where the files of this run live.
use_directory() {
  DIR=$1
  TOML=$DIR/gslbd.toml
  LOG=$DIR/gslbd.log
  : >"$LOG"
}

# ---- The sites --------------------------------------------------------------------------------

# start_site BUILD_DIR SITE: a TLS server that answers the SSTP path with 401, as RRAS does.
# 1 when it did not come up, in general because the port is taken.
start_site() {
  local build=$1 site=$2
  "$build/tests/support/gslbd-demo-site" --listen "${SITE_ADDRESS[$site]}:$SITE_PORT" \
    --name "$SITE_HOST" >"$DIR/$site.out" 2>"$DIR/$site.err" &
  SITE_PID[$site]=$!
  # It prints one line once it listens.
  wait_until 10 site_has_spoken "$site" && [[ -s $DIR/$site.out ]]
}

site_has_spoken() { [[ -s $DIR/$1.out ]] || has_ended "${SITE_PID[$1]}"; }

# start_sites BUILD_DIR: all sites, on the first port that is free on all their addresses: one
# monitor serves the three.
start_sites() {
  local build=$1 site
  for SITE_PORT in 8443 18443 28443 $((20000 + RANDOM % 10000)) $((30000 + RANDOM % 2000)); do
    for site in "${SITES[@]}"; do
      start_site "$build" "$site" || break
    done
    if [[ -s $DIR/${SITES[-1]}.out ]]; then return 0; fi
    for site in "${!SITE_PID[@]}"; do end_process "${SITE_PID[$site]}"; done
    SITE_PID=()
    rm -f "$DIR"/{london,paris,newyork}.out
  done
  printf 'The sites did not start. The last one said:\n' >&2
  cat "$DIR/$site.err" >&2
  return 1
}

site_fails() { kill -USR1 "${SITE_PID[$1]}"; }   # answers 404 from now on
site_recovers() { kill -USR2 "${SITE_PID[$1]}"; } # answers 401 again

# ---- gslbd ------------------------------------------------------------------------------------

write_config() {
  cat >"$TOML" <<TOML
# The demo of gslbd. Edit and save while it runs: the change is taken over at once.

[server]
listen   = ["127.0.0.1:0"]          # port 0: gslbd picks a free one and prints it
identity = "demo"

[zone."$ZONE"]
nameservers  = { "ns1.$ZONE" = ["127.0.0.1"] }
hostmaster   = "hostmaster@example.com"
negative_ttl = "5s"

[monitor.sstp]                      # an SSTP server is well when it answers 401
preset   = "sstp"
certificate = "ignore"             # the sites of this demo have signed theirs themselves
host     = "$SITE_HOST"
port     = $SITE_PORT
interval = "1s"
timeout  = "500ms"
tolerated_failures = 1

[endpoint.london]
addresses = ["${SITE_ADDRESS[london]}"]
monitors  = ["sstp"]

[endpoint.paris]
addresses = ["${SITE_ADDRESS[paris]}"]
monitors  = ["sstp"]

[endpoint.newyork]
addresses = ["${SITE_ADDRESS[newyork]}"]
monitors  = ["sstp"]

[profile.vpn]                       # shares the clients
name   = "vpn.$ZONE"
method = "weighted"
ttl    = "5s"
endpoints = [
  { endpoint = "london",  weight = 70 },
  { endpoint = "paris",   weight = 20 },
  { endpoint = "newyork", weight = 10 },
]

[profile.vpn-priority]              # the first site that is well takes all
name   = "vpn-priority.$ZONE"
method = "priority"
ttl    = "5s"
endpoints = [
  { endpoint = "london" },
  { endpoint = "paris" },
  { endpoint = "newyork" },
]
TOML
}

# start_gslbd BUILD_DIR: REPLY is the milliseconds until it listened.
start_gslbd() {
  local build=$1
  "$build/app/gslbd" --config "$TOML" >"$DIR/gslbd.out" 2>"$LOG" &
  GSLBD_PID=$!
  if ! wait_until 10 gslbd_listens || [[ $GSLBD_PORT == 0 ]]; then
    printf 'gslbd did not start. It said:\n' >&2
    cat "$LOG" >&2
    return 1
  fi
}

gslbd_listens() {
  local line
  line=$(grep -m1 -oE 'listening on 127\.0\.0\.1:[0-9]+' "$LOG") && GSLBD_PORT=${line##*:}
  [[ $GSLBD_PORT != 0 ]] || has_ended "$GSLBD_PID"
}

# log_lines: how many lines gslbd has logged so far, in REPLY: a mark to search from.
log_lines() { REPLY=$(wc -l <"$LOG"); }

# logged_since MARK PATTERN…: true when one line after the mark matches every pattern. REPLY: it.
logged_since() {
  local mark=$1 text pattern
  shift
  text=$(tail -n "+$((mark + 1))" "$LOG")
  for pattern in "$@"; do
    text=$(grep -E -- "$pattern" <<<"$text") || return 1
  done
  REPLY=${text%%$'\n'*}
}

# ---- Asking -----------------------------------------------------------------------------------

# From 127.0.0.2: dig opens its sockets with SO_REUSEPORT, as gslbd does, so from 127.0.0.1 the
# kernel gives it gslbd's own port once in 28,000 queries, and dig then talks to itself ("query
# response not set").
ask() { dig -b 127.0.0.2 @127.0.0.1 -p "$GSLBD_PORT" +tries=1 +timeout=2 "$@" 2>&1; }

# sample NAME COUNT: asks COUNT times. SEEN[site], SEEN[other]: the answers; ANSWERS: their sum.
declare -A SEEN=()
ANSWERS=0
sample() {
  local name=$1 count=$2 site line
  SEEN=([other]=0)
  ANSWERS=0
  for site in "${SITES[@]}"; do SEEN[$site]=0; done
  # One dig for all of them: a process per query would cost a hundred times as much.
  for ((; count > 0; --count)); do echo "$name A"; done >"$DIR/queries"
  while IFS= read -r line; do
    [[ -z $line || $line == ';;'* ]] && continue
    SEEN[${SITE_OF[$line]:-other}]=$((SEEN[${SITE_OF[$line]:-other}] + 1))
    ANSWERS=$((ANSWERS + 1))
  done <<<"$(ask +short -f "$DIR/queries")"
}

# REPLY: "london 70.2 %, paris 19.8 %, newyork 10.0 %" of the last sample.
describe_sample() {
  local site permille text=''
  for site in "${SITES[@]}" other; do
    [[ $site == other && ${SEEN[other]} == 0 ]] && continue
    permille=0
    ((ANSWERS > 0)) && permille=$(((${SEEN[$site]} * 1000 + ANSWERS / 2) / ANSWERS))
    text+="${text:+, }$site $((permille / 10)).$((permille % 10)) %"
  done
  REPLY=$text
}
