#include "tests/checkasm/guarded_memory.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <string>

#ifdef _WIN32
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#else
#include <sys/mman.h>
#include <unistd.h>
#endif

namespace intvit::test {

namespace {

enum class Access { read, write };

#ifdef _WIN32
std::size_t page_bytes() {
  SYSTEM_INFO system;
  GetSystemInfo(&system);
  return system.dwPageSize;
}

std::byte *reserve(std::size_t bytes) {
  return static_cast<std::byte *>(VirtualAlloc(nullptr, bytes, MEM_RESERVE | MEM_COMMIT, PAGE_NOACCESS));
}

void give_back(std::byte *mapping, std::size_t) {
  VirtualFree(mapping, 0, MEM_RELEASE);
}

bool allow(std::byte *pages, std::size_t bytes, Access access) {
  DWORD before = 0;
  return VirtualProtect(pages, bytes, access == Access::write ? PAGE_READWRITE : PAGE_READONLY, &before) != 0;
}
#else
std::size_t page_bytes() {
  return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

// Null where there is no room.
std::byte *reserve(std::size_t bytes) {
  void *mapping = ::mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return mapping == MAP_FAILED ? nullptr : static_cast<std::byte *>(mapping);
}

void give_back(std::byte *mapping, std::size_t bytes) {
  ::munmap(mapping, bytes);
}

bool allow(std::byte *pages, std::size_t bytes, Access access) {
  return ::mprotect(pages, bytes, access == Access::write ? PROT_READ | PROT_WRITE : PROT_READ) == 0;
}
#endif

void protect(std::byte *pages, std::size_t bytes, Access access) {
  if (!allow(pages, bytes, access))
    throw std::runtime_error("the protection of pages cannot be changed");
}

// How far beside a buffer damage() looks.
constexpr std::size_t watched = 4096;

} // namespace

GuardedMemory::GuardedMemory() : page_(page_bytes()) {}

GuardedMemory::~GuardedMemory() {
  for (Region &region : regions_)
    release(region);
}

void GuardedMemory::release(Region &region) const {
  if (region.mapping != nullptr)
    give_back(region.mapping, region.capacity + 2 * guard_bytes);
  region = {};
}

void GuardedMemory::restart(Against against, std::byte canary) {
  against_ = against;
  canary_ = canary;
  used_ = 0;
}

GuardedMemory::Region &GuardedMemory::place(const char *name, std::size_t bytes, std::size_t alignment) {
  if (used_ == regions_.size())
    regions_.emplace_back();
  Region &region = regions_[used_++];
  const std::size_t padded = (bytes + alignment - 1) / alignment * alignment;
  const std::size_t needed = std::max<std::size_t>((padded + page_ - 1) / page_, 1) * page_;
  if (region.capacity < needed) {
    release(region);
    region.mapping = reserve(needed + 2 * guard_bytes);
    if (region.mapping == nullptr)
      throw std::runtime_error("there is no room for " + std::to_string(needed) + " bytes");
    region.capacity = needed;
  }
  region.name = name;
  region.bytes = bytes;
  region.data = pages(region) + (against_ == Against::end ? region.capacity - padded : 0);
  protect(pages(region), region.capacity, Access::write);
  const std::size_t before = std::min<std::size_t>(static_cast<std::size_t>(region.data - pages(region)), watched);
  const std::size_t behind =
      std::min<std::size_t>(static_cast<std::size_t>(pages(region) + region.capacity - region.data), bytes + watched);
  std::memset(region.data - before, static_cast<int>(canary_), before + behind);
  return region;
}

const void *GuardedMemory::copy(const char *name, const void *data, std::size_t bytes, std::size_t alignment) {
  Region &region = place(name, bytes, alignment);
  if (bytes > 0)
    std::memcpy(region.data, data, bytes);
  protect(pages(region), region.capacity, Access::read);
  return region.data;
}

std::byte *GuardedMemory::output(const char *name, std::size_t bytes, std::size_t alignment) {
  return place(name, bytes, alignment).data;
}

void GuardedMemory::make_read_only(const std::byte *buffer) {
  for (std::size_t i = 0; i < used_; ++i)
    if (regions_[i].data == buffer)
      protect(pages(regions_[i]), regions_[i].capacity, Access::read);
}

std::optional<std::string> GuardedMemory::damage() const {
  for (std::size_t i = 0; i < used_; ++i) {
    const Region &region = regions_[i];
    const std::byte *first =
        std::max(pages(region), region.data - std::min(watched, static_cast<std::size_t>(region.data - pages(region))));
    const std::byte *end = region.data + region.bytes;
    const std::byte *last = std::min<const std::byte *>(pages(region) + region.capacity, end + watched);
    for (const std::byte *at = first; at < last; ++at)
      if ((at < region.data || at >= end) && *at != canary_)
        return "wrote " + locate(reinterpret_cast<std::uintptr_t>(at));
  }
  return std::nullopt;
}

std::string GuardedMemory::locate(std::uintptr_t address) const {
  for (std::size_t i = 0; i < used_; ++i) {
    const Region &region = regions_[i];
    const auto mapping = reinterpret_cast<std::uintptr_t>(region.mapping);
    if (address < mapping || address >= mapping + region.capacity + 2 * guard_bytes)
      continue;
    const auto begin = reinterpret_cast<std::uintptr_t>(region.data);
    const std::uintptr_t end = begin + region.bytes;
    if (address >= end)
      return "byte " + std::to_string(address - end + 1) + " past the end of " + region.name;
    if (address < begin)
      return "byte " + std::to_string(begin - address) + " before the beginning of " + region.name;
    return "byte " + std::to_string(address - begin) + " of " + region.name;
  }
  return "";
}

} // namespace intvit::test
