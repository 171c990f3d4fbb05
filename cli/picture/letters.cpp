#include "cli/picture/letters.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

namespace intvit::cli {

namespace {

// The characters from '!' to '~'. Strokes are separated by blanks. A point is two digits, x and y, where letters go on
// after 9. '~' before a stroke: its corners are round. '@': it is closed, too.
constexpr std::array<const char *, 94> shapes = {
    "1018 1b1c",                   // !
    "1013 4043",                   // "
    "310c 714c 0474 0878",         // #
    "~82800006868c0c0a 404c",      // $
    "902c ~@10505515 ~@67b7bc6c",  // %
    "8c21 ~2140616304080c6c88",    // &
    "1013",                        // '
    "~30030b3e",                   // (
    "~00333b0e",                   // )
    "4147 1275 7215",              // *
    "0868 353b",                   // +
    "1b0e",                        // ,
    "0858",                        // -
    "1b1c",                        // .
    "600e",                        // /
    "~@00707c0c",                  // 0
    "03303c",                      // 1
    "~030070760c 0c7c",            // 2
    "~0200707636 ~36767c0c0a",     // 3
    "6c600888",                    // 4
    "701005 ~05757c0c0a",          // 5
    "~60100608 ~@05757c0c",        // 6
    "00703c",                      // 7
    "~@10606515 ~@05757c0c",       // 8
    "~@00707707 ~737b1c",          // 9
    "1516 1b1c",                   // :
    "1516 1b0e",                   // ;
    "64086c",                      // <
    "0666 0a6a",                   // =
    "04680c",                      // >
    "~020060653538 3b3c",          // ?
    "~77474a7a7757a5 ~a7a0000cac", // @
    "0c408c 1878",                 // A
    "000c ~00707606 ~06868c0c",    // B
    "~8380000c8c89",               // C
    "000c ~00808c0c",              // D
    "70000c7c 0656",               // E
    "70000c 0656",                 // F
    "~8380000c8c86 8656",          // G
    "000c 808c 0686",              // H
    "101c",                        // I
    "~606c0c09",                   // J
    "000c 7007 357c",              // K
    "000c6c",                      // L
    "0c0057a0ac",                  // M
    "0c008c80",                    // N
    "~@00909c0c",                  // O
    "0c00 ~00808707",              // P
    "~@00909c0c 598d",             // Q
    "0c00 ~00808606 468c",         // R
    "~82800006868c0c0a",           // S
    "0080 404c",                   // T
    "~000c8c80",                   // U
    "004c80",                      // V
    "003c609cc0",                  // W
    "008c 800c",                   // X
    "004680 464c",                 // Y
    "00800c8c",                    // Z
    "30000e3e",                    // [
    "006e",                        // backslash
    "00303e0e",                    // ]
    "043164",                      // ^
    "0e8e",                        // _
    "0022",                        // `
    "~@04747c0c 747c",             // a
    "000c ~@04747c0c",             // b
    "~6664040c6c6a",               // c
    "707c ~@04747c0c",             // d
    "0878 ~7874040c7c7a",          // e
    "~50202c 0454",                // f
    "~@04747c0c ~747g0g0e",        // g
    "000c ~0704747c",              // h
    "141c 1011",                   // i
    "~242g0g 2021",                // j
    "000c 6409 276c",              // k
    "101c",                        // l
    "040c ~0704545c ~5754a4ac",    // m
    "040c ~0704747c",              // n
    "~@04747c0c",                  // o
    "040g ~@04747c0c",             // p
    "747g ~@04747c0c",             // q
    "040c ~090454",                // r
    "~6564040408686c6c0c0b",       // s
    "202c5c 0454",                 // t
    "~040c7c74 747c",              // u
    "043c64",                      // v
    "042c548ca4",                  // w
    "046c 640c",                   // x
    "043c 641g",                   // y
    "04640c6c",                    // z
    "~40202707 ~07272e4e",         // {
    "101g",                        // |
    "~00202747 ~47272e0e",         // }
    "~0826496967",                 // ~
};

double coordinate(char digit) {
  return digit <= '9' ? digit - '0' : digit - 'a' + 10;
}

// Corners cut twice (Chaikin), which makes them round.
Stroke with_round_corners(Stroke points, bool closed) {
  for (int round = 0; round < 3; ++round) {
    Stroke finer;
    if (!closed)
      finer.push_back(points.front());
    const std::size_t edges = points.size() - (closed ? 0 : 1);
    for (std::size_t i = 0; i < edges; ++i) {
      const auto &[ax, ay] = points[i];
      const auto &[bx, by] = points[(i + 1) % points.size()];
      if (closed || i > 0)
        finer.emplace_back(0.75 * ax + 0.25 * bx, 0.75 * ay + 0.25 * by);
      if (closed || i + 1 < edges)
        finer.emplace_back(0.25 * ax + 0.75 * bx, 0.25 * ay + 0.75 * by);
    }
    if (!closed)
      finer.push_back(points.back());
    points = std::move(finer);
  }
  if (closed)
    points.push_back(points.front());
  return points;
}

} // namespace

Letter letter(char character) {
  if (character == ' ')
    return {4, {}};
  const bool known = character > ' ' && character <= '~';
  const std::string shape = shapes[static_cast<std::size_t>((known ? character : '?') - '!')];
  Letter result;
  for (std::size_t i = 0; i < shape.size();) {
    const bool round = shape[i] == '~';
    i += round ? 1 : 0;
    const bool closed = shape[i] == '@';
    i += closed ? 1 : 0;
    Stroke points;
    for (; i + 1 < shape.size() && shape[i] != ' '; i += 2)
      points.emplace_back(coordinate(shape[i]), coordinate(shape[i + 1]));
    ++i; // the blank
    for (const auto &[x, y] : points)
      result.width = std::max(result.width, x);
    if (round)
      points = with_round_corners(points, closed);
    result.strokes.push_back(std::move(points));
  }
  return result;
}

} // namespace intvit::cli
