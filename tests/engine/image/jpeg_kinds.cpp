// The kinds of JPEG files whose pixels tests/golden/images/jpeg.txt has.
#include <array>
#include <cstddef>

#include "tests/engine/image/jpeg_writer.hpp"
#include "tests/engine/image/pictures.hpp"

namespace intvit::test {
namespace {

// An MCU may have 10 blocks.
bool fits_mcu(const JpegKind &kind) {
  int blocks = 0;
  for (const JpegComponentKind &component : kind.components)
    blocks += component.horizontal * component.vertical;
  return blocks <= 10;
}

} // namespace

JpegKind jpeg_kind(int index) {
  // Sampling of the first component, the others 1 x 1: 4:4:4, 4:2:2, 4:2:0, 4:4:0, 4:1:1, 4:1:0, 4 x 1 the other way;
  // and odd ones: 3 x 1, chroma of 2 x 2 with luma of 4 x 2, luma coarser than chroma.
  constexpr std::array<std::array<int, 4>, 12> samplings = {{{1, 1, 1, 1},
                                                             {2, 1, 1, 1},
                                                             {2, 2, 1, 1},
                                                             {1, 2, 1, 1},
                                                             {4, 1, 1, 1},
                                                             {4, 2, 1, 1},
                                                             {1, 4, 1, 1},
                                                             {3, 1, 1, 1},
                                                             {2, 2, 2, 1},
                                                             {2, 2, 1, 2},
                                                             {1, 1, 2, 2},
                                                             {2, 1, 2, 1}}};
  if (index >= common_jpeg_kinds) {
    // What few programs write, in YCbCr files of all samplings and of sides with hundreds of pixels.
    constexpr int first_ycc = 36;
    const int number = index - common_jpeg_kinds;
    JpegKind kind = jpeg_kind(first_ycc + number);
    kind.seed = static_cast<std::uint32_t>(index) + 1;
    kind.width = 71 + number * 37 % 200;
    kind.height = 71 + number * 53 % 200;
    switch (number / static_cast<int>(samplings.size())) {
    case 0: // 16 bits
      kind.progressive = false;
      kind.wide_steps = true;
      kind.largest_step = 400;
      break;
    case 1:
      kind.progressive = false;
      kind.pairs = fits_mcu(kind);
      break;
    case 2: // scan by scan
      kind.progressive = kind.interleaved = false;
      kind.changing = true;
      break;
    case 3:
      kind.progressive = kind.changing = true;
      break;
    default: // large
      break;
    }
    return kind;
  }
  Lcg random(static_cast<std::uint32_t>(index) * 7919 + 1);
  JpegKind kind;
  kind.seed = static_cast<std::uint32_t>(index) + 1;
  const auto &[luma_across, luma_down, chroma_across, chroma_down] =
      samplings[static_cast<std::size_t>(index) % samplings.size()];
  // A side in four has one pixel, or up to three.
  const auto side = [&] {
    const int choice = random.between(0, 7);
    return choice == 0 ? 1 : choice == 1 ? random.between(2, 3) : random.between(4, 70);
  };
  kind.width = side();
  kind.height = side();
  kind.progressive = random.between(0, 2) == 0;
  kind.interleaved = random.between(0, 3) != 0;
  kind.restart_interval = random.between(0, 2) == 0 ? random.between(1, 9) : 0;
  constexpr std::array<int, 5> steps = {1, 4, 16, 60, 255};
  kind.largest_step = steps[static_cast<std::size_t>(random.between(0, 4))];
  kind.jfif = random.between(0, 1) == 0;
  switch (index / static_cast<int>(samplings.size()) % 8) {
  case 0: // grey, whose sampling factors mean nothing
    kind.components = {{1, luma_across, luma_down}};
    return kind;
  case 1: // RGB by names, by Adobe's marker, or not at all where JFIF says otherwise
    kind.components = {
        {'R', luma_across, luma_down}, {'G', chroma_across, chroma_down}, {'B', chroma_across, chroma_down}};
    kind.adobe_transform = random.between(0, 1) == 0 ? -1 : 0;
    return kind;
  case 2: // CMYK and YCCK
    kind.adobe_transform = random.between(-1, 0) == 0 ? 0 : random.between(0, 1) == 0 ? 2 : -1;
    kind.components = {{1, luma_across, luma_down},
                       {2, chroma_across, chroma_down},
                       {3, chroma_across, chroma_down},
                       {4, luma_across, luma_down}};
    break;
  default:
    kind.adobe_transform = random.between(0, 3) == 0 ? 1 : -1;
    kind.components = {{1, luma_across, luma_down}, {2, chroma_across, chroma_down}, {3, chroma_across, chroma_down}};
    break;
  }
  kind.interleaved = kind.interleaved && fits_mcu(kind);
  return kind;
}

} // namespace intvit::test
