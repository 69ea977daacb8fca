#include "engine/delivery/order_key.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace spool::delivery {
namespace {

// They stand in tables of every installation.
TEST(OrderKeyTest, hashes_never_change) {
  EXPECT_EQ(base::to_string(hash_kafka_key("")), "99aa06d3-0147-98d8-6001-c324468d497f");
  EXPECT_EQ(base::to_string(hash_kafka_key("user-42")), "7abaa1b2-699a-e75b-fe2b-d5ebd376d019");
  EXPECT_EQ(base::to_string(hash_finer_key("user-42", "list-7")),
            "9c79ee97-cbb7-df2a-9379-3d6029639b4b");
  EXPECT_EQ(base::to_string(hash_own_key("/app", "e1")), "2d51979a-16c6-6c95-c11f-d49ddb2f5f88");
}

TEST(OrderKeyTest, kinds_and_parts_are_kept_apart) {
  std::set<KeyHash> all;
  all.insert(hash_kafka_key("abc"));
  all.insert(hash_finer_key("ab", "c"));
  all.insert(hash_finer_key("a", "bc"));
  all.insert(hash_finer_key("abc", ""));
  all.insert(hash_own_key("ab", "c"));
  all.insert(hash_own_key("a", "bc"));
  all.insert(hash_own_key("", "abc"));
  EXPECT_EQ(all.size(), 7U);
}

TEST(OrderKeyTest, ten_thousand_keys_have_as_many_hashes) {
  std::set<KeyHash> all;
  std::set<std::size_t> buckets;
  for (int i = 0; i < 10'000; ++i) {
    all.insert(hash_kafka_key(std::to_string(i)));
    buckets.insert(KeyHashOf{}(hash_kafka_key(std::to_string(i))));
  }
  EXPECT_EQ(all.size(), 10'000U);
  EXPECT_EQ(buckets.size(), 10'000U);
}

}  // namespace
}  // namespace spool::delivery
