// Where tests find their files.
#pragma once

#include <optional>
#include <string>

namespace intvit::test {

// A file of tests/, by its path below that folder.
std::string source_file(const std::string &relative);

// A file or folder of the data folder (INTVIT_DATA, or ../shared/data beside the repository), or nothing, after
// printing "[skipped] reason", by which ctest counts the test case as skipped. Where INTVIT_REQUIRE_DATA is set, as in
// .ci/run where the data is, that is std::runtime_error instead.
std::optional<std::string> shared_data(const std::string &relative);

// A fresh path in a temporary folder that is removed when the process ends.
std::string temporary_file(const std::string &name);

} // namespace intvit::test
