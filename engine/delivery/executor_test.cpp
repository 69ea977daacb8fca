#include "engine/delivery/dispatcher.hpp"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <set>
#include <stdexcept>

namespace spool::delivery {
namespace {

using base::Failure;
using base::FailureKind;
using base::Result;
using base::Status;

constexpr FailureKind kAllKinds[] = {
    FailureKind::unavailable, FailureKind::conflict, FailureKind::slow,    FailureKind::bad_data,
    FailureKind::fenced,      FailureKind::in_doubt, FailureKind::schema,  FailureKind::position,
    FailureKind::invalid,     FailureKind::refused,  FailureKind::stopped, FailureKind::not_found};

// Events are numbered by their ids; the data says what happens to them.
class NumberBatch : public handler::Batch {
 public:
  std::optional<message::Rejection> stage(const message::Event& event, base::EpochMicros) override {
    if (event.data == "reject")
      return message::Rejection{message::ErrorType::schema_violation, "data", "rejected"};
    if (event.data == "throw early") throw std::runtime_error("the handler has a bug");
    events.push_back({std::stoi(std::string(event.id)), std::string(event.data)});
    return std::nullopt;
  }
  std::size_t size() const override { return events.size(); }
  void clear() override { events.clear(); }
  Result<handler::ApplyCounts> apply(postgres::Transaction&, std::size_t, std::size_t) override {
    return Failure(FailureKind::schema, "no PostgreSQL here");
  }
  std::vector<std::pair<int, std::string>> events;
};

class NumberApply : public handler::ApplyAtOnce {
 public:
  std::unique_ptr<handler::Batch> make_batch() const override {
    return std::make_unique<NumberBatch>();
  }
};

struct Tables {
  Claim claim;
  std::int64_t next = 0;
  Counters counters;
  std::vector<int> applied;
  std::map<std::string, message::ErrorType> dead;
  std::map<std::int64_t, std::string> outbox;
  std::string stopped;
};

struct FakeStore : Store, Log, Probe {
  Tables tables;
  LogBounds log{0, 0};
  LogBounds log_later{0, 0};  // from the second question on
  int questions = 0;
  int calls = 0;
  int fail_at = -1;  // the call that fails, counted from 0
  FailureKind kind = FailureKind::unavailable;
  bool really_commits = false;  // when COMMIT is the call that fails
  std::vector<Durability> commits;
  int begun = 0;

  std::optional<Failure> strike() {
    if (calls++ != fail_at) return std::nullopt;
    return Failure(kind, "injected");
  }

  Result<LogBounds> bounds(const std::string&, std::int32_t) override {
    if (auto failure = strike()) return *failure;
    return questions++ == 0 ? log : log_later;
  }
  void reach(const LaneId&, Point) override {}

  Status admit(const LaneId&, const std::string&, const LogBounds&) override {
    if (auto failure = strike()) return *failure;
    return {};
  }
  Result<LaneState> take(const LaneId&, const std::string&, std::int64_t) override {
    if (auto failure = strike()) return *failure;
    tables.claim.token = base::random_uuid();
    ++tables.claim.seq;
    return LaneState{
        1, tables.claim, 0, tables.next, -1, -1, tables.counters, !tables.outbox.empty()};
  }
  Result<std::unique_ptr<LaneTransaction>> begin(const LaneId&) override;
  Result<std::vector<ClaimSeen>> claims(std::span<const LaneId>) override {
    return std::vector<ClaimSeen>{};
  }
  Result<std::vector<OutboxRow>> outbox(const LaneId&, std::size_t) override {
    if (auto failure = strike()) return *failure;
    std::vector<OutboxRow> rows;
    for (const auto& [number, id] : tables.outbox)
      rows.push_back({number, "dead", std::nullopt, id, {}});
    return rows;
  }
  Status mark_stopped(const LaneId&, const Claim&, const std::string& reason,
                      const std::string&) override {
    if (auto failure = strike()) return *failure;
    tables.stopped = reason;
    ++tables.claim.seq;
    return {};
  }
};

class FakeTransaction : public LaneTransaction {
 public:
  explicit FakeTransaction(FakeStore& store) : store_(store), mine_(store.tables) {}

  Status fence(const Claim& claim, const Advance* step) override {
    if (auto failure = store_.strike()) return *failure;
    if (claim != mine_.claim) return Failure(FailureKind::fenced, "another owner");
    ++mine_.claim.seq;
    if (step != nullptr) move(*step);
    return {};
  }
  Status advance(const Advance& step) override {
    if (auto failure = store_.strike()) return *failure;
    move(step);
    return {};
  }
  Result<handler::ApplyCounts> apply(handler::Batch& batch, std::size_t first,
                                     std::size_t last) override {
    if (auto failure = store_.strike()) return *failure;
    handler::ApplyCounts counts;
    const auto& events = dynamic_cast<NumberBatch&>(batch).events;
    for (std::size_t i = first; i < last; ++i) {
      if (events[i].second == "refuse") return Failure(FailureKind::bad_data, "refused", "22003");
      if (events[i].second == "throw")
        return Failure(FailureKind::bad_data, "threw", kHandlerThrew);
      mine_.applied.push_back(events[i].first);
      ++counts.written;
    }
    return counts;
  }
  Status savepoint() override {
    if (auto failure = store_.strike()) return *failure;
    saved_.push_back(mine_);
    return {};
  }
  Status rollback_to_savepoint() override {
    if (auto failure = store_.strike()) return *failure;
    mine_ = saved_.back();
    saved_.pop_back();
    return {};
  }
  Status release_savepoint() override {
    if (auto failure = store_.strike()) return *failure;
    saved_.pop_back();
    return {};
  }
  Result<std::int64_t> bury(std::span<const DeadLetter> letters) override {
    if (auto failure = store_.strike()) return *failure;
    std::int64_t fresh = 0;
    for (const DeadLetter& letter : letters) {
      if (!mine_.dead.emplace(letter.id, letter.why.type).second) continue;
      mine_.outbox[letter.record.offset + 1] = letter.id;
      ++fresh;
    }
    return fresh;
  }
  Status settle_outbox(std::span<const std::int64_t> published,
                       std::span<const RefusedRow>) override {
    if (auto failure = store_.strike()) return *failure;
    for (const std::int64_t number : published) mine_.outbox.erase(number);
    return {};
  }
  Status commit(Durability durability) override {
    const auto failure = store_.strike();
    if (!failure || store_.really_commits) {
      store_.tables = mine_;
      store_.commits.push_back(durability);
    }
    return failure ? Status(*failure) : Status();
  }

 private:
  void move(const Advance& step) {
    EXPECT_EQ(step.from, mine_.next);
    EXPECT_EQ(step.delta.sum(), step.to - step.from);
    mine_.next = step.to;
    mine_.counters.applied += step.delta.applied;
    mine_.counters.duplicate += step.delta.duplicate;
    mine_.counters.dead += step.delta.dead;
    mine_.counters.gaps += step.delta.gaps;
  }

  FakeStore& store_;
  Tables mine_;
  std::vector<Tables> saved_;
};

Result<std::unique_ptr<LaneTransaction>> FakeStore::begin(const LaneId&) {
  if (auto failure = strike()) return *failure;
  ++begun;
  return std::unique_ptr<LaneTransaction>(std::make_unique<FakeTransaction>(*this));
}

handler::Handler number_handler(handler::Idempotence idempotence) {
  return {{"numbers", "numbers", {"number.v1"}, idempotence}, std::make_unique<NumberApply>()};
}

void append(message::RecordBatch& batch, std::int64_t offset, const std::string& id,
            const std::string& data) {
  const std::array headers{
      message::Header{"ce_specversion", "1.0"},
      message::Header{"ce_type", "number.v1"},
      message::Header{"ce_source", "/test"},
      message::Header{"ce_id", id},
      message::Header{"ce_time", "2026-01-02T03:04:05Z"},
      message::Header{"content-type", "application/json"},
  };
  message::Record record;
  record.offset = offset;
  record.timestamp_ms = offset;
  record.value = data;
  record.headers = headers;
  batch.append(record);
}

// One lane over the fake store, from the taking of the lane to the end of a short log.
struct Journey {
  explicit Journey(std::vector<std::string> log,
                   handler::Idempotence idempotence = handler::Idempotence::ledger)
      : data(std::move(log)), handler(number_handler(idempotence)) {
    store.log = store.log_later = {0, static_cast<std::int64_t>(data.size())};
  }

  void publish(const ToPublish& rows) {
    for (const OutboxRow& row : rows.rows) {
      announced.insert(*row.value);
      dispatcher.published(rows.lane, rows.generation, row.number, {}, now);
    }
  }

  bool run() {
    const std::array<std::int32_t, 1> partitions{0};
    dispatcher.assign("numbers", partitions);
    for (int i = 0; i < 60; ++i) {
      now += std::chrono::seconds(60);
      Lane& mine = *dispatcher.find({"numbers", 0});
      const auto placed = dispatcher.placement("numbers", now, {});
      if (placed && !placed->empty()) fetch = placed->front().offset;
      if (mine.wants_records() && fetch < static_cast<std::int64_t>(data.size())) {
        message::RecordBatch batch;
        for (; fetch < static_cast<std::int64_t>(data.size()); ++fetch)
          append(batch, fetch, std::to_string(fetch), data[static_cast<std::size_t>(fetch)]);
        mine.offer(std::move(batch), std::nullopt, now);
      }
      auto work = dispatcher.next_work(now);
      if (!work) break;
      Done done = executor.run(work->lane, work->job, 0);
      if (auto rows = dispatcher.finish(std::move(*work), std::move(done), now)) publish(*rows);
    }
    const Lane& mine = *dispatcher.find({"numbers", 0});
    return store.tables.next == static_cast<std::int64_t>(data.size()) &&
           store.tables.outbox.empty() && mine.outbox_quiet() &&
           mine.pause_reason() == PauseReason::none;
  }

  void expect_right() {
    std::vector<int> applied;
    std::set<std::string> dead;
    for (std::size_t i = 0; i < data.size(); ++i) {
      if (data[i] == "fine")
        applied.push_back(static_cast<int>(i));
      else
        dead.insert(std::to_string(i));
    }
    EXPECT_EQ(store.tables.applied, applied);
    EXPECT_EQ(store.tables.dead.size(), dead.size());
    for (const auto& id : dead) EXPECT_TRUE(store.tables.dead.contains(id)) << id;
    EXPECT_EQ(announced, dead);
    EXPECT_EQ(store.tables.counters.applied, static_cast<std::int64_t>(applied.size()));
    EXPECT_EQ(store.tables.counters.sum(), store.tables.next);
  }

  std::vector<std::string> data;
  handler::Handler handler;
  FakeStore store;
  Executor executor{store, store, store, {{"numbers", Route{"numbers", &handler}}}};
  Dispatcher dispatcher{LaneLimits{}};
  Instant now{};
  std::int64_t fetch = 0;
  std::set<std::string> announced;
};

const std::vector<std::string> kMixed{"fine", "refuse", "fine", "reject", "throw", "fine"};

int calls_of(const std::vector<std::string>& log) {
  Journey journey(log);
  EXPECT_TRUE(journey.run());
  return journey.store.calls;
}

TEST(ExecutorTest, whatever_call_fails_once_nothing_is_lost_or_doubled) {
  const int calls = calls_of(kMixed);
  ASSERT_GT(calls, 20);
  for (const FailureKind kind : kAllKinds) {
    if (kind == FailureKind::position) continue;  // the lane stops for good, as it must
    for (int call = 0; call < calls; ++call) {
      for (const bool really : {false, true}) {
        SCOPED_TRACE(std::string(base::to_string(kind)) + " at call " + std::to_string(call));
        Journey journey(kMixed);
        journey.store.fail_at = call;
        journey.store.kind = kind;
        journey.store.really_commits = really && kind == FailureKind::in_doubt;
        // A refusal that names no event blames one all the same, if it comes while the database
        // applies it.
        const bool blames = kind == FailureKind::bad_data;
        ASSERT_TRUE(journey.run());
        if (!blames) journey.expect_right();
        EXPECT_EQ(journey.store.tables.counters.sum(), 6);
      }
    }
  }
}

TEST(ExecutorTest, halving_finds_exactly_the_culprits) {
  constexpr unsigned kEvents = 6;
  for (unsigned mask = 0; mask < (1U << kEvents); ++mask) {
    SCOPED_TRACE(mask);
    std::vector<std::string> log;
    for (unsigned i = 0; i < kEvents; ++i) log.push_back((mask >> i) & 1 ? "refuse" : "fine");
    Journey journey(log);
    ASSERT_TRUE(journey.run());
    journey.expect_right();
  }
}

TEST(ExecutorTest, a_handler_that_throws_while_decoding_costs_that_event_only) {
  Journey journey({"fine", "throw early", "fine"});
  ASSERT_TRUE(journey.run());
  EXPECT_EQ(journey.store.tables.applied, (std::vector<int>{0, 2}));
  EXPECT_EQ(journey.store.tables.dead.at("1"), message::ErrorType::handler_bug);
}

TEST(ExecutorTest, a_culprit_dies_for_what_it_did) {
  Journey journey(kMixed);
  ASSERT_TRUE(journey.run());
  EXPECT_EQ(journey.store.tables.dead.at("1"), message::ErrorType::db_constraint);
  EXPECT_EQ(journey.store.tables.dead.at("3"), message::ErrorType::schema_violation);
  EXPECT_EQ(journey.store.tables.dead.at("4"), message::ErrorType::handler_bug);
}

TEST(ExecutorTest, only_what_leaves_through_the_outbox_is_committed_durably) {
  Journey fine({"fine", "fine"}, handler::Idempotence::natural);
  ASSERT_TRUE(fine.run());
  EXPECT_EQ(fine.store.commits, std::vector{Durability::relaxed});
  Journey poisoned({"fine", "reject"}, handler::Idempotence::natural);
  ASSERT_TRUE(poisoned.run());
  EXPECT_EQ(poisoned.store.commits, (std::vector{Durability::durable, Durability::relaxed}));
}

TEST(ExecutorTest, a_refused_commit_is_our_fault_and_never_ends_the_process) {
  Journey journey({"fine"}, handler::Idempotence::natural);
  journey.store.kind = FailureKind::bad_data;
  journey.store.fail_at = 5;  // bounds, take, begin, fence, apply, commit
  ASSERT_TRUE(journey.run());
  journey.expect_right();
}

TEST(ExecutorTest, a_conflict_is_repeated_three_times_before_it_waits) {
  struct AlwaysInConflict : FakeStore {
    Result<std::unique_ptr<LaneTransaction>> begin(const LaneId&) override {
      ++begun;
      return Failure(FailureKind::conflict, "deadlock");
    }
  };
  AlwaysInConflict store;
  const auto handler = number_handler(handler::Idempotence::natural);
  Executor executor{store, store, store, {{"numbers", Route{"numbers", &handler}}}};
  ApplyJob job;
  message::RecordBatch batch;
  append(batch, 0, "0", "fine");
  job.slices.push_back({std::move(batch), 1, {}});
  const Done done = executor.run({"numbers", 0}, std::move(job), 0);
  EXPECT_EQ(store.begun, 4);
  EXPECT_EQ(std::get<ApplyDone>(done).outcome.failure().kind, FailureKind::conflict);
}

TEST(ExecutorTest, an_owner_that_went_on_meanwhile_is_no_loss_of_the_position) {
  Journey journey({"fine", "fine"});
  journey.store.tables.next = 2;
  journey.store.tables.counters.applied = 2;
  journey.store.log = {0, 1};  // asked before the owner before us applied offset 1
  const Done done = journey.executor.run({"numbers", 0}, TakeJob{}, 0);
  EXPECT_EQ(std::get<TakeDone>(done).outcome->bounds.high, 2);
}

TEST(ExecutorTest, gaps_are_counted_where_they_are_seen) {
  Journey journey({});
  ApplyJob job;
  job.claim = journey.store.tables.claim;
  message::RecordBatch batch;
  append(batch, 2, "2", "fine");
  append(batch, 5, "5", "reject");
  job.slices.push_back({std::move(batch), 6, {}});
  job.slices.push_back({{}, 8, {}});
  const Done done = journey.executor.run({"numbers", 0}, std::move(job), 0);
  const Advance& step = std::get<ApplyDone>(done).outcome->advance;
  EXPECT_EQ(step.delta.gaps, 6);
  EXPECT_EQ(step.delta.applied, 1);
  EXPECT_EQ(step.delta.dead, 1);
  EXPECT_EQ(step.last_offset, 5) << "the gap at the end is no record to be recognised by";
}

}  // namespace
}  // namespace spool::delivery
