// Writes two model files: `write_models UNLABELLED CLASSLESS`. The first has classes without names, the second gives
// nothing but features.
#include <cstdio>

#include "engine/container/file_io.hpp"
#include "models/random/random_model.hpp"
#include "tests/support/small_vit.hpp"

int main(int argc, char **argv) {
  using namespace intvit;
  if (argc != 3)
    return 2;
  for (const int classes : {5, 0}) {
    const std::vector<std::byte> file = random_model(test::small_vit_config({.classes = classes}), {}, 1);
    if (const Status status = write_file_atomically(argv[classes == 5 ? 1 : 2], file); !status.ok()) {
      std::fprintf(stderr, "%s\n", status.message().c_str());
      return 1;
    }
  }
  return 0;
}
