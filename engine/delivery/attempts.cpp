#include "engine/delivery/attempts.hpp"

#include <algorithm>
#include <charconv>
#include <exception>
#include <utility>

#include "engine/base/assert.hpp"
#include "engine/base/text.hpp"

namespace spool::delivery {
namespace {

constexpr std::size_t kReasonBytesMax = 500;
constexpr std::size_t kTypeBytesMax = 255;
constexpr std::int64_t kRowBytes = 300;  // of a held event beside its record

}  // namespace

std::uint64_t dice_of(const message::Record& record, std::int32_t attempt) {
  std::uint64_t mixed = static_cast<std::uint64_t>(record.offset) * 0x9E3779B97F4A7C15ULL;
  mixed ^= static_cast<std::uint64_t>(record.timestamp_ms + attempt) * 0xC2B2AE3D27D4EB4FULL;
  return mixed ^ (mixed >> 29);
}

std::optional<std::int32_t> asked_life(const message::Record& record) {
  const auto text = record.header(message::kLifeHeader);
  if (!text || !record.header("__dlq.errors.topic")) return std::nullopt;
  std::int32_t life = -1;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), life);
  const bool number = error == std::errc{} && end == text->data() + text->size();
  return number && life >= 0 ? std::optional(life) : std::nullopt;
}

std::int64_t held_bytes(const message::Record& record) {
  std::size_t bytes = record.key.value_or("").size() + record.value.value_or("").size();
  for (const message::Header& header : record.headers)
    bytes += header.name.size() + header.value.value_or("").size();
  return static_cast<std::int64_t>(bytes) + kRowBytes;
}

Attempts::Attempts(const Route& route) : route_(route) {
  if (const handler::ApplyAtOnce* way = route.handler->applies()) {
    batch_ = way->make_batch();
    return;
  }
  auto admissions = std::make_unique<AdmissionBatch>(route.handler->performs()->make_admissions());
  admissions_ = admissions.get();
  batch_ = std::move(admissions);
}

void Attempts::begin_log(const LaneId& lane, const ApplyJob& job, base::EpochMicros now) {
  lane_ = &lane;
  log_ = &job;
  page_ = nullptr;
  footing_ = &job.footing;
  given_ = false;
  now_ = now;
  known_.clear();
  keys_.clear();
  items_.clear();
  complete_ = true;
  std::int64_t expected = job.footing.next;
  for (std::uint32_t s = 0; s < job.slices.size(); ++s) {
    const message::RecordBatch& records = job.slices[s].records;
    for (std::uint32_t r = 0; r < records.size(); ++r) {
      if (records.offset(r) < expected) continue;  // fetched twice, or the probe
      if (items_.size() == job.footing.events_max) {
        complete_ = false;
        return;
      }
      expected = records.offset(r) + 1;
      items_.push_back({s, r});
    }
  }
}

void Attempts::begin_open(const LaneId& lane, const OpenPage& page, const Footing& footing,
                          base::EpochMicros now) {
  lane_ = &lane;
  log_ = nullptr;
  page_ = &page;
  footing_ = &footing;
  given_ = false;
  now_ = now;
  known_.clear();
  keys_.clear();
  items_.clear();
  for (std::uint32_t r = 0; r < page.rows.size(); ++r) items_.push_back({0, r});
}

void Attempts::begin_given(const LaneId& lane, const OpenPage& page, const Footing& footing,
                           base::EpochMicros now) {
  begin_open(lane, page, footing, now);
  given_ = true;
}

std::int64_t Attempts::events_end() const {
  if (items_.empty()) return footing_->next;
  const Item& last = items_.back();
  return log_->slices[last.slice].records.offset(last.index) + 1;
}

message::Record Attempts::record(std::size_t item) const {
  const Item& at = items_[item];
  return log_ != nullptr ? log_->slices[at.slice].records.record(at.index)
                         : page_->records.record(at.index);
}

const OpenRow* Attempts::row(std::size_t item) const {
  return page_ == nullptr ? nullptr : &page_->rows[items_[item].index];
}

std::int32_t Attempts::life(std::size_t item) const {
  return page_ == nullptr ? 0 : row(item)->life;
}

base::EpochMicros Attempts::doubt_until(std::size_t item) const {
  if (page_ != nullptr) return row(item)->doubt_until;
  return record(item).offset < footing_->doubt_below ? footing_->doubt_until : 0;
}

std::int32_t Attempts::attempt(std::size_t item) const {
  return page_ == nullptr ? 1 : row(item)->attempts + 1;
}

void Attempts::prepare() {
  batch_->clear();
  fates_.clear();
  std::fill(std::begin(fate_counts_), std::end(fate_counts_), 0);
  troubles_.clear();
  blocked_.clear();
  joined_.clear();
  staged_.clear();
  inbox_items_.clear();
  inbox_identities_.clear();
  admitted_keys_.clear();
  admitted_priorities_.clear();
  opened_ = opened_bytes_ = 0;
  no_room_ = false;
  for (std::size_t item = 0; item < items_.size(); ++item) {
    const Fate fate = decide(item);
    const bool to_admit = fate == Fate::apply && admissions_ != nullptr;
    if (!fits(item, to_admit ? Fate::hold : fate)) {
      no_room_ = true;
      break;
    }
    // What dies beyond that would flood the dead-letter topic: it waits for the next job. What has
    // been called is over.
    if (fate == Fate::die && !given_ && count(Fate::die) == footing_->deaths_max) break;
    set_fate(item, fate);
    if (fate == Fate::apply && !given_) staged_.push_back(static_cast<std::uint32_t>(item));
    if (holds_key(item)) blocked_.insert(key(item));
  }
  if (page_ != nullptr) {
    while (fates_.size() < items_.size()) set_fate(fates_.size(), Fate::wait);
  }
  find_end();
}

void Attempts::set_fate(std::size_t item, Fate fate) {
  if (item < fates_.size()) {
    --fate_counts_[static_cast<std::size_t>(fates_[item])];
    fates_[item] = fate;
  } else {
    fates_.push_back(fate);
  }
  ++fate_counts_[static_cast<std::size_t>(fate)];
}

bool Attempts::holds_key(std::size_t item) const {
  return fates_[item] == Fate::retry || (fates_[item] == Fate::die && route_.hold_after_death);
}

Fate Attempts::decide(std::size_t item) {
  const auto known = known_.find(item);
  const Fate learned = known == known_.end() ? Fate::apply : known->second.fate;
  if (given_) {
    if (known == known_.end()) return Fate::wait;
    troubles_.insert_or_assign(item, known->second.trouble);
    return learned;
  }
  if (learned == Fate::duplicate) return learned;
  // Before anything else: its own dead letter may be what holds the key.
  if (log_ != nullptr && known == known_.end() && names_life(item) && asked_life(record(item)))
    return Fate::request;
  const Fate waiting = log_ != nullptr ? Fate::park : Fate::wait;
  const bool finer = route_.handler->spec.order == handler::Order::finer_key;
  const bool failed = learned != Fate::apply;
  // What failed behind another failure of its key should not have run.
  if ((!finer || log_ == nullptr || failed) && waits_for_key(item)) return waiting;
  if (failed) {
    troubles_.insert_or_assign(item, known->second.trouble);
    return learned;
  }
  return read_and_stage(item);
}

// Whether an event before it holds its key, in this round or since long.
bool Attempts::waits_for_key(std::size_t item) {
  if (admissions_ != nullptr) return false;  // all are admitted, and wait afterwards
  if (log_ == nullptr) return blocked_.contains(row(item)->key);
  if (footing_->held->empty() && blocked_.empty()) return false;
  const KeyHash& hash = key(item);
  return footing_->held->find(hash) != nullptr || blocked_.contains(hash);
}

KeyHash Attempts::key(std::size_t item) {
  const auto admitted = admitted_keys_.find(item);
  if (admitted != admitted_keys_.end()) return admitted->second;
  if (log_ == nullptr) return row(item)->key;
  if (keys_.size() < items_.size()) keys_.resize(items_.size());
  std::optional<KeyHash>& known = keys_[item];
  if (!known) known = make_key(item);
  return *known;
}

KeyHash Attempts::group(std::size_t item) {
  const auto kafka_key = record(item).key;
  return kafka_key ? hash_kafka_key(*kafka_key) : key(item);
}

std::int16_t Attempts::priority(std::size_t item) const {
  const auto admitted = admitted_priorities_.find(item);
  if (admitted != admitted_priorities_.end()) return admitted->second;
  return log_ == nullptr ? row(item)->priority : handler::kPriorityDefault;
}

KeyHash Attempts::make_key(std::size_t item) {
  const message::Record at = record(item);
  const handler::HandlerSpec& spec = route_.handler->spec;
  if (spec.order == handler::Order::none || !at.key) {
    const Named named = name(item);
    return hash_own_key(named.source, named.id);
  }
  if (spec.order == handler::Order::finer_key) {
    const auto read = reader_.read(at);
    const auto* event = std::get_if<message::Event>(&read);
    const handler::ApplyAtOnce* way = route_.handler->applies();
    if (event != nullptr && way != nullptr) return hash_finer_key(*at.key, way->order_key(*event));
  }
  return hash_kafka_key(*at.key);
}

Attempts::Named Attempts::name(std::size_t item) {
  const message::Record at = record(item);
  return named(reader_.read(at), at);
}

Attempts::Named Attempts::named(const std::variant<message::Event, message::NotAnEvent>& read,
                                const message::Record& at) const {
  Named named;
  if (const auto* event = std::get_if<message::Event>(&read)) {
    named = {std::string(event->source), std::string(event->id),
             base::printable(event->type, kTypeBytesMax)};
  } else {
    const auto& bad = std::get<message::NotAnEvent>(read);
    named = {std::string(bad.source), std::string(bad.id), {}};
  }
  if (named.source.empty() || named.id.empty()) {
    message::Identity stand_in =
        message::coordinates_identity(route_.topic, lane_->partition, at.offset, at.timestamp_ms);
    named.source = std::move(stand_in.source);
    named.id = std::move(stand_in.id);
  }
  return named;
}

Cause Attempts::cause(std::size_t item) {
  const message::Record at = record(item);
  const auto read = reader_.read(at);
  Named who = named(read, at);
  Cause cause{{std::move(who.source), std::move(who.id)}, {}, {}, {}, life(item)};
  if (at.key) cause.key.emplace(*at.key);
  if (const auto* event = std::get_if<message::Event>(&read)) {
    cause.traceparent = event->traceparent;
    cause.correlation_id = event->correlation_id;
  }
  return cause;
}

Fate Attempts::read_and_stage(std::size_t item) {
  if (log_ != nullptr && route_.handler->spec.order == handler::Order::finer_key &&
      waits_for_key(item)) {
    return Fate::park;
  }
  const auto read = reader_.read(record(item));
  if (const auto* bad = std::get_if<message::NotAnEvent>(&read)) return reject(item, bad->why);
  const message::Event& event = std::get<message::Event>(read);
  const auto& types = route_.handler->spec.types;
  if (std::find(types.begin(), types.end(), event.type) == types.end()) {
    return reject(item, {message::ErrorType::schema_unknown_type, "type",
                         "'" + base::printable(event.type, 100) + "' is not taken by handler " +
                             lane_->handler});
  }
  handler::Staging staging = stage(event, item);
  if (auto* why = std::get_if<message::Rejection>(&staging)) return reject(item, std::move(*why));
  if (const auto* later = std::get_if<handler::NotDue>(&staging)) {
    troubles_[item].due = later->due;
    return Fate::schedule;
  }
  if (route_.handler->spec.idempotence == handler::Idempotence::inbox && life(item) == 0) {
    inbox_items_.push_back(static_cast<std::uint32_t>(item));
    inbox_identities_.push_back({std::string(event.source), std::string(event.id)});
  }
  return Fate::apply;
}

// Whatever a handler throws is a failure of that event, never of the process.
handler::Staging Attempts::stage(const message::Event& event, std::size_t item) {
  const std::size_t staged = batch_->size();
  std::string what = "something that is no std::exception";
  try {
    const OpenRow* open = row(item);
    const bool called =
        open != nullptr && (open->called || open->life > 0 || open->state == OpenState::scheduled);
    return batch_->stage(event, {now_, life(item), attempt(item), called, doubt_until(item) != 0,
                                 footing_->doubt_below > 0});
  } catch (const std::exception& error) {
    what = error.what();
  } catch (...) {  // what it is stays unknown
  }
  SPOOL_ASSERT(batch_->size() == staged, "an event that is not staged leaves no trace");
  return message::Rejection{message::ErrorType::handler_bug,
                            {},
                            "handler threw: " + base::printable(what, kReasonBytesMax)};
}

Fate Attempts::reject(std::size_t item, message::Rejection why) {
  Trouble trouble;
  handler::EventFailure failure;
  failure.type = why.type;
  failure.text = std::move(why.text);
  const Fate fate = dispose(item, std::move(failure), trouble);
  trouble.why.field = std::move(why.field);
  troubles_.insert_or_assign(item, std::move(trouble));
  return fate;
}

// Of the log: whether the lane may hold one more. What is held already has its room.
bool Attempts::fits(std::size_t item, Fate fate) {
  if (log_ == nullptr) return true;
  if (fate != Fate::park && fate != Fate::schedule && fate != Fate::retry && fate != Fate::hold)
    return true;
  const Room& room = footing_->room;
  const std::int64_t bytes = held_bytes(record(item));
  if (opened_ + 1 > room.events || opened_bytes_ + bytes > room.bytes) return false;
  // Which key an event that is admitted will hold is not known yet.
  if (fate != Fate::schedule && fate != Fate::hold) {
    const Held* held = footing_->held->find(key(item));
    std::int64_t& joined = joined_[key(item)];
    if ((held == nullptr ? 0 : held->events) + joined + 1 > room.of_a_key) return false;
    ++joined;
  }
  ++opened_;
  opened_bytes_ += bytes;
  return true;
}

void Attempts::cut(std::size_t items_max) {
  if (items_max >= items_.size()) return;
  items_.resize(items_max);
  complete_ = false;
}

void Attempts::find_end() {
  gaps_ = 0;
  last_offset_ = last_timestamp_ms_ = -1;
  to_ = footing_->next;
  if (log_ == nullptr) return;
  for (std::size_t item = 0; item < fates_.size(); ++item) {
    const message::RecordBatch& records = log_->slices[items_[item].slice].records;
    const std::int64_t offset = records.offset(items_[item].index);
    gaps_ += offset - to_;
    to_ = offset + 1;
    last_offset_ = offset;
    last_timestamp_ms_ = records.timestamp_ms(items_[item].index);
  }
  // Behind the last record of all there may be offsets without one.
  if (!complete_ || fates_.size() < items_.size()) return;
  gaps_ += log_->to() - to_;
  to_ = log_->to();
}

}  // namespace spool::delivery
