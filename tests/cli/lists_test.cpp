// Lists that users write or export: labels.csv, --labels, --shapes.
#include <filesystem>

#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "models/program/csv.hpp"
#include "models/program/text_file.hpp"
#include "tests/cli/program.hpp"
#include "tests/cli/quantizer_input.hpp"
#include "tests/cli/small_models.hpp"
#include "tests/support/data.hpp"
#include "tests/support/model_parts.hpp"

using namespace intvit::test;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

namespace {

namespace fs = std::filesystem;

// Of the shipped model, whose classes are airplane, automobile, bird, cat, ...
Outcome compare_with_labels(const std::string &csv, const std::string &data = picture_folder(false)) {
  return run_program({"compare", shipped_model(), shipped_model(), "--data", data, "--labels", csv, "--format", "csv"});
}

using Labels = std::vector<std::pair<std::string, std::string>>; // a picture's name and its class

Labels labels_of(const std::string &text, const std::string &data = picture_folder(false)) {
  const std::string csv = temporary_file("list.csv");
  write_text(csv, text);
  const Outcome outcome = compare_with_labels(csv, data);
  CAPTURE(text);
  CHECK(outcome.err.empty());
  Labels result;
  for (const intvit::CsvRow &row : intvit::csv_rows(outcome.out, ','))
    if (row.cells[0] != "image")
      result.emplace_back(row.cells[0].substr(data.size() + 1), row.cells[1]);
  return result;
}

std::string utf16(const std::string &text, bool little_endian) {
  std::string result;
  for (const char c : text)
    result += little_endian ? std::string{c, '\0'} : std::string{'\0', c};
  return result;
}

// What no list may be, and the reasons.
std::vector<std::pair<std::string, std::string>> no_lists(const std::string &text) {
  std::vector<std::pair<std::string, std::string>> all{{"/dev/zero", "not a regular file"}};
  const auto add = [&](const std::string &name, const std::string &reason) -> const std::string & {
    all.emplace_back(temporary_file(name), reason);
    fs::remove_all(all.back().first);
    return all.back().first;
  };
  write_text(add("utf16le", "is UTF-16; save it as UTF-8"), "\xFF\xFE" + utf16(text, true));
  write_text(add("utf16be", "is UTF-16; save it as UTF-8"), "\xFE\xFF" + utf16(text, false));
  write_text(add("utf16", "holds a zero byte"), utf16(text, true));
  write_text(add("large", "67108865 bytes, at most 67108864 are read"), text);
  fs::resize_file(all.back().first, (std::uintmax_t{1} << 26) + 1);
  REQUIRE(::mkfifo(add("pipe", "not a regular file").c_str(), 0600) == 0);
  fs::create_symlink("/dev/zero", add("zeros", "not a regular file"));
  fs::create_directory(add("directory", "Is a directory"));
  fs::create_symlink("nowhere", add("dangling", "No such file"));
  return all;
}

void check_list_refused(const std::string &text, const std::string &message) {
  const std::string csv = temporary_file("bad_list.csv");
  write_text(csv, text);
  const Outcome outcome = compare_with_labels(csv);
  CAPTURE(text);
  CHECK(outcome.exit_code == 1);
  CHECK(outcome.out.empty());
  CHECK_THAT(outcome.err, StartsWith("intvit: " + csv + ":") && Contains(message));
  CHECK(lines(outcome.err).size() == 1);
}

} // namespace

TEST_CASE("labels.csv as programs write it") {
  const Labels expected{{"0.ppm", "3"}, {"2.ppm", "1"}};
  for (const char *text : {
           "0.ppm,3\n2.ppm,1\n",
           "file,label\n0.ppm,3\n2.ppm,1",
           "\"file\",\"label\"\r\n\"0.ppm\",\"3\"\r\n\"2.ppm\",\"1\"\r\n", // R, csv.QUOTE_ALL
           "\xEF\xBB\xBF"
           "file,label\r\n0.ppm,3\r\n2.ppm,1\r\n", // Excel, "CSV UTF-8"
           "\xEF\xBB\xBF"
           "0.ppm,3\n2.ppm,1\n",                  // the mark is no part of the first name
           "file;label\n0.ppm;3\n2.ppm;1\n",      // where the decimal point is a comma
           "file\tlabel\n0.ppm\t3\n2.ppm\t1\n",   // tabs
           "file,label\r0.ppm,3\r2.ppm,1\r",      // Mac
           ",file,label\n0,0.ppm,3\n1,2.ppm,1\n", // pandas' to_csv() with its index
           "\"\",\"file\",\"label\"\n\"0\",\"0.ppm\",\"3\"\n\"1\",\"2.ppm\",\"1\"\n", // R's write.csv
           "\n\n0.ppm , 3 \n\n2.ppm,\t1\n\n",
           "filename,class\n0.ppm,cat\n2.ppm,automobile\n", // names of classes
           "0.ppm,cat\n2.ppm,automobile\n",
           "0.ppm,\"cat\"\n\"2.ppm\" , \"automobile\"\n",
       })
    CHECK(labels_of(text) == expected);
}

TEST_CASE("labels.csv: names of files with commas, quotes and line ends") {
  const std::string folder = temporary_file("list_names");
  fs::create_directories(folder);
  const std::vector<std::string> names{"cat, sleeping.ppm", "a \"b\".ppm", "two\nlines.ppm", " blanks .ppm", "x;y.ppm"};
  for (const std::string &name : names)
    fs::copy_file(picture_folder(false) + "/0.ppm", folder + "/" + name);
  CHECK(labels_of("cat, sleeping.ppm,1\na \"b\".ppm,2\nx;y.ppm,3\n", folder) ==
        Labels{{"cat, sleeping.ppm", "1"}, {"a \"b\".ppm", "2"}, {"x;y.ppm", "3"}});
  CHECK(labels_of("file,label\n\"cat, sleeping.ppm\",1\n\"a \"\"b\"\".ppm\",2\n\"two\nlines.ppm\",3\n"
                  "\" blanks .ppm\",4\nx;y.ppm,5\n",
                  folder) == Labels{{"cat, sleeping.ppm", "1"},
                                    {"a \"b\".ppm", "2"},
                                    {"two\nlines.ppm", "3"},
                                    {" blanks .ppm", "4"},
                                    {"x;y.ppm", "5"}});
  // As pandas writes them: blanks and carriage returns without quotes.
  fs::copy_file(picture_folder(false) + "/0.ppm", folder + "/cr\rx.ppm");
  CHECK(labels_of(",file,label\n0, blanks .ppm,1\n1,cr\rx.ppm,2\n2,\"a \"\"b\"\".ppm\",3\n", folder) ==
        Labels{{" blanks .ppm", "1"}, {"cr\rx.ppm", "2"}, {"a \"b\".ppm", "3"}});
}

TEST_CASE("labels.csv that cannot be meant is refused with its line") {
  check_list_refused("0.ppm,catt\n1.ppm,bird\n", ":1: \"catt\" is not a class index, nor a label of the model");
  check_list_refused("0.ppm,1x\n1.ppm,1\n", ":1: \"1x\" is not a class index");
  check_list_refused("missing.jpg,1.0\n1.ppm,1\n", ":1: \"1.0\" is not a class index");
  check_list_refused("sub/picture,x\n1.ppm,1\n", ":1: \"x\" is not a class index");
  check_list_refused("file,label\n0.ppm,cat\n1.ppm,2\n", ":3: \"2\" is not a label of the model, but line 2 has one");
  check_list_refused("0.ppm,2\n1.ppm,cat\n", ":1: \"2\" is not a label of the model, but line 2 has one");
  check_list_refused("0.ppm,10\n", ":1: class 10 is not from 0 to 9");
  check_list_refused("0.ppm,-1\n", ":1: class -1 is not from 0 to 9");
  check_list_refused("0.ppm,\n", ":1: \"\" is not a class index");
  check_list_refused("0.ppm\n", ":1: expected \"file,label\"");
  check_list_refused("file,label,fold\n0.ppm,1,2\n", ":1: expected the columns file and label");
  check_list_refused("\"0.ppm\",1,2\n", ":1: expected \"file,label\"");
  check_list_refused("0.ppm,1\n\"1.ppm,1\n2.ppm,1\n", "line 2: a quotation mark is not closed");
  check_list_refused("\"a\"b,1\n", "line 1: text behind a quotation mark");
  check_list_refused("file,label\n", "no image is listed");
  check_list_refused("\n \n", "no image is listed");
}

TEST_CASE("labels.csv: a class name that two classes have names neither") {
  std::string bytes = read_text(random_vit_file("two_cranes_plain"));
  const auto *begin = reinterpret_cast<const std::byte *>(bytes.data());
  ModelParts parts(std::vector<std::byte>(begin, begin + bytes.size()));
  parts.description.labels = {"crane", "b", "c", "d", "e", "f", "g", "h", "i", "crane"};
  const std::vector<std::byte> file = parts.file();
  const std::string model = temporary_file("two_cranes");
  write_text(model, std::string(reinterpret_cast<const char *>(file.data()), file.size()));
  const std::string csv = temporary_file("cranes.csv");
  const auto eval = [&](const std::string &text) {
    write_text(csv, text);
    return run_program({"eval", "-m", model, "--data", picture_folder(false), "--labels", csv});
  };
  CHECK_THAT(eval("0.ppm,b\n1.ppm,crane\n").err,
             StartsWith("intvit: " + csv + ":2: \"crane\" is the label of several"));
  CHECK(eval("0.ppm,b\n1.ppm,c\n").exit_code == 0);
  CHECK(eval("0.ppm,9\n1.ppm,0\n").exit_code == 0);
}

TEST_CASE("lists are read from regular files of moderate size alone, and in UTF-8") {
  const std::string folder = temporary_file("data_of_lists");
  fs::create_directories(folder);
  fs::copy_file(sample_photograph(), folder + "/0.ppm");
  for (const auto &[path, reason] : no_lists("0.ppm,1\n")) {
    fs::remove(folder + "/labels.csv");
    fs::create_symlink(path, folder + "/labels.csv");
    const bool is_there = fs::exists(path);
    for (const std::vector<std::string> &command :
         {std::vector<std::string>{"eval", "--data", folder, "--labels", path},
          {"inspect", "--data", folder, "--labels", path},
          {"compare", shipped_model(), shipped_model(), "--data", folder},
          {"bench", "--shapes", path},
          {"quantize", "--weights", weights_folder(), "--calib", photographs(), "--labels", path, "-o",
           temporary_file("no_model")}}) {
      if (!is_there && command[0] == "compare")
        continue; // no list at all
      CAPTURE(command, reason);
      const Outcome outcome = run_program(command);
      CHECK(outcome.exit_code == 1);
      CHECK(outcome.out.empty());
      CHECK_THAT(outcome.err,
                 StartsWith("intvit: " + (command[0] == "compare" ? folder + "/labels.csv" : path) + ": ") &&
                     Contains(reason));
    }
  }
}

TEST_CASE("quantize --labels: class names as editors, pandas and spreadsheets write them") {
  const std::string names = temporary_file("class_names.txt");
  const std::string model = temporary_file("named.safetensors");
  const auto labels = [&](const std::string &text) {
    write_text(names, text);
    const Outcome outcome = run_program(
        {"quantize", "--weights", weights_folder(), "--calib", photographs(), "--labels", names, "-o", model});
    CAPTURE(text, outcome.err);
    REQUIRE(outcome.exit_code == 0);
    return nlohmann::json::parse(run_program({"info", "-m", model, "--format", "json"}).out)["labels"]
        .get<std::vector<std::string>>();
  };
  using Names = std::vector<std::string>;
  const Names plain{"tench, Tinca tinca", "b", "c", "\xC3\xA9lan", "e"};
  CHECK(labels("tench, Tinca tinca\nb\nc\n\xC3\xA9lan\ne\n") == plain);
  CHECK(labels("\xEF\xBB\xBF"
               "\"tench, Tinca tinca\"\r\nb\r\nc\r\n\xC3\xA9lan\r\ne") == plain);
  CHECK(labels("\"tench, Tinca tinca\"\r\"b\"\r\"c\"\r\"\xC3\xA9lan\"\r\"e\"\r") == plain);
  CHECK(labels("\"a \"\"b\"\"\"\n\"a\" or \"b\"\n6\" nail\n\"\n'x'\n") ==
        Names{"a \"b\"", "\"a\" or \"b\"", "6\" nail", "\"", "'x'"});
  write_text(names, "a\nb\nc\ncaf\xE9\ne\n");
  CHECK_THAT(
      run_program({"quantize", "--weights", weights_folder(), "--calib", photographs(), "--labels", names, "-o", model})
          .err,
      Contains(names + ": line 4 is not UTF-8"));
}

TEST_CASE("rows of CSV know their lines") {
  const std::vector<intvit::CsvRow> rows = intvit::csv_rows("a,\"1\n2\r\n3\"\r\n\r\nb,4\n c\rd", ',');
  REQUIRE(rows.size() == 3);
  CHECK(rows[0].line == 1);
  CHECK(rows[0].cells == std::vector<std::string>{"a", "1\n2\r\n3"});
  CHECK(rows[1].line == 5);
  CHECK(rows[1].text == "b,4");
  CHECK(rows[2].line == 6);
  CHECK_FALSE(rows[2].quoted);
  CHECK(rows[2].cells == std::vector<std::string>{" c\rd"});
  CHECK(intvit::csv_rows("a,1\r\"b\",2\r", ',').size() == 2);
  CHECK(intvit::csv_rows("", ',').empty());
  CHECK(intvit::text_lines("a\r\n\nb\rc") == std::vector<std::string>{"a", "", "b\rc"});
  CHECK(intvit::text_lines("a\r\rb") == std::vector<std::string>{"a", "", "b"});
}
