# shellcheck shell=bash
# Reads packages.txt. Sourced by ops/install; ops/Dockerfile uses `ops/install --list`.

# packages_list FILE [SECTION...]: the lines "name|command|version" of the sections (default all).
packages_list() {
  local file=$1
  shift
  awk -v wanted=" $* " '
    { sub(/#.*/, "") }
    /^\[.*\]/ { section = substr($1, 2, length($1) - 2); next }
    NF == 0 { next }
    wanted == "  " || index(wanted, " " section " ") {
      print $1 "|" ($2 == "unless" ? $3 : "") "|" ($2 == "unless" ? $4 : "")
    }' "$file"
}

# command_suffices COMMAND VERSION: COMMAND is there and, if VERSION is given, at least that new.
command_suffices() {
  local command=$1 wanted=$2 found
  command -v "$command" >/dev/null || return 1
  [[ -z $wanted ]] && return 0
  found=$("$command" -version 2>&1 | sed -n '1s/[^0-9]*\([0-9]*\).*/\1/p')
  [[ -n $found ]] && ((found >= wanted))
}

# packages_missing FILE [SECTION...]: the names that are neither installed nor excused.
packages_missing() {
  local -A installed=()
  local name state command version
  while IFS=$'\t' read -r name state; do
    [[ $state == ii* ]] && installed[$name]=1
  done < <(dpkg-query -W -f '${Package}\t${db:Status-Abbrev}\n')
  while IFS='|' read -r name command version; do
    [[ -n ${installed[$name]:-} ]] && continue
    [[ -n $command ]] && command_suffices "$command" "$version" && continue
    printf '%s\n' "$name"
  done < <(packages_list "$@")
}
