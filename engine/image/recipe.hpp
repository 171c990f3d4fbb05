// How a picture becomes a model's input: an optional resize and a centre crop, all in integers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/image/image.hpp"
#include "engine/image/resample_table.hpp"

namespace intvit {

struct Recipe {
  enum class Fit : std::uint8_t {
    none,       // no resize
    short_side, // the shorter side to a length, the other in proportion (rounded down)
    exact,      // to a width and height, whatever the proportions
    cover,      // in proportion, so that a width and height are just covered (the other side rounded to the nearest)
  };
  // Where the crop begins if an odd number of pixels is left over, so that half of it is not a whole number.
  enum class Offset : std::uint8_t {
    half_even, // at the even neighbour (torchvision, timm)
    down,      // at the lower neighbour (Hugging Face)
  };

  // What the model sees, which always takes three channels.
  enum class Color : std::uint8_t {
    rgb,
    grey, // in all three channels, mixed before the resize as Pillow's convert("L") does it
  };

  Fit fit = Fit::none;
  int resize_width = 0;                        // none: 0; short_side: the length of the shorter side; else the width
  int resize_height = 0;                       // none: 0; short_side: equal to resize_width; else the height
  ResizeFilter filter = ResizeFilter::bicubic; // has no effect if fit is none
  int crop_width = 0;                          // the output's size
  int crop_height = 0;
  Offset offset = Offset::half_even;
  PassOrder order = PassOrder::rows; // has no effect if fit is none
  Color color = Color::rgb;

  friend bool operator==(const Recipe &, const Recipe &) = default;
};

// How timm resizes before it crops the centre.
enum class CropMode : std::uint8_t {
  center, // in proportion
  squash, // to a width and height, whatever the proportions
};

// timm's evaluation recipe: a resize to floor(side / crop_fraction) for each side, then the centre width x height. The
// fraction (crop_pct) is given in thousandths, 1 .. 1000, and divided as timm does it (900 and 224 give 248).
// validate() refuses a result that is out of range. Requires 0 <= width, height <= max_image_side.
Recipe timm_recipe(int width, int height, int crop_thousandths, CropMode mode,
                   ResizeFilter filter = ResizeFilter::bicubic);
// Of a square, in proportion.
Recipe timm_recipe(int size, int crop_thousandths, ResizeFilter filter = ResizeFilter::bicubic);

// The recipe of Hugging Face's ViTImageProcessor: to the given size, whatever the picture's proportions.
Recipe squash_recipe(int width, int height, ResizeFilter filter = ResizeFilter::bilinear);

// Must be called for recipes from a file or a command line. Errors: bad_argument.
Status validate(const Recipe &recipe);

// The textual form: key=value pairs separated by commas, in any order, each key once:
//   resize=248       short side to 248            resize=256x224   to width 256, height 224
//   crop=224         the centre 224 x 224         crop=192x224     width 192, height 224
//   fit=cover        with resize=WxH: in proportion; fit=exact if not given
//   filter=bicubic   or box, bilinear, lanczos; bicubic if not given
//   offset=down      or half-even; half-even if not given
//   order=pillow13   or rows; rows if not given
//   color=grey       or rgb; rgb if not given
// Without crop, resize=WxH keeps all of WxH; in every other case crop is needed.
// Errors: bad_argument. parse_recipe(to_string(r)) is r for every valid recipe but for a filter and an order that
// have no effect.
Result<Recipe> parse_recipe(std::string_view text);
std::string to_string(const Recipe &recipe);

} // namespace intvit
