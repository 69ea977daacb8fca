#include "engine/store/lane_positions.hpp"

namespace spool::store {
namespace {

constexpr postgres::Statement kPositions{
    "lane_positions",
    "select handler, partition, topic, next_offset from spool.lanes"
    " where $1::text is null or handler = $1 order by handler, partition"};

}  // namespace

base::Result<std::vector<LanePosition>> lane_positions(postgres::Connection& connection,
                                                       const std::optional<std::string>& handler) {
  auto rows = connection.execute(kPositions, postgres::Params::of(handler));
  if (!rows) return rows.failure();
  std::vector<LanePosition> lanes;
  for (std::size_t i = 0; i < rows->size(); ++i) {
    lanes.push_back({{rows->text(i, 0), rows->int32(i, 1)}, rows->text(i, 2), rows->int64(i, 3)});
  }
  return lanes;
}

}  // namespace spool::store
