// Buffers with forbidden memory on both sides, so that one byte too far is a fault and not luck.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

namespace intvit::test {

// Which guard a buffer touches. Alignment may keep up to a line's bytes between a buffer's end and the guard.
enum class Against { end, begin };

class GuardedMemory {
public:
  GuardedMemory();
  GuardedMemory(const GuardedMemory &) = delete;
  GuardedMemory &operator=(const GuardedMemory &) = delete;
  ~GuardedMemory();

  // Forgets all buffers. Those that follow lie against that guard; what lies between them and the other guard, and
  // writable buffers at first, hold `canary`.
  void restart(Against against, std::byte canary);

  // A copy that must not be written. `count` elements; a null pointer stays one.
  template <typename T> const T *input(const char *name, const T *data, std::size_t count) {
    if (data == nullptr)
      return nullptr;
    return static_cast<const T *>(copy(name, data, count * sizeof(T), alignof(T)));
  }
  const void *input(const char *name, const void *data, std::size_t bytes, std::size_t alignment) {
    return copy(name, data, bytes, alignment);
  }

  // Memory to write.
  std::byte *output(const char *name, std::size_t bytes, std::size_t alignment);

  // Forbids writing to a buffer from now on.
  void make_read_only(const std::byte *buffer);

  // What was written beside a buffer without touching its guard; nothing if all is well.
  std::optional<std::string> damage() const;

  // "1 byte past the end of input", or an empty string where the address lies nowhere near a buffer.
  std::string locate(std::uintptr_t address) const;

private:
  struct Region {
    std::byte *mapping = nullptr; // guard, pages, guard
    std::size_t capacity = 0;     // of the pages
    const char *name = "";
    std::byte *data = nullptr;
    std::size_t bytes = 0;
  };

  const void *copy(const char *name, const void *data, std::size_t bytes, std::size_t alignment);
  Region &place(const char *name, std::size_t bytes, std::size_t alignment);
  void release(Region &region) const;
  std::byte *pages(const Region &region) const { return region.mapping + guard_bytes; }

  static constexpr std::size_t guard_bytes = std::size_t{1} << 16;

  std::size_t page_;
  Against against_ = Against::end;
  std::byte canary_{};
  std::size_t used_ = 0;
  std::vector<Region> regions_; // the first used_ are in use; kept, since mapping costs more than a small kernel
};

} // namespace intvit::test
