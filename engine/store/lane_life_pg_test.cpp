// The core and this store together, at random: events that fail, die, come twice, are replayed,
// cancelled and erased, under owners that come and go. After each step the books balance, and what
// the lane remembers is what the tables say.
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <random>
#include <set>

#include "engine/delivery/executor.hpp"
#include "engine/store/open_fixture.hpp"

namespace spool::store {
namespace {

using delivery::Command;
using delivery::CommandKind;
using delivery::Committed;
using delivery::HeldKeys;

// Fails as often as its event says, dies in as many lives as it says, and leaves a row of each
// event that it applies.
class LifeBatch : public handler::Batch {
 public:
  handler::Staging stage(const message::Event& event, const handler::Attempt& attempt) override {
    Staged one{std::string(event.id), 0, 0, 0, 0, attempt.life, attempt.number};
    const std::string data(event.data);
    EXPECT_EQ(std::sscanf(data.c_str(), R"({"seq":%d,"fails":%d,"dies":%d,"key":%d)", &one.seq,
                          &one.fails, &one.dies, &one.key),
              4)
        << data;
    staged_.push_back(std::move(one));
    return {};
  }
  std::size_t size() const override { return staged_.size(); }
  void clear() override { staged_.clear(); }
  base::Result<handler::ApplyCounts> apply(postgres::Transaction& transaction, std::size_t first,
                                           std::size_t last) override {
    handler::ApplyCounts counts;
    for (std::size_t i = first; i < last; ++i) {
      const Staged& one = staged_[i];
      handler::EventFailure failure;
      failure.event = i;
      if (one.life < one.dies) {
        failure.type = message::ErrorType::upstream_rejected;
      } else if (one.attempt <= one.fails && one.life == 0) {
        failure.type = message::ErrorType::upstream_timeout;
      } else {
        ++counts.written;
        auto rows = transaction.execute(
            {"effect", "insert into effects (id, seq, life, key) values ($1, $2, $3, $4)"},
            postgres::Params::of(one.id, one.seq, one.life, one.key));
        if (!rows) return rows.failure();
        continue;
      }
      failure.text = "told to";
      counts.failed.push_back(std::move(failure));
    }
    return counts;
  }

 private:
  struct Staged {
    std::string id;
    int seq;
    int fails;
    int dies;
    int key;
    std::int32_t life;
    std::int32_t attempt;
  };
  std::vector<Staged> staged_;
};

class LifeHandler : public handler::ApplyAtOnce {
 public:
  std::unique_ptr<handler::Batch> make_batch() const override {
    return std::make_unique<LifeBatch>();
  }
};

class NoProbe : public delivery::Probe {
  void reach(const delivery::LaneId&, delivery::Point) override {}
};
class NoLog : public delivery::Log {
  base::Result<delivery::LogBounds> bounds(const std::string&, std::int32_t) override {
    return delivery::LogBounds{};
  }
  base::Result<delivery::LaneMark> witnessed(const delivery::LaneId&) override {
    return delivery::LaneMark{};
  }
};

class LaneLifePg : public OpenFixture, public testing::WithParamInterface<bool> {
 protected:
  void SetUp() override {
    database().execute(
        "drop table if exists effects; create table effects (n bigserial, id text,"
        " seq int, life int, key int); grant all on effects to public;"
        " grant all on effects_n_seq to public");
    const char* given = std::getenv("SPOOL_TEST_SEED");
    seed_ = given != nullptr ? std::strtoul(given, nullptr, 10) : std::random_device()();
    random_.seed(seed_);
    gives_up_ = pick(2) == 0;
    handler_.spec.name = "h";
    handler_.spec.types = {"t.v1"};
    handler_.spec.idempotence = handler::Idempotence::inbox;
    handler_.way = std::make_unique<LifeHandler>();
    delivery::Route route{"topic", &handler_};
    route.policy.delays = {std::chrono::seconds(1), std::chrono::seconds(9)};
    route.hold_after_death = GetParam();
    executor_ = std::make_unique<delivery::Executor>(
        store_, log_, probe_, std::map<std::string, delivery::Route>{{"h", route}});
    remember(take(store_));
  }

  int pick(int below) { return static_cast<int>(random_() % static_cast<unsigned>(below)); }

  // As the lane does when it is taken, and after each commit.
  void remember(const delivery::LaneState& state) {
    footing_.claim = state.claim;
    footing_.next = state.next;
    footing_.next_number = state.open.next_number;
    footing_.suspicion = state.suspicion;
    footing_.events_max = 7;
    auto held = std::make_shared<HeldKeys>();
    for (const auto& change : state.open.keys) held->set(change.key, change.held);
    footing_.held = held;
  }
  void remember(const Committed& committed) {
    footing_.claim = committed.claim;
    footing_.next = committed.advance.to;
    footing_.next_number = committed.open.next_number;
    footing_.suspicion = committed.suspicion;
    auto held = std::make_shared<HeldKeys>(*footing_.held);
    for (const auto& change : committed.open.keys) held->set(change.key, change.held);
    footing_.held = held;
  }
  void run(const delivery::Job& job) {
    const delivery::Done done = executor_->run(lane_, job, now_);
    if (const auto* applied = std::get_if<delivery::ApplyDone>(&done)) {
      ASSERT_TRUE(applied->outcome.ok()) << applied->outcome.failure().text;
      remember(*applied->outcome);
    } else {
      const auto& open = std::get<delivery::OpenDone>(done);
      ASSERT_TRUE(open.outcome.ok()) << open.outcome.failure().text;
      remember(*open.outcome);
      more_ = open.outcome->more;
    }
  }

  void publish() {
    for (int n = 1 + pick(12); n > 0; --n) {
      const bool copy = !log_records_.empty() && pick(8) == 0;
      const int of = copy ? pick(static_cast<int>(log_records_.size()))
                          : static_cast<int>(log_records_.size());
      const int key = copy ? log_records_[static_cast<std::size_t>(of)].key : pick(5);
      const int seq = static_cast<int>(log_records_.size());
      log_records_.push_back({key, source() + "." + std::to_string(of),
                              "{\"seq\":" + std::to_string(seq) +
                                  ",\"fails\":" + std::to_string(pick(3) ? 0 : 1 + pick(4)) +
                                  ",\"dies\":" + std::to_string(pick(6) ? 0 : 1 + pick(2)) +
                                  ",\"key\":" + std::to_string(key) + "}"});
    }
    apply_all();
  }
  void apply_all() {
    while (footing_.next < 100 + static_cast<std::int64_t>(log_records_.size())) {
      delivery::ApplyJob job{footing_, {}};
      job.slices.emplace_back();
      for (std::size_t i = static_cast<std::size_t>(footing_.next - 100); i < log_records_.size();
           ++i)
        append(i, job.slices[0].records);
      job.slices[0].end = 100 + static_cast<std::int64_t>(log_records_.size());
      run(std::move(job));
      if (HasFatalFailure()) return;
    }
  }
  void append(std::size_t i, message::RecordBatch& records) const {
    const LogRecord& one = log_records_[i];
    const std::string key = "u" + std::to_string(one.key) + ":" + std::to_string(one.key);
    const std::string source_header = source();
    const message::Header headers[] = {{"ce_id", one.id},
                                       {"ce_source", source_header},
                                       {"ce_type", "t.v1"},
                                       {"ce_specversion", "1.0"},
                                       {"content-type", "application/json"}};
    message::Record record;
    record.offset = 100 + static_cast<std::int64_t>(i);
    record.timestamp_ms = 5000 + record.offset;
    record.key = key;
    record.value = one.value;
    record.headers = headers;
    records.append(record);
  }

  void drain() {
    now_ += pick(4) * 1'000'000;
    for (int round = 0; round < 50; ++round) {
      const auto heads = footing_.held->due(now_, 3);
      if (heads.empty()) return;
      run(delivery::DrainJob{footing_, heads, 100'000});
      if (HasFatalFailure()) return;
    }
  }

  void order(const std::string& kind, CommandKind of, const std::string& filter) {
    const std::string id = database().value("select gen_random_uuid()");
    database().execute(
        "insert into spool.commands (id, kind, handler, filter, matched, reason,"
        " actor) values ('" +
        id + "', '" + kind + "', 'h', '" + filter +
        "', 0, '', ''); insert into spool.command_lanes (command_id, handler,"
        " partition) values ('" +
        id + "', 'h', " + std::to_string(lane_.partition) + ")");
    do {
      run(delivery::CommandJob{footing_, Command{*base::parse_uuid(id), of, 0}, 4});
      if (HasFatalFailure()) return;
    } while (more_);
    EXPECT_EQ(database().value("select state from spool.commands where id = '" + id + "'"),
              "finished");
  }
  void order_something() {
    const std::string person = R"({"user": "u)" + std::to_string(pick(5)) + R"("})";
    switch (pick(gives_up_ ? 8 : 6)) {
      case 0:
        return order("discard", CommandKind::discard, person);
      case 1:
        return order("restore", CommandKind::restore, "{}");
      case 2:
        return order("retry_now", CommandKind::retry_now, "{}");
      case 6:
        return order("cancel", CommandKind::cancel, person);
      case 7:
        return order("erase", CommandKind::erase, person);
      default:
        return order("replay", CommandKind::replay, person);
    }
  }

  // What the lane remembers is what another owner would read.
  void compare() {
    const std::shared_ptr<const HeldKeys> held = footing_.held;
    const auto state = take(store_);
    ASSERT_EQ(state.open.keys.size(), held->size());
    for (const auto& change : state.open.keys) {
      const delivery::Held* known = held->find(change.key);
      ASSERT_NE(known, nullptr);
      EXPECT_EQ(*known, change.held);
    }
    EXPECT_EQ(state.open.events, state.counters.open);
    EXPECT_EQ(state.next, footing_.next);
    EXPECT_LE(state.open.next_number, footing_.next_number);
    remember(state);
    const auto report = store_.audit_ledger();
    ASSERT_TRUE(report.ok()) << report.failure().text;
    for (const LedgerFinding& finding : report->findings) {
      if (finding.lane != lane_) continue;
      ADD_FAILURE() << finding.what << ": " << finding.expected << " expected, " << finding.found
                    << " found";
    }
  }

  struct LogRecord {
    int key;
    std::string id;
    std::string value;
  };
  unsigned long seed_ = 0;
  std::mt19937 random_;
  handler::Handler handler_;
  NoProbe probe_;
  NoLog log_;
  std::unique_ptr<delivery::Executor> executor_;
  delivery::Footing footing_;
  std::vector<LogRecord> log_records_;
  base::EpochMicros now_ = 1'700'000'000'000'000;
  bool more_ = false;
  bool gives_up_ = false;  // some events are cancelled or erased
};

TEST_P(LaneLifePg, TheBooksBalanceAfterEachStepAndEveryEffectIsThereOnce) {
  SCOPED_TRACE("SPOOL_TEST_SEED=" + std::to_string(seed_));
  int owners = 0;
  for (int step = 0; step < 60; ++step) {
    switch (pick(4)) {
      case 0:
        publish();
        break;
      case 1:
        order_something();
        break;
      default:
        drain();
    }
    ASSERT_FALSE(HasFatalFailure()) << "step " << step;
    if (pick(10) == 0) {
      PgStore other = make_store("other-" + std::to_string(++owners));
      remember(take(other));  // that died
    }
    compare();
    ASSERT_FALSE(HasFailure()) << "step " << step;
  }
  // In its third life every event is well.
  order("restore", CommandKind::restore, "{}");
  for (int life = 0; life < 3; ++life) {
    order("replay", CommandKind::replay, "{}");
    while (footing_.held->next_due() && !HasFatalFailure()) {
      now_ += 10'000'000;
      drain();
      if (GetParam()) order("replay", CommandKind::replay, "{}");
    }
  }
  compare();
  EXPECT_EQ(open_rows(), "");
  EXPECT_EQ(database().value("select count(*) from spool.dead_letters" + where() +
                             " and state in ('open', 'replaying')"),
            "0");
  EXPECT_EQ(database().value("select count(*) from (select id from effects group by id having"
                             " count(*) > 1) twice"),
            "0");
  if (!gives_up_) {
    std::set<std::string> events;
    for (const LogRecord& one : log_records_) events.insert(one.id);
    EXPECT_EQ(database().value("select count(*) from effects"), std::to_string(events.size()));
  }
  // Within a key nothing that never died has overtaken.
  EXPECT_EQ(database().value("select count(*) from (select seq, lag(seq) over (partition by key"
                             " order by n) as before from effects where life = 0) e"
                             " where before > seq"),
            "0");
}

INSTANTIATE_TEST_SUITE_P(Route, LaneLifePg, testing::Values(false, true),
                         [](const auto& route) { return route.param ? "Hold" : "Release"; });

}  // namespace
}  // namespace spool::store
