#include "engine/image/jpeg/bits.hpp"

#include <new>

#include "engine/image/damage.hpp"
#include "engine/image/jpeg/segments.hpp"

namespace intvit {
namespace {

using namespace jpeg_marker;

const std::byte *find_prefix(std::span<const std::byte> bytes) {
  return bytes.empty() ? nullptr : static_cast<const std::byte *>(std::memchr(bytes.data(), prefix, bytes.size()));
}

} // namespace

Status ScanData::read_segment() {
  segment_.clear();
  try {
    for (;;) {
      const std::span<const std::byte> rest = file_.subspan(at_);
      const std::byte *found = find_prefix(rest);
      if (found == nullptr)
        return picture_cut_short();
      const auto *first = reinterpret_cast<const std::uint8_t *>(rest.data());
      segment_.insert(segment_.end(), first, reinterpret_cast<const std::uint8_t *>(found));
      at_ = static_cast<std::size_t>(found - file_.data());
      while (at_ < file_.size() && byte_at(file_, at_) == prefix)
        ++at_;
      if (at_ == file_.size())
        return picture_cut_short();
      marker_ = byte_at(file_, at_++);
      if (marker_ != 0)
        break;
      segment_.push_back(prefix);
    }
    const std::size_t size = segment_.size();
    segment_.resize(size + BitReader::padding_bytes, 0);
    bits_ = BitReader(segment_.data(), size);
  } catch (const std::bad_alloc &) {
    return Status(StatusCode::unsupported, "not enough memory for a scan's data");
  }
  exhausted_ = false;
  return {};
}

Status ScanData::begin(std::size_t at) {
  at_ = at;
  expected_restart_ = 0;
  try {
    segment_.reserve(file_.size() - at_ + BitReader::padding_bytes); // enough for any segment
  } catch (const std::bad_alloc &) {
    return Status(StatusCode::unsupported, "not enough memory for a scan's data");
  }
  return read_segment();
}

Status ScanData::restart() {
  const auto due = static_cast<std::uint8_t>(first_restart + expected_restart_);
  expected_restart_ = (expected_restart_ + 1) % 8;
  for (;;) {
    const bool is_restart = marker_ >= first_restart && marker_ <= last_restart;
    const int ahead = (marker_ - due + 16) % 8; // by how many restarts it is ahead; 6 and 7 are two and one behind
    if (is_restart && ahead != 1 && ahead != 2 && ahead != 6 && ahead != 7)
      return read_segment();
    if (marker_ >= first_frame && (!is_restart || ahead == 1 || ahead == 2)) {
      segment_.assign(BitReader::padding_bytes, 0);
      bits_ = BitReader(segment_.data(), 0);
      return {};
    }
    marker_ = next_marker(file_, at_);
    if (marker_ == 0)
      return picture_cut_short();
  }
}

} // namespace intvit
