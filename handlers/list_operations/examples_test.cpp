// The examples that producers read are the ones that the decoder accepts and refuses.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "engine/message/record_batch.hpp"
#include "handlers/list_operations/operation.hpp"

namespace spool::list_operations {
namespace {

std::vector<std::filesystem::path> examples(const std::string& kind) {
  std::vector<std::filesystem::path> found;
  const std::filesystem::path folder = SPOOL_SCHEMAS "/list_operations/examples";
  for (const auto& entry : std::filesystem::directory_iterator(folder / kind))
    found.push_back(entry.path());
  std::sort(found.begin(), found.end());
  return found;
}

std::variant<Operation, message::Rejection> decode(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const std::size_t size = text.size();
  text.append(message::kReadAheadBytes, ' ');
  return Decoder().decode(std::string_view(text).substr(0, size), base::Uuid{});
}

TEST(Examples, ValidOnesAreAcceptedAndThereIsOneOfEachType) {
  std::set<OperationType> types;
  for (const auto& path : examples("valid")) {
    const auto result = decode(path);
    const auto* rejection = std::get_if<message::Rejection>(&result);
    ASSERT_EQ(rejection, nullptr) << path << ": " << rejection->message();
    types.insert(std::get<Operation>(result).change.type);
  }
  EXPECT_EQ(types.size(), 7U);
}

TEST(Examples, InvalidOnesAreRefusedForTheFieldInTheirName) {
  const auto paths = examples("invalid");
  EXPECT_GE(paths.size(), 40U);
  for (const auto& path : paths) {
    const auto result = decode(path);
    const auto* rejection = std::get_if<message::Rejection>(&result);
    ASSERT_NE(rejection, nullptr) << path << " is accepted";
    const std::string name = path.stem().string();
    const std::string field = name.substr(0, name.rfind('.'));
    EXPECT_EQ(rejection->field, field == "document" ? "" : field) << path << rejection->message();
    EXPECT_EQ(rejection->type, field == "document" ? message::ErrorType::schema_invalid_json
                                                   : message::ErrorType::schema_violation);
  }
}

}  // namespace
}  // namespace spool::list_operations
