// CRC-32C (Castagnoli), the checksum of tensors in model files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace intvit {

// The checksum of RFC 3720 (iSCSI): polynomial 0x1EDC6F41, bits reflected, initial value and final complement all ones.
// crc32c(b, crc32c(a)) is the checksum of a followed by b.
std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t previous = 0);

} // namespace intvit
