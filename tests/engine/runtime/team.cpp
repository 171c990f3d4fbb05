// The division of work among threads, and how many threads there are.
#include "engine/threads/team.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/threads/default_threads.hpp"
#include "engine/threads/workers.hpp"
#include "tests/support/threads.hpp"

namespace intvit {
namespace {

using test::has_threads;

TEST_CASE("team: shares cover every task once, in order, in whole grains") {
  for (const int size : {1, 2, 3, 4, 7, 16, 64, 1024})
    for (const int grain : {1, 2, 3, 8, 16, 64, 1000})
      for (const int count : {0, 1, 2, 3, 5, 7, 15, 16, 17, 63, 64, 65, 192, 197, 768, 1000, 3072, 100003}) {
        int next = 0;
        int smallest = count;
        int largest = 0;
        for (int index = 0; index < size; ++index) {
          const kernels::Range share = Team{index, size}.share(count, grain);
          CAPTURE(size, grain, count, index, share.begin, share.end);
          if (share.begin != next || share.end < share.begin)
            FAIL("shares do not follow one another");
          if (share.begin % grain != 0 && share.begin != count)
            FAIL("a share begins inside a grain");
          next = share.end;
          smallest = std::min(smallest, share.end - share.begin);
          largest = std::max(largest, share.end - share.begin);
        }
        CAPTURE(size, grain, count);
        if (next != count)
          FAIL("tasks are left over");
        if (largest - smallest > grain)
          FAIL("shares differ by more than a grain");
      }
}

TEST_CASE("team: parts of a matrix cover every tile once") {
  for (const int size : {1, 2, 3, 4, 6, 7, 16})
    for (const auto &[rows, columns] : {std::pair(Team::Tiled{197, 6}, Team::Tiled{192, 64}),
                                        {Team::Tiled{1, 6}, Team::Tiled{1000, 64}},
                                        {Team::Tiled{13, 6}, Team::Tiled{130, 16}},
                                        {Team::Tiled{1576, 6}, Team::Tiled{48, 64}}}) {
      CAPTURE(size, rows.count, columns.count);
      std::vector<int> covered(static_cast<std::size_t>(rows.count) * static_cast<std::size_t>(columns.count), 0);
      for (int index = 0; index < size; ++index) {
        const Rectangle part = Team{index, size}.share(rows, columns);
        if ((part.rows.begin % rows.grain != 0 && part.rows.begin != rows.count) ||
            (part.columns.begin % columns.grain != 0 && part.columns.begin != columns.count))
          FAIL("part " << index << " begins inside a tile");
        for (int m = part.rows.begin; m < part.rows.end; ++m)
          for (int n = part.columns.begin; n < part.columns.end; ++n)
            ++covered[static_cast<std::size_t>(m * columns.count + n)];
      }
      CHECK(std::count(covered.begin(), covered.end(), 1) == static_cast<std::ptrdiff_t>(covered.size()));
    }
}

TEST_CASE("team: a matrix is cut along its rows, its columns or both, whichever makes the largest part smallest") {
  const auto largest = [](int size, Team::Tiled rows, Team::Tiled columns) {
    int tiles = 0;
    for (int index = 0; index < size; ++index) {
      const Rectangle part = Team{index, size}.share(rows, columns);
      const auto count = [](kernels::Range range, int grain) { return (range.end - range.begin + grain - 1) / grain; };
      tiles = std::max(tiles, count(part.rows, rows.grain) * count(part.columns, columns.grain));
    }
    return tiles;
  };
  CHECK(largest(2, {197, 6}, {192, 64}) == 17 * 3); // 33 x 3 tiles: by rows
  CHECK(largest(4, {6, 6}, {1024, 64}) == 4);       // 1 x 16: by columns
  CHECK(largest(4, {12, 6}, {128, 64}) == 1);       // 2 x 2: by both
}

TEST_CASE("team: shares of as many tasks as an int holds") {
  for (const int size : {1, 2, 3, 1023, 1024})
    for (const int grain : {1, 64}) {
      int next = 0;
      for (int index = 0; index < size; ++index) {
        const kernels::Range share = Team{index, size}.share(INT_MAX, grain);
        REQUIRE(share.begin == next);
        REQUIRE(share.end > share.begin);
        next = share.end;
      }
      CHECK(next == INT_MAX);
    }
}

struct Calls {
  std::array<std::atomic<int>, 16> count{};
  std::atomic<int> size{0};
  std::atomic<int> before_barrier{0};
  std::atomic<bool> barrier_held{true};
};

TEST_CASE("team: work runs once for each index, and a barrier waits for all") {
  for (const int threads : {1, 2, 3, 4, 8}) {
    Calls calls;
    Workers workers(threads);
    workers.run(
        [](const Team &team, void *context) {
          Calls &c = *static_cast<Calls *>(context);
          ++c.count[static_cast<std::size_t>(team.index)];
          c.size = team.size;
          for (int round = 1; round <= 20; ++round) {
            ++c.before_barrier;
            bool goes_on = team.barrier();
            if (!goes_on || c.before_barrier != round * team.size)
              c.barrier_held = false;
            goes_on = team.barrier();
            if (!goes_on)
              c.barrier_held = false;
          }
        },
        &calls);
    const int expected = has_threads ? threads : 1;
    CHECK(calls.size == expected);
    for (int index = 0; index < 16; ++index)
      CHECK(calls.count[static_cast<std::size_t>(index)] == (index < expected ? 1 : 0));
    CHECK(calls.barrier_held);
  }
}

// default_threads() in a process of its own with this environment.
int threads_with(const std::string &environment, const std::string &argument = "") {
  const std::string command =
      "env -u OMP_NUM_THREADS " + environment + " \"" PRINT_DEFAULT_THREADS "\" " + argument + " 2>/dev/null";
  std::FILE *pipe = ::popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  int threads = -1;
  const int fields = std::fscanf(pipe, "%d", &threads);
  const int status = ::pclose(pipe);
  INFO(command);
  REQUIRE(fields == 1);
  REQUIRE(status == 0);
  return threads;
}

TEST_CASE("team: OMP_NUM_THREADS says how many threads") {
  CHECK(threads_with("OMP_NUM_THREADS=1") == 1);
  for (const int asked : {2, 3, 17})
    CHECK(threads_with("OMP_NUM_THREADS=" + std::to_string(asked)) == (has_threads ? asked : 1));
  CHECK(threads_with("OMP_NUM_THREADS=5,2") == (has_threads ? 5 : 1)); // the outer level's
  CHECK(threads_with("OMP_NUM_THREADS=' 3'") == (has_threads ? 3 : 1));
}

TEST_CASE("team: what OMP_NUM_THREADS cannot mean is no error") {
  const int unset = threads_with("");
  for (const std::string text : {"0", "-1", "many", "''", "' '", "-99999999999999999999"})
    CHECK(threads_with("OMP_NUM_THREADS=" + text) == unset);
  for (const std::string text : {"1025", "999999", "99999999999999999999"})
    CHECK(threads_with("OMP_NUM_THREADS=" + text) == (has_threads ? max_threads : 1));
}

TEST_CASE("team: without OMP_NUM_THREADS, as many as this process may use") {
  const int threads = threads_with("");
  CHECK(threads >= 1);
  CHECK(threads <= static_cast<int>(std::thread::hardware_concurrency())); // which honours affinity
  CHECK(threads_with("OMP_NUM_THREADS=") == threads);
  CHECK(threads_with("", "one_processor") == 1);
  // Asked for explicitly, threads may be more than processors.
  CHECK(threads_with("OMP_NUM_THREADS=3", "one_processor") == (has_threads ? 3 : 1));
}

} // namespace
} // namespace intvit
