# cmake -DOUT=... -DIN=... -P: the topic manifest as a source file, for programs that have no checkout beside them.
file(READ "${IN}" manifest)
file(WRITE "${OUT}" "// Written by engine/app/embed_manifest.cmake.
#include \"engine/app/build_info.hpp\"

namespace spool::app {

const char* embedded_topic_manifest() {
  return R\"manifest(${manifest})manifest\";
}

}  // namespace spool::app
")
