// What this program was built from. Constant, any thread.
#pragma once

namespace spool::app {

struct BuildFacts {
  const char* version;
  const char* revision;    // of git; "unknown" where there was none
  const char* librdkafka;  // built against
  const char* libpqxx;     // likewise
};

// Written by the build: engine/app/write_build_info.cmake.
BuildFacts build_facts();

// What stands in the manifest of topics that the program carries in itself: schemas/topics.toml.
const char* embedded_topic_manifest();

}  // namespace spool::app
