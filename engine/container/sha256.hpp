// SHA-256 (FIPS 180-4). A model file's provenance holds the digest of the weights that it was made from.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace intvit {

// The digest as 64 lower-case hexadecimal digits, as sha256sum prints it.
std::string sha256_hex(std::span<const std::byte> bytes);

} // namespace intvit
