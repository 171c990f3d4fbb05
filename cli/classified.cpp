#include "cli/classified.hpp"

#include <algorithm>
#include <cstdio>
#include <iostream>

#include <nlohmann/json.hpp>

#include "cli/text.hpp"
#include "engine/container/utf8.hpp"

namespace intvit::cli {

void Printer::header(bool raw_logits) const {
  if (format_ != "csv")
    return;
  std::cout << (model_.result_kind() == ResultKind::scores ? "image,index,label,value"
                                                           : "image,rank,index,label,logit,probability")
            << (timing_ ? ",decode_ms,preprocess_ms,inference_ms" : "") << (raw_logits ? ",logits" : "") << "\n";
}

void Printer::print(const Classified &image) const {
  if (format_ == "json")
    print_json(image);
  else if (format_ == "csv")
    print_csv(image);
  else
    print_text(image);
}

void Printer::print_text(const Classified &image) const {
  std::cout << printable(image.path) << "\n";
  for (const Prediction &prediction : image.top) {
    char percent[32];
    std::snprintf(percent, sizeof percent, "%6.2f %%", 100 * prediction.probability);
    std::cout << "  " << percent << "  " << printable(name(prediction.index)) << "\n";
  }
  for (std::size_t i = 0; i < image.scores.size(); ++i) {
    char score[32];
    std::snprintf(score, sizeof score, "%12.6g", image.scores[i]);
    std::cout << "  " << score << "  " << printable(name(static_cast<int>(i))) << "\n";
  }
  if (timing_) {
    char line[128];
    std::snprintf(line, sizeof line, "  decode %.2f ms, preprocess %.2f ms, inference %.2f ms\n", image.timing.decode,
                  image.timing.preprocess, image.timing.inference);
    std::cout << line;
  }
  if (!image.logits.empty()) {
    std::cout << "  logits";
    for (const std::int32_t logit : image.logits)
      std::cout << " " << logit;
    std::cout << "\n";
  }
}

void Printer::print_json(const Classified &image) const {
  nlohmann::json object = {{"image", path_text(image.path)}};
  if (model_.result_kind() == ResultKind::scores) {
    nlohmann::json &scores = object["scores"] = nlohmann::json::array();
    for (std::size_t i = 0; i < image.scores.size(); ++i)
      scores.push_back({{"index", i}, {"label", name(static_cast<int>(i))}, {"value", image.scores[i]}});
  } else {
    nlohmann::json &top = object["top"] = nlohmann::json::array();
    for (const Prediction &prediction : image.top)
      top.push_back({{"index", prediction.index},
                     {"label", name(prediction.index)},
                     {"logit", prediction.logit},
                     {"probability", prediction.probability}});
  }
  if (model_.result_kind() != ResultKind::logits)
    object["outputs"] = outputs_word(model_.result_kind());
  if (timing_)
    object["timing_ms"] = {{"decode", image.timing.decode},
                           {"preprocess", image.timing.preprocess},
                           {"inference", image.timing.inference}};
  if (!image.logits.empty())
    object["logits"] = image.logits;
  std::cout << json_text(object) << "\n";
}

void Printer::print_csv(const Classified &image) const {
  int rank = 1;
  for (const Prediction &prediction : image.top)
    end_line({image.path, std::to_string(rank++), std::to_string(prediction.index), name(prediction.index),
              std::to_string(prediction.logit), csv_number(prediction.probability)},
             image);
  for (std::size_t i = 0; i < image.scores.size(); ++i) // with all digits, which JSON writes too
    end_line({image.path, std::to_string(i), name(static_cast<int>(i)), nlohmann::json(image.scores[i]).dump()}, image);
}

void Printer::end_line(std::vector<std::string> cells, const Classified &image) const {
  if (timing_)
    for (const double time : {image.timing.decode, image.timing.preprocess, image.timing.inference})
      cells.push_back(csv_number(time));
  if (!image.logits.empty()) {
    std::string &logits = cells.emplace_back();
    for (const std::int32_t logit : image.logits)
      logits += (logits.empty() ? "" : " ") + std::to_string(logit);
  }
  std::cout << csv_line(cells);
}

} // namespace intvit::cli
