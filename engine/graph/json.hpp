// The graph's JSON form, as it stands in a model file (docs/format.md).
#pragma once

#include <string>
#include <string_view>

#include "engine/graph/graph.hpp"
#include "engine/status.hpp"

namespace intvit {

std::string graph_to_json(const Graph &graph);

// Errors: bad_format, naming the node and the field: not JSON, a field missing, unknown, of the wrong type or out of
// its range. unsupported: an operation this version does not know.
Result<Graph> graph_from_json(std::string_view text);

} // namespace intvit
