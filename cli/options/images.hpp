// Options about folders of images that several subcommands have.
#pragma once

#include <string>
#include <vector>

#include "cli/command.hpp"
#include "engine/runtime/model.hpp"
#include "models/evaluate/dataset.hpp"
#include "models/evaluate/evaluate_features.hpp"
#include "models/evaluate/label_table.hpp"
#include "models/evaluate/score_table.hpp"
#include "models/inspect/compare.hpp"

namespace intvit::cli {

// Adds --data, --labels and --count.
void add_data_options(Parser &parser);

// The CSV file of labels: --labels, else labels.csv in --data; empty where there is none.
std::string labels_file(const Parser &parser);

// Says on stderr what a search for images left out, if anything.
void report_left_out(const std::string &folder, const LeftOut &left_out);

// The images named by them, with labels of the model's classes: from a CSV file (--labels, else labels.csv in --data),
// else from class folders. Throws UsageError where --data is missing, std::runtime_error as read_labels() and
// read_class_folders() do.
std::vector<LabelledImage> labelled_images(const Parser &parser, const Model &model);

// Likewise for a model that gives labels or scores, from a CSV file alone: throws std::runtime_error where there is
// none, and as read_label_table() and read_score_table() do.
std::vector<MultiLabelImage> multi_label_images(const Parser &parser, const Model &model);
std::vector<ScoredImage> scored_images(const Parser &parser, const Model &model);

// The pictures below --data, of which those in one of its folders are alike. Throws UsageError where --labels is given.
std::vector<GroupedImage> grouped_images(const Parser &parser);

// As labelled_images(), but without a CSV file all images below --data will do, with labels where the folders are
// classes. For a model without classes they have none: throws UsageError where --labels is given.
std::vector<ComparedImage> images(const Parser &parser, const Model &model);

// Prints what could not be read. Throws std::runtime_error where that was all of --data.
void report_unread(const Parser &parser, const std::vector<std::string> &errors, bool nothing_read);

} // namespace intvit::cli
