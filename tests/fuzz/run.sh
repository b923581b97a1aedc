#!/usr/bin/env bash
# run.sh BUILD SECONDS [TARGET...]: fuzzes each target for SECONDS, one after the other, each with a
# process for every core (at most FUZZ_JOBS). What is found to be interesting goes to BUILD/corpus,
# and is where the next run starts; an input that breaks a target goes to BUILD/crashes.
set -euo pipefail

usage() {
  echo "usage: $0 BUILD SECONDS [TARGET...]" >&2
  exit 2
}

[[ $# -ge 2 && $2 =~ ^[1-9][0-9]*$ ]] || usage
build=$(realpath "$1")
seconds=$2
shift 2
programs=$build/tests/fuzz
jobs=${FUZZ_JOBS:-$(nproc)}

export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_stack_use_after_return=1:strict_string_checks=1}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
export ASAN_SYMBOLIZER_PATH=${ASAN_SYMBOLIZER_PATH:-$(command -v llvm-symbolizer-14 || true)}

targets=("$@")
if [[ ${#targets[@]} == 0 ]]; then
  for options in "$programs"/*.options; do targets+=("$(basename "$options" .options)"); done
fi
for target in "${targets[@]}"; do
  [[ -x $programs/fuzz_$target ]] && continue
  echo "no fuzz target '$target'" >&2
  usage
done

# sum NAME LOG...: a figure of libFuzzer's statistics, over all processes.
sum() {
  local name=$1
  shift
  awk -v name="stat::$name:" '$1 == name { total += $2 } END { print total + 0 }' "$@"
}

# The most edges that a process covered.
coverage() {
  grep -ho ' cov: [0-9]*' "$@" | awk '$2 > most { most = $2 } END { print most + 0 }'
}

# fuzz TARGET: false where it failed.
fuzz() {
  local target=$1
  local corpus=$build/corpus/$target seeds=$build/seeds/$target logs=$build/logs/$target
  local options folders failed=0 executions
  rm -rf "$seeds" "$logs"
  mkdir -p "$corpus" "$seeds" "$logs" "$build/crashes"
  mapfile -t options <"$programs/$target.options"
  mapfile -t folders <"$programs/$target.seeds"
  "$programs/fuzz_export_seeds" "$seeds" "${folders[@]}"

  # libFuzzer writes the log of each process into the working directory.
  (cd "$logs" && "$programs/fuzz_$target" "${options[@]}" -max_total_time="$seconds" \
    -jobs="$jobs" -workers="$jobs" -timeout=20 -print_final_stats=1 \
    -artifact_prefix="$build/crashes/$target-" "$corpus" "$seeds") >"$logs/all.log" 2>&1 || failed=1

  executions=$(sum number_of_executed_units "$logs"/fuzz-*.log)
  printf '%-12s %12d %10d %9d %10d\n' "$target" "$executions" $((executions / seconds)) \
    "$(coverage "$logs"/fuzz-*.log)" "$(sum new_units_added "$logs"/fuzz-*.log)"
  [[ $failed == 0 ]] && return
  grep -hE '^violated:|^SUMMARY:|ERROR: (Addr|libF)|runtime error:' "$logs"/fuzz-*.log | sort -u
  grep -ho "$build/crashes/$target-[a-z]*-[0-9a-f]*" "$logs"/fuzz-*.log | sort -u |
    while read -r input; do echo "replay: $programs/fuzz_$target $input"; done
  echo "logs: $logs"
  return 1
}

printf '%-12s %12s %10s %9s %10s\n' target executions exec/s coverage 'new units'
status=0
for target in "${targets[@]}"; do fuzz "$target" || status=1; done
exit "$status"
