#include "handlers/local_lists/migration_duty.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/assert.hpp"
#include "handlers/local_lists/duty_store.hpp"

namespace spool::local_lists {
namespace {

using base::Result;
using base::Status;
using base::Uuid;
using handler::DutyDone;

constexpr std::chrono::seconds kEvery{2};
// More than can have operations waiting at once, so that all of those are looked at.
constexpr std::int32_t kMigrationsMax = kWaitingMax + 20;

class Run {
 public:
  explicit Run(postgres::Transaction& transaction) : store_(transaction) {}

  Result<DutyDone> run() {
    auto working = store_.working(kMigrationsMax);
    if (!working) return working.failure();
    if (working->migrations.empty()) return DutyDone{};
    migrations_ = std::move(working->migrations);
    waiting_ = working->waiting;
    auto lists = store_.lists(migrations_);
    if (!lists) return lists.failure();
    lists_ = std::move(*lists);
    if (auto done = look(); !done) return done.failure();
    if (auto done = ask(); !done) return done.failure();
    if (auto done = write(); !done) return done.failure();
    return std::move(done_);
  }

 private:
  // What has ended.
  Status look() {
    std::vector<std::string> ids;
    for (const MigrationList& list : lists_) {
      if (auto id = awaited(list)) ids.push_back(std::move(*id));
    }
    const auto answers = store_.answers(ids);
    if (!answers) return answers.failure();
    const auto asked = store_.asked(lists_);
    if (!asked) return asked.failure();
    const auto differences = store_.differences(just_read(*answers));
    if (!differences) return differences.failure();
    for (MigrationList& list : lists_) {
      ListFacts facts;
      if (const auto id = awaited(list)) facts.one = answers->at(*id);
      if (const auto at = asked->find(list.moved.list); at != asked->end())
        facts.movies = at->second;
      if (const auto at = differences->find(list.moved.list); at != differences->end())
        facts.difference = at->second;
      absorb(list, facts);
    }
    return {};
  }

  std::vector<MovedList> just_read(const std::map<std::string, Answer>& answers) const {
    std::vector<MovedList> read;
    for (const MigrationList& list : lists_) {
      if (list.state != ListState::checking) continue;
      if (answers.at(*awaited(list)).asked == Asked::completed) read.push_back(list.moved);
    }
    return read;
  }

  // What is next, as far as there is room. Lists that were begun go before others.
  Status ask() {
    std::map<Uuid, std::int32_t> waiting;
    for (const MigrationList& list : lists_) waiting[list.moved.migration] += list.waiting;
    for (const Migration& one : migrations_) {
      if (one.logged_in) waiting_ += waiting[one.id] - one.waiting;
    }
    for (const Migration& one : migrations_) {
      room_[one.id] = one.logged_in ? std::max(kWaitingOfUserMax - waiting[one.id], 0) : 0;
      back_[one.id] = one.state == MigrationState::rolling_back;
    }
    const auto next = store_.next(pages());
    if (!next) return next.failure();
    for (MigrationList& list : lists_) {
      std::int32_t& of_user = room_.at(list.moved.migration);
      const std::int32_t room = std::min(of_user, kWaitingMax - waiting_);
      const auto movies = next->find(list.moved.list);
      const std::int32_t asked =
          back_.at(list.moved.migration) ? remove(list, room, done_.publish)
          : list.state == ListState::waiting
              ? begin(list, room, done_.publish)
              : fill(list, movies == next->end() ? std::vector<NextMovie>() : movies->second, room,
                     done_.publish);
      of_user -= asked;
      waiting_ += asked;
    }
    return {};
  }

  std::vector<PageOfMovies> pages() const {
    std::vector<PageOfMovies> pages;
    for (const MigrationList& list : lists_) {
      const std::int32_t room = std::min(room_.at(list.moved.migration), kWaitingMax - waiting_);
      if (list.state != ListState::filling || room <= 0 || back_.at(list.moved.migration)) continue;
      pages.push_back({list.moved.list, list.published, room});
    }
    return pages;
  }

  Status write() {
    auto written = store_.write(lists_);
    if (!written) return written.failure();
    done_.rows += *written;
    auto counts = store_.counts(migrations_);
    if (!counts) return counts.failure();
    std::map<Uuid, std::int32_t> waiting;
    for (const MigrationList& list : lists_) waiting[list.moved.migration] += list.waiting;
    for (Migration& one : migrations_) {
      one.waiting = waiting[one.id];
      const MigrationState after = state_after(one.state, (*counts)[one.id]);
      SPOOL_ASSERT(after == one.state || may_become(one.state, after),
                   "a legal transition of a migration");
      one.state = after;
    }
    written = store_.write(migrations_);
    if (!written) return written.failure();
    done_.rows += *written;
    return {};
  }

  DutyStore store_;
  std::vector<Migration> migrations_;
  std::vector<MigrationList> lists_;
  std::int32_t waiting_ = 0;           // of all whose users are logged in
  std::map<Uuid, std::int32_t> room_;  // of the user's for further operations, by migration
  std::map<Uuid, bool> back_;          // it is rolled back, by migration
  DutyDone done_;
};

class MigrationDuty final : public handler::Duty {
 public:
  std::string name() const override { return "list_migrations"; }
  std::chrono::milliseconds every() const override { return kEvery; }
  Result<DutyDone> run(postgres::Transaction& transaction) override {
    return Run(transaction).run();
  }
};

}  // namespace

std::unique_ptr<handler::Duty> migration_duty() {
  return std::make_unique<MigrationDuty>();
}

}  // namespace spool::local_lists
