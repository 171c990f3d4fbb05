#include "models/words/npy.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <span>
#include <stdexcept>
#include <string_view>

#include "engine/container/file_io.hpp"
#include "models/import/half.hpp"

namespace intvit {

static_assert(std::endian::native == std::endian::little, "numbers are copied as they are in the file");

namespace {

constexpr std::string_view npy_magic("\x93NUMPY", 6);

// What stands behind 'key': in the header, which is a Python dictionary as NumPy writes it.
std::string_view npy_value(std::string_view header, std::string_view key) {
  const std::size_t place = header.find(key);
  if (place == std::string_view::npos)
    throw std::runtime_error("its header lacks " + std::string(key));
  std::string_view rest = header.substr(place + key.size());
  rest.remove_prefix(std::min(rest.find_first_not_of(": "), rest.size()));
  return rest;
}

std::vector<std::int64_t> npy_shape(std::string_view text) {
  std::vector<std::int64_t> shape;
  if (!text.starts_with('('))
    throw std::runtime_error("its header has no shape");
  text.remove_prefix(1);
  while (!text.empty() && text.front() != ')') {
    std::int64_t size = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), size);
    if (error != std::errc() || size < 1 || size > 1 << 24)
      throw std::runtime_error("its shape is not that of embeddings");
    if (shape.size() == 2)
      throw std::runtime_error("has more than two dimensions");
    shape.push_back(size);
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    text.remove_prefix(std::min(text.find_first_not_of(", "), text.size()));
  }
  if (shape.size() == 1)
    shape.insert(shape.begin(), 1);
  if (shape.empty())
    throw std::runtime_error("is one number and no matrix");
  return shape;
}

template <typename Number, class Convert>
void copy_numbers(std::span<const std::byte> from, RowMatrix &to, const Convert &convert) {
  if (from.size() != static_cast<std::size_t>(to.size()) * sizeof(Number))
    throw std::runtime_error("holds " + std::to_string(from.size()) + " bytes of numbers, not those of its shape");
  for (Eigen::Index i = 0; i < to.size(); ++i) {
    Number number;
    std::memcpy(&number, from.data() + static_cast<std::size_t>(i) * sizeof(Number), sizeof(Number));
    to.data()[i] = convert(number);
  }
}

RowMatrix parse_npy(std::span<const std::byte> bytes) {
  const std::string_view text(reinterpret_cast<const char *>(bytes.data()), bytes.size());
  if (!text.starts_with(npy_magic) || text.size() < 12)
    throw std::runtime_error("is not a NumPy array (.npy)");
  const auto byte = [&](std::size_t i) { return static_cast<std::size_t>(static_cast<unsigned char>(text[i])); };
  const bool wide = byte(6) > 1; // version 2 and 3: a length of four bytes
  const std::size_t begin = wide ? 12 : 10;
  const std::size_t length = byte(8) | byte(9) << 8 | (wide ? byte(10) << 16 | byte(11) << 24 : 0);
  if (length > text.size() - begin)
    throw std::runtime_error("is cut off within its header");
  const std::string_view header = text.substr(begin, length);
  if (!npy_value(header, "'fortran_order'").starts_with("False"))
    throw std::runtime_error("is stored column by column; save it row by row (numpy.ascontiguousarray)");
  const std::vector<std::int64_t> shape = npy_shape(npy_value(header, "'shape'"));
  const std::string_view type = npy_value(header, "'descr'");
  const std::span<const std::byte> data = bytes.subspan(begin + length);
  if (data.size() / static_cast<std::size_t>(shape[1]) < static_cast<std::size_t>(shape[0]))
    throw std::runtime_error("is shorter than its shape says");
  RowMatrix matrix(shape[0], shape[1]);
  if (type.starts_with("'<f4'"))
    copy_numbers<float>(data, matrix, [](float x) { return x; });
  else if (type.starts_with("'<f8'"))
    copy_numbers<double>(data, matrix, [](double x) { return static_cast<float>(x); });
  else if (type.starts_with("'<f2'"))
    copy_numbers<std::uint16_t>(data, matrix, half_to_float);
  else if (type.starts_with("'>"))
    throw std::runtime_error("its numbers are big-endian; save them little-endian (array.astype('<f4'))");
  else
    throw std::runtime_error("its numbers are none of float16, float32 and float64");
  if (!(matrix.cwiseAbs().array() <= largest_value).all())
    throw std::runtime_error("holds NaN, infinity or a number too large to compute with");
  return matrix;
}

} // namespace

RowMatrix read_npy(const std::string &path) {
  const Result<std::vector<std::byte>> bytes = read_file(path, std::int64_t{1} << 31);
  if (!bytes.ok())
    throw std::runtime_error(bytes.status().message());
  try {
    return parse_npy(*bytes);
  } catch (const std::runtime_error &error) {
    throw std::runtime_error(path + ": " + error.what());
  }
}

std::vector<std::byte> npy_bytes(const RowMatrix &matrix) {
  return npy_bytes(matrix, {matrix.rows(), matrix.cols()});
}

std::vector<std::byte> npy_bytes(const RowMatrix &matrix, const std::vector<std::int64_t> &shape) {
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (";
  for (std::size_t i = 0; i < shape.size(); ++i)
    header += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  header += "), }";
  header.append(63 - (header.size() + 10) % 64, ' ').append("\n"); // the data begin at a multiple of 64
  std::string file(npy_magic);
  file.append("\x01\x00", 2);
  file += static_cast<char>(header.size() & 255);
  file += static_cast<char>(header.size() >> 8);
  file += header;
  const std::span<const std::byte> text = std::as_bytes(std::span(file));
  std::vector<std::byte> bytes(text.begin(), text.end());
  const std::span<const std::byte> data =
      std::as_bytes(std::span(matrix.data(), static_cast<std::size_t>(matrix.size())));
  bytes.insert(bytes.end(), data.begin(), data.end());
  return bytes;
}

} // namespace intvit
