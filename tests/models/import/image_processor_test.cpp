#include "models/import/image_processor.hpp"

#include <catch2/catch.hpp>

#include "tests/models/import/weight_folder.hpp"
#include "tests/support/data.hpp"

using namespace intvit;
using namespace intvit::importer;
using namespace intvit::test;
using Catch::Contains;
using Catch::StartsWith;

namespace {

ImageProcessor read(const std::string &json, const std::string &model_type = "vit") {
  const std::string path = temporary_file("preprocessor_config.json");
  write_text_file(path, json);
  return read_image_processor(path, model_type);
}

std::string recipe(const std::string &json, const std::string &model_type = "vit") {
  return to_string(read(json, model_type).recipe);
}

using Three = std::array<double, 3>;
constexpr Three halves = {0.5, 0.5, 0.5};

} // namespace

TEST_CASE("preprocessor_config.json of each processor, old and new") {
  // What transformers 5 writes for ViTImageProcessor().
  const ImageProcessor vit = read(R"({"do_normalize": true, "do_rescale": true, "do_resize": true,
    "image_mean": [0.5, 0.5, 0.5], "image_processor_type": "ViTImageProcessor", "image_std": [0.5, 0.5, 0.5],
    "resample": 2, "rescale_factor": 0.00392156862745098, "size": {"height": 224, "width": 224}})");
  CHECK(vit.recipe == squash_recipe(224, 224));
  CHECK(vit.mean == halves);
  CHECK(vit.std == halves);

  // What the first versions wrote, without resample and rescale.
  const ImageProcessor old = read(R"({"do_normalize": true, "do_resize": true,
    "feature_extractor_type": "ViTFeatureExtractor", "image_mean": [0.485, 0.456, 0.406],
    "image_std": [0.229, 0.224, 0.225], "resample": 3, "size": 384})");
  CHECK(old.recipe == squash_recipe(384, 384, ResizeFilter::bicubic));
  CHECK(old.mean == Three{0.485, 0.456, 0.406});
  CHECK(old.std == Three{0.229, 0.224, 0.225});

  CHECK(recipe(R"({"image_processor_type": "DeiTImageProcessor"})") == "resize=256x256,crop=224,filter=bicubic");
  CHECK(recipe(R"({"image_processor_type": "BitImageProcessorFast", "size": {"shortest_edge": 256},
    "crop_size": {"height": 224, "width": 192}, "do_convert_rgb": true, "resample": 1})") ==
        "resize=256,crop=192x224,filter=lanczos,offset=down");
  CHECK(recipe(R"({"image_processor_type": "ViTImageProcessorFast", "size": [240, 320], "resample": 4,
    "do_center_crop": null, "crop_size": null, "do_pad": false, "device": null})") ==
        "resize=320x240,crop=320x240,filter=box");
  CHECK(recipe(R"({"do_center_crop": true, "size": 255, "resample": 3})") ==
        "resize=255x255,crop=224,filter=bicubic,offset=down");
  CHECK(recipe(R"({"do_resize": false, "do_center_crop": true, "crop_size": 32})") == "crop=32,offset=down");
}

TEST_CASE("preprocessor_config.json of processors that other families brought") {
  // openai/clip-vit-base-patch32, first and later form.
  const std::string clip = "resize=224,crop=224,filter=bicubic,offset=down";
  CHECK(recipe(R"({"crop_size": 224, "do_center_crop": true, "do_normalize": true, "do_resize": true,
    "feature_extractor_type": "CLIPFeatureExtractor", "resample": 3, "size": 224})") == clip);
  const ImageProcessor later = read(R"({"image_processor_type": "CLIPImageProcessor", "crop_size": {"height": 224,
    "width": 224}, "size": {"shortest_edge": 224, "longest_edge": null, "height": null, "width": null}})");
  CHECK(to_string(later.recipe) == clip);
  CHECK(later.mean == Three{0.48145466, 0.4578275, 0.40821073});
  CHECK(recipe(R"({"image_processor_type": "SiglipImageProcessor"})") == "resize=224x224,crop=224,filter=bicubic");
  CHECK(recipe(R"({"image_processor_type": "BeitImageProcessorFast", "do_reduce_labels": false})") ==
        "resize=256x256,crop=224,filter=bicubic");
  // int(224 / (224 / 256)), int(192 / 0.9); from 384 on both sides.
  const std::string convnext = R"({"image_processor_type": "ConvNextImageProcessor", )";
  CHECK(recipe(convnext + R"("size": {"shortest_edge": 224}})") == "resize=256,crop=224,filter=bilinear,offset=down");
  CHECK(recipe(convnext + R"("size": 192, "crop_pct": 0.9, "resample": 3})") ==
        "resize=213,crop=192,filter=bicubic,offset=down");
  CHECK(recipe(R"({"image_processor_type": "ConvNextFeatureExtractor"})") == "resize=384x384,crop=384,filter=bilinear");
}

TEST_CASE("preprocessor_config.json that says the usual in unusual words") {
  CHECK(recipe(R"({"resample": "bicubic"})") == "resize=224x224,crop=224,filter=bicubic");
  CHECK(recipe(R"({"resample": "LANCZOS"})") == "resize=224x224,crop=224,filter=lanczos");
  CHECK(recipe(R"({"resample": 3.0, "size": 224.0})") == "resize=224x224,crop=224,filter=bicubic");
  CHECK(recipe(R"({"num_channels": 3, "name_or_path": "x"})") == "resize=224x224,crop=224,filter=bilinear");
  const ImageProcessor one = read(R"({"image_mean": 0.25, "image_std": "5e-1"})");
  CHECK(one.mean == Three{0.25, 0.25, 0.25});
  CHECK(one.std == halves);
}

TEST_CASE("a file that names no processor stands for that of the model") {
  CHECK(recipe("{}", "vit") == "resize=224x224,crop=224,filter=bilinear");
  CHECK(recipe("{}", "swin") == "resize=224x224,crop=224,filter=bilinear");
  CHECK(recipe("{}", "deit") == "resize=256x256,crop=224,filter=bicubic");
  CHECK(recipe("{}", "dinov2") == "resize=224,crop=224,filter=bicubic,offset=down");
  CHECK(recipe(R"({"size": 256})", "dinov2_with_registers") == "resize=256,crop=224,filter=bicubic,offset=down");
}

TEST_CASE("rescaling and normalization become mean and std of pixels between 0 and 1") {
  const ImageProcessor plain = read(R"({"do_normalize": false})");
  CHECK(plain.mean == Three{0, 0, 0});
  CHECK(plain.std == Three{1, 1, 1});
  // pixel - 127.5, then / 127.5: what 0.5 and 0.5 make of pixels between 0 and 1.
  const ImageProcessor bytes =
      read(R"({"do_rescale": false, "image_mean": [127.5, 127.5, 127.5], "image_std": [127.5, 127.5, 127.5]})");
  CHECK(bytes.mean == halves);
  CHECK(bytes.std == halves);
  const ImageProcessor factor = read(R"({"rescale_factor": 0.00784313725490196,
    "image_mean": [1, 1, 1], "image_std": [1, 1, 1]})");
  CHECK(factor.mean[1] == Approx(0.5));
  CHECK(factor.std[2] == Approx(0.5));
}

TEST_CASE("what a recipe cannot follow is refused") {
  const auto refused = [](const std::string &json, const std::string &message) {
    CAPTURE(json);
    CHECK_THROWS_WITH(read(json), StartsWith(temporary_file("preprocessor_config.json") + ": ") && Contains(message));
  };
  refused(
      R"({"image_processor_type": "LevitImageProcessor"})",
      "\"image_processor_type\" is \"LevitImageProcessor\"; can be followed: ViTImageProcessor, DeiTImageProcessor, "
      "BeitImageProcessor, DINOv3ViTImageProcessor, SiglipImageProcessor, BitImageProcessor, CLIPImageProcessor, "
      "ConvNextImageProcessor");
  refused(R"({"image_processor_type": 3})", "\"image_processor_type\" must be a string, is 3");
  refused(R"({"resample": 0})", "\"resample\" is 0; 1 (lanczos)");
  refused(R"({"resample": "hamming"})", "\"resample\" is \"hamming\"");
  refused(R"({"resample": []})", "\"resample\" is []");
  refused(R"({"size": {"shortest_edge": 224}})", "the pictures would keep different sizes");
  refused(R"({"do_resize": false})", "the pictures would keep different sizes");
  refused(R"({"size": {"shortest_edge": 224, "longest_edge": 400}})", "\"size\" is {");
  refused(R"({"size": 0})", "\"size\" must be a positive integer, is 0");
  refused(R"({"size": 1e99})", "\"size\" must be a positive integer, is 1e+99");
  refused(R"({"size": 18446744073709551615})", "\"size\" must be a positive integer");
  refused(R"({"size": 99999999999999999999999999})", "\"size\" must be a positive integer");
  refused(R"({"size": -3})", "\"size\" must be a positive integer, is -3");
  refused(R"({"size": 100000})", "too large");
  refused(R"({"size": {"height": 20, "width": "20"}})", "\"size.width\" must be a positive integer, is \"20\"");
  refused(R"({"size": [1, 2, 3]})", "\"size\" must be a list of 2");
  refused(R"({"do_center_crop": true, "crop_size": {"shortest_edge": 224}})", "\"crop_size\" is {");
  refused(R"({"do_resize": 1})", "\"do_resize\" must be true or false, is 1");
  refused(R"({"rescale_factor": 0})", "\"rescale_factor\" must be positive, is 0");
  refused(R"({"rescale_factor": 1e999})", "number overflow");
  refused(R"({"image_mean": [0.5, 0.4]})", "\"image_mean\" must be a list of 3, is [0.5,0.4]");
  refused(R"({"image_std": "half"})", "\"image_std\" must be a number, is \"half\"");
  refused(R"({"num_channels": 1})", "\"num_channels\" is 1, which cannot be followed");
  refused(R"({"size": 224.5})", "\"size\" must be a positive integer, is 224.5");
  refused(R"({"size": {"height": 224, "width": null}})", "\"size\" is {");
  refused(R"({"image_processor_type": "CLIPImageProcessor", "default_to_square": true})",
          "\"default_to_square\" is true, which CLIPImageProcessor is not");
  const std::string convnext = R"({"image_processor_type": "ConvNextImageProcessor", )";
  refused(convnext + R"("size": 224, "crop_pct": 0})", "\"crop_pct\" must be above 0 and at most 1, is 0");
  refused(convnext + R"("size": 224, "crop_pct": 1e-30})", "too large");
  refused(convnext + R"("size": {"height": 224, "width": 224}})", "\"size\" is {\"height\":224");
  refused(R"({"do_pad": true})", "\"do_pad\" is true, which cannot be followed");
  refused(R"({"do_flip_channel_order": true})", "\"do_flip_channel_order\" is true, which cannot be followed");
  refused(R"({"crop_pct": 0.9})", "\"crop_pct\" is 0.9, which cannot be followed");
  refused(R"({"default_to_square": false})", "\"default_to_square\" is false, which ViTImageProcessor is not");
  refused(R"({"size": )" + std::string(1000000, '['), "nested deeper than 32 levels");
  refused("", "the file is empty");
}
