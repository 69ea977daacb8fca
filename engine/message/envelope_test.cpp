#include "engine/message/envelope.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace spool::message {
namespace {

using HeaderList = std::vector<std::pair<std::string, std::optional<std::string>>>;

const HeaderList kBinary{{"ce_specversion", "1.0"},
                         {"ce_id", "e-1"},
                         {"ce_source", "player"},
                         {"ce_type", "progress.v1"},
                         {"content-type", "application/json"}};
const HeaderList kStructured{{"content-type", "application/cloudevents+json"}};

HeaderList with(HeaderList headers, const std::string& name, std::optional<std::string> value) {
  for (auto& header : headers) {
    if (header.first != name) continue;
    header.second = std::move(value);
    return headers;
  }
  headers.emplace_back(name, std::move(value));
  return headers;
}

class EnvelopeTest : public testing::Test {
 protected:
  std::variant<Event, NotAnEvent> read(const HeaderList& headers,
                                       std::optional<std::string_view> value) {
    std::vector<Header> views;
    for (const auto& [name, text] : headers) {
      Header& header = views.emplace_back();
      header.name = name;
      if (text) header.value = *text;
    }
    batch_ = RecordBatch();
    batch_.append({0, 0, key_, value, views});
    return reader_.read(batch_.record(0));
  }

  Event event(const HeaderList& headers, std::optional<std::string_view> value) {
    auto result = read(headers, value);
    const auto* refused = std::get_if<NotAnEvent>(&result);
    EXPECT_EQ(refused, nullptr) << refused->why.message();
    return refused == nullptr ? std::get<Event>(result) : Event{};
  }

  NotAnEvent refused(const HeaderList& headers, std::optional<std::string_view> value) {
    auto result = read(headers, value);
    EXPECT_TRUE(std::holds_alternative<NotAnEvent>(result)) << "accepted";
    return std::holds_alternative<NotAnEvent>(result)
               ? std::get<NotAnEvent>(result)
               : NotAnEvent{{ErrorType::handler_bug, "accepted", ""}, {}, {}};
  }

  std::string refused_field(const HeaderList& headers, std::string_view value = "{}") {
    const NotAnEvent result = refused(headers, value);
    EXPECT_EQ(result.why.type, ErrorType::schema_violation);
    EXPECT_FALSE(result.why.text.empty());
    return result.why.field;
  }

  EnvelopeReader reader_;
  RecordBatch batch_;
  std::optional<std::string_view> key_ = "key}";
};

TEST_F(EnvelopeTest, BinaryModeCarriesEverything) {
  HeaderList headers = kBinary;
  headers.insert(headers.end(), {{"ce_time", "2026-01-02T03:04:05.678Z"},
                                 {"ce_subject", "7:603"},
                                 {"ce_traceparent", "00-aa-bb-01"},
                                 {"ce_correlationid", "c"},
                                 {"ce_causationid", "d"},
                                 {"unrelated", "x"}});
  const Event e = event(headers, R"({"a":1})");
  EXPECT_EQ(e.id, "e-1");
  EXPECT_EQ(e.source, "player");
  EXPECT_EQ(e.type, "progress.v1");
  EXPECT_EQ(e.time, "2026-01-02T03:04:05.678Z");
  EXPECT_EQ(e.subject, "7:603");
  EXPECT_EQ(e.traceparent, "00-aa-bb-01");
  EXPECT_EQ(e.correlation_id, "c");
  EXPECT_EQ(e.causation_id, "d");
  EXPECT_EQ(e.data, R"({"a":1})");
}

TEST_F(EnvelopeTest, TheRecordsKeyComesAlong) {
  const std::string value = R"({"specversion":"1.0","id":"1","source":"s","type":"t","data":{}})";
  EXPECT_EQ(event(kBinary, "{}").key, "key}");
  EXPECT_EQ(event(kStructured, value).key, "key}");
  key_ = "";
  EXPECT_EQ(event(kBinary, "{}").key, "");
  key_ = std::nullopt;
  EXPECT_EQ(event(kBinary, "{}").key, std::nullopt);
  EXPECT_EQ(event(kStructured, value).key, std::nullopt);
}

TEST_F(EnvelopeTest, HeaderNamesIgnoreCase) {
  const Event e = event({{"CE_SpecVersion", "1.0"},
                         {"Ce_Id", "e"},
                         {"CE_SOURCE", "s"},
                         {"ce_Type", "t"},
                         {"Content-Type", "Application/JSON; Charset=UTF-8"},
                         {"TraceParent", "00-t"}},
                        "{}");
  EXPECT_EQ(e.id, "e");
  EXPECT_EQ(e.traceparent, "00-t");
}

TEST_F(EnvelopeTest, TheLastHeaderOfANameCounts) {
  HeaderList headers = kBinary;
  headers.emplace_back("CE_ID", "e-2");
  EXPECT_EQ(event(headers, "{}").id, "e-2");
  headers.emplace_back("ce_id", std::nullopt);
  EXPECT_EQ(refused_field(headers), "ce_id");
}

TEST_F(EnvelopeTest, BinaryModeNamesTheHeader) {
  for (const std::string name : {"ce_id", "ce_source", "ce_type"}) {
    for (const std::optional<std::string>& value :
         {std::optional<std::string>(), std::optional<std::string>(""),
          std::optional<std::string>(std::string(256, 'x')),
          std::optional<std::string>(std::string("a\0b", 3)), std::optional<std::string>("\xff")})
      EXPECT_EQ(refused_field(with(kBinary, name, value)), name);
  }
  EXPECT_EQ(refused_field(with(kBinary, "ce_specversion", std::nullopt)), "ce_specversion");
  EXPECT_EQ(refused_field(with(kBinary, "ce_specversion", "0.3")), "ce_specversion");
  EXPECT_EQ(refused_field(with(kBinary, "ce_time", "yesterday")), "ce_time");
  EXPECT_EQ(refused_field({}), "ce_id");
}

TEST_F(EnvelopeTest, KeepsWhatIsKnownOfTheIdentity) {
  NotAnEvent result = refused(with(kBinary, "ce_type", ""), "{}");
  EXPECT_EQ(result.id, "e-1");
  EXPECT_EQ(result.source, "player");
  result = refused(with(kBinary, "ce_id", "\xff"), "{}");
  EXPECT_EQ(result.id, "");
  EXPECT_EQ(result.source, "player");
  result = refused(kBinary, std::nullopt);
  EXPECT_EQ(result.id, "e-1");
  EXPECT_EQ(result.source, "player");
}

TEST_F(EnvelopeTest, TombstoneEmptyAndTooLarge) {
  NotAnEvent result = refused(kBinary, std::nullopt);
  EXPECT_EQ(result.why.type, ErrorType::schema_violation);
  EXPECT_EQ(result.why.field, "data");
  result = refused(kBinary, "");
  EXPECT_EQ(result.why.type, ErrorType::schema_invalid_json);
  EXPECT_EQ(refused(kStructured, std::nullopt).why.type, ErrorType::schema_violation);
  EXPECT_EQ(refused(kStructured, "").why.type, ErrorType::schema_invalid_json);
  const std::string at_limit(kEventBytesMax, ' ');
  EXPECT_EQ(event(kBinary, at_limit).data.size(), kEventBytesMax);
  result = refused(kBinary, at_limit + " ");
  EXPECT_EQ(result.why.type, ErrorType::payload_too_large);
  EXPECT_EQ(result.id, "e-1");
}

TEST_F(EnvelopeTest, ContentTypes) {
  for (const char* type :
       {"application/json", "application/json;charset=utf-8", "application/json; charset=\"UTF-8\"",
        "application/json+x", "application/vnd.media+json", "APPLICATION/JSON ;a=b", ""})
    EXPECT_EQ(event(with(kBinary, "content-type", type), "{}").id, "e-1") << type;
  EXPECT_EQ(event(with(kBinary, "content-type", std::nullopt), "{}").id, "e-1");
  for (const char* type : {"text/plain", "application/xml", "application/avro", "json",
                           "application/json; charset=utf-16", "application/jsonx",
                           "application/cloudevents-batch+json", "application/cloudevents+avro",
                           "application/cloudevents", "application/cloudevents+jsonx"})
    EXPECT_EQ(refused_field(with(kBinary, "content-type", type)), "content-type") << type;
}

TEST_F(EnvelopeTest, OptionalAttributesThatCannotBeUsedAreIgnored) {
  for (const std::string& value : {std::string("\xff"), std::string(256, 'x'), std::string()}) {
    HeaderList headers = kBinary;
    for (const char* name : {"ce_subject", "ce_traceparent", "ce_correlationid", "ce_causationid"})
      headers.emplace_back(name, value);
    const Event e = event(headers, "{}");
    EXPECT_EQ(e.subject, "");
    EXPECT_EQ(e.traceparent, "");
    EXPECT_EQ(e.correlation_id, "");
    EXPECT_EQ(e.causation_id, "");
  }
}

TEST_F(EnvelopeTest, TraceparentOfTheEventWinsOverThatOfTheTransport) {
  HeaderList headers = kBinary;
  headers.emplace_back("traceparent", "00-transport");
  EXPECT_EQ(event(headers, "{}").traceparent, "00-transport");
  headers.emplace_back("ce_traceparent", "00-event");
  EXPECT_EQ(event(headers, "{}").traceparent, "00-event");
}

TEST_F(EnvelopeTest, StructuredModeCarriesEverything) {
  const Event e =
      event(with(kStructured, "content-type", "Application/CloudEvents+JSON; charset=utf-8"),
            R"({"specversion":"1.0","type":"progress.v1","source":"play\u0065r",
      "id":"e\"1","time":"2026-01-02T03:04:05Z","subject":"s","datacontenttype":"application/json",
      "traceparent":"00-t","correlationid":"c","causationid":"d","other":[1,2],"number":5,
      "data" : {"a": [1, {"b":2}]} })");
  EXPECT_EQ(e.id, "e\"1");
  EXPECT_EQ(e.source, "player");
  EXPECT_EQ(e.type, "progress.v1");
  EXPECT_EQ(e.time, "2026-01-02T03:04:05Z");
  EXPECT_EQ(e.subject, "s");
  EXPECT_EQ(e.traceparent, "00-t");
  EXPECT_EQ(e.correlation_id, "c");
  EXPECT_EQ(e.causation_id, "d");
  EXPECT_EQ(e.data, R"({"a": [1, {"b":2}]})");
}

std::string structured(std::string_view extra) {
  return R"({"specversion":"1.0","id":"e-1","source":"player","type":"t")" + std::string(extra) +
         "}";
}

TEST_F(EnvelopeTest, StructuredModeNamesTheAttribute) {
  EXPECT_EQ(event(kStructured, structured(R"(,"data":{})")).id, "e-1");
  EXPECT_EQ(refused_field(kStructured, R"({"id":"a","source":"b","type":"c","data":{}})"),
            "specversion");
  EXPECT_EQ(refused_field(kStructured, R"({"specversion":"1.0","source":"b","type":"c","data":1})"),
            "id");
  EXPECT_EQ(refused_field(kStructured, R"({"specversion":"1.0","id":"a","type":"c","data":{}})"),
            "source");
  EXPECT_EQ(refused_field(kStructured, R"({"specversion":"1.0","id":"a","source":"b","data":{}})"),
            "type");
  EXPECT_EQ(refused_field(kStructured, R"({"specversion":"1.0","id":17,"source":"b","type":"c"})"),
            "id");
  EXPECT_EQ(refused_field(kStructured, R"({"specversion":"2","id":"a","source":"b","type":"c"})"),
            "specversion");
  EXPECT_EQ(refused_field(kStructured, structured("")), "data");
  EXPECT_EQ(refused_field(kStructured, structured(R"(,"data_base64":"e30=")")), "data_base64");
  EXPECT_EQ(refused_field(kStructured, structured(R"(,"time":"now","data":{})")), "time");
  EXPECT_EQ(refused_field(kStructured, structured(R"(,"datacontenttype":"text/xml","data":{})")),
            "datacontenttype");
}

TEST_F(EnvelopeTest, AnAttributeGivenTwiceIsNoIdentity) {
  for (const std::string name : {"id", "source", "type", "data", "specversion"}) {
    const NotAnEvent result =
        refused(kStructured, structured(R"(,"data":{},")" + name + R"(":"1.0")"));
    EXPECT_EQ(result.why.type, ErrorType::schema_violation);
    EXPECT_EQ(result.why.field, name);
    EXPECT_EQ(result.id, name == "id" ? "" : "e-1");
    EXPECT_EQ(result.source, name == "source" ? "" : "player");
  }
}

TEST_F(EnvelopeTest, DamagedStructuredEvents) {
  for (const std::string& json :
       {structured(R"(,"data":{})") + "x", structured(R"(,"data":{"a":tru})"),
        structured(R"(,"data":{]})"), structured(R"(,"data":{)"), structured(R"(,"other":nul)"),
        std::string("{"), std::string("not json"), structured(R"(,"data":{})") + "}",
        std::string("[]")}) {
    const NotAnEvent result = refused(kStructured, json);
    EXPECT_EQ(result.why.type, ErrorType::schema_invalid_json) << json;
  }
}

TEST_F(EnvelopeTest, IdentityOfADamagedStructuredEventIsKeptAsFarAsItWasRead) {
  const NotAnEvent result = refused(kStructured, structured(R"(,"data":{"a":tru})"));
  EXPECT_EQ(result.id, "e-1");
  EXPECT_EQ(result.source, "player");
}

}  // namespace
}  // namespace spool::message
