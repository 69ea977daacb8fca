#include "engine/app/dead_letter_form.hpp"

#include <gmock/gmock.h>

namespace spool::app {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

store::DeadLetterDetail letter() {
  store::DeadLetterDetail one;
  one.summary.handler = "h";
  one.summary.topic = "t";
  one.summary.partition = 3;
  one.summary.offset = 17;
  one.summary.timestamp_ms = 1000;
  one.summary.error_message = "is \"bad\", really";
  one.key = "42:603";
  one.value = R"({"a":1})";
  one.headers = {{"ce_id", "e1"}, {"bin", std::string("\xff\x01", 2)}, {"none", std::nullopt}};
  return one;
}

TEST(DeadLetterForm, KcatsUsersFindTheirFields) {
  EXPECT_EQ(kcat_envelope(letter()),
            R"({"topic": "t", "partition": 3, "offset": 17, "tstype": "create", "ts": 1000, )"
            R"("headers": ["ce_id", "e1", "bin", "/wE=", "none", null], "key": "42:603", )"
            R"("payload": "{\"a\":1}"})");
}

TEST(DeadLetterForm, BytesThatAreNoTextSayThatTheyAreBase64) {
  store::DeadLetterDetail one = letter();
  one.value = std::string("\xff\x01", 2);
  one.key.reset();
  EXPECT_THAT(kcat_envelope(one), HasSubstr(R"("key": null, "payload_base64": "/wE="})"));
  EXPECT_THAT(to_json(letter_record(one)),
              HasSubstr(R"("payload": {"encoding": "base64", "data": "/wE="})"));
}

TEST(DeadLetterForm, ALineOfCsvHasAsManyFieldsAsItsHead) {
  const std::string head = csv_head();
  EXPECT_THAT(head, StartsWith("id,state,handler,"));
  EXPECT_THAT(head, HasSubstr(",note,key,payload"));
  const std::string line = csv_line(letter());
  EXPECT_THAT(line, HasSubstr(R"(,"is ""bad"", really",)"));
  EXPECT_THAT(line, HasSubstr(R"(,42:603,"{""a"":1}")"));
  store::DeadLetterDetail formula = letter();
  formula.summary.error_message = "=1+1";
  EXPECT_THAT(csv_line(formula), HasSubstr(",'=1+1,"));
}

}  // namespace
}  // namespace spool::app
