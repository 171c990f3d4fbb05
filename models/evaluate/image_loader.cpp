#include "models/evaluate/image_loader.hpp"

#include <chrono>
#include <new>
#include <stdexcept>
#include <utility>
#include <vector>

#include "engine/container/file_io.hpp"
#include "engine/image/decode.hpp"

namespace intvit {

namespace {

using LoadClock = std::chrono::steady_clock;

// The seconds since `begin`, which becomes now.
double lap(LoadClock::time_point &begin) {
  const LoadClock::time_point now = LoadClock::now();
  const double seconds = std::chrono::duration<double>(now - begin).count();
  begin = now;
  return seconds;
}

} // namespace

Image ImageLoader::load(const std::string &path) {
  LoadClock::time_point begin = LoadClock::now();
  const Result<std::vector<std::byte>> bytes = read_file(path, max_image_file_bytes);
  if (!bytes.ok())
    throw std::runtime_error(bytes.status().message());
  const double read = lap(begin);
  Image image = load(*bytes, path);
  times_.read = read;
  return image;
}

Image ImageLoader::load(std::span<const std::byte> file, const std::string &name) {
  try {
    return decode_and_preprocess(file, name);
  } catch (const std::bad_alloc &) {
    throw std::runtime_error(name + ": not enough memory to decode and resize it");
  }
}

Image ImageLoader::decode_and_preprocess(std::span<const std::byte> file, const std::string &name) {
  times_ = {};
  LoadClock::time_point begin = LoadClock::now();
  const Result<Image> decoded = decode_image(file, name);
  if (!decoded.ok())
    throw std::runtime_error(decoded.status().message());
  times_.decode = lap(begin);
  Result<Image> image = make_image(recipe_.crop_width, recipe_.crop_height);
  Status status = image.status();
  if (status.ok())
    status = preprocessor_.run(view(*decoded), image->rgb.data());
  if (!status.ok())
    throw std::runtime_error(name + ": " + status.message());
  times_.preprocess = lap(begin);
  return std::move(*image);
}

} // namespace intvit
