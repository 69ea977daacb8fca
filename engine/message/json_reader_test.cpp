#include "engine/message/json_reader.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

#include "engine/message/record_batch.hpp"

namespace spool::message {
namespace {

constexpr std::array<JsonField, 4> kFields{{
    {"number", JsonKind::integer, true, -5, 100},
    {"text", JsonKind::text, false, 0, 8},
    {"note", JsonKind::maybe_text, false, 1, 8},
    {"any", JsonKind::any},
}};

class JsonReaderTest : public testing::Test {
 protected:
  // What follows the document in memory must not matter: by default the worst, more of the same.
  std::optional<Rejection> read(std::string_view json, char behind = '}') {
    memory_.assign(json);
    memory_.append(kReadAheadBytes, behind);
    return reader_.read(std::string_view(memory_).substr(0, json.size()), kFields, values_);
  }

  std::string field_of(std::string_view json) {
    const auto rejection = read(json);
    return rejection ? rejection->field : "accepted";
  }

  void expect_invalid(std::string_view json) {
    for (const char behind : {'}', ' ', ',', '"', ']', ':', '1', '\0'}) {
      const auto rejection = read(json, behind);
      ASSERT_TRUE(rejection) << json << " before " << behind;
      EXPECT_EQ(rejection->type, ErrorType::schema_invalid_json) << json << rejection->message();
    }
  }

  JsonReader reader_;
  std::string memory_;
  std::array<JsonValue, kFields.size()> values_;
};

TEST_F(JsonReaderTest, ReadsFieldsInAnyOrder) {
  ASSERT_FALSE(read(R"({"any":[1,{"x":null}] , "text":"a\nb","number":17})"));
  EXPECT_EQ(values_[0].integer, 17);
  EXPECT_EQ(values_[1].text, "a\nb");
  EXPECT_FALSE(values_[2].present);
  EXPECT_EQ(values_[3].text, R"([1,{"x":null}])");
}

TEST_F(JsonReaderTest, AnyIsTheTextOfTheValue) {
  for (const std::string value :
       {"1", "-2.5e3", "true", "null", "\"t\\u0041\"", "{}", "[ ]", R"({"a": [ {"b":2} , 3 ]})"}) {
    ASSERT_FALSE(read(R"({"number":1,"any":  )" + value + "\n}")) << value;
    EXPECT_TRUE(values_[3].present);
    EXPECT_EQ(values_[3].text, value);
    ASSERT_FALSE(read(R"({"any":)" + value + R"( ,"number":1})")) << value;
    EXPECT_EQ(values_[3].text, value);
  }
}

TEST_F(JsonReaderTest, NamesTheFieldThatIsWrong) {
  EXPECT_EQ(field_of(R"({"number":1})"), "accepted");
  EXPECT_EQ(field_of(R"({})"), "number");
  EXPECT_EQ(field_of(R"({"number":null})"), "number");
  EXPECT_EQ(field_of(R"({"number":"1"})"), "number");
  EXPECT_EQ(field_of(R"({"number":1.0})"), "number");
  EXPECT_EQ(field_of(R"({"number":1e1})"), "number");
  EXPECT_EQ(field_of(R"({"number":true})"), "number");
  EXPECT_EQ(field_of(R"({"number":{}})"), "number");
  EXPECT_EQ(field_of(R"({"number":[1]})"), "number");
  EXPECT_EQ(field_of(R"({"number":101})"), "number");
  EXPECT_EQ(field_of(R"({"number":-6})"), "number");
  EXPECT_EQ(field_of(R"({"number":9223372036854775808})"), "number");
  EXPECT_EQ(field_of(R"({"number":123456789012345678901234567890})"), "number");
  EXPECT_EQ(field_of(R"({"number":1,"text":1})"), "text");
  EXPECT_EQ(field_of(R"({"number":1,"text":"123456789"})"), "text");
  EXPECT_EQ(field_of(R"({"number":1,"text":"a\u0000b"})"), "text");
}

TEST_F(JsonReaderTest, NullIsAbsent) {
  ASSERT_FALSE(read(R"({"number":1,"text":null,"note":null})"));
  EXPECT_FALSE(values_[1].present);
  EXPECT_FALSE(values_[2].present);
}

TEST_F(JsonReaderTest, MaybeTextIgnoresWhatItCannotUse) {
  for (const std::string value :
       {"1", "[]", "{}", "\"\"", "\"123456789\"", "\"\\u0000\"", "true"}) {
    ASSERT_FALSE(read(R"({"number":1,"note":)" + value + "}")) << value;
    EXPECT_FALSE(values_[2].present) << value;
  }
  ASSERT_FALSE(read(R"({"number":1,"note":"12345678"})"));
  EXPECT_EQ(values_[2].text, "12345678");
}

TEST_F(JsonReaderTest, RefusesAKnownFieldGivenTwice) {
  EXPECT_EQ(field_of(R"({"number":1,"number":1})"), "number");
  EXPECT_EQ(field_of(R"({"number":1,"text":null,"text":"a"})"), "text");
  EXPECT_EQ(field_of(R"({"number":1,"n\u0075mber":2})"), "number");
  EXPECT_FALSE(values_[0].present);
  EXPECT_EQ(field_of(R"({"number":1,"other":1,"other":2})"), "accepted");
}

TEST_F(JsonReaderTest, UnderstandsEscapedNames) {
  ASSERT_FALSE(read(R"({"n\u0075mber":3,"tex\u0074":"t"})"));
  EXPECT_EQ(values_[0].integer, 3);
  EXPECT_EQ(values_[1].text, "t");
  EXPECT_EQ(field_of(R"({"number\"":1})"), "number");
}

TEST_F(JsonReaderTest, RefusesWhatIsNoObject) {
  for (const char* json : {"[]", "1", "\"a\"", "null", "true", "[{\"number\":1}]", "not json"})
    expect_invalid(json);
}

TEST_F(JsonReaderTest, ValidatesTheWholeDocument) {
  for (const char* json : {"",
                           " ",
                           "{",
                           "}",
                           "{}}",
                           "{\"number\":1",
                           "{\"number\":1}x",
                           "{\"number\":1}{}",
                           "{\"number\":1},",
                           "{\"number\":1,}",
                           "{\"number\" 1}",
                           "{\"number\":}",
                           "{number:1}",
                           "{\"number\":01}",
                           "{\"number\":1 2}",
                           "{\"number\":1 \"text\":\"a\"}",
                           "{\"number\":tru}",
                           "{\"number\":1,\"text\":\"a}",
                           "{\"number\":1,\"text\":\"\\x\"}",
                           "{\"number\":1,\"text\":\"\\ud800\"}",
                           "{\"number\":1,\"text\":\"\xff\"}",
                           "{\"number\":1,\"text\":\"a\nb\"}",
                           "\xef\xbb\xbf{\"number\":1}"})
    expect_invalid(json);
}

TEST_F(JsonReaderTest, ValidatesWhatNobodyAskedFor) {
  for (const char* value : {"tru",       "nul",      "nan",
                            "-",         "1.",       ".5",
                            "+1",        "0x1",      "1e",
                            "01",        "[1,]",     "[,1]",
                            "[1 2]",     "[",        "[[]",
                            "{\"a\"}",   "{\"a\":}", "{\"a\":1,}",
                            "{1:2}",     "{",        "{\"a\":{\"b\":1}",
                            "{\"a\":[}", "[}",       "{]",
                            "\"\\u12\"", "\"\\q\"",  "{\"\\q\":1}",
                            "[{},{}",    "{}{}"}) {
    expect_invalid(std::string("{\"number\":1,\"other\":") + value + "}");
    expect_invalid(std::string("{\"other\":") + value + ",\"number\":1}");
    expect_invalid(std::string("{\"number\":1,\"any\":") + value + "}");
    expect_invalid(std::string("{\"any\":") + value + ",\"number\":1}");
  }
  expect_invalid(R"({"number":1,"\q":1})");
}

TEST_F(JsonReaderTest, BoundsTheDepth) {
  const auto nested = [](std::size_t depth) {
    return R"({"number":1,"other":)" + std::string(depth, '[') + std::string(depth, ']') + "}";
  };
  EXPECT_FALSE(read(nested(63)));
  expect_invalid(nested(64));
  expect_invalid(nested(100'000));
}

TEST_F(JsonReaderTest, GrowsAndGoesOn) {
  for (const std::size_t size : {std::size_t{10}, std::size_t{5'000}, std::size_t{1'000'000}}) {
    ASSERT_FALSE(read(R"({"number":1,"any":")" + std::string(size, 'x') + "\"}"));
    EXPECT_EQ(values_[3].text.size(), size + 2);
  }
  ASSERT_FALSE(read(R"({"number":2})"));
  EXPECT_EQ(values_[0].integer, 2);
  EXPECT_FALSE(values_[3].present);
}

}  // namespace
}  // namespace spool::message
