// What an operator is told and what the lane's owner does must be about the same events: the filter
// is read by statements on both sides.
#include "engine/store/letter_fixture.hpp"
#include "engine/store/operator_commands.hpp"
#include "engine/store/pg_store.hpp"

namespace spool::store {
namespace {

using delivery::CommandKind;

class CommandAgreementPg : public LetterFixture {
 protected:
  void SetUp() override {
    LetterFixture::SetUp();
    PgStoreSettings settings;
    settings.connection = database().settings();
    store_ = std::make_unique<PgStore>(
        settings, std::vector<LaneContext>{
                      {"h", "topic", "topic.dlt", "spool.h", "0.1.0", "host-a", {}, "events"}});
    const auto taken = store_->take(kLane, "topic", 0, {});
    ASSERT_TRUE(taken.ok()) << taken.failure().text;
    claim_ = taken->claim;
  }

  // How many events the owner finds for the command.
  std::size_t found(CommandKind kind, const base::Uuid& id) {
    auto begun = store_->begin(kLane);
    EXPECT_TRUE(begun.ok());
    EXPECT_TRUE((*begun)->fence(claim_, nullptr).ok());
    const auto targets = (*begun)->targets({id, kind, 0}, 1'000);
    EXPECT_TRUE(targets.ok() && targets->live);
    return targets->letters.size() + targets->rows.size();
  }

  void expect_agreement(CommandKind kind, const EventFilter& filter) {
    const auto given = give_commands(*connection_, {kind, filter, 0}, who_);
    ASSERT_TRUE(given.ok()) << given.failure().text;
    const std::string what = std::string(to_string(kind)) + " " + filter_json(filter);
    if (given->empty()) {
      ++nothing_;
      return;
    }
    ASSERT_EQ(given->size(), 1U) << what;
    EXPECT_EQ(found(kind, given->front().id), static_cast<std::size_t>(given->front().matched))
        << what;
    ++something_;
  }

  inline static const delivery::LaneId kLane{"h", 5};
  std::unique_ptr<PgStore> store_;
  delivery::Claim claim_;
  int nothing_ = 0;
  int something_ = 0;
};

TEST_F(CommandAgreementPg, TheOwnerFindsWhatTheOperatorWasTold) {
  const base::Uuid a = letter("h", 5, "a");
  letter("h", 5, "b", "key = '7:603', error_type = 'db.constraint', source = 's2'");
  letter("h", 5, "c", "state = 'discarded', fingerprint = 'fp_2', value = '{\"user_id\": 8}'");
  letter("h", 5, "d", "state = 'replaying', topic = 't2', event_type = 'x.v1'");
  letter("h", 5, "e", "state = 'resolved', dead_at = now() - interval '2 days'");
  letter("h", 5, "f", "state = 'discarded', erased = true");
  letter("h", 5, "g", "value = '\\xff00', dead_at = now() - interval '2 days'");
  open_event("h", 5, 1, "error_type = 'upstream.timeout'");
  open_event("h", 5, 2, "state = 'parked', due_at = null, key = '7'");
  open_event("h", 5, 3, "state = 'scheduled', event_type = 'x.v1', source = 's2'");
  open_event("h", 5, 4, "state = 'dead', due_at = null");
  open_event("h", 5, 5, "value = '{\"data\": {\"user_id\": \"8\"}}'");
  const auto now = database_now(*connection_);
  ASSERT_TRUE(now.ok());
  const base::EpochMicros day = 86'400'000'000;
  const std::vector<EventFilter> filters = {
      {},
      {.ids = {a, base::Uuid{}}},
      {.error = "schema.*"},
      {.error = "db.constraint"},
      {.error = "upstream*"},
      {.error = "schema%"},
      {.topic = "topic"},
      {.topic = "t2"},
      {.fingerprint = "fp_2"},
      {.key = "k"},
      {.key = "7:603"},
      {.event_type = "x.v1"},
      {.source = "s2"},
      {.state = "parked"},
      {.state = "replaying"},
      {.older_than = *now - day},
      {.older_than = *now},
      {.user_field = "user_id", .user = "7"},
      {.user_field = "user_id", .user = "8"},
      {.partition = 5},
      {.partition = 6},
      {.partition = 5, .numbers = {2, 3, 9}},
      {.error = "schema.*", .key = "k", .source = "s"},
  };
  for (const CommandKind kind :
       {CommandKind::replay, CommandKind::discard, CommandKind::restore, CommandKind::retry_now,
        CommandKind::cancel, CommandKind::prioritize, CommandKind::erase}) {
    for (const EventFilter& filter : filters) expect_agreement(kind, filter);
  }
  EXPECT_GT(something_, 50);
  EXPECT_GT(nothing_, 20);
}

}  // namespace
}  // namespace spool::store
