// What one progress event costs before the database: envelope, decoding, folding. items_per_second
// is events.
#include <benchmark/benchmark.h>

#include <array>
#include <string>
#include <variant>

#include "engine/message/envelope.hpp"
#include "handlers/progress_events/fold.hpp"
#include "handlers/progress_events/progress.hpp"

namespace {

using namespace spool;

constexpr base::EpochMicros kNow = 1'767'400'000LL * 1'000'000;
constexpr std::int64_t kEvents = 10'000;

std::string data_of(std::int64_t i) {
  return R"({"user_id":)" + std::to_string(1'000'000 + i * 7919 % 3'000) +
         R"(,"media_type":"tv","tmdb_id":)" + std::to_string(1'000 + i % 4) +
         R"(,"season":3,"episode":9,"position_s":)" + std::to_string(i % 3'000) +
         R"(,"duration_s":3180,"updated_at":"2026-01-02T20:15:)" + std::to_string(10 + i / 3'000) +
         R"(.250Z","session_id":"living-room-4711","state":"progress"})";
}

message::RecordBatch records(bool structured) {
  message::RecordBatch batch;
  for (std::int64_t i = 0; i < kEvents; ++i) {
    const std::string number = std::to_string(100'000'000'000 + i);
    const std::string id = "0b8f4f6e-1c1a-4d5e-9b0f-" + number;
    if (structured) {
      const std::array headers{message::Header{"content-type", "application/cloudevents+json"}};
      const std::string value = R"({"specversion":"1.0","id":")" + id +
                                R"(","source":"player","type":"progress.v1","data":)" + data_of(i) +
                                "}";
      batch.append({i, 1'767'384'930'000, "1000000:1000", value, headers});
    } else {
      const std::array headers{message::Header{"ce_specversion", "1.0"},
                               message::Header{"ce_id", id},
                               message::Header{"ce_source", "player"},
                               message::Header{"ce_type", "progress.v1"},
                               message::Header{"ce_time", "2026-01-02T20:15:30.250Z"},
                               message::Header{"content-type", "application/json"}};
      batch.append({i, 1'767'384'930'000, "1000000:1000", data_of(i), headers});
    }
  }
  return batch;
}

void events_done(benchmark::State& state) {
  state.SetItemsProcessed(state.iterations() * kEvents);
}

void envelope(benchmark::State& state) {
  const message::RecordBatch batch = records(state.range(0) != 0);
  message::EnvelopeReader reader;
  for (auto _ : state) {
    for (std::size_t i = 0; i < batch.size(); ++i) {
      auto read = reader.read(batch.record(i));
      benchmark::DoNotOptimize(read);
    }
  }
  events_done(state);
}
BENCHMARK(envelope)->ArgName("structured")->Arg(0)->Arg(1);

void decode(benchmark::State& state) {
  const message::RecordBatch batch = records(false);
  progress_events::Decoder decoder;
  for (auto _ : state) {
    for (std::size_t i = 0; i < batch.size(); ++i) {
      auto decoded = decoder.decode(*batch.record(i).value, kNow);
      benchmark::DoNotOptimize(decoded);
    }
  }
  events_done(state);
}
BENCHMARK(decode);

void stage_all(const message::RecordBatch& batch, message::EnvelopeReader& reader,
               progress_events::Decoder& decoder, progress_events::StagedEvents& staged,
               benchmark::State& state) {
  staged.clear();
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const auto read = reader.read(batch.record(i));
    const auto* event = std::get_if<message::Event>(&read);
    if (event == nullptr) return state.SkipWithError("not an event");
    const auto decoded = decoder.decode(event->data, kNow);
    const auto* progress = std::get_if<progress_events::Progress>(&decoded);
    if (progress == nullptr) return state.SkipWithError("refused");
    staged.add(*progress, event->id, event->source);
  }
}

void fold(benchmark::State& state) {
  const message::RecordBatch batch = records(false);
  message::EnvelopeReader reader;
  progress_events::Decoder decoder;
  progress_events::StagedEvents staged;
  stage_all(batch, reader, decoder, staged, state);
  progress_events::Fold folding;
  for (auto _ : state) {
    auto folded = folding.fold(staged, 0, staged.size(), 90);
    benchmark::DoNotOptimize(folded);
  }
  events_done(state);
}
BENCHMARK(fold);

void envelope_decode_fold(benchmark::State& state) {
  const message::RecordBatch batch = records(state.range(0) != 0);
  message::EnvelopeReader reader;
  progress_events::Decoder decoder;
  progress_events::StagedEvents staged;
  progress_events::Fold folding;
  for (auto _ : state) {
    stage_all(batch, reader, decoder, staged, state);
    auto folded = folding.fold(staged, 0, staged.size(), 90);
    benchmark::DoNotOptimize(folded);
  }
  events_done(state);
}
BENCHMARK(envelope_decode_fold)->ArgName("structured")->Arg(0)->Arg(1);

}  // namespace
