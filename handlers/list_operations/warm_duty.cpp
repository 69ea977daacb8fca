#include "handlers/list_operations/warm_duty.hpp"

#include <algorithm>
#include <vector>

#include "engine/postgres/transaction.hpp"
#include "handlers/list_operations/list_cache.hpp"

namespace spool::list_operations {
namespace {

using base::Result;
using base::Status;
using postgres::Params;
using postgres::Statement;
using postgres::Transaction;

constexpr std::chrono::seconds kEvery{30};
// A run is late at times. Of copies that live for less, those that are older than a quarter of
// that.
constexpr std::chrono::milliseconds kAhead = kEvery + std::chrono::seconds(15);
// In one transaction, for which operations of these lists may have to wait; and in one run after
// the other.
constexpr std::int64_t kAtOnce = 50;
constexpr std::int64_t kInARow = 500;
constexpr std::int64_t kForgetAtOnce = 5'000;

// Operations wait for the rows that this transaction holds, and it waits for theirs, in no common
// order: it is this one that gives way, long before anybody else's patience ends.
constexpr const char* kPatience = "set local lock_timeout = '100ms'";

constexpr Statement kForget{
    "list_cache_forget",
    "update media.list_cache c set body = null, used_at = null, refresh_wanted_at = null"
    " from (select list_id from media.list_cache where used_at < now() - interval '1 hour'"
    " order by list_id limit $1 for update skip locked) o where c.list_id = o.list_id"};

constexpr Statement kInUse{
    "list_cache_in_use",
    "select list_id from media.list_cache where used_at >= now() - interval '1 hour'"
    " and (body is null or expires_at < now() + $1::bigint * interval '1 millisecond')"
    " order by used_at desc limit $2"};

// By the index on status and time: from each end of it, whatever the hour has brought.
constexpr Statement kAssume{
    "list_cache_assume",
    "insert into media.list_cache as c (list_id, used_at)"
    " select n.list_id, now() from (select r.list_id"
    " from unnest(array['pending', 'processing', 'completed', 'failed', 'cancelled'])"
    " as s (status) cross join lateral (select q.list_id, q.inserted_at"
    " from media.queued_list_operations q where q.status = s.status"
    " and q.inserted_at > now() - interval '1 hour' order by q.inserted_at desc limit $1) r"
    " where not exists (select from media.list_cache where used_at is not null)"
    " group by r.list_id order by max(r.inserted_at) desc limit $1) n order by n.list_id"
    " on conflict (list_id) do update set used_at = excluded.used_at"};

class WarmDuty final : public handler::Duty {
 public:
  explicit WarmDuty(std::chrono::milliseconds ttl) : ttl_(ttl) {}

  std::string name() const override { return "warm_cache"; }
  std::chrono::milliseconds every() const override { return kEvery; }

  Result<handler::DutyDone> run(Transaction& transaction) override {
    if (auto done = transaction.execute_script(kPatience); !done) return done.failure();
    auto forgotten = transaction.execute(kForget, Params::of(kForgetAtOnce));
    if (!forgotten) return forgotten.failure();
    handler::DutyDone done;
    auto assumed = transaction.execute(kAssume, Params::of(kInARow));
    if (!assumed) return assumed.failure();
    done.rows = forgotten->affected_rows() + assumed->affected_rows();
    done.more = assumed->affected_rows() > 0;
    if (done.more) return done;
    auto filled = fill(transaction);
    if (!filled) return filled.failure();
    done.rows += *filled;
    left_ -= *filled;
    done.more = *filled >= kAtOnce && left_ > 0;
    if (!done.more) left_ = kInARow;
    return done;
  }

 private:
  // Lists that are being changed just now can wait for the next period.
  Result<std::int64_t> fill(Transaction& transaction) {
    const auto ahead = std::min(kAhead, ttl_ * 3 / 4);
    auto wanted = transaction.execute(kInUse, Params::of(ahead.count(), kAtOnce));
    if (!wanted) return wanted.failure();
    std::vector<std::int64_t> lists;
    for (std::size_t i = 0; i < wanted->size(); ++i) lists.push_back(wanted->int64(i, 0));
    if (auto done = transaction.savepoint(); !done) return done.failure();
    auto filled = fill_copies(transaction, lists, ttl_);
    if (filled || filled.failure().kind != base::FailureKind::slow) return filled;
    if (auto done = transaction.rollback_to_savepoint(); !done) return done.failure();
    return std::int64_t{0};
  }

  std::chrono::milliseconds ttl_;
  std::int64_t left_ = kInARow;
};

}  // namespace

std::unique_ptr<handler::Duty> make_warm_duty(std::chrono::milliseconds ttl) {
  return std::make_unique<WarmDuty>(ttl);
}

}  // namespace spool::list_operations
