#include "engine/image/recipe.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

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

// The keys of a recipe's text, and which of them were there.
class Keys {
public:
  bool has(std::string_view key) const { return (seen_ >> place(key) & 1) != 0; }
  Status add(std::string_view key, std::string_view pair) {
    if (place(key) == names.size())
      return Status(StatusCode::bad_argument, "'" + std::string(pair) +
                                                  "' is none of resize=SIZE, fit=NAME, crop=SIZE, filter=NAME, "
                                                  "offset=NAME, order=NAME, color=NAME");
    if (has(key))
      return Status(StatusCode::bad_argument, "'" + std::string(key) + "' is given twice");
    seen_ |= 1U << place(key);
    return {};
  }

private:
  static constexpr std::array<std::string_view, 7> names = {"resize", "fit",   "crop", "filter",
                                                            "offset", "order", "color"};
  static std::size_t place(std::string_view key) {
    return static_cast<std::size_t>(std::find(names.begin(), names.end(), key) - names.begin());
  }
  unsigned seen_ = 0;
};

// Sets `to` to the choice of that name.
template <class T> using Choice = std::pair<std::string_view, T>;
template <class T>
Status choose(std::string_view value, std::string_view what, const Choice<T> &first, const Choice<T> &second, T &to) {
  if (value != first.first && value != second.first)
    return Status(StatusCode::bad_argument, "'" + std::string(value) + "' is not " + std::string(what) + ": " +
                                                std::string(first.first) + " and " + std::string(second.first) +
                                                " are");
  to = value == first.first ? first.second : second.second;
  return {};
}

// Sets what a pair says, but for the fit, which can be chosen only where resize gives two numbers.
Status read_pair(std::string_view key, std::string_view value, std::string_view pair, Recipe &recipe,
                 Recipe::Fit &fit) {
  if (key == "fit")
    return choose<Recipe::Fit>(value, "a fit", {"cover", Recipe::Fit::cover}, {"exact", Recipe::Fit::exact}, fit);
  if (key == "order")
    return choose<PassOrder>(value, "an order", {"rows", PassOrder::rows}, {"pillow13", PassOrder::pillow13},
                             recipe.order);
  if (key == "color")
    return choose<Recipe::Color>(value, "a color", {"rgb", Recipe::Color::rgb}, {"grey", Recipe::Color::grey},
                                 recipe.color);
  if (key == "offset")
    return choose<Recipe::Offset>(value, "an offset", {"down", Recipe::Offset::down},
                                  {"half-even", Recipe::Offset::half_even}, recipe.offset);
  if (key == "filter") {
    const auto filter = resize_filter(value);
    if (!filter)
      return Status(StatusCode::bad_argument,
                    "'" + std::string(value) + "' is not a filter: box, bilinear, bicubic and lanczos are");
    recipe.filter = *filter;
    return {};
  }
  const auto size = parse_size(value);
  if (!size)
    return Status(StatusCode::bad_argument, "'" + std::string(pair) + "' needs a size as 224 or 192x224");
  if (key == "crop") {
    recipe.crop_width = size->width;
    recipe.crop_height = size->height;
  } else {
    recipe.fit = size->one_number ? Recipe::Fit::short_side : Recipe::Fit::exact;
    recipe.resize_width = size->width;
    recipe.resize_height = size->height;
  }
  return {};
}

Result<Recipe> parse_pairs(std::string_view text) {
  Recipe recipe;
  Recipe::Fit fit = Recipe::Fit::exact;
  Keys keys;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    const std::string_view pair = text.substr(begin, end - begin);
    begin = end + 1;

    const std::size_t equals = pair.find('=');
    const std::string_view key = pair.substr(0, equals);
    const std::string_view value = equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1);
    Status status = keys.add(key, pair);
    if (status.ok())
      status = read_pair(key, value, pair, recipe, fit);
    if (!status.ok())
      return status;
  }
  if (keys.has("filter") && recipe.fit == Recipe::Fit::none)
    return Status(StatusCode::bad_argument, "a filter without resize=SIZE has no effect");
  if (keys.has("order") && recipe.fit == Recipe::Fit::none)
    return Status(StatusCode::bad_argument, "an order without resize=SIZE has no effect");
  if (keys.has("fit")) {
    if (recipe.fit != Recipe::Fit::exact)
      return Status(StatusCode::bad_argument, "a fit needs a resize to width and height, as resize=192x224");
    recipe.fit = fit;
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
  const std::string color = recipe.color == Recipe::Color::grey ? ",color=grey" : "";
  if (recipe.fit == Recipe::Fit::none)
    return crop + offset + color;
  const std::string resize = recipe.fit == Recipe::Fit::short_side
                                 ? std::to_string(recipe.resize_width)
                                 : std::to_string(recipe.resize_width) + "x" + std::to_string(recipe.resize_height);
  const std::string fit = recipe.fit == Recipe::Fit::cover ? ",fit=cover" : "";
  const std::string order = recipe.order == PassOrder::pillow13 ? ",order=pillow13" : "";
  return "resize=" + resize + fit + "," + crop + ",filter=" + std::string(name(recipe.filter)) + offset + order + color;
}

} // namespace intvit
