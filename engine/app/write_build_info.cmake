# cmake -DOUT=... -DSOURCE=... -DVERSION=... -DRDKAFKA=... -DPQXX=... -P: the facts of build_info.hpp as a source file.
# Runs in every build; the file changes only when a fact does.
find_package(Git QUIET)
set(revision "unknown")
if(GIT_FOUND)
  execute_process(COMMAND "${GIT_EXECUTABLE}" -C "${SOURCE}" rev-parse --short=12 HEAD
    OUTPUT_VARIABLE found OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE failed ERROR_QUIET)
  if(NOT failed)
    execute_process(COMMAND "${GIT_EXECUTABLE}" -C "${SOURCE}" status --porcelain --untracked-files=no
      OUTPUT_VARIABLE changes ERROR_QUIET)
    set(revision "${found}")
    if(changes)
      string(APPEND revision "-dirty")
    endif()
  endif()
endif()
set(text "// Written by engine/app/write_build_info.cmake.
#include \"engine/app/build_info.hpp\"

namespace spool::app {

BuildFacts build_facts() { return {\"${VERSION}\", \"${revision}\", \"${RDKAFKA}\", \"${PQXX}\"}; }

}  // namespace spool::app
")
set(before "")
if(EXISTS "${OUT}")
  file(READ "${OUT}" before)
endif()
if(NOT before STREQUAL text)
  file(WRITE "${OUT}" "${text}")
endif()
