# shellcheck shell=bash disable=SC2034,SC2154  # shares variables with who sources it
# The stages of ops/test: each runs with its output in a log of its own and is told in one line.
# Needs $logs. Counts into $passed and $failed.

passed=0
failed=0
stage_ok=1

if [[ -t 1 ]]; then
  colour_ok=$'\e[32m' colour_bad=$'\e[31m' colour_off=$'\e[0m'
else
  colour_ok='' colour_bad='' colour_off=''
fi

stage_line() { # WORD COLOUR NAME SECONDS REMARK
  printf '%s%-6s%s %-24s %4d s  %s\n' "$2" "$1" "$colour_off" "$3" "$4" "$5"
}

# stage NAME COMMAND...: sets stage_ok to 1 or 0. A failure shows the end of the log, and the run
# goes on. Never call it in a condition: that would switch off `set -e` inside the command.
stage() {
  local name=$1 log started=$SECONDS
  log="$logs/${name//[^a-z0-9]/-}.log"
  shift
  set +e
  (
    set -e
    "$@"
  ) >"$log" 2>&1 </dev/null
  local code=$?
  set -e
  stage_count "$log" "$code"
  if ((code == 0)); then
    stage_ok=1
    stage_line ok "$colour_ok" "$name" $((SECONDS - started)) "$(stage_remark "$log")"
  else
    stage_ok=0
    stage_line FAILED "$colour_bad" "$name" $((SECONDS - started)) "see $log"
    stage_excerpt "$log"
  fi
}

# skip NAME REASON: what could not run because an earlier stage failed counts as failed.
skip() {
  failed=$((failed + 1))
  stage_line SKIP "$colour_bad" "$1" 0 "$2"
}

# A stage of ctest counts its tests, any other counts as one.
stage_count() { # LOG CODE
  local summary bad all
  summary=$(sed -n 's/.*tests passed, \([0-9]*\) tests failed out of \([0-9]*\)$/\1 \2/p' "$1" | tail -n 1)
  if [[ -n $summary ]]; then
    read -r bad all <<<"$summary"
    passed=$((passed + all - bad))
    failed=$((failed + bad))
    (($2 == 0 || bad > 0)) || failed=$((failed + 1))
  elif (($2 == 0)); then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
  fi
}

stage_remark() {
  sed -n 's/.*tests passed, [0-9]* tests failed out of \([0-9]*\)$/\1 tests/p' "$1" | tail -n 1
}

stage_excerpt() {
  if grep -q 'tests failed out of' "$1"; then
    grep -v '   Passed  ' "$1" | tail -n 150
  else
    tail -n 60 "$1"
  fi
}
