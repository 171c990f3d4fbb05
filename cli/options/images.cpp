#include "cli/options/images.hpp"

#include <filesystem>
#include <stdexcept>

#include "models/evaluate/class_table.hpp"
#include "models/program/paths.hpp"

namespace intvit::cli {

namespace {

template <typename T> void keep_first(const Parser &parser, std::vector<T> &images) {
  const auto count = static_cast<std::size_t>(parser.integer("count", 0, 1 << 30));
  if (count > 0 && count < images.size())
    images.erase(images.begin() + static_cast<std::ptrdiff_t>(count), images.end());
}

// The list of what images have, which class folders cannot say of a model that gives labels or scores.
std::string required_list(const Parser &parser, const Model &model) {
  std::string list = labels_file(parser);
  const std::string word(outputs_word(model.result_kind()));
  if (list.empty())
    throw std::runtime_error(parser.required("data") + ": the model gives " + word +
                             ", which class folders cannot tell: list the images and their " + word +
                             " in labels.csv there, or in a file named by --labels");
  return list;
}

} // namespace

std::string labels_file(const Parser &parser) {
  if (parser.has("labels"))
    return parser.get<std::string>("labels");
  const std::filesystem::path beside = file_path(parser.required("data")) / "labels.csv";
  std::error_code ignored;
  return std::filesystem::exists(beside, ignored) ? path_name(beside) : "";
}

void add_data_options(Parser &parser) {
  parser.option<std::string>("data", "FOLDER", "folder of images");
  parser.option<std::string>("labels", "FILE",
                             "CSV file of file,label lines, files relative to --data, labels class indices or names; "
                             "of a model that gives labels or scores, what each image has of them "
                             "(default: labels.csv in --data, else class folders)");
  parser.option<int>("count", "N", "take only the first N images", "0");
}

void report_left_out(const std::string &folder, const LeftOut &left_out) {
  if (left_out.count() > 0)
    print_error(folder + ": " + left_out.text());
}

std::vector<MultiLabelImage> multi_label_images(const Parser &parser, const Model &model) {
  std::vector<MultiLabelImage> images =
      read_label_table(parser.required("data"), required_list(parser, model), Classes{model.classes(), model.labels()});
  keep_first(parser, images);
  return images;
}

std::vector<ScoredImage> scored_images(const Parser &parser, const Model &model) {
  std::vector<ScoredImage> images =
      read_score_table(parser.required("data"), required_list(parser, model), Classes{model.classes(), model.labels()});
  keep_first(parser, images);
  return images;
}

std::vector<LabelledImage> labelled_images(const Parser &parser, const Model &model) {
  const std::string data = parser.required("data");
  const std::string labels = labels_file(parser);
  const Classes classes{model.classes(), model.labels()};
  LeftOut left_out;
  std::vector<LabelledImage> images =
      labels.empty() ? read_class_folders(data, classes, left_out) : read_labels(data, labels, classes);
  report_left_out(data, left_out);
  keep_first(parser, images);
  return images;
}

std::vector<GroupedImage> grouped_images(const Parser &parser) {
  const std::string data = parser.required("data");
  if (parser.has("labels"))
    throw UsageError("--labels: the model has no classes; of its features folders tell which pictures are alike");
  LeftOut left_out;
  std::vector<GroupedImage> result;
  for (std::string &path : list_images(data, left_out)) {
    const std::filesystem::path below = file_path(path).lexically_relative(file_path(data));
    std::string group = below.has_parent_path() ? path_name(*below.begin()) : "";
    result.push_back({std::move(path), std::move(group)});
  }
  report_left_out(data, left_out);
  keep_first(parser, result);
  return result;
}

std::vector<ComparedImage> images(const Parser &parser, const Model &model) {
  const std::string data = parser.required("data");
  const bool has_classes = model.result_kind() == ResultKind::logits;
  if (!has_classes && parser.has("labels"))
    throw UsageError("--labels: the model has no classes, it gives " + std::string(outputs_word(model.result_kind())));
  std::vector<ComparedImage> result;
  if (has_classes)
    try {
      for (LabelledImage &image : labelled_images(parser, model))
        result.push_back({std::move(image.path), image.label});
      return result;
    } catch (const std::runtime_error &) { // there are no folders, or they are not named after classes
      if (!labels_file(parser).empty())
        throw;
    }
  LeftOut left_out;
  for (std::string &path : list_images(data, left_out))
    result.push_back({std::move(path), std::nullopt});
  report_left_out(data, left_out);
  keep_first(parser, result);
  return result;
}

void report_unread(const Parser &parser, const std::vector<std::string> &errors, bool nothing_read) {
  for (const std::string &error : errors)
    print_error(error);
  if (nothing_read)
    throw std::runtime_error(parser.get<std::string>("data") + ": no image could be read");
}

} // namespace intvit::cli
