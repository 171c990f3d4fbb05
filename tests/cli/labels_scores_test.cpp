// Models whose outputs are labels or scores: no command shows them as classes.
#include <cmath>
#include <filesystem>

#include <catch2/catch.hpp>

#include "tests/cli/program.hpp"
#include "tests/cli/quantizer_input.hpp"
#include "tests/cli/small_models.hpp"
#include "tests/models/import/transformers_folder.hpp"
#include "tests/support/data.hpp"

using namespace intvit::test;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;
using nlohmann::json;

namespace {

// The five outputs of weights_folder() (ant, bee, cat, dog, elk) meaning that; made once.
std::string model_of(const std::string &outputs) {
  std::string path = temporary_file("of_" + outputs + ".safetensors");
  if (std::filesystem::exists(path))
    return path;
  const Outcome outcome = run_program(
      {"quantize", "--weights", weights_folder(), "--calib", photographs(), "-o", path, "--outputs", outputs});
  INFO(outcome.err);
  REQUIRE(outcome.exit_code == 0);
  return path;
}

json info_of(const std::string &model) {
  return json::parse(run_program({"info", "-m", model, "--format", "json"}).out);
}

std::string classified(const std::string &model, const std::vector<std::string> &further) {
  const Outcome outcome = run_program(words({"classify", "-m", model, sample_photograph()}, further));
  INFO(outcome.err);
  CHECK(outcome.exit_code == 0);
  return outcome.out;
}

json classified_json(const std::string &model) {
  return json::parse(classified(model, {"--format", "json", "--raw-logits"}));
}

// A list of this text for the three files of copies().
std::string list(const std::string &text) {
  std::string path = temporary_file("kinds.csv");
  write_text(path, text);
  return path;
}

// One photograph under three names.
std::string copies() {
  const std::string folder = temporary_file("copies");
  for (const char *place : {"/cat", "/dog"})
    std::filesystem::create_directories(folder + place);
  for (const char *name : {"/cat/one.png", "/cat/two.png", "/dog/three.png"})
    write_text(folder + name, read_text(sample_photograph()));
  return folder;
}

Outcome evaluated(const std::string &model, const std::string &text, const std::vector<std::string> &further = {}) {
  return run_program(words({"eval", "-m", model, "--data", copies(), "--labels", list(text)}, further));
}

} // namespace

TEST_CASE("quantize --outputs: the same bits, and what they mean") {
  const std::string plain = temporary_file("plain.safetensors");
  REQUIRE(run_program({"quantize", "--weights", weights_folder(), "--calib", photographs(), "-o", plain}).exit_code ==
          0);
  CHECK((read_text(plain) == read_text(model_of("classes"))));
  const json logits = classified_json(plain)["logits"];
  for (const std::string outputs : {"classes", "labels", "scores"}) {
    const std::string model = model_of(outputs);
    CHECK(run_program({"verify", "-m", model}).exit_code == 0);
    CHECK(classified_json(model)["logits"] == logits);
    const json info = info_of(model);
    CHECK(info["outputs"] == outputs);
    CHECK(info["classes"] == 5);
    CHECK(info["labels"][4] == "elk");
    CHECK_THAT(run_program({"info", "-m", model}).out,
               Contains(outputs == "classes" ? "  classes        5, with labels\n"
                                             : "  " + outputs + "         5, with names\n"));
    CHECK((read_text(model).find("result." + outputs) != std::string::npos) == (outputs != "classes"));
  }
  check_refused({"quantize", "--weights", weights_folder(), "--calib", photographs(), "-o", plain},
                {{{"--outputs", "boxes"}, 2, "--outputs is \"boxes\", expected one of: classes, labels, scores"},
                 {{"--outputs", "features"}, 2, "--outputs is \"features\", expected one of"}});
}

TEST_CASE("quantize takes the meaning from transformers' config.json, and is told another") {
  const auto kind_of = [](const json &patch, const std::vector<std::string> &further) {
    const std::string folder = transformers_folder(vit_tensors(), changed(vit_config(), patch));
    const std::string model = temporary_file("transformers.safetensors");
    const Outcome outcome =
        run_program(words({"quantize", "--weights", folder, "--calib", photographs(), "-o", model}, further));
    INFO(outcome.err);
    REQUIRE(outcome.exit_code == 0);
    return info_of(model)["outputs"];
  };
  CHECK(kind_of(json::object(), {}) == "classes");
  CHECK(kind_of({{"problem_type", "multi_label_classification"}}, {}) == "labels");
  CHECK(kind_of({{"problem_type", "regression"}}, {}) == "scores");
  CHECK(kind_of({{"problem_type", "regression"}}, {"--outputs", "classes"}) == "classes");
}

TEST_CASE("classify: labels have a probability each") {
  const std::string model = model_of("labels");
  const json of_classes = classified_json(model_of("classes"));
  CHECK_FALSE(of_classes.contains("outputs"));
  const json object = classified_json(model);
  CHECK(object["outputs"] == "labels");
  REQUIRE(object["top"].size() == 5);
  const int fraction_bits = info_of(model)["logit_fraction_bits"];
  for (std::size_t i = 0; i < 5; ++i) {
    const json &entry = object["top"][i];
    CHECK(entry["label"] == of_classes["top"][i]["label"]);
    CHECK(entry["logit"] == of_classes["top"][i]["logit"]);
    const double x = std::ldexp(entry["logit"].get<int>(), -fraction_bits);
    CHECK(entry["probability"].get<double>() == Approx(1 / (1 + std::exp(-x))).margin(1e-6));
  }
  const std::vector<std::string> text = lines(classified(model, {"-k", "2"}));
  REQUIRE(text.size() == 3);
  char percent[32];
  std::snprintf(percent, sizeof percent, "  %6.2f %%  ", 100 * object["top"][0]["probability"].get<double>());
  CHECK(text[1] == percent + object["top"][0]["label"].get<std::string>());
  const std::vector<std::string> rows = lines(classified(model, {"--format", "csv", "-k", "1"}));
  REQUIRE(rows.size() == 2);
  CHECK(rows[0] == "image,rank,index,label,logit,probability");
}

TEST_CASE("classify: scores are numbers, all of them and in their order") {
  const std::string model = model_of("scores");
  const json object = classified_json(model);
  CHECK(object["outputs"] == "scores");
  CHECK_FALSE(object.contains("top"));
  REQUIRE(object["scores"].size() == 5);
  const int fraction_bits = info_of(model)["logit_fraction_bits"];
  const std::vector<std::string> text = lines(classified(model, {}));
  const std::vector<std::string> rows = lines(classified(model, {"--format", "csv"}));
  REQUIRE(text.size() == 6);
  REQUIRE(rows.size() == 6);
  CHECK(rows[0] == "image,index,label,value");
  const std::vector<std::string> names{"ant", "bee", "cat", "dog", "elk"};
  for (std::size_t i = 0; i < 5; ++i) {
    const json &entry = object["scores"][i];
    CHECK(entry["index"] == i);
    CHECK(entry["label"] == names[i]);
    CHECK(entry["value"].get<double>() == std::ldexp(object["logits"][i].get<int>(), -fraction_bits));
    CHECK_THAT(rows[i + 1], StartsWith(sample_photograph() + "," + std::to_string(i) + "," + names[i] + ","));
    CHECK(std::stod(rows[i + 1].substr(rows[i + 1].rfind(',') + 1)) == entry["value"].get<double>());
    char score[32];
    std::snprintf(score, sizeof score, "  %12.6g  ", entry["value"].get<double>());
    CHECK(text[i + 1] == score + names[i]);
  }
  CHECK(lines(classified(model, {"--format", "csv", "--timing", "--raw-logits"}))[0] ==
        "image,index,label,value,decode_ms,preprocess_ms,inference_ms,logits");
  check_refused({"classify", "-m", model, sample_photograph()},
                {{{"-k", "3"}, 2, "--top: the model gives scores, which are all printed"}});
}

TEST_CASE("attention: the most likely label with its own probability, of scores nothing") {
  const std::string picture = temporary_file("attention.png");
  const auto told = [&](const std::string &model) {
    const Outcome outcome =
        run_program({"attention", "-m", model, "--float", weights_folder(), sample_photograph(), "-o", picture});
    INFO(outcome.err);
    REQUIRE(outcome.exit_code == 0);
    return outcome.out;
  };
  const json best = classified_json(model_of("labels"))["top"][0];
  char share[32];
  std::snprintf(share, sizeof share, ", %.2f %% ", 100 * best["probability"].get<double>());
  const std::string labels = told(model_of("labels"));
  CHECK_THAT(labels, Contains(share + best["label"].get<std::string>()));
  const std::vector<std::string> of_classes = lines(told(model_of("classes")));
  const std::vector<std::string> of_labels = lines(labels);
  CHECK(of_labels[1] != of_classes[1]); // the float model's, too
  for (const std::string &line : lines(told(model_of("scores"))))
    CHECK_THAT(line, !Contains(", "));
}

TEST_CASE("compare: labels by decisions, scores by differences, classes not with either") {
  const std::string folder = picture_folder(false);
  for (const std::string outputs : {"labels", "scores"}) {
    const std::string model = model_of(outputs);
    const std::vector<std::string> command{"compare", model, "--float", weights_folder(), "--data", folder};
    const Outcome text = run_program(command);
    INFO(text.err);
    CHECK(text.exit_code == 0);
    CHECK_THAT(text.out, !Contains("differ on") && !Contains("class") && !Contains("top-1"));
    CHECK_THAT(text.out, outputs == "labels" ? Contains("agreement   ") && !Contains("difference")
                                             : Contains("difference  ") && !Contains("agreement"));
    const json object = json::parse(run_program(words(command, {"--format", "json"})).out);
    CHECK(object["outputs"] == outputs);
    CHECK_FALSE(object.contains("differences"));
    CHECK(object.contains("agreement") == (outputs == "labels"));
    CHECK(object.contains("difference") == (outputs == "scores"));
    const std::vector<std::string> rows = lines(run_program(words(command, {"--format", "csv"})).out);
    REQUIRE(rows.size() == 4);
    CHECK_THAT(rows[1], Contains(".ppm,,,,,,,,"));
    check_refused({"compare", model, model, "--data", folder},
                  {{{"--labels", list("0.ppm,1\n")}, 2, "--labels: the model has no classes, it gives " + outputs}});
    check_refused({"compare", model_of("classes"), model, "--data", folder},
                  {{{}, 1, "gives classes, " + model + " " + outputs + ": they cannot be compared"}});
    CHECK(run_program({"inspect", "-m", model, "--data", folder}).exit_code == 0);
  }
  const json same = json::parse(
      run_program({"compare", model_of("labels"), model_of("labels"), "--data", folder, "--format", "json"}).out);
  CHECK(same["agreement"] == 100);
}

TEST_CASE("eval: labels") {
  const std::string model = model_of("labels");
  const std::string text = "cat/one.png,cat;ant\ncat/two.png,\ndog/three.png,dog\n";
  const Outcome json_outcome = evaluated(model, text, {"--format", "json", "--float", weights_folder()});
  INFO(json_outcome.err);
  REQUIRE(json_outcome.exit_code == 0);
  const json result = json::parse(json_outcome.out);
  CHECK(result["outputs"] == "labels");
  CHECK(result["images"] == 3);
  CHECK(result["labels"] == 5);
  CHECK(result["occurring_labels"] == 3);
  // All three are the same photograph, so that each label's outputs are ties: its precision is its share of the images.
  CHECK(result["mean_average_precision"].get<double>() == Approx(100.0 / 3));
  CHECK(result["float_mean_average_precision"].get<double>() == Approx(100.0 / 3));
  for (const char *key : {"f1", "right", "float_f1", "float_right", "agreement", "cosine", "images_per_second"})
    CHECK(result.contains(key));
  const json top = classified_json(model)["top"];
  double right = 0;
  for (const json &entry : top)
    for (const std::string truth : {"cat;ant", "", "dog"})
      right += (entry["probability"].get<double>() >= 0.5) ==
                       (truth.find(entry["label"].get<std::string>()) != std::string::npos)
                   ? 1
                   : 0;
  CHECK(result["right"].get<double>() == Approx(100 * right / 15));

  CHECK_THAT(evaluated(model, text, {"--float", weights_folder()}).out,
             StartsWith("images      3\nlabels      3 of 5 occur\nmAP         33.33 %\nF1          ") &&
                 Contains("\nright       ") && Contains("\nfloat mAP   33.33 %\nfloat F1    ") &&
                 Contains("\nagreement   ") && Contains("\ncosine      "));
  // What there is not.
  const std::string none = "cat/one.png,\n";
  CHECK_THAT(evaluated(model, none).out, Contains("labels      0 of 5 occur\nmAP         none\n"));
  CHECK(json::parse(evaluated(model, none, {"--format", "json"}).out)["mean_average_precision"].is_null());
  const std::vector<std::string> rows = lines(evaluated(model, none, {"--format", "csv"}).out);
  REQUIRE(rows.size() == 2);
  CHECK(rows[0] == "f1,images,images_per_second,labels,mean_average_precision,occurring_labels,outputs,right");
  CHECK_THAT(rows[1], Contains(",5,,0,labels,"));
  // A one-hot table of the same.
  const json one_hot = json::parse(evaluated(model,
                                             "file,ant,bee,cat,dog,elk\ncat/one.png,1,0,1,0,0\ncat/two.png,0,0,0,0,0\n"
                                             "dog/three.png,0,0,0,1,0\n",
                                             {"--format", "json"})
                                       .out);
  for (const char *key : {"mean_average_precision", "f1", "right"})
    CHECK(one_hot[key] == result[key]);
}

TEST_CASE("eval: scores") {
  const std::string model = model_of("scores");
  const json scores = classified_json(model)["scores"];
  // Off by 1/4 and by -1/2; the third is missing.
  std::string text;
  for (const auto &[name, off] : {std::pair("cat/one.png", 0.25), {"dog/three.png", -0.5}, {"no.png", 0.0}}) {
    text += name;
    for (const json &score : scores)
      text += "," + json(score["value"].get<double>() + off).dump();
    text += "\n";
  }
  const Outcome outcome = evaluated(model, text, {"--format", "json", "--float", weights_folder()});
  CHECK(outcome.exit_code == 1);
  CHECK_THAT(outcome.err, Contains("no.png"));
  const json result = json::parse(outcome.out);
  CHECK(result["outputs"] == "scores");
  CHECK(result["images"] == 2);
  CHECK(result["scores"] == 5);
  CHECK(result["mean_absolute_error"].get<double>() == Approx(0.375));
  CHECK(result["root_mean_square_error"].get<double>() == Approx(std::sqrt((0.0625 + 0.25) / 2)));
  CHECK(result["correlation"].is_null()); // the same photograph twice
  for (const char *key : {"float_mean_absolute_error", "float_root_mean_square_error", "difference", "cosine"})
    CHECK(result[key].is_number());
  CHECK_THAT(evaluated(model, text, {"--float", weights_folder()}).out,
             StartsWith("images            2\nMAE               0.375\nRMSE              0.395285\n"
                        "correlation       none\nimages/s          ") &&
                 Contains("\nfloat MAE         ") && Contains("\nfloat correlation none\ndifference        "));
  CHECK_THAT(
      evaluated(model, text, {"--format", "csv"}).out,
      StartsWith(
          "correlation,images,images_per_second,mean_absolute_error,outputs,root_mean_square_error,scores\n,2,"));
}

TEST_CASE("eval: lists that do not fit the model's outputs, and class folders") {
  const std::string data = photographs();
  for (const std::string outputs : {"labels", "scores"})
    check_refused(
        {"eval", "-m", model_of(outputs), "--data", data},
        {{{}, 1, data + ": the model gives " + outputs + ", which class folders cannot tell: list the images"}});
  const auto refused = [](const std::string &outputs, const std::string &text, const std::string &message) {
    CAPTURE(text);
    const Outcome outcome = evaluated(model_of(outputs), text);
    CHECK(outcome.exit_code == 1);
    CHECK(outcome.out.empty());
    CHECK_THAT(outcome.err, StartsWith("intvit: ") && Contains("kinds.csv:" + message));
  };
  refused("labels", "cat/one.png,zebra\n", "1: \"zebra\" is not a class index, nor a label of the model");
  refused("labels", "file,ant,bee,cat,dog,elk\ncat/one.png,0,0,2,0,0\n",
          "2: \"2\" in the column \"cat\" is neither 0 nor 1");
  refused("scores", "cat/one.png,cat\n", "1: expected a file and 5 numbers, found 1 cell behind the file");
  refused("scores", "cat/one.png,1,2,3,4,cat\n", "1: \"cat\" is no number");
  // labels.csv in the folder will do.
  const std::string folder = temporary_file("with_list");
  std::filesystem::copy(photographs(), folder, std::filesystem::copy_options::recursive);
  write_text(folder + "/labels.csv", "cat/one.png,cat\n");
  CHECK(run_program({"eval", "-m", model_of("labels"), "--data", folder}).exit_code == 0);
  CHECK(run_program({"eval", "-m", model_of("labels"), "--data", folder, "--count", "1"}).exit_code == 0);
}
