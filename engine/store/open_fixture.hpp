// For the tests of what waits and what is dead: a lane that is taken, its transactions one after
// the other, and rows in short.
#pragma once

#include <algorithm>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <gmock/gmock.h>

#include "engine/store/lane_fixture.hpp"

namespace spool::store {

class OpenFixture : public LaneFixture {
 protected:
  using Body = std::function<base::Status(delivery::LaneTransaction&)>;

  // One transaction of the lane, committed; what it fails with otherwise.
  base::Status try_work(const Body& body) {
    const base::Status status = run(store_, claim_, body);
    if (status) ++claim_.seq;
    return status;
  }
  void work(const Body& body) {
    const base::Status status = try_work(body);
    ASSERT_TRUE(status.ok()) << status.failure().text;
  }
  // The same for a question.
  template <typename Ask>
  auto ask(Ask question) {
    using Asked = std::invoke_result_t<Ask, delivery::LaneTransaction&>;
    using Answer = std::remove_cvref_t<decltype(*std::declval<Asked&>())>;
    Answer answer{};
    work([&](delivery::LaneTransaction& open) -> base::Status {
      auto result = question(open);
      if (!result) return result.failure();
      answer = std::move(*result);
      return {};
    });
    return answer;
  }

  static delivery::KeyHash key(std::uint8_t n) {
    delivery::KeyHash key;
    key.bytes[0] = n;
    return key;
  }

  // Ids of this test only: all lanes of the fixture share one handler.
  std::string source() const { return "source-" + std::to_string(lane_.partition); }

  delivery::OpenEvent event(std::int64_t number, std::uint8_t of_key, delivery::OpenState state,
                            base::EpochMicros due = 0) const {
    delivery::OpenEvent event;
    event.row.number = number;
    event.row.key = key(of_key);
    event.row.state = state;
    event.row.due = due;
    event.row.bytes = 400;
    event.source = source();
    event.id = "e" + std::to_string(number);
    event.type = "t.v1";
    event.record.offset = 100 + number;
    event.record.timestamp_ms = 5000 + number;
    event.record.key = "key";
    event.record.value = "value";
    return event;
  }
  static delivery::FailedOnce failed(std::size_t rung = 0) {
    return {{message::ErrorType::upstream_timeout, "f", "no answer"}, rung};
  }

  delivery::DeadLetter letter(const std::string& id, std::int64_t offset) const {
    delivery::DeadLetter letter;
    letter.source = source();
    letter.id = id;
    letter.type = "t.v1";
    letter.record.offset = offset;
    letter.record.timestamp_ms = 5000 + offset;
    letter.record.key = "key";
    letter.record.value = "value";
    letter.why = {message::ErrorType::schema_violation, "a.b", "7 is too much"};
    letter.key = key(1);
    return letter;
  }

  void open(const std::vector<delivery::OpenEvent>& events) {
    work([&](auto& transaction) { return transaction.open(events); });
  }
  std::vector<bool> bury(const std::vector<delivery::DeadLetter>& letters) {
    return ask([&](auto& transaction) { return transaction.bury(letters); });
  }
  std::vector<delivery::FoundLetter> find(const std::string& id) {
    const delivery::ReplayRequest request[] = {{source(), id, 0}};
    return ask([&](auto& transaction) { return transaction.find_letters(request); });
  }
  // A dead letter begins its next life as the head with this number.
  void revive(const std::string& id, std::int64_t number, bool in_place = false) {
    const delivery::Revival revival[] = {
        {find(id).at(0).id, number, delivery::OpenState::head, 9'000'000, in_place}};
    work([&](auto& transaction) { return transaction.revive(revival); });
  }

  // The lane's rows of a table, each as its columns, in the order of `order`.
  std::string rows(const std::string& table, const std::string& columns,
                   const std::string& order) const {
    return database().value("select string_agg(concat_ws(' ', " + columns + "), ', ' order by " +
                            order + ") from spool." + table + where());
  }
  std::string open_rows(const std::string& columns = "number, state") const {
    return rows("open_events", columns, "number");
  }
  std::string letters(const std::string& columns = "event_id, state, life") const {
    return rows("dead_letters", columns, "record_offset");
  }
  std::string outbox_topics() const { return rows("outbox", "topic", "number"); }

  // The header of the outbox row at this place; "none" without one, "null" without a value.
  std::string outbox_header(std::size_t place, const std::string& name) {
    const auto all = store_.outbox(lane_, place + 1);
    if (!all || all->size() <= place) return "no such row";
    for (const auto& [header, value] : (*all)[place].headers) {
      if (header == name) return value.value_or("null");
    }
    return "none";
  }

  delivery::Claim claim_ = take(store_).claim;
};

}  // namespace spool::store
