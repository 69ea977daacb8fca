# shellcheck shell=bash disable=SC2154  # shares functions and variables with ops/demo
# The second part of ops/demo: a list at TMDB that is asked for before its user has logged in, and
# worked on while TMDB is away. TMDB is the stand-in of tests/tmdb: made-up users are none of the
# real one's, so with a key for that one this part is left out.

lists_wanted() {
  [[ -z ${SPOOL__UPSTREAM__TMDB__API_KEY:-}${SPOOL__UPSTREAM__TMDB__API_KEY_FILE:-} ]]
}

lists_shown() { [[ -n $standin ]]; }

# The worker is told of it by its environment, as of everything else.
start_standin() {
  local pid_file=$SPOOL_STACK_DIR/workers/standin.pid key=$SPOOL_STACK_DIR/demo-session-key port
  mkdir -p "$SPOOL_STACK_DIR/workers"
  process_stop "$pid_file" 30
  : >"$folder/standin.log"
  say "Starting a stand-in for TMDB (tests/tmdb)"
  # The database remembers the lists of earlier runs: those of this one have other numbers.
  process_spawn "$pid_file" "$folder/standin.log" spool_tmdb_standin --open \
    --listen 127.0.0.1:0 --control 127.0.0.1:0 --first-list $(($(date +%s) - 1700000000))
  expect_within 30 "the stand-in did not start" standin_listens
  port=$(standin_port listening)
  standin=http://127.0.0.1:$(standin_port control)/_standin
  [[ -s $key ]] || (umask 077 && head -c 32 /dev/urandom | base64 >"$key")
  export SPOOL__UPSTREAM__TMDB__BASE_URL=http://127.0.0.1:$port/3
  export SPOOL__UPSTREAM__TMDB__BASE_URL_V4=http://127.0.0.1:$port/4
  export SPOOL__UPSTREAM__TMDB__API_KEY=standin-read-token
  export SPOOL__UPSTREAM__TMDB__SESSION_KEY_FILE=$key
  # Only by hand: it shall not come between two steps.
  export SPOOL__LISTS__REFRESH_INTERVAL=0s
}
standin_port() { sed -n "s/^$1 //p" "$folder/standin.log"; } # listening, control
standin_listens() { [[ -n $(standin_port control) ]]; }
tell_standin() { curl -fsS --max-time 5 -X POST -o /dev/null -d "${2:-}" "$standin/$1"; }

ask() { # TYPE ARGUMENT...: an operation on the list
  show spool operations enqueue "$@" --user "$user" --ref "$list" --quiet
}

# What fits on a screen: no ids of operations, of a list what changes here.
show_operations() { # ARGUMENT...
  tell spool operations list --user "$user" "$@"
  spool operations list --user "$user" "$@" | cut -c 39-156
}
show_list() {
  tell spool lists show "$list" --user "$user"
  spool lists show "$list" --user "$user" |
    grep -E '^(tmdb list id|mark|(confirmed )?(existence|movies)|MOVIE ID) |^ '
}

operations() { # STATUS: how many of the user's operations are in it
  spool operations stats --user "$user" -o json | jq ".$1"
}
operations_are() { (($(operations "$1") == $2)); }
attempt_failed() {
  spool operations list --user "$user" --status pending -o json |
    jq -e 'any(.. | objects; .waits_for? == "attempt")' >/dev/null
}
expect_within() { # SECONDS WHAT COMMAND...
  local seconds=$1 what=$2
  shift 2
  wait_until "$seconds" "$@" || {
    echo "within $seconds s: $what"
    exit 1
  }
}

ask_for_a_list() {
  say "Asking for a list of user $user, who has not logged in to TMDB"
  tell spool operations enqueue create_list --name 'Best of' --user "$user"
  list=$(spool operations enqueue create_list --user "$user" --name 'Best of' -o json |
    jq -r .list_ref)
  ask add_movie --movie 603
  ask add_movie --movie 13
  ask remove_movie --movie 13
  ask add_movie --movie 550 --at "$(timestamp '+1 hour')"
  expect_within 60 "not all operations were taken in" operations_are total 5
  say "They are taken in, merged and shown; nobody has called TMDB"
  show spool operations stats --user "$user"
  show_operations
  show_list
}

log_in() {
  say "The user logs in: what waited goes on"
  show spool upstream login tmdb --user "$user" --session-id-file - <<<"user-$user"
  expect_within 60 "the list was not made" operations_are completed 4
  show_list
}

outage() {
  say "TMDB is away: operations are taken in and shown all the same"
  tell_standin refuse
  ask add_movie --movie 680
  ask remove_movie --movie 603
  expect_within 60 "TMDB was not called" attempt_failed
  show_operations --status pending
  show_list
  say "TMDB is back. What waits for its time or for its next attempt is due now"
  tell_standin resume
  show spool operations process --user "$user" --reason 'TMDB is back'
  expect_within 60 "something is left" operations_are completed 7
  show spool operations stats --user "$user"
}

somebody_else() {
  local id
  id=$(spool lists show "$list" --user "$user" -o json | jq .tmdb_list_id)
  say "Somebody adds a movie on TMDB's site: the mirror is compared, and takes it over"
  tell_standin "lists/$id/add" '{"media_id": 27205}'
  show spool lists verify "$id"
  show spool lists refresh "$id" --reason 'changed on the site' --wait
  show spool lists verify "$id" --exit-code
  show spool lists export "$id" --format csv
  say "What TMDB was asked to do, once each"
  curl -fsS --max-time 5 "$standin/ledger" | jq -r '"  \(.kind) \(.media_id // .name) (\(.origin))"'
}

tell_where_lists_are() {
  cat <<TEXT
  TMDB       $standin/state     also ledger, requests; log build/demo/standin.log
             curl -X POST $standin/refuse     and resume, faults: tests/tmdb/README.md
  lists      spool lists list --user $user     spool handlers show list_operations
             psql $SPOOL__DATABASE__URL -c 'TABLE media.shown_lists'
TEXT
}

show_calls() {
  say "The calls as metrics"
  curl -fsS "http://$admin/metrics" |
    grep -E '^spool_upstream_(requests_total|circuit_state)' | grep -v ' 0$'
}

demonstrate_lists() {
  ask_for_a_list
  log_in
  outage
  somebody_else
  show_calls
}
