#include "tests/simulation/sim_database.hpp"

#include <cstring>

#include "engine/base/assert.hpp"

namespace spool::simulation {
namespace {

constexpr std::size_t kHistoryMin = 30;  // durable transactions that a failover may still lose

}  // namespace

std::int64_t SimDatabase::begin() {
  SPOOL_ASSERT(open_number_ == 0, "two transactions at once in the simulated database");
  open_number_ = ++last_number_;
  return open_number_;
}

void SimDatabase::undo(std::vector<Undo>& steps, std::size_t mark) {
  while (steps.size() > mark) {
    const Undo step = std::move(steps.back());
    steps.pop_back();
    step(*this);
  }
}

void SimDatabase::undo_to(std::size_t mark) {
  undo(open_, mark);
}

void SimDatabase::commit(bool durable) {
  SPOOL_ASSERT(open_number_ != 0, "a commit without a transaction");
  last_committed_ = open_number_;
  history_.push_back({open_number_, std::move(open_)});
  open_.clear();
  open_number_ = 0;
  if (durable) flush();
  while (history_.size() > kHistoryMin && is_durable(history_.front().number)) history_.pop_front();
}

void SimDatabase::abandon() {
  undo(open_, 0);
  open_number_ = 0;
}

void SimDatabase::undo_newest() {
  undo(history_.back().undo, 0);
  history_.pop_back();
}

void SimDatabase::crash() {
  abandon();
  while (!history_.empty() && !is_durable(history_.back().number)) undo_newest();
  observer_.went_back();
}

void SimDatabase::fail_over(std::size_t transactions, const std::function<bool()>& far_enough) {
  crash();
  observer_.failing_over();
  while (!history_.empty() && transactions-- > 0 && !far_enough()) undo_newest();
  observer_.went_back();
}

base::Uuid SimDatabase::next_token() {
  base::Uuid token;
  ++tokens_;
  std::memcpy(token.bytes.data(), &tokens_, sizeof tokens_);
  return token;
}

void SimDatabase::add_deed(const delivery::LaneId& lane, Deed deed) {
  deed.transaction = open_number_;
  deed.at = time;
  tables(lane).deeds.push_back(std::move(deed));
  on_undo([lane](SimDatabase& back) { back.tables(lane).deeds.pop_back(); });
}

void SimDatabase::keep_open(const delivery::LaneId& lane, std::int64_t number) {
  const auto& open = tables(lane).open;
  const auto row = open.find(number);
  if (row == open.end()) {
    on_undo([lane, number](SimDatabase& back) { back.tables(lane).open.erase(number); });
  } else {
    on_undo([lane, number, before = row->second](SimDatabase& back) {
      back.tables(lane).open.insert_or_assign(number, before);
    });
  }
}

void SimDatabase::keep_dead(const delivery::LaneId& lane, const message::Identity& identity) {
  const auto& dead = tables(lane).dead;
  const auto row = dead.find(identity);
  if (row == dead.end()) {
    on_undo([lane, identity](SimDatabase& back) { back.tables(lane).dead.erase(identity); });
  } else {
    on_undo([lane, identity, before = row->second](SimDatabase& back) {
      back.tables(lane).dead.insert_or_assign(identity, before);
    });
  }
}

void SimDatabase::keep_call(const delivery::LaneId& lane, const message::Identity& identity) {
  const auto& calls = tables(lane).calls;
  const auto row = calls.find(identity);
  if (row == calls.end()) {
    on_undo([lane, identity](SimDatabase& back) { back.tables(lane).calls.erase(identity); });
  } else {
    on_undo([lane, identity, before = row->second](SimDatabase& back) {
      back.tables(lane).calls.insert_or_assign(identity, before);
    });
  }
}

void SimDatabase::keep_command(std::size_t index) {
  on_undo(
      [index, before = commands_[index]](SimDatabase& back) { back.commands_[index] = before; });
}

void SimDatabase::keep_row(const delivery::LaneId& lane) {
  on_undo([lane, before = tables(lane).row](SimDatabase& back) { back.tables(lane).row = before; });
}

void SimDatabase::add_outbox(const delivery::LaneId& lane, OutboxEntry entry) {
  const std::int64_t number = ++outbox_number_;
  entry.row.number = number;
  tables(lane).outbox.emplace(number, std::move(entry));
  on_undo([lane, number](SimDatabase& back) { back.tables(lane).outbox.erase(number); });
}

}  // namespace spool::simulation
