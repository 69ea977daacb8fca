# shellcheck shell=bash disable=SC2154  # shares variables with who sources it
# What ops/bench and ops/soak share: the release build and a stack of their own. Needs $checkout,
# $ops and $logs.

bench_build() { # TARGET...
  "$ops/install"
  if ! { cmake --preset release && cmake --build --preset release --target "$@"; } \
    >"$logs/build.log" 2>&1; then
    tail -n 40 -- "$logs/build.log" >&2
    return 1
  fi
}

# The server notes when each transaction was committed: that is how latency is measured.
bench_stack_up() {
  local name
  for name in $(compgen -v SPOOL); do unset "$name"; done
  export SPOOL_STACK_DIR=$checkout/build/bench-stack
  exec 7>"$checkout/build/bench.lock"
  flock -n 7 || {
    echo "another benchmark is under way in this checkout" >&2
    return 1
  }
  trap bench_stack_down EXIT
  trap 'exit 130' INT TERM
  "$ops/stack" up 7>&- >/dev/null
  eval "$("$ops/stack" env)"
  psql -X -q -d "$SPOOL_TEST_ADMIN_URL" -c 'alter system set track_commit_timestamp = on'
  { "$ops/stack" stop-db && "$ops/stack" start-db; } 7>&- >/dev/null
  eval "$("$ops/stack" env)"
}

bench_stack_down() {
  "$ops/stack" reset >/dev/null 2>&1 || true
  rm -rf -- "$SPOOL_STACK_DIR"
}
