// The examples that producers read are the ones that the decoder accepts and refuses.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "engine/message/record_batch.hpp"
#include "handlers/progress_events/progress.hpp"

namespace spool::progress_events {
namespace {

constexpr base::EpochMicros kNow = 1'767'400'000LL * 1'000'000;  // 2026-01-03T00:26:40Z

std::vector<std::filesystem::path> examples(const std::string& kind) {
  std::vector<std::filesystem::path> found;
  const std::filesystem::path folder = SPOOL_SCHEMAS "/progress_events/examples";
  for (const auto& entry : std::filesystem::directory_iterator(folder / kind))
    found.push_back(entry.path());
  std::sort(found.begin(), found.end());
  return found;
}

std::variant<Progress, message::Rejection> decode(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const std::size_t size = text.size();
  text.append(message::kReadAheadBytes, ' ');
  Decoder decoder;
  auto result = decoder.decode(std::string_view(text).substr(0, size), kNow);
  if (auto* progress = std::get_if<Progress>(&result)) progress->session_id = {};
  return result;
}

TEST(Examples, ValidOnesAreAccepted) {
  const auto paths = examples("valid");
  EXPECT_GE(paths.size(), 8U);
  for (const auto& path : paths) {
    const auto result = decode(path);
    const auto* rejection = std::get_if<message::Rejection>(&result);
    EXPECT_EQ(rejection, nullptr) << path << ": " << rejection->message();
  }
}

TEST(Examples, InvalidOnesAreRefusedForTheFieldInTheirName) {
  const auto paths = examples("invalid");
  EXPECT_GE(paths.size(), 38U);
  for (const auto& path : paths) {
    const auto result = decode(path);
    const auto* rejection = std::get_if<message::Rejection>(&result);
    ASSERT_NE(rejection, nullptr) << path << " is accepted";
    const std::string name = path.stem().string();
    const std::string field = name.substr(0, name.find('.'));
    EXPECT_EQ(rejection->field, field == "document" ? "" : field) << path << rejection->message();
    EXPECT_EQ(rejection->type, field == "document" ? message::ErrorType::schema_invalid_json
                                                   : message::ErrorType::schema_violation);
  }
}

}  // namespace
}  // namespace spool::progress_events
