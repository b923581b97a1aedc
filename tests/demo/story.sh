# shellcheck shell=bash
# The story that `demo.sh --script` plays: from three healthy sites through every kind of trouble
# back to an orderly end. Each step waits for what it expects, for a bounded time, and reports it.

# 2,000 queries put ±5 points at five standard deviations: a right server does not fail by chance.
readonly STORY_QUERIES=2000
readonly STORY_TOLERANCE=5
# interval 1 s, one tolerated failure: two failed probes, so about two seconds, and room for a
# loaded machine.
readonly STORY_PATIENCE=10

readonly VPN=vpn.$ZONE
readonly VPN_PRIORITY=vpn-priority.$ZONE

passed=0
failed=0

ok() {
  passed=$((passed + 1))
  printf 'ok   %s\n' "$1"
}

# fail WHAT EXPECTED SEEN
fail() {
  failed=$((failed + 1))
  printf 'FAIL %s\n       expected: %s\n       seen:     %s\n' "$1" "$2" "$3"
}

chapter() { printf '\n%s\n' "$1"; }
quote() { printf '     | %s\n' "$1"; }

# ---- Checks -----------------------------------------------------------------------------------

# expect_shares WHAT NAME SITE=PERCENT…: sites not named must not be answered at all.
expect_shares() {
  local what=$1 name=$2 pair site want permille good=true
  shift 2
  local -A wanted=()
  for pair in "$@"; do wanted[${pair%=*}]=${pair#*=}; done
  sample "$name" "$STORY_QUERIES"
  [[ $ANSWERS == "$STORY_QUERIES" && ${SEEN[other]} == 0 ]] || good=false
  for site in "${SITES[@]}"; do
    want=${wanted[$site]:-0}
    permille=$((${SEEN[$site]} * 1000 / STORY_QUERIES))
    if ((want == 0)); then
      ((${SEEN[$site]} == 0)) || good=false
    else
      ((permille >= (want - STORY_TOLERANCE) * 10 && permille <= (want + STORY_TOLERANCE) * 10)) ||
        good=false
    fi
  done
  describe_sample
  if $good; then
    ok "$what: $REPLY"
  else
    fail "$what" "$* of $STORY_QUERIES queries, each within $STORY_TOLERANCE points" \
      "$ANSWERS answers: $REPLY"
  fi
}

# expect_log WHAT MARK PATTERN…: one line logged after MARK matches all patterns, soon.
expect_log() {
  local what=$1 mark=$2
  shift 2
  if wait_until "$STORY_PATIENCE" logged_since "$mark" "$@"; then
    ok "$what"
    logged_since "$mark" "$@" && quote "$REPLY"
  else
    fail "$what" "a log line with: $*" "$(tail -n "+$((mark + 1))" "$LOG" | tail -n 3)"
  fi
}

# expect_move WHAT NAME SITE SINCE_MS: a priority name is soon answered with the site; prints how
# long after SINCE_MS the first client was sent there.
expect_move() {
  local what=$1 name=$2 new=$3 since=$4
  if wait_until "$STORY_PATIENCE" first_answer_is "$name" "$new"; then
    now_ms
    ok "$what: $new, $((REPLY - since)) ms later"
  else
    fail "$what" "$name is answered with $new" "$(ask +short "$name" A)"
  fi
}

first_answer_is() { [[ $(ask +short "$1" A) == "${SITE_ADDRESS[$2]}" ]]; }

# every_site_is STATUS MARK: a status line for each site was logged after the mark.
every_site_is() {
  local site
  for site in "${SITES[@]}"; do logged_since "$2" "endpoint $site: .*-> $1" || return 1; done
}

expect_every_site() {
  local what=$1 status=$2 mark=$3
  if wait_until "$STORY_PATIENCE" every_site_is "$status" "$mark"; then
    ok "$what, after $REPLY ms"
  else
    fail "$what" "a line with $status for each of ${SITES[*]}" "$(tail -n 5 "$LOG")"
  fi
}

# share_is_over NAME SITE PERCENT: a quick look, for waiting.
share_is_over() {
  sample "$1" 200
  ((${SEEN[$2]} * 100 > $3 * 200))
}

# edit_config SED_SCRIPT: replaces the file in one step, as editors do.
edit_config() {
  sed -e "$1" "$TOML" >"$TOML.new" && mv "$TOML.new" "$TOML"
}

# ---- Chapters ---------------------------------------------------------------------------------

chapter_start() {
  chapter '1. Three sites come up'
  expect_every_site 'all sites are Online' Online 0
  expect_shares 'answers follow the weights 70/20/10' "$VPN" london=70 paris=20 newyork=10
  expect_shares 'priority sends everyone to the first site' "$VPN_PRIORITY" london=100
  expect_no_data
  expect_tcp
  expect_memory
}

expect_no_data() {
  local reply
  reply=$(ask +noall +comments +authority "$VPN" AAAA)
  if [[ $reply == *'status: NOERROR'* && $reply == *'ANSWER: 0'* && $reply == *SOA* ]]; then
    ok 'AAAA of an IPv4 site is NODATA with the SOA'
  else
    fail 'AAAA of an IPv4 site is NODATA with the SOA' 'NOERROR, ANSWER: 0, SOA' "$reply"
  fi
}

expect_tcp() {
  local reply
  reply=$(ask +tcp +short "$VPN_PRIORITY" A)
  if [[ $reply == "${SITE_ADDRESS[london]}" ]]; then
    ok 'TCP gives the same answer'
  else
    fail 'TCP gives the same answer' "${SITE_ADDRESS[london]}" "$reply"
  fi
}

expect_memory() {
  local kib
  [[ -r /proc/$GSLBD_PID/status ]] || return 0 # a root without /proc
  kib=$(sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$GSLBD_PID/status")
  if ((kib < 30 * 1024)); then
    ok "gslbd takes $((kib / 1024)).$((kib % 1024 * 10 / 1024)) MB of memory"
  else
    fail 'gslbd takes less than 30 MB of memory' '< 30720 kB' "$kib kB"
  fi
}

chapter_site_fails() {
  local mark since
  chapter '2. London answers 404 instead of 401: up, but no VPN'
  log_lines
  mark=$REPLY
  now_ms
  since=$REPLY
  site_fails london
  expect_move 'clients go to the next site' "$VPN_PRIORITY" paris "$since"
  expect_log 'gslbd says why' "$mark" 'endpoint london: .*-> Degraded' 401 404
  expect_shares 'the others share by their weights, 2 to 1' "$VPN" paris=67 newyork=33
  expect_shares 'priority sends everyone to the second site' "$VPN_PRIORITY" paris=100
}

chapter_site_returns() {
  local mark since
  chapter '3. London returns'
  log_lines
  mark=$REPLY
  now_ms
  since=$REPLY
  site_recovers london
  expect_move 'clients return' "$VPN_PRIORITY" london "$since"
  expect_log 'gslbd says so' "$mark" 'endpoint london: .*-> Online'
  expect_shares 'answers follow the weights again' "$VPN" london=70 paris=20 newyork=10
}

chapter_edit() {
  local what='the new weights are taken over live'
  chapter '4. The weights are edited to 10/20/70'
  edit_config 's/weight = 70/weight = WAS_70/; s/weight = 10/weight = 70/; s/WAS_70/10/'
  if wait_until "$STORY_PATIENCE" share_is_over "$VPN" newyork 50; then
    ok "$what, after $REPLY ms"
  else
    describe_sample
    fail "$what" 'more than half of the clients at newyork' "$REPLY"
  fi
  expect_shares 'answers follow the new weights' "$VPN" london=10 paris=20 newyork=70
}

chapter_broken_edit() {
  local mark line column text
  chapter '5. A broken edit is refused'
  log_lines
  mark=$REPLY
  edit_config 's/weight = 20/weight = "many"/'
  line=$(grep -n '"many"' "$TOML")
  text=${line#*:}
  line=${line%%:*}
  text=${text%%'"many"'*}
  column=$((${#text} + 1))
  expect_log "the error names the place, line $line column $column" "$mark" \
    "gslbd\\.toml:$line:$column: error:"
  expect_shares 'the old answers stay' "$VPN" london=10 paris=20 newyork=70
  log_lines
  mark=$REPLY
  # Weights that show in the answers when the repaired file is in force.
  edit_config 's/weight = "many"/weight = 200/'
  if wait_until "$STORY_PATIENCE" share_is_over "$VPN" paris 50; then
    ok "the repaired file is taken over, after $REPLY ms"
  else
    describe_sample
    fail 'the repaired file is taken over' 'more than half of the clients at paris' "$REPLY"
  fi
}

chapter_hard_kill() {
  local mark since
  chapter '6. The process at London is killed: connection refused'
  log_lines
  mark=$REPLY
  now_ms
  since=$REPLY
  kill -KILL "${SITE_PID[london]}"
  wait "${SITE_PID[london]}" 2>/dev/null
  expect_move 'clients go to the next site' "$VPN_PRIORITY" paris "$since"
  expect_log 'gslbd says why' "$mark" 'endpoint london: .*-> Degraded' '[Rr]efused|[Cc]onnect'
  now_ms
  since=$REPLY
  if ! start_site "$BUILD" london; then
    fail 'the site starts again' 'a listening site' "$(cat "$DIR/london.err")"
  fi
  expect_move 'the site starts again, clients return' "$VPN_PRIORITY" london "$since"
}

chapter_hang() {
  local mark since
  chapter '7. The process at London hangs: it accepts connections and says nothing'
  log_lines
  mark=$REPLY
  now_ms
  since=$REPLY
  kill -STOP "${SITE_PID[london]}"
  expect_move 'clients go to the next site' "$VPN_PRIORITY" paris "$since"
  expect_log 'gslbd says why' "$mark" 'endpoint london: .*-> Degraded' '[Tt]imed? ?out|no answer'
  now_ms
  since=$REPLY
  kill -CONT "${SITE_PID[london]}"
  expect_move 'the site goes on, clients return' "$VPN_PRIORITY" london "$since"
}

chapter_all_down() {
  local mark site
  chapter '8. All sites are down: serve-all'
  log_lines
  mark=$REPLY
  for site in "${SITES[@]}"; do site_fails "$site"; done
  expect_every_site 'all sites are Degraded' Degraded "$mark"
  # 10/200/70 since chapter 5: all sites as if they were well, so that whoever can connect does.
  expect_shares 'all sites are answered all the same' "$VPN" london=4 paris=71 newyork=25
  expect_shares 'priority answers the first' "$VPN_PRIORITY" london=100
}

chapter_end() {
  local status=0
  chapter '9. SIGTERM'
  kill -TERM "$GSLBD_PID"
  if wait_until 10 has_ended "$GSLBD_PID"; then
    wait "$GSLBD_PID" || status=$?
    if ((status == 0)); then
      ok "gslbd ends with exit code 0, after $REPLY ms"
    else
      fail 'gslbd ends with exit code 0' 0 "$status: $(tail -n 3 "$LOG")"
    fi
  else
    fail 'gslbd ends with exit code 0' 'an end within 10 s' 'still running'
  fi
}

# A daemon that is gone fails every later step after its full patience: stop at the first.
play_story() {
  local start next
  now_ms
  start=$REPLY
  printf 'gslbd on 127.0.0.1:%s, three sites on port %s, all in %s\n' \
    "$GSLBD_PORT" "$SITE_PORT" "$DIR"
  for next in start site_fails site_returns edit broken_edit hard_kill hang all_down end; do
    "chapter_$next"
    if [[ $next != end ]] && has_ended "$GSLBD_PID"; then
      fail 'gslbd runs' 'a running process' "it ended; its last words: $(tail -n 5 "$LOG")"
      break
    fi
  done
  if ((failed > 0)); then
    printf '\ngslbd logged:\n'
    cat "$LOG"
  fi
  now_ms
  printf '\n%d passed, %d failed (%d.%d s)\n' "$passed" "$failed" \
    $(((REPLY - start) / 1000)) $(((REPLY - start) % 1000 / 100))
  ((failed == 0))
}
