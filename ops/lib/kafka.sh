# shellcheck shell=bash disable=SC2034,SC2154  # shares variables with who sources it
# The broker of the local stack: one KRaft node on loopback. Sourced by ops/stack.
# Needs $checkout, $ops, $stack and process.sh.

kafka_dir() { printf '%s/kafka' "$stack"; }
kafka_pid() { process_pid "$(kafka_dir)/pid"; }
kafka_port() { cat -- "$(kafka_dir)/port" 2>/dev/null; }
kafka_log() { printf '%s/kafka.log' "$stack"; }

# kafka_libs: the folder of the jars, fetched once per content of the pom and shared by all stacks.
kafka_libs() {
  local pom="$ops/kafka/pom.xml" sum libs
  sum=$(sha256sum <"$pom")
  libs="$checkout/build/kafka-libs/${sum:0:12}"
  if [[ ! -d $libs ]]; then
    mkdir -p "$checkout/build/kafka-libs"
    (
      exec 8>"$checkout/build/kafka-libs/lock"
      flock 8
      [[ -d $libs ]] && exit 0
      echo "fetching the Kafka jars" >&2
      mvn -q -B -f "$pom" dependency:copy-dependencies -DoutputDirectory="$libs.part" \
        -DincludeScope=runtime </dev/null >&2 8>&-
      mv -- "$libs.part" "$libs"
    )
  fi
  printf '%s' "$libs"
}

kafka_configure() { # BROKER_PORT CONTROLLER_PORT
  local text
  text=$(<"$ops/kafka/server.properties.in")
  text=${text//@BROKER_PORT@/$1}
  text=${text//@CONTROLLER_PORT@/$2}
  text=${text//@DATA@/$(kafka_dir)/data}
  printf '%s\n' "$text" >"$(kafka_dir)/server.properties"
  printf '%s\n' "$1" >"$(kafka_dir)/port"
  printf '%s\n' "$2" >"$(kafka_dir)/controller_port"
}

# kafka_command LIBS: sets the array `command` to the JVM and its options. Serial collection: the
# heap is small and the processors belong to the worker.
kafka_command() {
  command=(java -Xms256m -Xmx512m -XX:+UseSerialGC -XX:-UsePerfData
    -Djava.net.preferIPv4Stack=true
    "-Dlog4j2.configurationFile=$ops/kafka/log4j2.properties" -cp "$1/*")
}

# A folder without the metadata of a finished format is a leftover of an interrupted start.
kafka_format() { # LIBS
  local data command
  data="$(kafka_dir)/data"
  [[ -s $data/meta.properties ]] && return 0
  rm -rf -- "$data"
  kafka_command "$1"
  "${command[@]}" -XX:TieredStopAtLevel=1 kafka.tools.StorageTool format \
    -t "$(head -c 16 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=')" \
    -c "$(kafka_dir)/server.properties" >>"$(kafka_log)" 2>&1
}

kafka_ready() {
  kcat -L -b "127.0.0.1:$(kafka_port)" -m 2 2>/dev/null | grep -q ' 1 brokers:'
}
kafka_ready_or_dead() { kafka_ready || ! kafka_pid >/dev/null; }

# The ports of last time if they are still free, so that clients find a restarted broker again.
kafka_choose_ports() {
  local broker controller
  if [[ -s $(kafka_dir)/port && -s $(kafka_dir)/controller_port ]]; then
    broker=$(<"$(kafka_dir)/port")
    controller=$(<"$(kafka_dir)/controller_port")
    if port_is_free "$broker" && port_is_free "$controller"; then
      kafka_configure "$broker" "$controller"
      return
    fi
  fi
  read -r broker controller < <(free_ports 2)
  kafka_configure "$broker" "$controller"
}

kafka_start() {
  local libs attempt command
  libs=$(kafka_libs)
  kafka_command "$libs"
  mkdir -p "$(kafka_dir)"
  if kafka_pid >/dev/null; then
    wait_until 60 kafka_ready_or_dead || true
    kafka_ready && return 0
    process_stop "$(kafka_dir)/pid" 0 # alive but deaf for a minute
  fi
  for attempt in 1 2 3; do # another program may take the port between choosing and binding
    rm -f -- "$(kafka_dir)/pid"
    kafka_choose_ports
    kafka_format "$libs"
    process_spawn "$(kafka_dir)/pid" "$(kafka_log)" \
      "${command[@]}" kafka.Kafka "$(kafka_dir)/server.properties"
    wait_until 60 kafka_ready_or_dead || true
    kafka_ready && return 0
    process_stop "$(kafka_dir)/pid" 0
    echo "broker: start $attempt failed" >&2
  done
  echo "broker: does not start, see $(kafka_log)" >&2
  tail -n 20 -- "$(kafka_log)" >&2
  return 1
}

kafka_stop() { process_stop "$(kafka_dir)/pid" 30; }
