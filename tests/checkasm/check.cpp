#include "tests/checkasm/check.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>

#include "tests/checkasm/fault.hpp"

namespace intvit::test {

namespace {

Failure failure_of(const Fault &fault, const GuardedMemory &memory) {
  if (fault.kind == Fault::Kind::illegal_instruction)
    return {FailureKind::illegal_instruction, fault.text()};
  if (fault.kind != Fault::Kind::invalid_access)
    return {FailureKind::other_fault, fault.text()};
  const std::string place = memory.locate(fault.address);
  const char *access = !fault.writing ? "touched" : *fault.writing ? "wrote" : "read";
  return {FailureKind::invalid_access,
          fault.text() + ": " + access + " " + (place.empty() ? "memory that is no buffer's" : place)};
}

// An element as a signed number; little-endian, as all processors that are supported.
long long element(const std::byte *bytes, std::size_t size) {
  std::int8_t one = 0;
  std::int16_t two = 0;
  std::int32_t four = 0;
  switch (size) {
  case 1:
    std::memcpy(&one, bytes, 1);
    return one;
  case 2:
    std::memcpy(&two, bytes, 2);
    return two;
  default:
    std::memcpy(&four, bytes, 4);
    return four;
  }
}

std::optional<Failure> compare(const GuardedCall &guarded) {
  const OutputRange &range = guarded.range;
  const auto inside = [](kernels::Range r, std::size_t i) {
    return i >= static_cast<std::size_t>(r.begin) && i < static_cast<std::size_t>(r.end);
  };
  std::optional<Failure> first;
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < range.bytes / range.element_size; ++i) {
    const std::byte *is = guarded.output + i * range.element_size;
    const std::byte *must = guarded.expected.data() + i * range.element_size;
    if (std::memcmp(is, must, range.element_size) == 0)
      continue;
    const std::size_t row = i / range.stride;
    const std::size_t column = i % range.stride;
    const std::string place = "row " + std::to_string(row) + ", column " + std::to_string(column);
    if (!inside(range.rows, row) || !inside(range.columns, column))
      return Failure{FailureKind::write_outside, "wrote outside its range: " + place};
    if (!first)
      first = Failure{FailureKind::wrong_result, place + " is " + std::to_string(element(is, range.element_size)) +
                                                     ", not " + std::to_string(element(must, range.element_size))};
    ++wrong;
  }
  if (first)
    first->text += " (" + std::to_string(wrong) + " elements differ)";
  return first;
}

} // namespace

std::span<const Check> all_checks() {
  static const std::vector<Check> checks = [] {
    std::vector<Check> all;
    add_linear_checks(all);
    add_attention_checks(all);
    add_layer_norm_checks(all);
    add_l2_normalize_checks(all);
    add_multiply_checks(all);
    add_rescale_checks(all);
    add_rotate_checks(all);
    add_mean_rows_checks(all);
    add_patches_checks(all);
    add_token_merging_checks(all);
    add_resample_checks(all);
    return all;
  }();
  return checks;
}

std::optional<Failure> run_guarded(const GuardedCall &guarded, const std::function<void()> &call) {
  std::optional<Failure> failure;
  if (const std::optional<Fault> fault = catch_fault(call))
    failure = failure_of(*fault, guarded.memory);
  else if (const std::optional<std::string> damage = guarded.memory.damage())
    failure = Failure{FailureKind::write_outside, *damage};
  else if (guarded.output != nullptr)
    failure = compare(guarded);
  if (failure)
    failure->text += "; " + guarded.shape;
  return failure;
}

std::string range_text(const char *name, kernels::Range range, int count) {
  return std::string(name) + " " + std::to_string(range.begin) + ".." + std::to_string(range.end) + " of " +
         std::to_string(count);
}

Timing measure(const std::function<void()> &call) {
  using Clock = std::chrono::steady_clock;
  using Nanoseconds = std::chrono::duration<double, std::nano>;
  call();
  std::vector<double> times;
  const Clock::time_point begin = Clock::now();
  for (Clock::time_point last = begin; times.size() < 5 || last - begin < std::chrono::milliseconds(50);) {
    // Batches of calls, so that the clock's own time does not count.
    constexpr int batch = 4;
    for (int i = 0; i < batch; ++i)
      call();
    const Clock::time_point now = Clock::now();
    times.push_back(Nanoseconds(now - last).count() / batch);
    last = now;
  }
  std::sort(times.begin(), times.end());
  return {.best_ns = times.front(), .median_ns = times[times.size() / 2]};
}

} // namespace intvit::test
