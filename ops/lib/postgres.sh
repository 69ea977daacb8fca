# shellcheck shell=bash disable=SC2034,SC2154  # shares variables with who sources it
# PostgreSQL of the local stack, on loopback TCP only. Sourced by ops/stack.
# Needs $stack and process.sh. The server refuses to run as root, so root hands it to another user;
# if that user cannot reach the checkout the data lie in a temporary folder named in postgres/data.

postgres_bin=/usr/lib/postgresql/15/bin

postgres_dir() { printf '%s/postgres' "$stack"; }
postgres_port() { cat -- "$(postgres_dir)/port" 2>/dev/null; }
postgres_data() { cat -- "$(postgres_dir)/data" 2>/dev/null; }
postgres_url() { printf 'postgresql://%s@127.0.0.1:%s/%s' "$1" "$(postgres_port)" "$2"; }

postgres_user() {
  if ((EUID != 0)); then
    id -un
  elif id -u postgres >/dev/null 2>&1; then
    echo postgres
  else
    echo nobody
  fi
}

# postgres_as COMMAND...: as the server's user, away from folders that it may not enter.
postgres_as() {
  local user
  user=$(postgres_user)
  if ((EUID != 0)); then
    (cd / && "$@")
  else
    (cd / && setpriv --reuid="$user" --regid="$(id -g "$user")" --init-groups --inh-caps=-all "$@")
  fi
}

# The first line of postmaster.pid is the pid; its start time in there is wall-clock, so the data
# folder in the arguments tells whether the number still means our server.
postgres_pid() {
  local data pid
  data=$(postgres_data) || return 1
  { pid=$(head -n 1 "$data/postmaster.pid"); } 2>/dev/null || return 1
  [[ $pid =~ ^[0-9]+$ ]] && grep -qzxF -- "$data" "/proc/$pid/cmdline" 2>/dev/null &&
    printf '%s\n' "$pid"
}

postgres_make_data_dir() {
  local data user
  user=$(postgres_user)
  data="$(postgres_dir)/cluster"
  mkdir -p "$data"
  if ((EUID == 0)); then
    chown "$user" "$data"
    if ! postgres_as test -w "$data"; then
      rmdir -- "$data"
      data=$(mktemp -d "${TMPDIR:-/tmp}/spool-postgres.XXXXXX")
      chown "$user" "$data"
    fi
  fi
  chmod 700 "$data"
  printf '%s\n' "$data" >"$(postgres_dir)/data"
}

# `initialised` is written last: without it the folder is a leftover of an interrupted start.
postgres_initialise() {
  local data
  if data=$(postgres_data) && [[ -e $(postgres_dir)/initialised && -s $data/PG_VERSION ]]; then
    return 0
  fi
  postgres_remove_data
  postgres_make_data_dir
  data=$(postgres_data)
  postgres_as "$postgres_bin/initdb" --pgdata="$data" --username=spool_admin --auth=trust \
    --encoding=UTF8 --locale=C.UTF-8 --no-sync >>"$(postgres_log)" 2>&1
  # shellcheck disable=SC2016  # the shell of the server's user expands it
  postgres_as sh -c 'echo "include_if_exists = '\''spool.conf'\''" >>"$1/postgresql.conf"' sh "$data"
}

postgres_log() { printf '%s/postgres.log' "$stack"; }

postgres_configure() { # PORT
  local data
  data=$(postgres_data)
  printf '%s\n' "$1" >"$(postgres_dir)/port"
  # shellcheck disable=SC2016
  postgres_as sh -c 'cat >"$1/spool.conf"' sh "$data" <<CONF
# Written at each start. No Unix socket: its path would be limited to 107 bytes.
listen_addresses = '127.0.0.1'
port = $1
unix_socket_directories = ''
max_connections = 200
shared_buffers = 256MB
max_wal_size = 2GB
fsync = on
synchronous_commit = on
autovacuum = on
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] %q%u@%d '
CONF
}

postgres_ready() {
  "$postgres_bin/pg_isready" -q -h 127.0.0.1 -p "$(postgres_port)" -d postgres -U spool_admin
}
postgres_ready_or_dead() { postgres_ready || ! postgres_pid >/dev/null; }
postgres_gone() { ! postgres_pid >/dev/null; }

postgres_sql() { # DATABASE SQL
  psql -X -q -A -t -v ON_ERROR_STOP=1 -d "$(postgres_url spool_admin "$1")" -c "$2"
}

# Roles and database; every statement may find its work done.
postgres_provision() {
  [[ -e $(postgres_dir)/initialised ]] && return 0
  [[ $(postgres_sql postgres "SELECT 1 FROM pg_roles WHERE rolname = 'spool'") == 1 ]] ||
    postgres_sql postgres 'CREATE ROLE spool LOGIN'
  [[ $(postgres_sql postgres "SELECT 1 FROM pg_database WHERE datname = 'spool'") == 1 ]] ||
    postgres_sql postgres 'CREATE DATABASE spool OWNER spool'
  touch -- "$(postgres_dir)/initialised"
}

postgres_choose_port() {
  local port
  port=$(postgres_port) || port=
  if [[ -z $port ]] || ! port_is_free "$port"; then
    port=$(free_ports 1)
  fi
  postgres_configure "$port"
}

# A pid file whose process is not our server any more (another program got the number, or a killed
# server that init has not yet reaped) would keep the server from starting. Removing it is safe:
# the server itself still refuses while a process of the old one holds the shared memory.
postgres_remove_stale_pid() { # DATA
  postgres_pid >/dev/null || rm -f -- "$1/postmaster.pid"
}

# After a kill of the postmaster alone its children need a moment to notice and let go of the
# shared memory; until then the server refuses to start. So does it when the port was just taken.
postgres_start() {
  local data attempt
  mkdir -p "$(postgres_dir)"
  : >>"$(postgres_log)"
  if ! postgres_pid >/dev/null; then
    postgres_initialise
    data=$(postgres_data)
    for attempt in 1 2 3 4 5 6; do
      postgres_choose_port
      postgres_remove_stale_pid "$data"
      postgres_launch "$data"
      wait_until 60 postgres_ready_or_dead || true
      postgres_ready && break
      pause_shortly
    done
  fi
  { postgres_pid >/dev/null && wait_until 60 postgres_ready; } || {
    echo "database: does not start, see $(postgres_log)" >&2
    tail -n 20 -- "$(postgres_log)" >&2
    return 1
  }
  postgres_provision
}

# The server's user need not be able to write the log: it gets our descriptor.
postgres_launch() { # DATA
  (
    exec </dev/null >>"$(postgres_log)" 2>&1
    process_close_descriptors
    postgres_as "$postgres_bin/pg_ctl" start --silent --wait --timeout=60 --pgdata="$1" || true
  )
}

postgres_stop() { # MODE = fast | immediate
  local data pid
  pid=$(postgres_pid) || return 0
  data=$(postgres_data)
  kill -s CONT "$pid" 2>/dev/null || true # one that a test has stopped
  postgres_as "$postgres_bin/pg_ctl" stop --silent --wait --timeout=30 --mode="$1" \
    --pgdata="$data" >>"$(postgres_log)" 2>&1 || kill -s KILL "$pid" 2>/dev/null || true
  wait_until 10 postgres_gone
}

postgres_remove_data() {
  local data
  if data=$(postgres_data) && [[ -n $data ]]; then
    rm -rf -- "$data"
  fi
  rm -rf -- "$(postgres_dir)"
  mkdir -p "$(postgres_dir)"
}

# postgres_data_is_outside: the cluster lies in a temporary folder, which nothing may leave behind.
postgres_data_is_outside() {
  local data
  data=$(postgres_data) && [[ -n $data && $data != "$(postgres_dir)"/* ]]
}
