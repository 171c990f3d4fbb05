// The safetensors file format, read and written: an 8-byte little-endian header length, a JSON header, the tensors'
// bytes (https://github.com/huggingface/safetensors). Imported weights and intvit's own model files are both such
// files.
//
// The reader treats its input as hostile. For any bytes it returns either an error or a view with these guarantees:
// every tensor lies inside the data section, no two overlap, together they cover every byte, and every size equals
// shape times element size without overflow.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/container/dtype.hpp"
#include "engine/container/tensor_view.hpp"
#include "engine/status.hpp"

namespace intvit {

// A safetensors file held in memory. Movable, not copyable; views stay valid while it lives.
class SafetensorsFile {
public:
  // Errors: io (cannot open or read), bad_format (with the reason), unsupported (an element type or rank that this
  // build does not know). Messages begin with the path and name the tensor.
  static Result<SafetensorsFile> open(const std::string &path);
  // `origin` names the bytes in messages. Takes the bytes over.
  static Result<SafetensorsFile> parse(std::vector<std::byte> bytes, std::string_view origin);

  SafetensorsFile(SafetensorsFile &&) = default;
  SafetensorsFile &operator=(SafetensorsFile &&) = default;

  const std::map<std::string, TensorView, std::less<>> &tensors() const { return tensors_; }
  const std::map<std::string, std::string, std::less<>> &metadata() const { return metadata_; }
  const TensorView *find(std::string_view name) const;        // null where there is none
  std::span<const std::byte> bytes() const { return bytes_; } // the whole file, to be hashed

private:
  SafetensorsFile() = default;

  std::vector<std::byte> bytes_;
  std::map<std::string, TensorView, std::less<>> tensors_;
  std::map<std::string, std::string, std::less<>> metadata_;
};

// Collects tensors and metadata and writes them as one file. Tensors are laid out by falling element size, then by
// name, so that each is aligned to its element size; the data section starts on a 64-byte boundary. The same content
// always gives the same bytes.
class SafetensorsWriter {
public:
  // Replaces the value if the key exists. The format holds text, so bytes that are not UTF-8 become U+FFFD.
  void add_metadata(std::string_view key, std::string_view value);
  // Copies `bytes`. Errors: bad_argument (the name is taken, reserved or not UTF-8; the shape is impossible; the size
  // is not shape times element size).
  Status add_tensor(std::string name, DType dtype, std::vector<std::int64_t> shape, std::span<const std::byte> bytes);

  std::map<std::string, TensorView, std::less<>> tensors() const; // views, valid until the writer changes
  const std::map<std::string, std::string, std::less<>> &metadata() const { return metadata_; }

  std::vector<std::byte> serialize() const;
  // Writes a temporary file beside `path` and renames it, so that `path` is never half written. Errors: io,
  // bad_argument (a header longer than readers accept).
  Status write(const std::string &path) const;

private:
  struct Entry {
    DType dtype;
    std::vector<std::int64_t> shape;
    std::vector<std::byte> bytes;
  };
  std::map<std::string, Entry, std::less<>> tensors_;
  std::map<std::string, std::string, std::less<>> metadata_;
};

} // namespace intvit
