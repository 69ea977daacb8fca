// Several workers, a ledger and a service that counts, on simulated clocks: whatever the workers
// do, want, lose and send late, no window of the service holds more than the limit; and when they
// want without end, little of the limit is lost.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <random>
#include <vector>

#include "engine/delivery/rate_slots.hpp"
#include "engine/delivery/rate_slots_test_support.hpp"

namespace spool::delivery {
namespace {

using Micros = std::int64_t;
constexpr Micros kMilli = 1'000;
constexpr Micros kSecond = 1'000'000;

enum class Demand { idle, trickle, bursts, endless };

struct World {
  RatePolicy policy{.requests = 40};
  Micros jitter = 249 * kMilli;  // of the way to the service; clocks drift by the rest
  int workers = 1;
  std::vector<Demand> demand;  // each worker's, in turn; random if empty
  bool trouble = true;         // crashes, lost answers, calls that do not begin, slow round trips
  Micros length = 120 * kSecond;
};

class Simulation {
 public:
  Simulation(World world, std::uint64_t seed)
      : world_(std::move(world)), random_(seed), ledger_(world_.policy) {
    for (int i = 0; i < world_.workers; ++i) {
      workers_.push_back(std::make_unique<Worker>(world_.policy));
      Worker& worker = *workers_.back();
      worker.offset = dice(1'000'000 * kSecond);
      worker.drift_ppm = static_cast<double>(dice(400) - 200);
      worker.demand = world_.demand.empty()
                          ? static_cast<Demand>(dice(4))
                          : world_.demand[static_cast<std::size_t>(i) % world_.demand.size()];
      at(dice(kSecond), [this, &worker] { live(worker); });
    }
    turn_weather();
  }

  void run() {
    while (!events_.empty() && events_.begin()->first <= world_.length) {
      auto event = events_.extract(events_.begin());
      now_ = event.key();
      event.mapped()();
    }
    std::sort(arrivals_.begin(), arrivals_.end());
  }

  // The most that any window held.
  std::size_t fullest() const {
    std::size_t most = 0;
    std::size_t first = 0;
    for (std::size_t last = 0; last < arrivals_.size(); ++last) {
      while (arrivals_[last] - arrivals_[first] > world_.policy.window.count()) ++first;
      most = std::max(most, last - first + 1);
    }
    return most;
  }
  // Of what the limit permits, once the first window is over.
  double utilisation() const {
    const Micros warm = 2 * world_.policy.window.count();
    const auto sent = std::count_if(arrivals_.begin(), arrivals_.end(),
                                    [&](Micros at) { return at >= warm && at < world_.length; });
    const double permitted = static_cast<double>(world_.policy.requests) *
                             static_cast<double>(world_.length - warm) /
                             static_cast<double>(world_.policy.window.count());
    return static_cast<double>(sent) / permitted;
  }
  std::size_t sent() const { return arrivals_.size(); }
  std::size_t sent_by(std::size_t worker) const { return workers_[worker]->sent; }
  std::size_t leases() const { return leases_; }

 private:
  struct Worker {
    explicit Worker(const RatePolicy& policy) : tokens(std::make_unique<RateTokens>(policy)) {}

    std::unique_ptr<RateTokens> tokens;
    Micros offset = 0;
    double drift_ppm = 0;
    Demand demand = Demand::idle;
    std::size_t backlog = 0;
    std::size_t sent = 0;
    std::uint64_t life = 0;
    bool leasing = false;
    Micros wakes = 0;  // the earliest of what is planned
  };

  Micros dice(Micros sides) { return std::uniform_int_distribution<Micros>(0, sides - 1)(random_); }
  bool trouble(int one_in) { return world_.trouble && dice(one_in) == 0; }
  void at(Micros when, std::function<void()> what) {
    events_.emplace(std::max(when, now_), std::move(what));
  }

  Instant clock(const Worker& worker) const {
    const double drift = static_cast<double>(now_) * worker.drift_ppm / 1e6;
    return Instant(std::chrono::microseconds(now_ + worker.offset + static_cast<Micros>(drift)));
  }
  // When the worker's clock shows it: a moment after, or a moment before.
  Micros after(const Worker& worker, Instant instant) const {
    const auto left = std::chrono::ceil<std::chrono::microseconds>(instant - clock(worker)).count();
    return now_ + std::max<Micros>(left + left / 1'000, 0) + 1;
  }
  Micros before(const Worker& worker, Instant instant) const {
    const auto left =
        std::chrono::floor<std::chrono::microseconds>(instant - clock(worker)).count();
    return now_ + std::max<Micros>(left - left / 1'000 - 1, 0);
  }

  // Now everything is late, and now nothing is: a window that begins with what is late and ends
  // with what is not holds the most.
  void turn_weather() {
    late_ = !late_;
    at(now_ + dice(2 * world_.policy.window.count()), [this] { turn_weather(); });
  }
  Micros way() {
    if (dice(10) == 0) return dice(world_.jitter + 1);
    return late_ ? world_.jitter : 0;
  }

  void live(Worker& worker) {
    switch (worker.demand) {
      case Demand::idle:
        break;
      case Demand::trickle:
        worker.backlog += 1;
        break;
      case Demand::bursts:
        worker.backlog += static_cast<std::size_t>(dice(3) == 0 ? dice(60) : 0);
        break;
      case Demand::endless:
        worker.backlog = 30;
        break;
    }
    if (trouble(400)) {
      worker.tokens = std::make_unique<RateTokens>(world_.policy);
      worker.leasing = false;
      ++worker.life;
    }
    if (world_.demand.empty() && dice(100) == 0) worker.demand = static_cast<Demand>(dice(4));
    pump(worker);
    at(now_ + 1 + dice(400 * kMilli), [this, &worker] { live(worker); });
  }

  // What a dispatcher and a lessor do whenever something has changed.
  void pump(Worker& worker) {
    const Instant now = clock(worker);
    RateTokens& tokens = *worker.tokens;
    const auto permits = tokens.take(worker.backlog, now);
    worker.backlog -= permits.size();
    tokens.ask(worker.backlog);
    for (const Instant begin_by : permits) call(worker, begin_by);
    if (worker.demand == Demand::endless) worker.backlog = 30;
    std::optional<Instant> next = tokens.next_at(now);
    if (!worker.leasing) {
      const auto lease = tokens.lease_at(now, 0);
      if (lease && *lease <= now) {
        this->lease(worker);
      } else if (lease) {
        next = std::min(next.value_or(*lease), *lease);
      }
    }
    if (!next) return;
    const Micros wake = after(worker, *next);
    if (worker.wakes > now_ && worker.wakes <= wake) return;
    worker.wakes = wake;
    at(wake, [this, &worker] { pump(worker); });
  }

  void call(Worker& worker, Instant begin_by) {
    const Micros latest = before(worker, begin_by);
    Micros begins = late_ ? latest : now_;
    if (dice(10) == 0) begins = now_ + dice(std::max<Micros>(latest - now_, 1));
    const bool late = trouble(8);
    if (late) begins = latest + dice(300 * kMilli);
    at(begins, [this, &worker, begin_by, late, life = worker.life] {
      const Instant now = clock(worker);
      if (!late && now < begin_by) {
        ++worker.sent;
        arrivals_.push_back(now_ + way());
      } else if (life == worker.life) {
        worker.tokens->give_back(begin_by, now);
        ++worker.backlog;
        pump(worker);
      }
    });
  }

  void lease(Worker& worker) {
    ++leases_;
    worker.leasing = true;
    const LeaseRequest request = worker.tokens->wants(clock(worker), 0);
    ASSERT_FALSE(request.empty()) << "a lease for nothing";
    const Instant sent = clock(worker);
    const Micros slowness = trouble(10) ? 150 * kMilli : 3 * kMilli;
    const Micros there = now_ + dice(slowness);
    const Micros back = there + dice(slowness);
    const bool lost = trouble(20);
    const bool arrives = !lost || dice(2) == 0;
    at(there, [this, &worker, request, sent, back, lost, arrives, life = worker.life] {
      const RateLease granted = arrives ? ledger_.lease(request, kEpoch + now_) : RateLease{};
      at(back, [this, &worker, granted, sent, lost, life] {
        if (life != worker.life) return;
        worker.leasing = false;
        if (!lost) {
          RateLease lease = granted;
          lease.sent = sent;
          lease.received = clock(worker);
          worker.tokens->add(lease);
        }
        pump(worker);
      });
    });
  }

  static constexpr base::EpochMicros kEpoch = 1'700'000'000'123'457;
  World world_;
  std::mt19937_64 random_;
  test::RateLedger ledger_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::multimap<Micros, std::function<void()>> events_;
  std::vector<Micros> arrivals_;
  std::size_t leases_ = 0;
  Micros now_ = 0;
  bool late_ = false;
};

void for_each_seed(std::uint64_t runs, const std::function<void(std::uint64_t)>& test) {
  const char* given = std::getenv("SPOOL_TEST_SEED");
  const std::uint64_t first = given != nullptr ? std::stoull(given) : std::random_device{}();
  if (given != nullptr) runs = 1;
  for (std::uint64_t seed = first; seed < first + runs; ++seed) {
    test(seed);
    if (testing::Test::HasFailure()) {
      std::cout << "SPOOL_TEST_SEED=" << seed << "\n";
      return;
    }
  }
}

TEST(RateSlotsRandomTest, NoWindowOfTheServiceHoldsMoreThanTheLimit) {
  for_each_seed(60, [](std::uint64_t seed) {
    World world;
    world.workers = 1 + static_cast<int>(seed % 5);
    Simulation simulation(world, seed);
    simulation.run();
    EXPECT_LE(simulation.fullest(), 40U);
  });
}

TEST(RateSlotsRandomTest, NorWithAnotherLimitAndWindow) {
  for_each_seed(60, [](std::uint64_t seed) {
    std::mt19937_64 random(seed);
    World world;
    world.workers = 1 + static_cast<int>(seed % 5);
    world.policy.requests = 1 + static_cast<std::int64_t>(random() % 200);
    world.policy.window = std::chrono::milliseconds(300 + random() % 20'000);
    world.policy.allowance = std::chrono::milliseconds(20 + random() % 1'000);
    world.jitter = world.policy.allowance.count() - kMilli;
    Simulation simulation(world, seed);
    simulation.run();
    EXPECT_LE(simulation.fullest(), static_cast<std::size_t>(world.policy.requests))
        << world.policy.window.count() << " " << world.policy.allowance.count();
  });
}

// The oracle can see.
TEST(RateSlotsRandomTest, AWayThatVariesMoreThanIsAllowedForIsNoticed) {
  World world;
  world.workers = 3;
  world.demand = {Demand::endless};
  world.jitter = 3 * world.policy.allowance.count();
  Simulation simulation(world, 1);
  simulation.run();
  EXPECT_GT(simulation.fullest(), 40U);
}

TEST(RateSlotsRandomTest, LittleOfTheLimitIsLostWhenThereIsAlwaysMoreToDo) {
  for_each_seed(10, [](std::uint64_t seed) {
    for (const int workers : {1, 3}) {
      World world;
      world.workers = workers;
      world.demand = {Demand::endless};
      world.trouble = false;
      world.length = 4020 * kSecond;
      Simulation simulation(world, seed);
      simulation.run();
      EXPECT_LE(simulation.fullest(), 40U);
      EXPECT_GE(simulation.utilisation(), 0.95) << workers;
      EXPECT_LT(simulation.leases(), simulation.sent() * 2 / 3) << workers;
      const double even = static_cast<double>(simulation.sent()) / workers;
      for (std::size_t i = 0; i < static_cast<std::size_t>(workers); ++i)
        EXPECT_GT(static_cast<double>(simulation.sent_by(i)), even / 2) << workers;
    }
  });
}

TEST(RateSlotsRandomTest, WorkersWithoutWorkTakeNothingFromTheOthers) {
  for_each_seed(10, [](std::uint64_t seed) {
    World world;
    world.workers = 4;
    world.demand = {Demand::endless, Demand::idle, Demand::trickle, Demand::idle};
    world.trouble = false;
    world.length = 4020 * kSecond;
    Simulation simulation(world, seed);
    simulation.run();
    EXPECT_LE(simulation.fullest(), 40U);
    EXPECT_GE(simulation.utilisation(), 0.95);
  });
}

}  // namespace
}  // namespace spool::delivery
