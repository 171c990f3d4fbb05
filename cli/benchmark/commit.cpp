#include "cli/benchmark/commit.hpp"

#include "intvit_commit.hpp" // written by cmake/commit.cmake

namespace intvit::cli {

const char *source_commit() {
  return INTVIT_COMMIT;
}

} // namespace intvit::cli
