#include "tests/fuzz/random_graph.hpp"

#include "tests/fuzz/graph_generator.hpp"

namespace intvit::fuzz {

RandomGraph random_graph(Choices &choices, std::int64_t multiplications) {
  return GraphGenerator(choices, multiplications).build();
}

} // namespace intvit::fuzz
