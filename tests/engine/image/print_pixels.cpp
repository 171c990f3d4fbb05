// For scripts/compare-pixels.py: reads names of picture files, one a line, and writes of each a line with its width and
// height, then its pixels; 0 0 and why, where it is refused.
#include <cstdio>
#include <iostream>
#include <string>

#include "engine/image/decode.hpp"

int main() {
  for (std::string path; std::getline(std::cin, path);) {
    const intvit::Result<intvit::Image> image = intvit::load_image(path);
    if (image.ok()) {
      std::printf("%d %d\n", image->width, image->height);
      std::fwrite(image->rgb.data(), 1, image->rgb.size(), stdout);
    } else {
      std::printf("0 0 %s\n", image.status().message().c_str());
    }
    std::fflush(stdout);
  }
  return 0;
}
