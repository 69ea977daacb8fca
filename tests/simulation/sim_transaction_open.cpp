// Open events: heads, parked and scheduled ones.
#include <algorithm>

#include "engine/delivery/dead_letter.hpp"
#include "engine/delivery/retry_policy.hpp"
#include "tests/simulation/sim_transaction.hpp"

namespace spool::simulation {

using base::Result;
using base::Status;
using delivery::OpenRow;
using delivery::OpenState;

// A retry record is for other systems and for people who look on; nothing depends on it.
void SimTransaction::announce_retry(const OpenKept& kept, const delivery::FailedOnce& why) {
  const std::string topic = SimBroker::topic(lane_.handler);
  delivery::Sender sender;
  sender.handler = lane_.handler;
  sender.topic = topic;
  sender.partition = lane_.partition;
  sender.now = database_.time;
  message::RecordBatch batch;
  kept.record.append_to(batch);
  OutboxEntry entry;
  entry.row.topic = delivery::retry_topics(topic, policy_of(faults_.swarm))[why.rung];
  entry.row.key = kept.record.key;
  entry.row.value = kept.record.value;
  entry.row.headers = delivery::retry_headers(batch.record(0), kept.row, why.why, sender);
  leaves_ = true;
  database_.add_outbox(lane_, std::move(entry));
}

void SimTransaction::failed(const OpenKept& kept, const delivery::FailedOnce& why, bool charged) {
  Deed deed;
  deed.kind = Deed::Kind::failed;
  deed.serial = kept.serial;
  deed.identity = kept.identity;
  deed.life = kept.row.life;
  deed.type = why.why.type;
  deed.charged = charged;
  deed.in_doubt = kept.row.doubt_until != 0;
  deed.attempt = kept.row.attempts + (deed.charged ? 0 : 1);
  deed.number = kept.row.number;
  database_.add_deed(lane_, std::move(deed));
  announce_retry(kept, why);
}

Status SimTransaction::open(std::span<const delivery::OpenEvent> events) {
  if (auto failure = trouble(true)) return *failure;
  bool first = true;
  for (const delivery::OpenEvent& event : events) {
    if (std::exchange(first, false) && faults_.planted(Plant::open_loses_one)) continue;
    OpenKept kept{event.row,
                  {event.source, event.id},
                  serial_of(event.record),
                  Kept::of(event.record),
                  number_};
    if (kept.row.state == OpenState::parked && faults_.planted(Plant::parked_as_heads))
      kept.row.state = OpenState::head;
    if (kept.row.state == OpenState::scheduled && faults_.planted(Plant::scheduled_as_head))
      kept.row.state = OpenState::head;
    const LaneRow& lane = *tables().row;
    if (faults_.planted(Plant::calls_before_log) && kept.record.offset < lane.doubt_below)
      kept.row.doubt_until = lane.doubt_until;
    database_.keep_open(lane_, event.row.number);
    const bool fresh = tables().open.emplace(event.row.number, kept).second;
    if (!fresh) throw Violation("two open events with one number");
    if (event.failed) {
      failed(kept, *event.failed, kept.row.attempts > 0);
    } else if (event.row.state != OpenState::dead) {
      Deed deed;
      deed.kind = Deed::Kind::opened;
      deed.serial = kept.serial;
      deed.identity = kept.identity;
      deed.number = kept.row.number;
      database_.add_deed(lane_, std::move(deed));
    }
  }
  return {};
}

Status SimTransaction::reschedule(std::span<const delivery::Reschedule> heads) {
  if (auto failure = trouble(true)) return *failure;
  for (const delivery::Reschedule& head : heads) {
    const auto kept = tables().open.find(head.row.number);
    if (kept == tables().open.end()) throw Violation("a head that is no row fails");
    database_.keep_open(lane_, head.row.number);
    const std::int32_t attempts = kept->second.row.attempts;
    kept->second.row = head.row;
    const bool asked = head.row.attempts == attempts && kept->second.row.doubt_until > 0;
    if (asked && faults_.planted(Plant::asking_charged)) ++kept->second.row.attempts;
    failed(kept->second, head.failed, kept->second.row.attempts > attempts);
    if (faults_.planted(Plant::attempts_not_stored)) kept->second.row.attempts = attempts;
  }
  return {};
}

Status SimTransaction::close(std::span<const std::int64_t> numbers) {
  if (auto failure = trouble(true)) return *failure;
  for (const std::int64_t number : numbers) {
    const auto kept = tables().open.find(number);
    if (kept == tables().open.end()) throw Violation("a row that is none is closed");
    if (faults_.planted(Plant::close_skipped)) return {};
    if (cancels_ && kept->second.row.state != OpenState::dead) {
      Deed deed;
      deed.kind = Deed::Kind::cancelled;
      deed.serial = kept->second.serial;
      deed.identity = kept->second.identity;
      deed.life = kept->second.row.life;
      deed.number = number;
      database_.add_deed(lane_, std::move(deed));
    }
    const auto letter = tables().dead.find(kept->second.identity);
    if (letter != tables().dead.end() && letter->second.state == LetterState::replaying &&
        letter->second.life == kept->second.row.life - 1 &&
        !faults_.planted(Plant::resolve_forgotten)) {
      database_.keep_dead(lane_, letter->first);
      letter->second.state = LetterState::resolved;
    }
    database_.keep_open(lane_, number);
    tables().open.erase(kept);
  }
  return {};
}

Status SimTransaction::block(std::span<const std::int64_t> numbers) {
  if (auto failure = trouble(true)) return *failure;
  for (const std::int64_t number : numbers) {
    database_.keep_open(lane_, number);
    if (faults_.planted(Plant::dead_head_gone)) {
      tables().open.erase(number);
      continue;
    }
    OpenRow& row = tables().open.at(number).row;
    row.state = OpenState::dead;
    row.due = 0;
    if (faults_.planted(Plant::dead_head_counted_open)) ++tables().row->counters.open;
  }
  return {};
}

Result<std::vector<delivery::Promoted>> SimTransaction::promote(
    std::span<const delivery::KeyHash> keys, base::EpochMicros due) {
  if (auto failure = trouble(true)) return *failure;
  std::vector<delivery::Promoted> heads;
  for (const delivery::KeyHash& key : keys) {
    const auto next =
        std::find_if(tables().open.begin(), tables().open.end(), [&](const auto& entry) {
          return entry.second.row.key == key && entry.second.row.state == OpenState::parked;
        });
    if (next == tables().open.end()) throw Violation("nothing waits behind a held key's head");
    heads.push_back({next->first, next->second.row.priority});
    const bool decided = reached_.has_value();  // an operator's page does it
    if (faults_.planted(Plant::promote_forgotten)) continue;
    if (decided && faults_.planted(Plant::decision_strands)) continue;
    database_.keep_open(lane_, next->first);
    next->second.row.state = OpenState::head;
    next->second.row.due = due;
  }
  return heads;
}

Result<delivery::OpenPage> SimTransaction::read_open(std::span<const delivery::HeadRef> heads,
                                                     std::size_t events_max,
                                                     std::size_t bytes_max) {
  if (auto failure = trouble(true)) return *failure;
  delivery::OpenPage page;
  const std::size_t share = std::max<std::size_t>(1, events_max / heads.size());
  std::int64_t bytes = 0;
  for (const delivery::HeadRef& head : heads) {
    std::size_t of_key = 0;
    if (faults_.planted(Plant::head_needs_record)) {
      const OpenKept& kept = tables().open.at(head.number);
      const std::pair record{kept.serial, kept.row.attempts};
      if (kept.row.attempts > 0 && !process_.records_read.contains(record)) continue;
    }
    for (const auto& [number, kept] : tables().open) {
      const OpenState state = kept.row.state;
      if (kept.row.key != head.key || state == OpenState::scheduled) continue;
      if (state == OpenState::dead && !faults_.planted(Plant::dead_head_acts)) continue;
      if (of_key == 0 && number != head.number)
        throw Violation("the first row of a key is not the head that its owner knows");
      if (page.rows.size() == events_max || of_key == share) break;
      if (!page.rows.empty() && bytes + kept.row.bytes > static_cast<std::int64_t>(bytes_max))
        break;
      bytes += kept.row.bytes;
      page.rows.push_back(kept.row);
      if (state == OpenState::dead) page.rows.back().state = OpenState::head;
      kept.record.append_to(page.records);
      ++of_key;
    }
  }
  if (faults_.planted(Plant::drain_loses_the_rest)) {
    for (const delivery::HeadRef& head : heads) {
      std::erase_if(tables().open, [&](const auto& entry) {
        return entry.second.row.key == head.key && entry.second.row.state == OpenState::parked &&
               entry.first > page.rows.back().number;
      });
    }
  }
  return page;
}

Result<std::vector<OpenRow>> SimTransaction::read_scheduled(base::EpochMicros due,
                                                            std::size_t rows_max) {
  if (auto failure = trouble(true)) return *failure;
  std::vector<OpenRow> rows;
  for (const auto& [number, kept] : tables().open) {
    if (kept.row.state == OpenState::scheduled && kept.row.due <= due) rows.push_back(kept.row);
  }
  std::stable_sort(rows.begin(), rows.end(),
                   [](const OpenRow& a, const OpenRow& b) { return a.due < b.due; });
  if (rows.size() > rows_max) rows.resize(rows_max);
  return rows;
}

Status SimTransaction::awaken(std::span<const delivery::Awakening> rows) {
  if (auto failure = trouble(true)) return *failure;
  for (const delivery::Awakening& row : rows) {
    database_.keep_open(lane_, row.number);
    OpenKept kept = std::move(tables().open.at(row.number));
    tables().open.erase(row.number);
    kept.row.number = row.new_number;
    kept.row.state = faults_.planted(Plant::awakened_as_heads) ? OpenState::head : row.state;
    kept.row.key = row.key;
    kept.row.priority = row.priority;
    kept.row.called = true;
    Deed deed;
    deed.kind = Deed::Kind::awakened;
    deed.serial = kept.serial;
    deed.life = kept.row.life;
    deed.number = row.new_number;
    database_.add_deed(lane_, std::move(deed));
    database_.keep_open(lane_, row.new_number);
    tables().open.insert_or_assign(row.new_number, std::move(kept));
  }
  return {};
}

Status SimTransaction::postpone(std::span<const delivery::Postponement> rows) {
  if (auto failure = trouble(true)) return *failure;
  for (const delivery::Postponement& row : rows) {
    database_.keep_open(lane_, row.number);
    OpenKept kept = std::move(tables().open.at(row.number));
    tables().open.erase(row.number);
    kept.row.number = row.new_number;
    kept.row.state =
        faults_.planted(Plant::scheduled_as_head) ? OpenState::head : OpenState::scheduled;
    kept.row.due = row.due;
    kept.row.key = row.key;
    kept.row.called = false;
    Deed deed;
    deed.kind = Deed::Kind::opened;
    deed.serial = kept.serial;
    deed.identity = kept.identity;
    deed.number = row.new_number;
    database_.add_deed(lane_, std::move(deed));
    database_.keep_open(lane_, row.new_number);
    tables().open.insert_or_assign(row.new_number, std::move(kept));
  }
  return {};
}

Result<std::optional<base::EpochMicros>> SimTransaction::next_scheduled() {
  if (auto failure = trouble(true)) return *failure;
  std::optional<base::EpochMicros> next;
  if (faults_.planted(Plant::scheduled_forgotten)) return next;
  for (const auto& [number, kept] : tables().open) {
    const bool waits = kept.row.state == OpenState::scheduled;
    if (waits && (!next || kept.row.due < *next)) next = kept.row.due;
  }
  return next;
}

Status SimTransaction::hasten(std::span<const std::int64_t> numbers, base::EpochMicros due) {
  if (auto failure = trouble(true)) return *failure;
  for (const std::int64_t number : numbers) {
    database_.keep_open(lane_, number);
    OpenKept& kept = tables().open.at(number);
    kept.row.due = due;
    Deed deed;
    deed.kind = Deed::Kind::hastened;
    deed.serial = kept.serial;
    deed.life = kept.row.life;
    deed.number = number;
    database_.add_deed(lane_, std::move(deed));
  }
  return {};
}

Status SimTransaction::prioritize(std::span<const std::int64_t> numbers, std::int16_t priority) {
  if (auto failure = trouble(true)) return *failure;
  for (const std::int64_t number : numbers) {
    database_.keep_open(lane_, number);
    tables().open.at(number).row.priority = priority;
  }
  return {};
}

}  // namespace spool::simulation
