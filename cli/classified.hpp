// What intvit classify tells of an image: as text, JSON or CSV.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/predictions.hpp"

namespace intvit::cli {

// Milliseconds.
struct Timing {
  double decode = 0;
  double preprocess = 0;
  double inference = 0; // of the batch, divided by its images
};

struct Classified {
  std::string path;
  std::vector<Prediction> top;      // of a model of classes or labels
  std::vector<double> scores;       // of one of scores
  std::vector<std::int32_t> logits; // with --raw-logits
  Timing timing;
};

class Printer {
public:
  Printer(std::string format, const Model &model, bool timing)
      : format_(std::move(format)), model_(model), timing_(timing) {}

  void header(bool raw_logits) const;
  void print(const Classified &image) const;

private:
  void print_text(const Classified &image) const;
  void print_json(const Classified &image) const;
  void print_csv(const Classified &image) const;

  std::string name(int index) const { return output_name(model_.result_kind(), model_.labels(), index); }
  // The cells behind those of an output.
  void end_line(std::vector<std::string> cells, const Classified &image) const;

  std::string format_;
  const Model &model_;
  bool timing_;
};

} // namespace intvit::cli
