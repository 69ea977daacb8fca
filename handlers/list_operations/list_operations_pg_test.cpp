// The tables against the pure rules: whatever is admitted, begun, settled and called off in
// whatever order, the queue, the mirror and the views are what merge.hpp, list_state.hpp and
// mirror.hpp make of the same. And what it costs.
#include "handlers/list_operations/list_operations.hpp"

#include <algorithm>
#include <atomic>

#include "handlers/list_operations/cached_list_fixture.hpp"
#include "handlers/list_operations/list_model_fixture.hpp"
#include "handlers/list_operations/list_store_fixture.hpp"
#include "handlers/list_operations/merge.hpp"
#include "handlers/list_operations/mirror.hpp"
#include "handlers/list_operations/stored.hpp"

namespace spool::list_operations {
namespace {

using handler::Settled;
using Kind = handler::Admission::Kind;

// One list, by the pure rules.
struct Model {
  struct Operation {
    std::string id;
    Change change;
    bool begun = false;
    base::EpochMicros due = 0;  // scheduled
    std::int32_t life = 0;
    Sent event = {};
  };
  std::int64_t row = 0;
  std::int32_t tmdb_list = 0;
  std::string ref;
  ListState confirmed = {};
  std::vector<Operation> unfinished = {};  // in their order
  std::vector<Operation> dead = {};

  std::vector<Change> changes(bool begun) const {
    std::vector<Change> found;
    for (const Operation& operation : unfinished) {
      if (operation.due == 0 && operation.begun == begun) found.push_back(operation.change);
    }
    return found;
  }

  ShownList shown_now() const {
    std::vector<const Operation*> later;
    std::vector<Change> all;
    for (const Operation& operation : unfinished) {
      if (operation.due == 0) {
        all.push_back(operation.change);
      } else {
        later.push_back(&operation);
      }
    }
    std::stable_sort(later.begin(), later.end(),
                     [](const Operation* a, const Operation* b) { return a->due < b->due; });
    for (const Operation* operation : later) all.push_back(operation->change);
    return shown(confirmed, all);
  }
};

std::string text(bool value) {
  return value ? "t" : "f";
}

std::string text(const ListFields& fields) {
  const auto maybe = [](const std::optional<std::string>& value) {
    return value ? "'" + *value + "'" : "-";
  };
  return maybe(fields.name) + maybe(fields.description) +
         (fields.is_public ? text(*fields.is_public) : "-") + maybe(fields.language);
}

constexpr const char* kFields =
    "coalesce('''' || l.name || '''', '-') || coalesce('''' || l.description || '''', '-')"
    " || coalesce(case when l.public then 't' else 'f' end"
    " || case when l.public is null then null else '' end, '-')"
    " || coalesce('''' || l.language || '''', '-')";

class RandomPgTest : public ListStoreTest {
 protected:
  RandomPgTest() : seed_(test_seed()), random_(seed_) {
    RecordProperty("seed", std::to_string(seed_));
  }

  // A list that the mirror knows already.
  void begin(int round) {
    const ModelList list = random_.list();
    model_ = {};
    model_.confirmed = random_.known_of(list);
    model_.tmdb_list = model_.confirmed.existence == Existence::never ? 0 : 1'000 + round;
    model_.ref = base::to_string(base::name_uuid("list", std::to_string(round)));
    const ListFields& f = model_.confirmed.fields;
    const auto quoted = [](const auto& value) { return value ? "'" + *value + "'" : "null"; };
    model_.row = std::stoll(value(
        "insert into media.lists (tmdb_user_id, tmdb_list_id, list_ref, existence, complete,"
        " name, description, public, language) values (7, nullif(" +
        std::to_string(model_.tmdb_list) + ", 0), '" + model_.ref + "', '" +
        std::string(to_string(model_.confirmed.existence)) + "', '" +
        text(model_.confirmed.complete) + "', " + quoted(f.name) + ", " + quoted(f.description) +
        ", " + (f.is_public ? "'" + text(*f.is_public) + "'" : "null") + ", " + quoted(f.language) +
        ") returning id"));
    for (const std::int32_t movie : model_.confirmed.movies)
      execute("insert into media.user_list_items (list_id, movie_id) values (" +
              std::to_string(model_.row) + ", " + std::to_string(movie) + ")");
  }

  Sent sent(const Change& change, base::EpochMicros due) {
    Sent event;
    event.id = "e" + std::to_string(++events_);
    event.type = to_string(change.type);
    event.data = data_json(change);
    const bool by_id = change.type != OperationType::create_list && model_.tmdb_list != 0;
    event.list = by_id && random_.chance(50) ? model_.tmdb_list : 0;
    event.ref = model_.ref;
    event.scheduled_for = due;
    return event;
  }

  void admit_some() {
    std::vector<Model::Operation> batch;
    for (int i = random_.below(5); i >= 0; --i) {
      Model::Operation operation;
      operation.change = random_.change();
      if (random_.chance(10)) operation.due = start_ + kHour + random_.below(3) * kHour;
      operation.event = sent(operation.change, operation.due);
      operation.id = operation.event.id;
      batch.push_back(std::move(operation));
    }
    admit_these(std::move(batch), {});
  }

  // One whose time has come, or that is replayed.
  void admit_again(std::vector<Model::Operation>& from, std::int32_t lives) {
    const auto comes = [lives](const auto& operation) { return lives > 0 || operation.due != 0; };
    const auto at = std::find_if(from.begin(), from.end(), comes);
    if (at == from.end()) return;
    Model::Operation operation = *at;
    from.erase(at);
    operation.due = 0;
    operation.begun = false;
    operation.life += lives;
    const handler::Attempt attempt{.life = operation.life, .called = true};
    admit_these({std::move(operation)}, attempt);
  }

  void admit_these(std::vector<Model::Operation> batch, const handler::Attempt& attempt) {
    Merger merger(model_.confirmed, model_.changes(true), model_.changes(false));
    std::vector<std::string> numbers;
    for (const auto& operation : model_.unfinished) {
      if (operation.due == 0 && !operation.begun) numbers.push_back(operation.id);
    }
    const std::size_t before = numbers.size();
    std::vector<Sent> events;
    std::vector<Kind> expected(batch.size(), Kind::waits);
    std::set<std::string> swallowed_before;
    bool over = false;
    for (std::size_t i = 0; i < batch.size(); ++i) {
      events.push_back(batch[i].event);
      if (batch[i].due != 0) {
        model_.unfinished.push_back(batch[i]);
        continue;
      }
      Merged merged = merger.admit(batch[i].change);
      numbers.push_back(batch[i].id);
      over |= merged.list_over;
      for (const Swallowed& gone : merged.swallowed) {
        const std::string& id = numbers[gone.number];
        std::erase_if(model_.unfinished, [&](const auto& o) { return o.id == id; });
        if (gone.number < before) swallowed_before.insert(id);
        for (std::size_t k = 0; k < batch.size(); ++k) {
          if (batch[k].id == id) expected[k] = Kind::ended;
        }
      }
      if (merged.ended) {
        expected[i] = Kind::ended;
        continue;
      }
      model_.unfinished.push_back(batch[i]);
      model_.unfinished.back().change = merged.change;
    }
    const handler::Admitted admitted = admit(events, attempt);
    if (over) model_.confirmed = {.existence = Existence::gone, .complete = true};
    std::vector<Kind> kinds;
    for (const auto& event : admitted.events) {
      kinds.push_back(event.kind);
      EXPECT_EQ(event.order_key, std::to_string(model_.row));
    }
    EXPECT_EQ(kinds, expected);
    std::set<std::string> swallowed;
    for (const message::Identity& event : admitted.swallowed) swallowed.insert(event.id);
    EXPECT_EQ(swallowed, swallowed_before);
  }

  // The first one has its turn.
  void begin_or_settle() {
    const auto head = std::find_if(model_.unfinished.begin(), model_.unfinished.end(),
                                   [](const auto& operation) { return operation.due == 0; });
    if (head == model_.unfinished.end()) return;
    const Change change = head->change;
    const auto openings = open({head->id}, false, head->life);
    const bool called = std::holds_alternative<handler::CallPtr>(openings[0]);
    ListAnswer answer;
    if (called) {
      const auto& call = dynamic_cast<const ListCall&>(*std::get<handler::CallPtr>(openings[0]));
      EXPECT_EQ(call.change, change);
      head->begun = true;
      if (random_.chance(20)) return settle_head(Settled::retried);
      if (random_.chance(20)) return settle_head(Settled::died);
      if (random_.chance(10)) return;
      if (change.type == OperationType::create_list) {
        model_.tmdb_list = 500'000 + ++events_;
        answer = created(model_.tmdb_list);
      }
    } else if (std::holds_alternative<handler::EventFailure>(openings[0])) {
      return settle_head(Settled::died);
    }
    if (called && change.type == OperationType::refresh_list) {
      answer.fetched = what_others_made_of_it();
      if (!change.compare_only) model_.confirmed = rebased(model_.confirmed, *answer.fetched);
    }
    confirm(model_.confirmed, change);
    settle_head(Settled::done, answer);
  }

  ListState what_others_made_of_it() {
    const ModelList list = random_.list();
    if (!list.exists()) return {.existence = Existence::gone};
    ListState state = list.fetched();
    state.complete = random_.chance(80);
    return state;
  }

  void settle_head(Settled fate, const ListAnswer& answer = {}) {
    const auto head = std::find_if(model_.unfinished.begin(), model_.unfinished.end(),
                                   [](const auto& operation) { return operation.due == 0; });
    settle_one(*head, fate, answer);
    if (fate == Settled::died) model_.dead.push_back(*head);
    if (fate != Settled::retried) model_.unfinished.erase(head);
  }

  void settle_one(const Model::Operation& operation, Settled fate, const ListAnswer& answer = {}) {
    handler::Settling one = settling(operation.id, fate, answer);
    one.life = operation.life;
    settle({one});
  }

  void cancel_one() {
    if (model_.unfinished.empty()) return;
    const auto which = random_.below(static_cast<int>(model_.unfinished.size()));
    const auto at = model_.unfinished.begin() + which;
    if (at->begun) return;
    settle_one(*at, Settled::cancelled);
    model_.unfinished.erase(at);
  }

  void check() {
    std::string queue;
    for (const bool later : {false, true}) {
      for (const auto& operation : model_.unfinished) {
        if ((operation.due != 0) == later)
          queue += operation.id + " " + std::string(to_string(operation.change.type)) + "\n";
      }
    }
    const std::string row = std::to_string(model_.row);
    EXPECT_EQ(value("select string_agg(event_id || ' ' || operation_type || E'\\n', ''"
                    " order by scheduled, position) from media.queued_list_operations"
                    " where status in ('pending', 'processing') and list_id = " +
                    row),
              queue);
    check_confirmed(row);
    check_shown(row);
    check_copy();
  }

  // The copy is from the step before, unless this one changed what is shown.
  void check_copy() {
    const CacheSettings settings{std::chrono::minutes(1)};
    const auto copy = read_list(*reader_, model_.row, settings);
    const auto computed = read_list(*reader_, model_.row, settings, true);
    ASSERT_TRUE(copy.ok() && computed.ok());
    ASSERT_EQ(copy->has_value(), computed->has_value());
    if (!*copy) return;
    EXPECT_EQ(describe(**copy), describe(**computed));
  }

  void check_confirmed(const std::string& row) {
    const ListState& c = model_.confirmed;
    EXPECT_EQ(value(std::string("select existence || ' ' || ") + kFields +
                    " || ' ' || case when complete then 't' else 'f' end"
                    " from media.lists l where id = " +
                    row),
              std::string(to_string(c.existence)) + " " + text(c.fields) + " " + text(c.complete));
    std::string movies;
    for (const std::int32_t movie : c.movies) movies += std::to_string(movie) + " ";
    EXPECT_EQ(value("select string_agg(movie_id || ' ', '' order by position)"
                    " from media.user_list_items where list_id = " +
                    row),
              movies);
  }

  void check_shown(const std::string& row) {
    constexpr const char* kItemMarks[] = {"settled", "adding", "removing"};
    constexpr const char* kListMarks[] = {"settled", "creating", "deleting"};
    const ShownList list = model_.shown_now();
    EXPECT_EQ(value(std::string("select existence || ' ' || mark || ' ' || ") + kFields +
                    " || ' ' || name_pending::int || description_pending::int"
                    " || public_pending::int || language_pending::int || complete::int"
                    " from media.shown_lists l where list_id = " +
                    row),
              std::string(to_string(list.existence)) + " " +
                  kListMarks[static_cast<int>(list.mark)] + " " + text(list.fields) + " " +
                  std::to_string(list.pending.name) + std::to_string(list.pending.description) +
                  std::to_string(list.pending.is_public) + std::to_string(list.pending.language) +
                  std::to_string(list.complete));
    std::string movies;
    for (std::size_t i = 0; i < list.items.size(); ++i)
      movies += std::to_string(i + 1) + ":" + std::to_string(list.items[i].movie_id) + " " +
                kItemMarks[static_cast<int>(list.items[i].mark)] + "\n";
    EXPECT_EQ(value("select string_agg(place || ':' || movie_id || ' ' || mark || E'\\n', ''"
                    " order by place) from media.shown_list_items where list_id = " +
                    row),
              movies);
  }

  std::uint64_t seed_;
  RandomLists random_;
  Model model_;
  base::EpochMicros start_ = now();
  std::int32_t events_ = 0;
};

TEST_F(RandomPgTest, TheTablesAreWhatTheRulesSay) {
  SCOPED_TRACE("SPOOL_TEST_SEED=" + std::to_string(seed_));
  for (int round = 0; round < 40 && !HasFailure(); ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    begin(round);
    check();
    for (int i = 4 + random_.below(10); i > 0 && !HasFailure(); --i) {
      const int dice = random_.below(100);
      if (dice < 45) {
        admit_some();
      } else if (dice < 75) {
        begin_or_settle();
      } else if (dice < 85) {
        cancel_one();
      } else if (dice < 93) {
        admit_again(model_.dead, 1);
      } else {
        admit_again(model_.unfinished, 0);
      }
      check();
    }
  }
}

// The server reports each statement that it executes.
class CostPgTest : public ListStoreTest {
 protected:
  CostPgTest() {
    postgres::ConnectionSettings settings = database_.settings();
    settings.url = database_.admin_url();
    settings.session = {{"log_statement", "all"}, {"client_min_messages", "log"}};
    settings.on_notice = [this](std::string_view notice) {
      if (notice.find("list_operations_") != std::string_view::npos ||
          notice.find("media.") != std::string_view::npos)
        ++statements_;
    };
    connection_ = std::move(postgres::Connection::open(settings)).value();
  }

  template <typename Work>
  int cost(Work work) {
    statements_ = 0;
    work();
    return statements_;
  }

  // Each list has an add, a remove of another movie, and an update.
  static std::vector<Sent> batch(int lists, int first) {
    std::vector<Sent> events;
    for (int list = first; list < first + lists; ++list) {
      const std::string id = std::to_string(list);
      events.push_back(add("a" + id, list % 3 + 1, list));
      events.push_back(remove("r" + id, list % 3 + 5, list));
      events.push_back({"u" + id, "update_list", R"({"name":"x"})", list});
    }
    return events;
  }

  int admission(int lists, int first) {
    return cost([&] { admit(batch(lists, first)); });
  }

  int opening(int lists, int first) {
    std::vector<std::string> ids;
    for (int list = first; list < first + lists; ++list) ids.push_back("a" + std::to_string(list));
    return cost([&] { open(ids); });
  }

  int settling_of(int lists, int first) {
    std::vector<handler::Settling> settlings;
    for (int list = first; list < first + lists; ++list)
      settlings.push_back(settling("a" + std::to_string(list), Settled::done));
    return cost([&] { settle(settlings); });
  }

  int statements_ = 0;
};

TEST_F(CostPgTest, ABatchOfAnySizeTakesTheSameNumberOfStatements) {
  const int few = admission(1, 1);
  EXPECT_GT(few, 0);
  EXPECT_LE(few, 7);
  EXPECT_EQ(admission(334, 1'000), few);
  const int opened = opening(1, 1);
  EXPECT_LE(opened, 2);
  EXPECT_EQ(opening(334, 1'000), opened);
  const int settled = settling_of(1, 1);
  EXPECT_LE(settled, 6);
  EXPECT_EQ(settling_of(334, 1'000), settled);
  EXPECT_EQ(value("select count(*) from media.user_list_items"), "335");
}

TEST_F(CostPgTest, SoDoReadings) {
  const auto readings = [this](int lists, int first) {
    std::vector<Sent> events;
    std::vector<std::string> ids;
    std::vector<handler::Settling> settlings;
    for (int list = first; list < first + lists; ++list) {
      ids.push_back("f" + std::to_string(list));
      events.push_back(refresh(ids.back(), list, list % 2 == 0));
      settlings.push_back(settling(ids.back(), Settled::done, fetched({list, list + 1})));
    }
    settlings[0] = settling(ids[0], Settled::retried);
    return cost([&] {
      admit(events);
      open(ids);
      settle(settlings);
    });
  };
  const int few = readings(4, 1);
  EXPECT_EQ(readings(5, 11), few);
  EXPECT_EQ(readings(333, 1'001), few);
  EXPECT_LE(few, 17);
}

TEST_F(CostPgTest, AThousandOperationsOfOneListAreOneBatch) {
  std::vector<Sent> events;
  for (int i = 0; i < 1'000; ++i) events.push_back(add("e" + std::to_string(i), i + 1));
  const int all = cost([&] { admit(events); });
  EXPECT_LE(all, 7);
  EXPECT_EQ(cost([&] { admit({{"d", "delete_list", "{}"}}); }), all - 1) << "no movie to look for";
  EXPECT_EQ(value("select count(*) from media.queued_list_operations where status = 'completed'"),
            "1000");
}

}  // namespace
}  // namespace spool::list_operations
