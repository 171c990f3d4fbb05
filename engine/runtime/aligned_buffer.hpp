// Memory for kernels: zeroed, and aligned to a cache line.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#ifdef _WIN32
#include <malloc.h>
#endif

namespace intvit {

// One cache line, and the widest vector.
inline constexpr std::size_t buffer_alignment = 64;

inline constexpr std::size_t align_up(std::size_t bytes) {
  return (bytes + buffer_alignment - 1) / buffer_alignment * buffer_alignment;
}

// Movable, not copyable. data() is null where no bytes were asked for or memory ran out.
class AlignedBuffer {
public:
  AlignedBuffer() = default;
  explicit AlignedBuffer(std::size_t bytes)
      : bytes_(bytes > 0 ? static_cast<std::byte *>(allocate(align_up(bytes))) : nullptr), size_(bytes) {
    if (bytes_ != nullptr)
      std::memset(bytes_.get(), 0, align_up(bytes));
  }

  std::byte *data() const { return bytes_.get(); }
  std::size_t size() const { return size_; }

private:
#ifdef _WIN32
  static void *allocate(std::size_t bytes) {
    return ::_aligned_malloc(bytes, buffer_alignment);
  }
  struct Free {
    void operator()(std::byte *bytes) const { ::_aligned_free(bytes); }
  };
#else
  static void *allocate(std::size_t bytes) {
    return std::aligned_alloc(buffer_alignment, bytes);
  }
  struct Free {
    void operator()(std::byte *bytes) const { std::free(bytes); }
  };
#endif
  std::unique_ptr<std::byte, Free> bytes_;
  std::size_t size_ = 0;
};

} // namespace intvit
