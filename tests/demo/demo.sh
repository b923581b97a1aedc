#!/usr/bin/env bash
# demo.sh BUILD_DIR [--script]
#
# gslbd steering VPN clients among three sites, on loopback and as any user. Without --script: runs
# until Ctrl-C and shows what happens while you break sites and edit the configuration. With it:
# plays the whole story unattended, checks each step, and exits 0 when all went as expected.
#
# Needs bash, coreutils, grep, sed, dig, and the binaries gslbd and gslbd-demo-site of BUILD_DIR.

set -u
# The same digits, messages and sort order everywhere.
export LC_ALL=C

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/demo/lib.sh
source "$here/lib.sh"

usage() {
  printf 'usage: %s BUILD_DIR [--script]\n' "${0##*/}" >&2
  exit 2
}

check_requirements() {
  local file
  for file in "$BUILD/app/gslbd" "$BUILD/tests/support/gslbd-demo-site"; do
    [[ -x $file ]] && continue
    printf '%s is missing: build it first, or run ./dev demo\n' "$file" >&2
    exit 1
  done
  if ! command -v dig >/dev/null; then
    printf 'dig is missing: apt-get install bind9-dnsutils\n' >&2
    exit 1
  fi
}

clean_up() {
  trap '' INT TERM # a second Ctrl-C must not stop this half-way
  end_all
  rm -rf "$DIR"
}

[[ $# -ge 1 && $# -le 2 ]] || usage
BUILD=$(cd "$1" 2>/dev/null && pwd) || usage
case ${2:-} in
  '') play=live ;;
  --script) play=story ;;
  *) usage ;;
esac
check_requirements

use_directory "$(mktemp -d "${TMPDIR:-/tmp}/gslbd-demo.XXXXXX")"
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# shellcheck source=tests/demo/live.sh
# shellcheck source=tests/demo/story.sh
source "$here/$play.sh"

start_sites "$BUILD" || exit 1
write_config
start_gslbd "$BUILD" || exit 1
"play_$play" # its result is ours
