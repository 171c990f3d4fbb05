#include "engine/container/safetensors_header.hpp"

#include <array>
#include <limits>
#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

#include "engine/container/tensor_view.hpp"
#include "engine/container/utf8.hpp"

namespace intvit {
namespace {

using nlohmann::json;

// Receives the parser's events. Every handler returns whether to go on; before it returns false it sets the status.
class HeaderBuilder {
public:
  Status take_status() { return std::move(status_); }
  SafetensorsHeader take_header() { return std::move(header_); }

  bool null() { return unexpected_value(); }
  bool boolean(bool) { return unexpected_value(); }
  bool number_integer(json::number_integer_t) { return unexpected_value(); } // the parser's type for negative numbers
  bool number_float(json::number_float_t, const json::string_t &) { return unexpected_value(); }
  bool binary(json::binary_t &) { return unexpected_value(); } // JSON text has none

  bool number_unsigned(json::number_unsigned_t value) {
    if (place_ == Place::shape) {
      if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
        return unexpected_value();
      if (tensor_.shape.size() == max_tensor_rank)
        return fail(StatusCode::unsupported, "shape has more than " + std::to_string(max_tensor_rank) + " dimensions");
      tensor_.shape.push_back(static_cast<std::int64_t>(value));
      return true;
    }
    if (place_ == Place::offsets && offset_count_ < offsets_.size()) {
      offsets_[offset_count_++] = value;
      return true;
    }
    return unexpected_value();
  }

  bool string(json::string_t &value) {
    if (place_ == Place::metadata) {
      if (!header_.metadata.emplace(key_, std::move(value)).second)
        return fail(StatusCode::bad_format, "metadata " + quoted_for_message(key_) + " appears twice");
      return true;
    }
    if (place_ != Place::dtype)
      return unexpected_value();
    const std::optional<DType> dtype = dtype_from_safetensors_name(value);
    if (!dtype)
      return fail(StatusCode::unsupported, "dtype " + quoted_for_message(value) + " is unknown");
    tensor_.dtype = *dtype;
    place_ = Place::tensor;
    return true;
  }

  bool start_object(std::size_t) {
    if (place_ == Place::before)
      place_ = Place::root;
    else if (place_ == Place::metadata_value)
      place_ = Place::metadata;
    else if (place_ == Place::tensor_value)
      place_ = Place::tensor;
    else
      return unexpected_value();
    return true;
  }

  bool key(json::string_t &name) {
    if (place_ == Place::tensor)
      return tensor_field(name);
    if (++entries_ > max_safetensors_entries) {
      place_ = Place::root; // the message names the header
      return fail(StatusCode::bad_format,
                  "header has more than " + std::to_string(max_safetensors_entries) + " entries");
    }
    if (place_ == Place::metadata) {
      key_ = std::move(name);
      return true;
    }
    if (name == safetensors_metadata_key) {
      if (metadata_seen_)
        return fail(StatusCode::bad_format, std::string(safetensors_metadata_key) + " appears twice");
      metadata_seen_ = true;
      place_ = Place::metadata_value;
      return true;
    }
    tensor_name_ = std::move(name);
    tensor_ = {};
    seen_ = {};
    place_ = Place::tensor_value;
    if (header_.tensors.contains(tensor_name_))
      return fail(StatusCode::bad_format, "appears twice");
    return true;
  }

  bool end_object() {
    if (place_ == Place::tensor) {
      for (std::size_t field = 0; field < fields.size(); ++field)
        if (!seen_[field])
          return fail(StatusCode::bad_format, std::string(fields[field].name) + " is missing");
      header_.tensors.emplace(std::move(tensor_name_), std::move(tensor_));
    }
    place_ = Place::root;
    return true;
  }

  bool start_array(std::size_t) {
    if (place_ == Place::shape_value)
      place_ = Place::shape;
    else if (place_ == Place::offsets_value)
      place_ = Place::offsets;
    else
      return unexpected_value();
    return true;
  }

  bool end_array() {
    if (place_ == Place::offsets) {
      if (offset_count_ != offsets_.size())
        return unexpected_value();
      tensor_.begin = offsets_[0];
      tensor_.end = offsets_[1];
    }
    place_ = Place::tensor;
    return true;
  }

  bool parse_error(std::size_t position, const std::string &, const json::exception &) {
    place_ = Place::root; // so that the message names the header, not a tensor
    return fail(StatusCode::bad_format, "header is not valid JSON at its byte " + std::to_string(position));
  }

private:
  // What the next event is about.
  enum class Place {
    before,         // the root object's opening brace
    root,           // a tensor's name or the metadata key
    metadata_value, // the metadata's opening brace
    metadata,       // its keys and values
    tensor_value,   // a tensor's opening brace
    tensor,         // its field names
    dtype,          // the value of dtype
    shape_value,    // the opening bracket of shape
    shape,          // its numbers
    offsets_value,  // the opening bracket of data_offsets
    offsets,        // its numbers
  };

  struct Field {
    std::string_view name;
    Place value;
  };
  static constexpr std::array<Field, 3> fields = {
      {{"dtype", Place::dtype}, {"shape", Place::shape_value}, {"data_offsets", Place::offsets_value}}};

  bool tensor_field(const std::string &name) {
    for (std::size_t field = 0; field < fields.size(); ++field) {
      if (fields[field].name != name)
        continue;
      if (seen_[field])
        return fail(StatusCode::bad_format, name + " appears twice");
      seen_[field] = true;
      place_ = fields[field].value;
      offset_count_ = 0;
      return true;
    }
    return fail(StatusCode::bad_format, "field " + quoted_for_message(name) + " is unknown");
  }

  bool unexpected_value() {
    switch (place_) {
    case Place::metadata_value:
    case Place::metadata:
      return fail(StatusCode::bad_format, std::string(safetensors_metadata_key) + " is not an object of strings");
    case Place::dtype:
      return fail(StatusCode::bad_format, "dtype is not a string");
    case Place::shape_value:
    case Place::shape:
      return fail(StatusCode::bad_format, "shape is not a list of integers from 0 to 2^63 - 1");
    case Place::offsets_value:
    case Place::offsets:
      return fail(StatusCode::bad_format, "data_offsets is not a list of two integers from 0 to 2^64 - 1");
    case Place::tensor_value:
    case Place::tensor:
      return fail(StatusCode::bad_format, "is not an object");
    case Place::before:
    case Place::root:
      break;
    }
    return fail(StatusCode::bad_format, "header is not a JSON object");
  }

  bool fail(StatusCode code, const std::string &message) {
    const bool in_tensor = place_ >= Place::tensor_value;
    status_ = Status(code, in_tensor ? tensor_context(tensor_name_) + ": " + message : message);
    return false;
  }

  SafetensorsHeader header_;
  Status status_;
  Place place_ = Place::before;
  bool metadata_seen_ = false;
  std::size_t entries_ = 0;
  std::string key_;         // of the metadata value to come
  std::string tensor_name_; // of the tensor under construction, as are those below
  SafetensorsHeader::Tensor tensor_;
  std::array<bool, 3> seen_ = {}; // by index into fields
  std::array<std::uint64_t, 2> offsets_ = {};
  std::size_t offset_count_ = 0;
};

} // namespace

std::string tensor_context(std::string_view name) {
  return "tensor " + quoted_for_message(name);
}

Result<SafetensorsHeader> parse_safetensors_header(std::string_view text) {
  // The parser would silently skip a byte order mark and blanks.
  if (text.empty() || text.front() != '{')
    return Status(StatusCode::bad_format, "header is not a JSON object");
  if (const std::size_t valid = valid_utf8_prefix(text); valid != text.size())
    return Status(StatusCode::bad_format, "header is not UTF-8 text at its byte " + std::to_string(valid + 1));
  // The parser takes a zero byte for the end of the text and would ignore everything after it.
  if (const std::size_t zero = text.find('\0'); zero != std::string_view::npos)
    return Status(StatusCode::bad_format, "header is not valid JSON at its byte " + std::to_string(zero + 1));
  HeaderBuilder builder;
  if (!json::sax_parse(text.begin(), text.end(), &builder))
    return builder.take_status();
  return builder.take_header();
}

} // namespace intvit
