// Shared by the tests of this folder: handlers as a program knows them, files that vanish with the
// test.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "engine/config/load.hpp"

namespace spool::config {

inline KnownHandlers known_handlers() {
  return {{"progress_events",
           "spool.progress-events",
           {{"completed_percent", count(1, 100), std::int64_t{90},
             "From this share of its length on an item counts as watched to its end."}}}};
}

class Folder {
 public:
  Folder() : path_(make()) {}
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::string write(const std::string& name, const std::string& text) const {
    const std::string file = path_ + "/" + name;
    std::ofstream(file, std::ios::binary) << text;
    return file;
  }
  const std::string& path() const { return path_; }

 private:
  static std::string make() {
    std::string path = ::testing::TempDir() + "/spool_config_XXXXXX";
    if (mkdtemp(path.data()) == nullptr) ADD_FAILURE() << "no folder for the test";
    return path;
  }
  std::string path_;
};

// The text of the failure, which must be one.
inline std::string failure_of(const Sources& sources,
                              const KnownHandlers& handlers = known_handlers()) {
  const base::Result<Loaded> loaded = load(sources, handlers);
  EXPECT_FALSE(loaded.ok());
  if (loaded) return {};
  EXPECT_EQ(loaded.failure().kind, base::FailureKind::invalid);
  return loaded.failure().text;
}

inline Loaded loaded_from(const Sources& sources,
                          const KnownHandlers& handlers = known_handlers()) {
  base::Result<Loaded> loaded = load(sources, handlers);
  EXPECT_TRUE(loaded.ok()) << (loaded.ok() ? "" : loaded.failure().text);
  return loaded ? std::move(*loaded) : Loaded{};
}

}  // namespace spool::config
