// The errors of damaged picture files.
#pragma once

#include <string>

#include "engine/status.hpp"

namespace intvit {

inline constexpr const char *file_ends_early = "the file ends before the picture does";

inline Status corrupt_picture(const std::string &what) {
  return Status(StatusCode::bad_format, "corrupt picture: " + what);
}

inline Status picture_cut_short() {
  return corrupt_picture(file_ends_early);
}

} // namespace intvit
