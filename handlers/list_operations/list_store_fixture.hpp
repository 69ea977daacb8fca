// For tests of the tables: the handler driven as the engine drives it, with a database for all
// tests of a suite, empty at the beginning of each.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "engine/message/record_batch.hpp"
#include "engine/postgres/connection.hpp"
#include "handlers/list_operations/list_call.hpp"
#include "handlers/list_operations/list_operations.hpp"
#include "tests/support/pg_database.hpp"

namespace spool::list_operations {

inline constexpr base::EpochMicros kHour = 3'600LL * 1'000'000;
inline const std::string kRef = "6d1f0c1e-7c3a-4f5e-9a51-0c2f3b1d7e01";

struct Sent {
  std::string id = "e";
  std::string type = "add_movie";
  std::string data = R"({"movie_id":550})";
  std::int32_t list = 42;  // 0: `ref`
  std::string ref = kRef;
  std::int32_t user = 7;
  base::EpochMicros scheduled_for = 0;
  std::string source = "phone";
  std::int32_t priority = kPriorityDefault;
};

inline Sent add(std::string id, std::int32_t movie, std::int32_t list = 42) {
  return {std::move(id), "add_movie", "{\"movie_id\":" + std::to_string(movie) + "}", list};
}

inline Sent remove(std::string id, std::int32_t movie, std::int32_t list = 42) {
  Sent sent = add(std::move(id), movie, list);
  sent.type = "remove_movie";
  return sent;
}

inline Sent create(std::string id, std::string name = "Noir") {
  return {std::move(id), "create_list", R"({"name":")" + name + "\"}", 0};
}

inline ListAnswer created(std::int32_t list) {
  ListAnswer answer;
  answer.tmdb_list_id = list;
  return answer;
}

inline Sent refresh(std::string id, std::int32_t list = 42, bool compare_only = false) {
  return {std::move(id), "refresh_list", compare_only ? R"({"compare_only":true})" : "{}", list};
}

// What a reading brings.
inline ListAnswer fetched(std::vector<std::int32_t> movies, const std::string& name = "Noir") {
  ListAnswer answer;
  answer.fetched = {Existence::exists, {name, "", true, "en"}, std::move(movies), true};
  return answer;
}

inline ListAnswer fetched_gone() {
  ListAnswer answer;
  answer.fetched = {.existence = Existence::gone};
  return answer;
}

inline ListAnswer login_over() {
  ListAnswer answer;
  answer.session_over = true;
  return answer;
}

inline std::string json_of(const Sent& sent) {
  std::string json = "{\"operation_type\":\"" + sent.type +
                     "\",\"tmdb_user_id\":" + std::to_string(sent.user) +
                     ",\"operation_data\":" + sent.data;
  json += sent.list != 0 ? ",\"tmdb_list_id\":" + std::to_string(sent.list)
                         : ",\"list_ref\":\"" + sent.ref + "\"";
  if (sent.scheduled_for != 0)
    json += ",\"scheduled_for\":\"" + base::format_rfc3339(sent.scheduled_for) + "\"";
  if (sent.priority != kPriorityDefault) json += ",\"priority\":" + std::to_string(sent.priority);
  return json + "}";
}

class ListStoreTest : public testing::Test {
 public:
  static void SetUpTestSuite() { shared_ = std::make_unique<test::PgDatabase>(); }
  static void TearDownTestSuite() { shared_.reset(); }

 protected:
  ListStoreTest() : connection_(database_.connect()), reader_(database_.connect()) {
    Settings settings;
    settings.unseal = [this](std::int32_t user,
                             std::string_view sealed) -> base::Result<tmdb::Credentials> {
      ++unsealed_;
      if (sealed == "broken") return base::Failure(base::FailureKind::invalid, "no such key");
      tmdb::Credentials credentials;
      credentials.secret = std::string(sealed);
      credentials.account_id = std::to_string(user);
      return credentials;
    };
    auto made = make_handler(settings);
    handler_ = std::move(std::get<std::unique_ptr<handler::PerformThenSettle>>(made->way));
    admissions_ = handler_->make_admissions();
    for (const char* table :
         {"queued_list_operations", "operation_tombstones", "lists", "tmdb_sessions"})
      execute(std::string("delete from media.") + table);
    login(7);
    login(8);
  }

  void login(std::int32_t user) {
    execute("insert into media.tmdb_sessions (tmdb_user_id, sealed) values (" +
            std::to_string(user) +
            ", 'secret') on conflict (tmdb_user_id) do update set state = 'active',"
            " updated_at = clock_timestamp()");
  }

  base::EpochMicros now() const {
    return std::stoll(value("select (extract(epoch from now()) * 1000000)::bigint"));
  }

  void stage(const std::vector<Sent>& events, handler::Attempt attempt) {
    admissions_->clear();
    for (const Sent& sent : events) {
      std::string json = json_of(sent);
      const std::size_t size = json.size();
      json.append(message::kReadAheadBytes, ' ');
      const std::string key = std::to_string(sent.user);
      message::Event event;
      event.id = sent.id;
      event.source = sent.source;
      event.correlation_id = "c-1";
      event.data = std::string_view(json).substr(0, size);
      event.key = key;
      const auto refused = admissions_->stage(event, attempt);
      ASSERT_FALSE(refused) << refused->message();
    }
  }

  template <typename Work>
  auto commit(Work work) {
    auto transaction = connection_->begin();
    EXPECT_TRUE(transaction.ok());
    auto result = work(**transaction);
    EXPECT_TRUE(result.ok()) << result.failure().text;
    EXPECT_TRUE((*transaction)->commit().ok());
    return std::move(result).value();
  }

  handler::Admitted admit(const std::vector<Sent>& events, handler::Attempt attempt = {}) {
    if (attempt.now == 0) attempt.now = now();
    stage(events, attempt);
    return commit([&](postgres::Transaction& transaction) {
      return admissions_->admit(transaction, 0, admissions_->size());
    });
  }

  handler::Admitted again(const Sent& event, std::int32_t life = 0) {
    return admit({event}, {.life = life, .called = true});
  }

  std::vector<handler::Opening> open(const std::vector<std::string>& ids, bool in_doubt = false,
                                     std::int32_t life = 0) {
    std::vector<handler::Turn> turns;
    for (const std::string& id : ids) turns.push_back({{"phone", id}, life, 1, in_doubt});
    auto opened = commit(
        [&](postgres::Transaction& transaction) { return handler_->open(transaction, turns); });
    EXPECT_EQ(opened.events.size(), ids.size());
    return std::move(opened.events);
  }

  std::shared_ptr<const ListCall> call(const std::string& id, bool in_doubt = false,
                                       std::int32_t life = 0) {
    const auto openings = open({id}, in_doubt, life);
    const auto* call = std::get_if<handler::CallPtr>(&openings[0]);
    EXPECT_NE(call, nullptr) << id << " is not to be called";
    return call == nullptr ? std::make_shared<ListCall>()
                           : std::dynamic_pointer_cast<const ListCall>(*call);
  }

  handler::EventFailure failure(const std::string& id) {
    const auto openings = open({id});
    const auto* failure = std::get_if<handler::EventFailure>(&openings[0]);
    EXPECT_NE(failure, nullptr) << id << " does not fail";
    return failure == nullptr ? handler::EventFailure{} : *failure;
  }

  static handler::Settling settling(const std::string& id, handler::Settled fate,
                                    ListAnswer answer = {}) {
    handler::Settling settling;
    settling.event = {"phone", id};
    settling.attempts = 1;
    settling.fate = fate;
    settling.answer = std::make_shared<ListAnswer>(std::move(answer));
    settling.why = {message::ErrorType::upstream_server_error, "", "status 500"};
    return settling;
  }

  handler::SettledRows settle(const std::vector<handler::Settling>& settlings) {
    return commit([&](postgres::Transaction& transaction) {
      return handler_->settle(transaction, settlings);
    });
  }

  handler::SettledRows settle(const std::string& id, handler::Settled fate,
                              ListAnswer answer = {}) {
    return settle({settling(id, fate, std::move(answer))});
  }

  // From admission to its end.
  void carry_out(const Sent& event, ListAnswer answer = {}) {
    admit({event});
    call(event.id);
    settle(event.id, handler::Settled::done, std::move(answer));
  }

  // The first field of the answer, "" for NULL and for no row; by a session that stays open.
  std::string value(const std::string& sql) const {
    const std::string name = base::to_string(base::name_uuid("test", sql));
    const auto rows = reader_->execute(postgres::Statement{name.c_str(), sql.c_str()});
    EXPECT_TRUE(rows.ok()) << sql << ": " << (rows.ok() ? "" : rows.failure().text);
    return !rows.ok() || rows->empty() ? "" : rows->text(0, 0);
  }

  void execute(const std::string& sql) {
    const auto done = reader_->execute_script(sql);
    EXPECT_TRUE(done.ok()) << sql << ": " << (done.ok() ? "" : done.failure().text);
  }

  std::string column(const std::string& id, const std::string& name) const {
    return value("select " + name + " from media.queued_list_operations where event_id = '" + id +
                 "'");
  }

  std::string status(const std::string& id) const { return column(id, "status"); }

  std::string items(const std::string& from = "media.user_list_items",
                    const std::string& order = "position") const {
    return value("select string_agg(movie_id::text, ' ' order by " + order + ") from " + from);
  }

  static inline std::unique_ptr<test::PgDatabase> shared_ = {};
  const test::PgDatabase& database_ = *shared_;
  std::unique_ptr<postgres::Connection> connection_;
  std::unique_ptr<postgres::Connection> reader_;
  std::unique_ptr<handler::PerformThenSettle> handler_;
  std::unique_ptr<handler::Admissions> admissions_;
  int unsealed_ = 0;
};

}  // namespace spool::list_operations
