// Models of grey pictures, which are read as models of RGB pictures.
#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include <catch2/catch.hpp>

#include "models/import/huggingface.hpp"
#include "models/import/timm.hpp"
#include "tests/models/import/transformers_folder.hpp"
#include "tests/models/reference/timm_files.hpp"
#include "tests/support/data.hpp"
#include "tests/support/small_vit.hpp"
#include "tests/support/timm_tensors.hpp"
#include "tests/support/tiny_model.hpp"

using namespace intvit;
using namespace intvit::importer;
using namespace intvit::test;
using Catch::Contains;
using Catch::StartsWith;
using nlohmann::json;

namespace {

constexpr const char *timm_patches = "patch_embed.proj.weight";
constexpr const char *vit_patches = "vit.embeddings.patch_embeddings.projection.weight";
constexpr const char *swin_patches = "swin.embeddings.patch_embeddings.projection.weight";

// A convolution of one channel instead of that of three.
void make_grey(WeightTensors &tensors, const std::string &name) {
  WeightTensor &weight = tensors.at(name);
  weight.values.resize(weight.values.size() / 3);
  weight.shape[1] = 1;
}

// The convolution of `grey` over the first patch of a picture, every pixel mixed and normalized for itself.
std::vector<double> first_patch(const WeightTensor &grey, const Image &image, double mean, double std) {
  const auto side = static_cast<std::size_t>(grey.shape[2]);
  std::vector<double> result(static_cast<std::size_t>(grey.shape[0]));
  for (std::size_t output = 0; output < result.size(); ++output)
    for (std::size_t y = 0; y < side; ++y)
      for (std::size_t x = 0; x < side; ++x) {
        const std::uint8_t *rgb = &image.rgb[3 * (y * static_cast<std::size_t>(image.width) + x)];
        const double level = 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2];
        result[output] += grey.values[(output * side + y) * side + x] * (level / 255 - mean) / std;
      }
  return result;
}

// The same by the map of RGB pictures that was read.
template <class Model> std::vector<double> first_patch(const Model &model, const Image &image) {
  const RowMatrix &weight = model.weights.patch_embed.weight;
  const Eigen::Index side = model.config.patch;
  std::vector<double> result(static_cast<std::size_t>(weight.rows()));
  for (Eigen::Index output = 0; output < weight.rows(); ++output)
    for (Eigen::Index column = 0; column < weight.cols(); ++column) {
      const Eigen::Index colour = column / (side * side);
      const Eigen::Index y = column / side % side;
      const Eigen::Index x = column % side;
      const double level = image.rgb[static_cast<std::size_t>(3 * (y * image.width + x) + colour)];
      const auto index = static_cast<std::size_t>(colour);
      result[static_cast<std::size_t>(output)] +=
          weight(output, column) * (level / 255 - model.config.mean[index]) / model.config.std[index];
    }
  return result;
}

void check_first_patch(const FloatModel &model, const WeightTensor &grey, double mean, double std) {
  const ModelConfig &config = common_config(model);
  const Image image = random_images(1, config.image_height, config.image_width, 5).front();
  const std::vector<double> expected = first_patch(grey, image, mean, std);
  const std::vector<double> actual = std::visit([&](const auto &m) { return first_patch(m, image); }, model);
  REQUIRE(actual.size() == expected.size());
  for (std::size_t i = 0; i < actual.size(); ++i)
    CHECK(actual[i] == Approx(expected[i]).margin(1e-3)); // of the third decimal of grey's shares
}

} // namespace

TEST_CASE("timm: a model of grey pictures sees the grey of a photograph") {
  WeightTensors tensors = timm_tensors(random_weights(small_config(), 1));
  make_grey(tensors, timm_patches);
  const std::string args = R"("model_args": {"in_chans": 1, "img_size": 8})";
  const FloatModel model =
      load_timm(folder_of(tensors, "{" + args + R"(, "pretrained_cfg": {"mean": [0.3], "std": [0.2]}})"), two_heads());
  check_first_patch(model, tensors.at(timm_patches), 0.3, 0.2);
  CHECK_NOTHROW(load_timm(file_of(tensors), two_heads())); // halves for all colours

  const std::string colours =
      folder_of(tensors, "{" + args + R"(, "pretrained_cfg": {"mean": [0.3, 0.4, 0.3], "std": 0.2}})");
  CHECK_THROWS_WITH(load_timm(colours, two_heads()),
                    Contains("the model takes grey pictures, but mean and deviation are those of three colours: "
                             "config.json beside the weights must give a number each"));
}

TEST_CASE("transformers: a model of grey pictures sees the grey of a photograph") {
  TransformersTensors tensors = vit_tensors();
  make_grey(tensors.all, vit_patches);
  const json config = changed(vit_config(), {{"num_channels", 1}});
  json processor = image_processor();
  processor["image_mean"] = {0.3};
  processor["image_std"] = {0.2};
  const FloatModel model = load_huggingface(transformers_folder(tensors, config, processor)).model;
  check_first_patch(model, tensors.all.at(vit_patches), 0.3, 0.2);

  TransformersTensors of_swin = swin_tensors();
  make_grey(of_swin.all, swin_patches);
  json squash = processor;
  squash["size"] = 32;
  const std::string swin = transformers_folder(of_swin, changed(swin_config(), {{"num_channels", 1}}), squash);
  check_first_patch(load_huggingface(swin).model, of_swin.all.at(swin_patches), 0.3, 0.2);

  processor["image_std"] = {0.2, 0.2, 0.3};
  const std::string colours = transformers_folder(tensors, config, processor);
  CHECK_THROWS_WITH(load_huggingface(colours), StartsWith(colours + "/preprocessor_config.json: ") &&
                                                   Contains("\"image_mean\" and \"image_std\" must be a number each"));
  CHECK_THROWS_WITH(load_huggingface(transformers_folder(tensors, vit_config())),
                    Contains("has shape [6, 1, 8, 8], expected [6, 3, 8, 8]"));
}
