# shellcheck shell=bash
# Background processes with pid files, and free ports. Sourced by ops/stack and ops/demo.
# A pid file holds "PID STARTTIME": a number that was given to another process since does not match.

# process_start_time PID: ticks since boot, empty if there is no such process or it is a zombie.
process_start_time() {
  local stat
  { stat=$(<"/proc/$1/stat"); } 2>/dev/null || return 0
  stat=${stat##*) } # the command name before it may hold spaces
  local fields
  read -ra fields <<<"$stat"
  [[ ${fields[0]} == Z ]] || printf '%s' "${fields[19]}"
}

# process_pid FILE: prints the pid if the process of the file is alive, else fails.
process_pid() {
  local pid started
  [[ -s $1 ]] && read -r pid started <"$1" && [[ -n $pid && -n $started ]] || return 1
  [[ $(process_start_time "$pid") == "$started" ]] && printf '%s\n' "$pid"
}

# process_close_descriptors: what a background process must not hold: locks, and pipes of a caller
# who waits for their end. For subshells; 255 is bash's own and closes by itself.
process_close_descriptors() {
  local descriptor
  for descriptor in "/proc/$BASHPID/fd"/*; do
    descriptor=${descriptor##*/}
    ((descriptor <= 2 || descriptor == 255)) || eval "exec $descriptor>&-"
  done
}

# process_spawn FILE LOG COMMAND...: in a session of its own. The pid is written before the program
# starts: whoever is interrupted in between loses no process.
process_spawn() {
  local file=$1 log=$2
  shift 2
  (
    exec </dev/null >>"$log" 2>&1
    process_close_descriptors
    pid=$BASHPID
    echo "$pid $(process_start_time "$pid")" >"$file.new"
    mv -- "$file.new" "$file"
    exec setsid "$@"
  ) &
  disown
  wait_until 30 process_started "$file"
}
process_started() { [[ -s $1 ]]; }

# process_stop FILE SECONDS [SIGNAL]: asks, waits, then kills. The file is gone afterwards.
process_stop() {
  local file=$1 seconds=$2 signal=${3:-TERM} pid
  if pid=$(process_pid "$file"); then
    kill -s "$signal" "$pid" 2>/dev/null || true
    kill -s CONT "$pid" 2>/dev/null || true # one that a test has stopped
    if ! wait_until "$seconds" process_gone "$file"; then
      kill -s KILL "$pid" 2>/dev/null || true
      wait_until 10 process_gone "$file"
    fi
  fi
  rm -f -- "$file"
}
process_gone() { ! process_pid "$1" >/dev/null; }

# wait_until SECONDS COMMAND...: polls until the command succeeds; fails at the deadline.
wait_until() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@"; do
    ((SECONDS < deadline)) || return 1
    pause_shortly
  done
}
# A read with a timeout from a pipe that nobody writes to: no process is started for waiting.
pause_shortly() {
  local _
  [[ -n ${pause_descriptor:-} ]] || exec {pause_descriptor}<> <(:)
  read -rt 0.05 -u "$pause_descriptor" _ || true
}

# free_ports COUNT: distinct ports that nobody listens on. Below the range that the kernel gives to
# outgoing connections: a client that dials a stopped server cannot take (or become) its port.
free_ports() {
  python3 - "$1" <<'PYTHON'
import random, socket, sys

sockets = []
while len(sockets) < int(sys.argv[1]):
    candidate = socket.socket()
    try:
        candidate.bind(("127.0.0.1", random.randrange(20000, 32000)))
        sockets.append(candidate)
    except OSError:
        candidate.close()
print(*(s.getsockname()[1] for s in sockets))
PYTHON
}

# port_is_free PORT: nothing accepts on it.
port_is_free() {
  ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}
