// What bind() says about a model that was put together from parts.
#pragma once

#include <string>

#include "tests/support/tiny_model.hpp"

namespace intvit::test {

// The parts of the tiny model whose residual stream has 8-bit codes (the default), or 16-bit codes.
ModelParts tiny_parts();
ModelParts tiny_parts_int16();

// The message of the failure to bind `parts`, without "m: " in front; empty where it binds. Checks that the file
// around it is well-formed and that the code is bad_format.
std::string bind_message(const ModelParts &parts);

} // namespace intvit::test
