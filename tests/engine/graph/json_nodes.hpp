// The graph's JSON as docs/format.md describes it, written out by hand: what the reader and the writer are held
// against.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace intvit::test {

// A node of every operation, linear in each of its epilogues; every value differs from its default.
struct NodeCase {
  std::string variant; // the operation, or the operation and the epilogue or the field that may be left out
  nlohmann::json node;
  std::string optional_field = {}; // which may be left out
};
std::vector<NodeCase> valid_nodes();

struct IntegerField {
  std::string variant;
  std::string field;
  std::int64_t low = 0;
  std::int64_t high = 0;
};
std::vector<IntegerField> integer_fields();

// A graph that holds nothing but `nodes`.
nlohmann::json graph_of(const std::vector<nlohmann::json> &nodes);

// valid_nodes()[i].node for a variant.
nlohmann::json valid_node(const std::string &variant);

} // namespace intvit::test
