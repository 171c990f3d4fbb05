// NumPy's files: written as numpy.load() takes them, and read in every type, with every kind of damage.
#include "models/words/npy.hpp"

#include <cstring>

#include <catch2/catch.hpp>

#include "tests/models/import/weight_folder.hpp"
#include "tests/support/data.hpp"

using namespace intvit;
using namespace intvit::test;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

namespace {

template <typename T> std::string raw_bytes(const std::vector<T> &values) {
  std::string bytes(values.size() * sizeof(T), '\0');
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

std::string npy(const std::string &header, const std::string &data, char version = 1) {
  std::string file("\x93NUMPY", 6);
  file += version;
  file += '\0';
  file += static_cast<char>(header.size() & 255);
  file += static_cast<char>(header.size() >> 8);
  if (version > 1)
    file.append(2, '\0');
  return file + header + data;
}

std::string header_of(const std::string &type, const std::string &shape, const std::string &order = "False") {
  return "{'descr': '" + type + "', 'fortran_order': " + order + ", 'shape': " + shape + ", }\n";
}

RowMatrix read(const std::string &file) {
  const std::string path = temporary_file("array.npy");
  write_text_file(path, file);
  return read_npy(path);
}

} // namespace

TEST_CASE("npy: what is written is read again, and begins as NumPy wants it") {
  RowMatrix matrix(3, 5);
  for (Eigen::Index i = 0; i < matrix.size(); ++i)
    matrix.data()[i] = static_cast<float>(i) - 6.25F;
  const std::vector<std::byte> bytes = npy_bytes(matrix);
  const std::string text(reinterpret_cast<const char *>(bytes.data()), bytes.size());
  CHECK(text.substr(0, 10) == std::string("\x93NUMPY\x01\x00\x76\x00", 10));
  CHECK_THAT(text, Contains("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 5), }"));
  CHECK(text.size() == 128 + 60);
  CHECK(text[127] == '\n');
  CHECK(read(text) == matrix);
}

TEST_CASE("npy: types and shapes") {
  RowMatrix expected(2, 2);
  expected << 1, -2, 0.5, 4;
  CHECK(read(npy(header_of("<f4", "(2, 2)"), raw_bytes<float>({1, -2, 0.5, 4}))) == expected);
  CHECK(read(npy(header_of("<f8", "(2, 2)"), raw_bytes<double>({1, -2, 0.5, 4}))) == expected);
  CHECK(read(npy(header_of("<f2", "(2, 2)"), raw_bytes<std::uint16_t>({0x3C00, 0xC000, 0x3800, 0x4400}))) == expected);
  CHECK(read(npy(header_of("<f4", "(2, 2)"), raw_bytes<float>({1, -2, 0.5, 4}), 2)) == expected);
  CHECK(read(npy(header_of("<f4", "(3,)"), raw_bytes<float>({1, 2, 3}))).rows() == 1);
}

TEST_CASE("npy: files that are none") {
  const std::string data = raw_bytes<float>({1, 2, 3, 4});
  const auto message = [](const std::string &file) {
    try {
      read(file);
    } catch (const std::runtime_error &error) {
      return std::string(error.what());
    }
    return std::string();
  };
  CHECK_THAT(message(""), Contains("is not a NumPy array"));
  CHECK_THAT(message("PK\x03\x04 some archive of arrays"), Contains("is not a NumPy array"));
  CHECK_THAT(message(npy(header_of("<i8", "(2, 2)"), data)), Contains("none of float16, float32 and float64"));
  CHECK_THAT(message(npy(header_of(">f4", "(2, 2)"), data)), Contains("its numbers are big-endian"));
  CHECK_THAT(message(npy(header_of("<f4", "(2, 2)", "True"), data)), Contains("column by column"));
  CHECK_THAT(message(npy(header_of("<f4", "(1, 2, 2)"), data)), Contains("has more than two dimensions"));
  CHECK_THAT(message(npy(header_of("<f4", "()"), data)), Contains("is one number and no matrix"));
  CHECK_THAT(message(npy(header_of("<f4", "(0, 4)"), "")), Contains("its shape is not that of embeddings"));
  CHECK_THAT(message(npy(header_of("<f4", "(-1, 4)"), data)), Contains("its shape is not that of embeddings"));
  CHECK_THAT(message(npy(header_of("<f4", "(x, 4)"), data)), Contains("its shape is not that of embeddings"));
  CHECK_THAT(message(npy(header_of("<f4", "(16000000, 16000000)"), data)), Contains("is shorter than its shape says"));
  CHECK_THAT(message(npy(header_of("<f4", "(2, 2)"), data + "x")),
             Contains("bytes of numbers, not those of its shape"));
  CHECK_THAT(message(npy(header_of("<f4", "(2, 2)"), data.substr(1))), Contains("bytes of numbers"));
  CHECK_THAT(message(npy("{'descr': '<f4', 'fortran_order': False, }", data)), Contains("lacks 'shape'"));
  CHECK_THAT(message(npy(header_of("<f4", "(2, 2)"), data).substr(0, 30)), Contains("is cut off within its header"));
  CHECK_THAT(message(npy(header_of("<f4", "(1, 2)"), raw_bytes<std::uint32_t>({0x7FC00000, 0}))),
             Contains("holds NaN"));
  CHECK_THAT(message(npy(header_of("<f8", "(1, 2)"), raw_bytes<double>({1e300, 0}))), Contains("holds NaN, infinity"));
  const std::string missing = temporary_file("missing.npy");
  CHECK_THROWS_WITH(read_npy(missing), StartsWith(missing));
}
