#include "engine/image/recipe.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include "engine/image/binary64.hpp"

namespace intvit {
namespace {

struct ParsedSize {
  int width = 0;
  int height = 0;
  bool one_number = false;
};

std::optional<int> parse_number(std::string_view text) {
  int number = 0;
  const char *end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stop != end || number < 1)
    return std::nullopt;
  return number;
}

// "224" or "192x224"; nothing for anything else.
std::optional<ParsedSize> parse_size(std::string_view text) {
  const std::size_t cross = text.find('x');
  const auto width = parse_number(text.substr(0, cross));
  const auto height = cross == std::string_view::npos ? width : parse_number(text.substr(cross + 1));
  if (!width || !height)
    return std::nullopt;
  return ParsedSize{*width, *height, cross == std::string_view::npos};
}

std::string size_text(int width, int height) {
  return width == height ? std::to_string(width) : std::to_string(width) + "x" + std::to_string(height);
}

Result<Recipe> parse_pairs(std::string_view text) {
  Recipe recipe;
  bool has_filter = false;
  bool has_offset = false;
  bool has_order = false;
  std::string_view fit;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    const std::string_view pair = text.substr(begin, end - begin);
    begin = end + 1;

    const std::size_t equals = pair.find('=');
    const std::string_view key = pair.substr(0, equals);
    const std::string_view value = equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1);
    const bool is_size = key == "resize" || key == "crop";
    if (!is_size && key != "filter" && key != "offset" && key != "fit" && key != "order")
      return Status(StatusCode::bad_argument, "'" + std::string(pair) +
                                                  "' is none of resize=SIZE, fit=NAME, crop=SIZE, filter=NAME, "
                                                  "offset=NAME, order=NAME");
    if ((key == "resize" && recipe.fit != Recipe::Fit::none) || (key == "crop" && recipe.crop_width != 0) ||
        (key == "filter" && has_filter) || (key == "offset" && has_offset) || (key == "order" && has_order) ||
        (key == "fit" && !fit.empty()))
      return Status(StatusCode::bad_argument, "'" + std::string(key) + "' is given twice");
    if (is_size) {
      const auto parsed = parse_size(value);
      if (!parsed)
        return Status(StatusCode::bad_argument, "'" + std::string(pair) + "' needs a size as 224 or 192x224");
      if (key == "crop") {
        recipe.crop_width = parsed->width;
        recipe.crop_height = parsed->height;
      } else {
        recipe.fit = parsed->one_number ? Recipe::Fit::short_side : Recipe::Fit::exact;
        recipe.resize_width = parsed->width;
        recipe.resize_height = parsed->height;
      }
    } else if (key == "fit") {
      if (value != "cover" && value != "exact")
        return Status(StatusCode::bad_argument, "'" + std::string(value) + "' is not a fit: cover and exact are");
      fit = value;
    } else if (key == "order") {
      if (value != "rows" && value != "pillow13")
        return Status(StatusCode::bad_argument, "'" + std::string(value) + "' is not an order: rows and pillow13 are");
      recipe.order = value == "rows" ? PassOrder::rows : PassOrder::pillow13;
      has_order = true;
    } else if (key == "offset") {
      if (value != "down" && value != "half-even")
        return Status(StatusCode::bad_argument,
                      "'" + std::string(value) + "' is not an offset: down and half-even are");
      recipe.offset = value == "down" ? Recipe::Offset::down : Recipe::Offset::half_even;
      has_offset = true;
    } else {
      const auto filter = resize_filter(value);
      if (!filter)
        return Status(StatusCode::bad_argument,
                      "'" + std::string(value) + "' is not a filter: box, bilinear, bicubic and lanczos are");
      recipe.filter = *filter;
      has_filter = true;
    }
  }
  if (has_filter && recipe.fit == Recipe::Fit::none)
    return Status(StatusCode::bad_argument, "a filter without resize=SIZE has no effect");
  if (has_order && recipe.fit == Recipe::Fit::none)
    return Status(StatusCode::bad_argument, "an order without resize=SIZE has no effect");
  if (!fit.empty()) {
    if (recipe.fit != Recipe::Fit::exact)
      return Status(StatusCode::bad_argument, "a fit needs a resize to width and height, as resize=192x224");
    if (fit == "cover")
      recipe.fit = Recipe::Fit::cover;
  }
  if (recipe.crop_width == 0) {
    if (recipe.fit != Recipe::Fit::exact)
      return Status(StatusCode::bad_argument, "crop=SIZE is missing");
    recipe.crop_width = recipe.resize_width;
    recipe.crop_height = recipe.resize_height;
  }
  Status status = validate(recipe);
  if (!status.ok())
    return status;
  return recipe;
}

} // namespace

Recipe timm_recipe(int width, int height, int crop_thousandths, CropMode mode, ResizeFilter filter) {
  const Binary64 fraction = binary64(crop_thousandths) / binary64(1000);
  const int resize_width = truncate(binary64(width) / fraction);
  const int resize_height = truncate(binary64(height) / fraction);
  Recipe::Fit fit = Recipe::Fit::exact;
  if (mode == CropMode::center)
    fit = resize_width == resize_height ? Recipe::Fit::short_side : Recipe::Fit::cover;
  return {fit, resize_width, resize_height, filter, width, height};
}

Recipe timm_recipe(int size, int crop_thousandths, ResizeFilter filter) {
  return timm_recipe(size, size, crop_thousandths, CropMode::center, filter);
}

Recipe squash_recipe(int width, int height, ResizeFilter filter) {
  return {Recipe::Fit::exact, width, height, filter, width, height};
}

Status validate(const Recipe &recipe) {
  Status status = check_image_size(recipe.crop_width, recipe.crop_height);
  if (!status.ok())
    return Status(StatusCode::bad_argument, status.message()).in("crop");
  if (recipe.fit == Recipe::Fit::none) {
    if (recipe.resize_width != 0 || recipe.resize_height != 0)
      return Status(StatusCode::bad_argument, "resize: a size is given, but no resize wanted");
    return {};
  }
  if (recipe.fit == Recipe::Fit::short_side && recipe.resize_width != recipe.resize_height)
    return Status(StatusCode::bad_argument, "resize: the short side has two lengths, " +
                                                std::to_string(recipe.resize_width) + " and " +
                                                std::to_string(recipe.resize_height));
  status = check_image_size(recipe.resize_width, recipe.resize_height);
  if (!status.ok())
    return Status(StatusCode::bad_argument, status.message()).in("resize");
  return {};
}

Result<Recipe> parse_recipe(std::string_view text) {
  Result<Recipe> recipe = parse_pairs(text);
  if (!recipe.ok())
    return recipe.status().in("recipe '" + std::string(text) + "'");
  return recipe;
}

std::string to_string(const Recipe &recipe) {
  const std::string crop = "crop=" + size_text(recipe.crop_width, recipe.crop_height);
  const std::string offset = recipe.offset == Recipe::Offset::down ? ",offset=down" : "";
  if (recipe.fit == Recipe::Fit::none)
    return crop + offset;
  const std::string resize = recipe.fit == Recipe::Fit::short_side
                                 ? std::to_string(recipe.resize_width)
                                 : std::to_string(recipe.resize_width) + "x" + std::to_string(recipe.resize_height);
  const std::string fit = recipe.fit == Recipe::Fit::cover ? ",fit=cover" : "";
  const std::string order = recipe.order == PassOrder::pillow13 ? ",order=pillow13" : "";
  return "resize=" + resize + fit + "," + crop + ",filter=" + std::string(name(recipe.filter)) + offset + order;
}

} // namespace intvit
