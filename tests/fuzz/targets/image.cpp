// Picture files: decoded, and resized and cropped by a recipe that the last bytes tell, with the fastest kernels and
// the reference.
#include <algorithm>

#include "engine/image/decode.hpp"
#include "engine/image/preprocess.hpp"
#include "tests/fuzz/choices.hpp"
#include "tests/fuzz/exercise_model.hpp"

namespace {

using namespace intvit;

// Decoding alone takes as long as the picture is large; here speed of the search counts.
constexpr std::int64_t most_pixels = 1 << 16;

Recipe recipe_of(fuzz::Choices &choices) {
  Recipe recipe;
  recipe.filter = static_cast<ResizeFilter>(choices.between(0, 3));
  recipe.offset = static_cast<Recipe::Offset>(choices.between(0, 1));
  recipe.color = static_cast<Recipe::Color>(choices.between(0, 1));
  recipe.fit = static_cast<Recipe::Fit>(choices.between(0, 3));
  const int most = choices.one_in(8) ? 400 : 40;
  recipe.crop_width = choices.between(1, most);
  recipe.crop_height = choices.between(1, most);
  if (recipe.fit != Recipe::Fit::none) {
    recipe.resize_width = choices.between(1, most);
    recipe.resize_height = recipe.fit == Recipe::Fit::short_side ? recipe.resize_width : choices.between(1, most);
  }
  return recipe;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
  constexpr std::size_t recipe_bytes = 12;
  const std::size_t picture = size - std::min(size, recipe_bytes);
  const Result<Image> image = decode_image(std::as_bytes(std::span(data, picture)), "hostile");
  if (!image.ok()) {
    if (!image.status().message().starts_with("hostile: "))
      fuzz::report("a refusal does not name the file", image.status().message().c_str());
    return 0;
  }
  if (!check_pixels(*image).ok())
    fuzz::report("a picture does not have the pixels that it says", "");
  if (std::int64_t{image->width} * image->height > most_pixels)
    return 0;
  fuzz::Choices choices(std::span(data + picture, size - picture));
  const Recipe recipe = recipe_of(choices);
  const Result<Recipe> again = parse_recipe(to_string(recipe));
  if (!again.ok())
    fuzz::report("a recipe's text is none", again.status().message().c_str());
  const Result<Image> input = preprocess(*image, recipe);
  const Result<Image> reference = preprocess(*image, recipe, kernels::available_kernels().front());
  if (input.ok() != reference.ok() || (input.ok() && input->rgb != reference->rgb))
    fuzz::report("resized otherwise than by the reference", to_string(recipe).c_str());
  return 0;
}
