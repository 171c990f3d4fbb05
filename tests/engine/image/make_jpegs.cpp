// Writes the JPEG files of tests/golden/images/jpeg.txt for scripts/make-image-golden.py: `make_jpegs FOLDER`.
#include <cstdio>
#include <fstream>
#include <string>

#include "tests/engine/image/jpeg_writer.hpp"

int main(int argc, char **argv) {
  using namespace intvit::test;
  if (argc != 2) {
    std::fprintf(stderr, "usage: make_jpegs FOLDER\n");
    return 2;
  }
  for (int index = 0; index < jpeg_kinds; ++index)
    std::ofstream(std::string(argv[1]) + "/" + std::to_string(index) + ".jpg", std::ios::binary)
        << write_jpeg(jpeg_kind(index));
  return 0;
}
