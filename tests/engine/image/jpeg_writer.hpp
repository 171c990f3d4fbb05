// Writes JPEG files of every kind that is decoded, of random coefficients: no picture is meant, every path is.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace intvit::test {

struct JpegComponentKind {
  int id = 1;
  int horizontal = 1;
  int vertical = 1;
};

struct JpegKind {
  int width = 8;
  int height = 8;
  std::vector<JpegComponentKind> components;
  bool progressive = false;
  bool interleaved = true;  // of a sequential file: one scan for all components, else one for each
  int restart_interval = 0; // MCUs
  bool jfif = false;
  int adobe_transform = -1; // -1: no Adobe marker
  bool pairs = false;       // of a sequential file of three components: two of them share a scan
  bool changing = false;    // between scans: Huffman and quantization tables, restart interval
  bool wide_steps = false;  // quantization tables of 16 bits, for which the frame is extended sequential
  int largest_step = 16;    // of the quantization tables
  std::uint32_t seed = 0;
};

std::string write_jpeg(const JpegKind &kind);

// Kind number `index` of those whose pixels tests/golden/images/jpeg.txt has.
inline constexpr int common_jpeg_kinds = 480;
inline constexpr int jpeg_kinds = common_jpeg_kinds + 60;
JpegKind jpeg_kind(int index);

} // namespace intvit::test
