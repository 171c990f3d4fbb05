#include "tests/models/evaluate/picture_files.hpp"

#include "tests/models/import/weight_folder.hpp"
#include "tests/support/data.hpp"
#include "tests/support/model_parts.hpp"
#include "tests/support/run_model.hpp"

namespace intvit::test {

std::vector<PictureFile> picture_files(int count, int side) {
  std::vector<PictureFile> files;
  for (Image &image : random_images(count, side, side, 9)) {
    std::string path = temporary_file("evaluated" + std::to_string(files.size()) + ".ppm");
    const std::string size = std::to_string(side);
    write_text_file(path, "P6\n" + size + " " + size + "\n255\n" + std::string(image.rgb.begin(), image.rgb.end()));
    files.push_back({std::move(path), std::move(image)});
  }
  return files;
}

std::vector<std::int32_t> logits_of(const std::shared_ptr<const Model> &model, const Image &pixels) {
  Session session = start_session(model);
  return run_logits(session, {&pixels, 1});
}

} // namespace intvit::test
