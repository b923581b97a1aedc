#!/usr/bin/env bash
# abuse.sh BUILD_DIR [PART...]     parts: amplification limit networks connections; default all
#
# How gslbd bears abuse, measured on real packets. In network namespaces of its own, cut off from
# the machine's network, gslbd serves; an attacker forges queries in the names of victims, or holds
# connections; and honest clients ask. Each part prints what it measured and checks it:
#
#   amplification  what a victim gets for each octet that the attacker sends, message by message,
#                  without and with server.rate_limit
#   limit          one network flooded: what gets out, and how honest clients elsewhere, in the
#                  flooded network, and with a DNS cookie fare
#   networks       a million networks in turn: gslbd's memory, and honest clients
#   connections    20,000 connections that begin something and stop, over TCP and TLS
#
# Exit code: 0; 1 when a bound is broken; 2 for a usage error; 77 where this user may not create
# network namespaces (root may).
#
# Needs ip, nft, dig, kdig and openssl (packages iproute2, nftables, bind9-dnsutils, knot-dnsutils,
# openssl). Run it where nothing else keeps the cores busy: latencies are measured.

set -u
export LC_ALL=C

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/demo/lib.sh
source "$here/../demo/lib.sh"

readonly PARTS=(amplification limit networks connections)

# The addresses: documentation networks, and for a million victims those of a namespace that leads
# nowhere.
readonly SERVER4=192.0.2.53 SERVER6=2001:db8:53::53
readonly HONEST4=203.0.113.7 HONEST6=2001:db8:aa::7   # far from the victims
readonly NEIGHBOUR4=198.51.100.7                      # an honest client in the victims' /24
readonly VICTIMS4=198.51.100.128 VICTIMS6=2001:db8:bb::
readonly HOSTILE4=10.66.0.1 HOSTILE_COUNT=1000        # who holds connections, not forged

readonly RATE=50 ERROR_RATE=10                        # of server.rate_limit
readonly WORKERS=2
readonly MIN_SERVED=99                                # percent of an honest client's queries
readonly MAX_P99_MS=100                               # for 99 % of them; idle cores take under 1 ms
readonly MAX_RSS_GROWTH_KIB=8192                      # by the flood of networks
readonly MAX_RSS_CONNECTIONS_KIB=200000               # with every connection taken
readonly MAX_RSS_LEFT_KIB=24576                       # beyond that at rest, once they are gone

readonly SPACE=gslb-abuse-$$
readonly AT=$SPACE-server BY=$SPACE-attacker OF=$SPACE-victims FAR=$SPACE-honest
troubles=0

usage() {
  printf 'usage: %s BUILD_DIR [%s]...\n' "${0##*/}" "$(IFS='|'; echo "${PARTS[*]}")" >&2
  exit 2
}

trouble() {
  troubles=$((troubles + 1))
  printf 'FAIL %s\n' "$*"
}

# check CONDITION TEXT…: the condition is arithmetic, with fractions.
check() {
  local condition=$1
  shift
  awk "BEGIN { exit !($condition) }" || trouble "$* ($condition)"
}

# compute EXPRESSION: REPLY is its value, with two decimals.
compute() { REPLY=$(awk "BEGIN { printf \"%.2f\", $1 }"); }

# value_of KEY TEXT: REPLY is N of KEY=N.
value_of() {
  [[ " $2" =~ [[:space:]]$1=([0-9.]+) ]] || {
    trouble "no $1 in \"$2\""
    REPLY=0
    return
  }
  REPLY=${BASH_REMATCH[1]}
}

# ---- The network ------------------------------------------------------------------------------

inside() {
  local space=$1
  shift
  ip netns exec "$space" "$@"
}

# Ends with 77 where the means are missing. Nothing is skipped in silence.
check_requirements() {
  local tool why=''
  for tool in ip nft dig kdig openssl; do
    command -v "$tool" >/dev/null || {
      printf '%s is missing: apt-get install iproute2 nftables bind9-dnsutils knot-dnsutils openssl\n' \
        "$tool" >&2
      exit 1
    }
  done
  ip netns add "$AT" 2>/dev/null || why='network namespaces cannot be created'
  [[ -n $why ]] || inside "$AT" nft add table inet probe 2>/dev/null || why='nftables does not work'
  [[ -z $why ]] && return
  printf '\nSKIPPED, NOTHING WAS MEASURED: %s by user %s here; run as root, on a kernel with %s\n' \
    "$why" "$(id -un)" 'namespaces, veth and nf_tables' >&2
  exit 77
}

# link SPACE NUMBER: a cable from the server to another namespace, with addresses at both ends.
link() {
  local space=$1 number=$2
  ip netns add "$space"
  ip link add "to$number" netns "$AT" type veth peer name uplink netns "$space"
  ip -n "$AT" address add "10.0.$number.1/30" dev "to$number"
  ip -n "$AT" address add "fd00:$number::1/64" dev "to$number" nodad
  ip -n "$AT" link set "to$number" up
  ip -n "$space" address add "10.0.$number.2/30" dev uplink
  ip -n "$space" address add "fd00:$number::2/64" dev uplink nodad
  ip -n "$space" link set lo up
  ip -n "$space" link set uplink up
}

# home SPACE NUMBER ADDRESS [ADDRESS6]: what a client there asks from.
home() {
  local space=$1 number=$2
  ip -n "$space" address add "$3/32" dev lo
  ip -n "$space" route add default via "10.0.$number.1" src "$3"
  [[ -z ${4:-} ]] && return
  ip -n "$space" address add "$4/128" dev lo nodad
  ip -n "$space" route add default via "fd00:$number::1" src "$4"
}

# The server's namespace exists. What is sent to anybody unknown goes to the victims' namespace,
# which counts it: packets, octets of whole IP packets, and how many have TC set.
build_network() {
  ip -n "$AT" link set lo up
  ip -n "$AT" address add $SERVER4/32 dev lo
  ip -n "$AT" address add $SERVER6/128 dev lo nodad
  link "$BY" 1
  link "$OF" 2
  link "$FAR" 3
  # Forged sources come in where no route leads back to them.
  inside "$AT" sysctl -q net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.to1.rp_filter=0
  ip -n "$AT" route add default via 10.0.2.2
  ip -n "$AT" route add default via fd00:2::2
  ip -n "$AT" route add $HONEST4 via 10.0.3.2
  ip -n "$AT" route add $HONEST6 via fd00:3::2
  home "$FAR" 3 $HONEST4 $HONEST6
  home "$OF" 2 $NEIGHBOUR4
  ip -n "$BY" route add default via 10.0.1.1
  ip -n "$BY" route add default via fd00:1::1
  # The attacker owns a whole network, for connections that are not forged.
  ip -n "$BY" route add local 10.66.0.0/22 dev lo
  ip -n "$AT" route add 10.66.0.0/22 via 10.0.1.2
  inside "$OF" nft -f - <<NFT
table inet victims {
  counter arrived { }
  counter truncated { }
  chain arriving {
    type filter hook prerouting priority raw
    ip daddr { $NEIGHBOUR4, 10.0.2.2 } accept
    ip6 daddr { fe80::/10, ff00::/8, fd00:2::/64 } accept
    iif != "uplink" accept
    udp sport 53 @th,80,8 & 0x02 == 0x02 counter name truncated
    counter name arrived drop
  }
}
NFT
}

# take_counters: packets, octets, truncated: since the last time.
packets=0 octets=0 truncated=0
take_counters() {
  local text
  # A packet crosses these cables within the sender's system call, a response soon after.
  wait_until 5 counters_rest
  text=$(inside "$OF" nft reset counters table inet victims)
  read -r truncated packets octets < <(awk '
    /counter / { name = $2 }
    /packets/ { packets[name] = $2; octets[name] = $4 }
    END { print packets["truncated"], packets["arrived"], octets["arrived"] }' <<<"$text")
}

counted=''
counters_rest() {
  local before=$counted
  sleep 0.05
  counted=$(inside "$OF" nft list counters table inet victims)
  [[ $counted == "$before" ]]
}

# ---- gslbd ------------------------------------------------------------------------------------

# large_record LENGTH: a TXT record of so many octets of data, in strings of 200.
txt_strings() {
  local left=$1 size
  while ((left > 0)); do
    size=$((left > 201 ? 200 : left - 1))
    printf ' "%*s"' "$size" '' | tr ' ' 'x' | sed 's/^x/ /'
    left=$((left - size - 1))
  done
}

# write_abuse_config RATE_LIMIT: a line for [server], or nothing.
write_abuse_config() {
  cat >"$DIR/large.zone" <<ZONE
large    TXT $(txt_strings 1160)
toolarge TYPE65280 \\# 1900 $(printf '%03800d' 0)
ZONE
  cat >"$TOML" <<TOML
[server]
listen          = ["$SERVER4:53", "[$SERVER6]:53"]
tls_listen      = ["$SERVER4:853"]
tls_certificate = "$DIR/cert.pem"
tls_key         = "$DIR/key.pem"
workers         = $WORKERS
identity        = "a-rather-long-identity-to-see-what-nsid-adds-to-a-response"
$1

[zone."$ZONE"]
nameservers = { "ns1.$ZONE" = ["$SERVER4"] }
file        = "large.zone"

[endpoint.london]
addresses = ["203.0.113.10"]

[profile.vpn]
name      = "vpn.$ZONE"
method    = "priority"
endpoints = [ { endpoint = "london" } ]
TOML
}

readonly LIMITED="rate_limit = { responses_per_second = $RATE, nxdomains_per_second = $RATE, \
errors_per_second = $ERROR_RATE }"

# start_server [RATE_LIMIT]
start_server() {
  write_abuse_config "${1:-}"
  : >"$LOG"
  ip netns exec "$AT" "$BUILD/app/gslbd" --config "$TOML" >"$DIR/gslbd.out" 2>"$LOG" &
  GSLBD_PID=$!
  wait_until 10 server_listens && is_running "$GSLBD_PID" && return
  printf 'gslbd did not start. It said:\n%s\n' "$(<"$LOG")"
  troubles=$((troubles + 1))
  return 1
}

server_listens() { grep -q "listening on $SERVER4:853" "$LOG" || has_ended "$GSLBD_PID"; }

stop_server() {
  is_running "$GSLBD_PID" || trouble "gslbd ended: $(tail -n 5 "$LOG")"
  end_process "$GSLBD_PID"
  GSLBD_PID=''
}

# REPLY: KiB that are resident.
resident() { REPLY=$(sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$GSLBD_PID/status"); }

# ---- Who asks and who attacks -----------------------------------------------------------------

flood() { inside "$BY" "$BUILD/tests/abuse/flood" --to "$@"; }

# ask SPACE ARGUMENT…: an honest client.
ask_from() {
  local space=$1
  shift
  inside "$space" "$BUILD/tests/abuse/ask" "$@"
}

# show_client WHO RESULT: a row of how a client fared; the shares and times that are checked are
# left in served (percent) and p99.
served=0 p99=0
show_client() {
  local asked answered tcp p50 max
  value_of asked "$2" && asked=$REPLY
  value_of answered "$2" && answered=$REPLY
  value_of tcp "$2" && tcp=$REPLY
  value_of p50 "$2" && p50=$REPLY
  value_of p99 "$2" && p99=$REPLY
  value_of max "$2" && max=$REPLY
  compute "$asked ? 100 * $answered / $asked : 0" && served=$REPLY
  printf '%-34s %6d %8.2f %% %6d %9.2f %9.2f %9.2f\n' "$1" "$asked" "$served" "$tcp" "$p50" \
    "$p99" "$max"
}

show_client_head() {
  printf '%-34s %6s %10s %6s %9s %9s %9s\n' 'client' asked served 'by TCP' 'p50 ms' 'p99 ms' 'max ms'
}

# ---- Amplification ----------------------------------------------------------------------------

# Message, and the most that a response may have for each octet of it, without a rate limit, as DNS
# messages. 1 for all that is refused; 0 for what must get no response. RFC 7873 §5.2.3 demands that
# a server cookie, of 16 octets here, is added: 74/58. Responses that carry data are what was asked
# for: their bounds are there to notice a change.
readonly AMPLIFICATION=(
  'a 1.45' 'a-edns 1.4' 'nodata 2.4' 'nxdomain 2.4' 'any 1.6'
  'large-txt 24.2' 'large-plain 1' 'too-large 1'
  'refused 1' 'refused-edns 1' 'refused-nsid 1' 'refused-subnet 1' 'refused-cookie 1.3'
  'axfr 1' 'axfr-edns 1' 'version.bind 1' 'notimp 1' 'notify 1' 'formerr 1' 'cut-short 1'
  'badvers 1' 'garbage 1' 'response 0' 'too-short 0' 'source-port-0 0'
)
readonly COUNT=1000 PACE=4000
readonly UDP4_HEADERS=28

# amplify MESSAGE: floods; per_packet, by_dns, by_ip: responses and octets for each of the query's.
per_packet=0 by_dns=0 by_ip=0 message_size=0 flood_seconds=0
amplify() {
  local message=$1 options=() text sent size
  [[ $message == source-port-0 ]] && message=a options=(--source-port-0)
  text=$(flood $SERVER4 --from $VICTIMS4 --prefix 25 --count $COUNT --rate $PACE \
    --message "$message" "${options[@]}") || trouble "the flood of $1 failed"
  take_counters
  value_of octets "$text" && sent=$REPLY
  value_of message "$text" && size=$REPLY
  value_of seconds "$text" && flood_seconds=$REPLY
  compute "$packets / $COUNT" && per_packet=$REPLY
  compute "$octets / $sent" && by_ip=$REPLY
  compute "($octets - $packets * $UDP4_HEADERS) / ($size * $COUNT)" && by_dns=$REPLY
  message_size=$size
}

amplification() {
  local row name bound size rate
  declare -A open_dns=() open_ip=() open_packets=()
  printf '\nAmplification: %d forged queries of each kind at %d/s; octets to the victim for each octet of the attacker\n' \
    $COUNT $PACE
  printf 'With a rate limit: %d responses and %d errors per second.\n' $RATE $ERROR_RATE
  start_server || return
  for row in "${AMPLIFICATION[@]}"; do
    read -r name bound <<<"$row"
    amplify "$name"
    open_packets[$name]=$per_packet open_dns[$name]=$by_dns open_ip[$name]=$by_ip
    check "($octets - $packets * $UDP4_HEADERS) <= $bound * $message_size * $COUNT" \
      "$name: a response has $by_dns octets for each of the query, more than $bound"
  done
  stop_server

  start_server "$LIMITED" || return
  printf '%-15s %6s   %27s   %27s\n' '' query 'without a limit' 'with the limit'
  printf '%-15s %6s   %9s %8s %8s   %9s %8s %8s\n' message octets resp/query DNS IP resp/query DNS IP
  for row in "${AMPLIFICATION[@]}"; do
    read -r name bound <<<"$row"
    amplify "$name"
    size=$message_size
    printf '%-15s %6d   %9s %8s %8s   %9s %8s %8s\n' "$name" "$size" "${open_packets[$name]}" \
      "${open_dns[$name]}" "${open_ip[$name]}" "$per_packet" "$by_dns" "$by_ip"
    case $name in
      a | a-* | nodata | nxdomain | any | *large*) rate=$RATE ;;
      *) rate=$ERROR_RATE ;;
    esac
    # What the limit grants, with what a full bucket holds, and half of the rest (slip = 2).
    check "$packets <= ($flood_seconds + 1) * $rate * 1.1 + 0.5 * $COUNT + $WORKERS" \
      "$name: $packets responses in $flood_seconds s get through the limit"
  done
  stop_server
}

# ---- The rate limit ---------------------------------------------------------------------------

limit() {
  local seconds=10 pace=5000 flood_pid text near far cookie dig_failures i address
  printf '\nThe limit: one /24 forged, %d queries for A at %d/s; the limit is %d/s\n' \
    $((seconds * pace)) $pace $RATE
  start_server "$LIMITED" || return
  show_client_head
  show_client 'elsewhere, before' "$(ask_from "$FAR" --to $SERVER4 --rate 40 --count 100)"
  check "$served == 100" 'a client elsewhere is not served at rest'

  take_counters
  flood $SERVER4 --from $VICTIMS4 --prefix 25 --count $((seconds * pace)) --rate $pace \
    >"$DIR/flood.out" &
  flood_pid=$!
  # All of them ask while the flood lasts; each keeps below the limit of its own network.
  ask_from "$FAR" --to $SERVER4 --rate 40 --count 320 >"$DIR/far.out" &
  local far_pid=$!
  ask_from "$OF" --to $SERVER4 --rate 20 --count 80 --tries 8 --timeout 100 >"$DIR/near.out" &
  local near_pid=$!
  ask_from "$OF" --to $SERVER4 --rate 200 --count 1600 --cookie >"$DIR/cookie.out" &
  local cookie_pid=$!
  # The same with dig: the cookie that it got once, shown again and again.
  cookie=$(inside "$OF" dig @$SERVER4 +tcp +cookie "vpn.$ZONE" A |
    sed -nE 's/^; COOKIE: ([0-9a-f]+).*/\1/p')
  dig_failures=0
  for ((i = 0; i < 20; ++i)); do
    address=$(inside "$OF" dig @$SERVER4 +tries=1 +timeout=2 +ignore "+cookie=$cookie" +short \
      "vpn.$ZONE" A)
    [[ $address == 203.0.113.10 ]] || dig_failures=$((dig_failures + 1))
  done
  is_running $flood_pid || trouble 'the flood ended before dig did'
  wait $far_pid $near_pid $cookie_pid
  is_running $flood_pid || trouble 'the flood ended before the honest clients did'
  wait $flood_pid
  take_counters

  far=$(<"$DIR/far.out") near=$(<"$DIR/near.out") cookie=$(<"$DIR/cookie.out")
  show_client 'elsewhere, during the flood' "$far"
  check "$served >= $MIN_SERVED" 'a client elsewhere suffers from the flood'
  check "$p99 < $MAX_P99_MS" 'a client elsewhere waits'
  show_client 'in the flooded /24, up to 8 tries' "$near"
  check "$served >= 95" 'a client in the flooded network is cut off'
  show_client 'in the flooded /24, with a cookie' "$cookie"
  check "$served >= $MIN_SERVED" 'a cookie does not lift the limit'
  check "$p99 < $MAX_P99_MS" 'a client with a cookie waits'
  printf 'dig +cookie in the flooded /24: %d of 20 answered\n' $((20 - dig_failures))
  ((dig_failures == 0)) || trouble 'dig with a cookie is limited'

  # What honest clients of the network drew from its limit is not in these figures.
  show_limited '/24' "$(<"$DIR/flood.out")" $((seconds * pace))

  text=$(flood $SERVER6 --from $VICTIMS6 --prefix 56 --count $((3 * pace)) --rate $pace) ||
    trouble 'the flood over IPv6 failed'
  take_counters
  show_limited '/56' "$text" $((3 * pace))
  stop_server
}

# show_limited NETWORK RESULT_OF_FLOOD COUNT: prints and checks what a flood of one network drew.
show_limited() {
  local full seconds
  value_of seconds "$2" && seconds=$REPLY
  value_of octets "$2" && compute "$octets / $REPLY"
  full=$((packets - truncated))
  printf 'out of the flood of a %s: %d of %d queries answered whole, %.0f/s; %d truncated, %.0f/s; %s\n' \
    "$1" "$full" "$3" "$(awk "BEGIN { print $full / $seconds }")" "$truncated" \
    "$(awk "BEGIN { print $truncated / $seconds }")" "IP octets $REPLY of those sent"
  # A full bucket beside what flows in, and every second one of the rest (slip = 2).
  check "$full <= ($seconds + 1) * $RATE * 1.1" "$1: more answers than the limit grants"
  check "$full >= $seconds * $RATE * 0.5" "$1: fewer answers than the limit grants"
  check "$truncated <= 0.5 * $3" "$1: more slipped than every second one"
  check "$truncated >= 0.45 * $3" "$1: hardly anything slipped"
}

# ---- A million networks -----------------------------------------------------------------------

# flood_networks FAMILY SERVER COUNT PACE FROM PREFIX EACH HONEST_SECONDS
flood_networks() {
  local family=$1 server=$2 count=$3 pace=$4 before after flood_pid
  resident && before=$REPLY
  take_counters
  flood "$server" --count "$count" --rate "$pace" --from "$5" --prefix "$6" --each "$7" \
    >"$DIR/flood.out" &
  flood_pid=$!
  show_client "elsewhere, during the flood, $family" \
    "$(ask_from "$FAR" --to "$server" --rate 40 --count $((40 * $8)))"
  check "$served >= $MIN_SERVED" "an honest client suffers from the flood of networks, $family"
  check "$p99 < $MAX_P99_MS" "an honest client waits, $family"
  is_running $flood_pid || trouble 'the flood ended before the honest client did'
  wait $flood_pid
  take_counters
  resident && after=$REPLY
  networks_report+="$family: $count networks (/$7) at $pace/s, $packets answered; \
resident before $before KiB, after $after KiB"$'\n'
  # A flood that the server could not take in would prove nothing.
  check "$packets >= 0.8 * $count" "only $packets of $count forged queries were answered, $family"
  check "$after - $before <= $MAX_RSS_GROWTH_KIB" "gslbd grew from $before to $after KiB, $family"
}

networks() {
  networks_report=''
  printf '\nA million networks: each forged query from another one, with the limit of %d/s\n' $RATE
  start_server "$LIMITED" || return
  show_client_head
  flood_networks IPv4 $SERVER4 1000000 50000 16.0.0.0 4 24 16
  flood_networks IPv6 $SERVER6 500000 50000 3fff:: 20 56 7
  printf '%s' "$networks_report"
  stop_server
}

# ---- Connections that stop --------------------------------------------------------------------

kdig_tls() {
  inside "$FAR" kdig @$SERVER4 +tls +timeout=3 +retry=0 +short "vpn.$ZONE" A 2>/dev/null
}

# start_holding KIND OPTION…: 10,000 connections from the attacker, held for three seconds.
declare -A HOLD_PID=()
start_holding() {
  local kind=$1
  shift
  : >"$DIR/hold-$kind.out"
  inside "$BY" "$BUILD/tests/abuse/hold" --to $SERVER4 --from $HOSTILE4 --sources $HOSTILE_COUNT \
    --connections 10000 --seconds 3 "$@" >"$DIR/hold-$kind.out" &
  HOLD_PID[$kind]=$!
}

# one_round NUMBER: all connections are opened and held; honest clients ask meanwhile. round_max:
# the most memory that gslbd took.
round_max=0
one_round() {
  local number=$1 ask_pid kind text asked=0 answered=0
  round_max=0
  start_holding tcp
  start_holding tls --tls --port 853
  ask_from "$FAR" --to $SERVER4 --rate 200 --count 800 >"$DIR/far.out" &
  ask_pid=$!
  while is_running "${HOLD_PID[tcp]}" || is_running "${HOLD_PID[tls]}"; do
    [[ $(kdig_tls) == 203.0.113.10 ]] && answered=$((answered + 1))
    asked=$((asked + 1))
    resident && ((REPLY > round_max)) && round_max=$REPLY
  done
  wait $ask_pid
  show_client "UDP, during round $number" "$(<"$DIR/far.out")"
  check "$served >= $MIN_SERVED" 'UDP suffers from connections'
  check "$p99 < $MAX_P99_MS" 'UDP waits for connections'
  for kind in tcp tls; do
    wait "${HOLD_PID[$kind]}" || trouble "the connections over $kind were not held"
    text=$(<"$DIR/hold-$kind.out")
    connections_report+="round $number, $kind: $text"$'\n'
    value_of failed "$text" && check "$REPLY <= 500" "connections over $kind were not taken"
  done
  connections_report+="round $number: kdig +tls $answered of $asked answered; resident at most \
$round_max KiB"$'\n'
  ((asked >= 10 && answered * 10 >= asked * 9)) ||
    trouble "only $answered of $asked TLS clients were served"
  check "$round_max <= $MAX_RSS_CONNECTIONS_KIB" 'connections take too much memory'
}

connections() {
  local before
  connections_report=''
  printf '\nConnections: 10,000 over TCP and 10,000 for TLS that begin something and stop, twice\n'
  start_server || return
  show_client_head
  show_client 'UDP, before' "$(ask_from "$FAR" --to $SERVER4 --rate 200 --count 400)"
  [[ $(kdig_tls) == 203.0.113.10 ]] || trouble 'TLS is not served at rest'
  resident && before=$REPLY
  one_round 1
  one_round 2
  wait_until 5 has_shrunk_to $((before + MAX_RSS_LEFT_KIB)) || trouble 'memory is not handed back'
  resident
  printf '%sresident before %d KiB, after %d KiB\n' "$connections_report" "$before" "$REPLY"
  stop_server
}

has_shrunk_to() { resident && ((REPLY <= $1)); }

# ---- Main -------------------------------------------------------------------------------------

clean_up() {
  trap '' INT TERM
  local pid space
  for pid in $(jobs -p); do end_process "$pid"; done
  end_all
  for space in "$AT" "$BY" "$OF" "$FAR"; do
    [[ -e /run/netns/$space ]] && ip netns del "$space"
  done
  rm -rf "$DIR"
}

[[ $# -ge 1 ]] || usage
BUILD=$(cd "$1" 2>/dev/null && pwd) || usage
shift
for part in "$@"; do [[ " ${PARTS[*]} " == *" $part "* ]] || usage; done
use_directory "$(mktemp -d "${TMPDIR:-/tmp}/gslbd-abuse.XXXXXX")"
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
check_requirements
build_network || exit 1
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=ns1.$ZONE" \
  -keyout "$DIR/key.pem" -out "$DIR/cert.pem" 2>/dev/null

printf 'load average before: %s\n' "$(cut -d' ' -f1-3 /proc/loadavg)"
[[ $# -gt 0 ]] || set -- "${PARTS[@]}"
for part in "$@"; do "$part"; done
if ((troubles)); then
  printf '\n%d bounds broken\n' "$troubles"
  exit 1
fi
printf '\nall bounds kept\n'
