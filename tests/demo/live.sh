# shellcheck shell=bash
# What `demo.sh` shows without --script: an introduction, then what gslbd logs and how it answers,
# until Ctrl-C.

readonly LIVE_QUERIES=100
# Without a terminal, where no line can be rewritten: a line when something changed, and this often.
readonly LIVE_REPEAT_S=10

declare -A SITE_STATUS=()

introduce() {
  local site
  cat <<TEXT

gslbd is running. It answers DNS on 127.0.0.1:$GSLBD_PORT for two names:

  vpn.$ZONE            shares the clients by weight, 70/20/10
  vpn-priority.$ZONE   the first site that is well takes all

Three VPN sites run here, TLS servers that answer 401 on the SSTP path as Windows RRAS does.
gslbd probes each once a second:

TEXT
  for site in "${SITES[@]}"; do
    printf '  %-8s  https://%s:%s   process %s\n' \
      "$site" "${SITE_ADDRESS[$site]}" "$SITE_PORT" "${SITE_PID[$site]}"
  done
  cat <<TEXT

Try, in another terminal:

  dig @127.0.0.1 -p $GSLBD_PORT vpn.$ZONE +short
  dig @127.0.0.1 -p $GSLBD_PORT vpn-priority.$ZONE

  kill -USR1 ${SITE_PID[london]}     # London answers 404: up, but no VPN. Watch the clients move
  kill -USR2 ${SITE_PID[london]}     # London is well again
  kill -STOP ${SITE_PID[paris]}     # Paris hangs
  kill -CONT ${SITE_PID[paris]}     # Paris goes on
  kill -TERM ${SITE_PID[newyork]}     # New York is gone for good: connection refused

Edit the weights and save; gslbd takes them over, and refuses a broken file with its line:

  $TOML

Ctrl-C ends everything.

TEXT
}

# Prints what gslbd logged since the last call and learns the sites' statuses from it. Reads on
# from where the last call stopped, through the descriptor that play_live opened.
partial_line=''
relay_log() {
  local line
  while true; do
    if ! IFS= read -r line <&"$log_fd"; then
      # The end of the file, perhaps in the middle of a line: the rest comes next time.
      partial_line+=$line
      return
    fi
    line=$partial_line$line
    partial_line=''
    learn_status "$line"
    printf '%s%s\n' "$clear_line" "$line"
  done
}

# learn_status LINE: "… endpoint london: Online -> Degraded: why".
learn_status() {
  local site
  for site in "${SITES[@]}"; do
    [[ $1 =~ endpoint\ "$site":\ .*-\>\ ([A-Za-z]+) ]] && SITE_STATUS[$site]=${BASH_REMATCH[1]}
  done
}

# REPLY: "london 70 % Online · paris 20 % Online · newyork 10 % Online".
describe_sites() {
  local site text=''
  for site in "${SITES[@]}"; do
    text+="${text:+ · }$site $((${SEEN[$site]} * 100 / LIVE_QUERIES)) % ${SITE_STATUS[$site]}"
  done
  ((ANSWERS == LIVE_QUERIES)) || text+=" · $((LIVE_QUERIES - ANSWERS)) unanswered"
  REPLY=$text
}

# REPLY: what must differ for a new line where lines cannot be rewritten: statuses and shares in
# steps of 20 points, which chance seldom crosses.
describe_roughly() {
  local site text=''
  for site in "${SITES[@]}"; do
    text+="${SITE_STATUS[$site]} $(((${SEEN[$site]} * 100 / LIVE_QUERIES + 10) / 20)) "
  done
  REPLY=$text
}

show_shares() {
  local rough
  sample "vpn.$ZONE" "$LIVE_QUERIES"
  describe_roughly
  rough=$REPLY
  describe_sites
  if [[ -n $clear_line ]]; then
    printf '%s%(%H:%M:%S)T  %s' "$clear_line" -1 "$REPLY"
  elif [[ $rough != "$last_rough" ]] || ((SECONDS >= last_shown + LIVE_REPEAT_S)); then
    printf '%(%H:%M:%S)T  %s\n' -1 "$REPLY"
    last_rough=$rough
    last_shown=$SECONDS
  fi
}

play_live() {
  local site log_fd clear_line='' last_rough='' last_shown=0
  [[ -t 1 ]] && clear_line=$'\r\e[K' # the line of shares is rewritten in place
  trap 'printf "\n"; exit 0' INT
  for site in "${SITES[@]}"; do SITE_STATUS[$site]=CheckingEndpoint; done
  introduce
  exec {log_fd}<"$LOG"
  while is_running "$GSLBD_PID"; do
    relay_log
    show_shares
    sleep 1
  done
  relay_log
  printf '\ngslbd has ended.\n'
  return 1
}
