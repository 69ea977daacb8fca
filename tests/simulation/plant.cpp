#include "tests/simulation/plant.hpp"

namespace spool::simulation {

std::optional<Plant> plant_of(std::string_view name) {
  for (const PlantName& entry : kPlants) {
    if (entry.name == name) return entry.plant;
  }
  return std::nullopt;
}

std::string_view to_string(Plant plant) {
  for (const PlantName& entry : kPlants) {
    if (entry.plant == plant) return entry.name;
  }
  return "none";
}

}  // namespace spool::simulation
