// What strangers wrote, in labels, names of nodes, provenance and names of files, through every command and format: it
// stays on its line, commands no terminal, and parsers read it back.
#include <algorithm>
#include <filesystem>

#include <catch2/catch.hpp>

#include "cli/picture/svg.hpp"
#include "cli/text.hpp"
#include "engine/container/utf8.hpp"
#include "tests/cli/program.hpp"
#include "tests/cli/quantizer_input.hpp"
#include "tests/cli/small_models.hpp"
#include "tests/support/data.hpp"
#include "tests/support/model_parts.hpp"

using namespace intvit::test;
using Catch::Matchers::Contains;
using nlohmann::json;

namespace {

namespace fs = std::filesystem;

using Row = std::vector<std::string>;

// As RFC 4180 has it, and as Python's csv.reader and pandas read it.
std::vector<Row> csv_rows(const std::string &text) {
  std::vector<Row> rows(1, Row(1));
  bool in_quotes = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string &cell = rows.back().back();
    if (in_quotes && text.compare(i, 2, "\"\"") == 0)
      cell += text[i++];
    else if (text[i] == '"')
      in_quotes = !in_quotes;
    else if (in_quotes || (text[i] != ',' && text[i] != '\n' && text[i] != '\r'))
      cell += text[i];
    else if (text[i] == ',')
      rows.back().emplace_back();
    else
      rows.emplace_back(1);
  }
  CHECK_FALSE(in_quotes);
  rows.pop_back(); // behind the last line's end
  return rows;
}

bool commands_a_terminal(const std::string &text) {
  const std::vector<std::string> all = lines(text);
  return std::any_of(all.begin(), all.end(), [](const std::string &line) { return intvit::printable(line) != line; });
}

// ESC sequences (a window's title, colours), a forged result, CSI in one character, a direction mark, what means
// something in HTML, Markdown and CSV, and characters that are none in XML.
const std::string hostile_text = "\x1b]0;owned\x07\x1b[2J\r\n   99 %  dog\n\xC2\x9B"
                                 "31m\xE2\x80\xAEgpj\x7f<b onload=\"x()\">&|[a](b)`,\"'\xEF\xBF\xBE\xEF\xBF\xBF\\";

// The random ViT, whose texts all end in `ending`, in a folder whose name does too, and is no UTF-8.
std::string model_with_texts(const std::string &name, const std::string &ending) {
  ModelParts parts([&] {
    const std::string bytes = read_text(random_vit_file(name + ".plain"));
    const auto *begin = reinterpret_cast<const std::byte *>(bytes.data());
    return std::vector<std::byte>(begin, begin + bytes.size());
  }());
  intvit::Graph &graph = parts.description.graph;
  std::map<std::string, ModelParts::Tensor> renamed;
  for (auto &[tensor, content] : parts.tensors) {
    std::string longest; // of the nodes that the tensor can be of
    for (const intvit::Node &node : graph.nodes)
      if (tensor.starts_with(node.name + ".") && node.name.size() > longest.size())
        longest = node.name;
    renamed.emplace(longest.empty() ? tensor : longest + ending + tensor.substr(longest.size()), content);
  }
  parts.tensors = renamed;
  for (intvit::Node &node : graph.nodes) {
    node.name += ending;
    for (std::string &input : node.inputs)
      if (input != intvit::image_value)
        input += ending;
  }
  if (!graph.features.empty())
    graph.features += ending;
  for (int label = 0; label < 10; ++label)
    parts.description.labels.push_back(std::to_string(label) + ending);
  parts.description.provenance = {{"key" + ending, "value" + ending}};
  std::string folder = ending;
  std::replace(folder.begin(), folder.end(), '/', '_');
  folder = temporary_file(name + folder + (ending.empty() ? "" : "\xFF"));
  fs::create_directories(folder);
  const std::vector<std::byte> file = parts.file();
  write_text(folder + "/model", std::string(reinterpret_cast<const char *>(file.data()), file.size()));
  for (const char *picture : {"0.ppm", "1.ppm", "2.ppm"})
    fs::copy_file(picture_folder(false) + "/" + picture, folder + "/" + picture);
  return folder;
}

struct HostileCase {
  std::vector<std::string> arguments; // MODEL, FOLDER and OUT stand for these
  std::string format;
};

const std::vector<HostileCase> hostile_cases{
    {{"classify", "-m", "MODEL", "--timing", "--raw-logits", "FOLDER"}, "text"},
    {{"classify", "-m", "MODEL", "FOLDER"}, "json"},
    {{"classify", "-m", "MODEL", "--timing", "--raw-logits", "FOLDER"}, "csv"},
    {{"info", "-m", "MODEL"}, "text"},
    {{"info", "-m", "MODEL"}, "json"},
    {{"compare", "MODEL", "MODEL", "--data", "FOLDER"}, "text"},
    {{"compare", "MODEL", "OTHER", "--data", "FOLDER"}, "text"},
    {{"compare", "MODEL", "OTHER", "--data", "FOLDER"}, "json"},
    {{"compare", "MODEL", "OTHER", "--data", "FOLDER"}, "csv"},
    {{"inspect", "-m", "MODEL", "--data", "FOLDER"}, "text"},
    {{"inspect", "-m", "MODEL", "--data", "FOLDER", "-o", "OUT"}, "json"},
    {{"attention", "-m", "MODEL", "FOLDER/0.ppm", "-o", "OUT.png"}, ""},
    {{"verify", "-m", "MODEL", "--isa", "reference"}, ""},
    {{"bench", "-m", "MODEL", "--runs", "1", "--warmup", "0", "--profile"}, "md"},
    {{"bench", "-m", "MODEL", "--runs", "1", "--warmup", "0", "--report", "OUT.html"}, "json"},
    {{"bench", "-m", "MODEL", "--runs", "1", "--warmup", "0", "--report", "OUT.md"}, "csv"},
};

Outcome run_hostile(const HostileCase &one, const std::string &folder) {
  std::vector<std::string> arguments;
  for (std::string word : one.arguments) {
    for (const auto &[name, path] :
         {std::pair<std::string, std::string>{"MODEL", folder + "/model"},
          {"OTHER", random_vit_file("other", {.softmax = intvit::kernels::Softmax::lis4}, 1)},
          {"FOLDER", folder},
          {"OUT", temporary_file("hostile_out")}})
      if (word.starts_with(name))
        word.replace(0, name.size(), path);
    arguments.push_back(word);
  }
  if (!one.format.empty())
    arguments.insert(arguments.end(), {"--format", one.format});
  return run_program(arguments);
}

} // namespace

TEST_CASE("hostile labels, names and provenance through every command and format") {
  const std::string plain = model_with_texts("plain", "");
  const std::string hostile = model_with_texts("hostile", hostile_text);
  for (const HostileCase &one : hostile_cases) {
    CAPTURE(one.arguments, one.format);
    const Outcome expected = run_hostile(one, plain);
    const Outcome outcome = run_hostile(one, hostile);
    REQUIRE(expected.exit_code == 0);
    CHECK(outcome.exit_code == 0);
    CHECK_FALSE(commands_a_terminal(outcome.err));
    if (one.format == "json") {
      CHECK_FALSE(commands_a_terminal(outcome.out));
      CHECK(lines(outcome.out).size() == lines(expected.out).size());
    } else if (one.format == "csv") {
      const std::vector<Row> rows = csv_rows(outcome.out);
      const std::vector<Row> wanted = csv_rows(expected.out);
      REQUIRE(rows.size() == wanted.size());
      for (std::size_t i = 0; i < rows.size(); ++i)
        CHECK(rows[i].size() == wanted[i].size());
      CHECK(outcome.out.find('\x1b') == std::string::npos);
    } else {
      CHECK_FALSE(commands_a_terminal(outcome.out));
      CHECK(lines(outcome.out).size() == lines(expected.out).size());
    }
  }
  const json image = json_lines(run_hostile(hostile_cases[1], hostile).out).at(0);
  const std::string label = image["top"][0]["label"];
  CHECK(label.substr(1) == hostile_text);
  CHECK(image["image"] == intvit::escape_bytes(hostile + "/0.ppm", false));
  const json info = json::parse(run_hostile(hostile_cases[4], hostile).out);
  CHECK(info["provenance"]["key" + hostile_text] == "value" + hostile_text);
  const std::vector<Row> rows = csv_rows(run_hostile(hostile_cases[2], hostile).out);
  CHECK(rows[1][0] == intvit::escape_bytes(hostile + "/0.ppm", true));
  CHECK(rows[1][3] == intvit::escape_bytes(label, true));

  for (const char *drawing : {"/channel_ranges.svg", "/layers.svg", "/attention_weights.svg", ".html", ".md"}) {
    CAPTURE(drawing);
    const std::string text = read_text(temporary_file("hostile_out") + drawing);
    CHECK(intvit::valid_utf8_prefix(text) == text.size());
    for (const char *never : {"\x1b", "\x07"})
      CHECK(text.find(never) == std::string::npos);
    if (drawing != std::string(".md")) // which holds the command as it was given, in a block of code
      for (const char *never : {"<b ", "\xEF\xBF\xBE", "\xEF\xBF\xBF"})
        CHECK(text.find(never) == std::string::npos);
  }
}

TEST_CASE("hostile names in messages") {
  const std::string folder = temporary_file("messages" + hostile_text.substr(0, 20));
  fs::create_directories(folder);
  const std::string empty = folder + "/empty";
  write_text(empty, "");
  for (const std::vector<std::string> &arguments :
       {std::vector<std::string>{hostile_text},
        {"classify", folder + "/missing"},
        {"classify", "-m", empty, "x"},
        {"classify", "--" + hostile_text, "x"},
        {"classify", "--format", hostile_text, "x"},
        {"classify", "--preprocess", hostile_text, "x"},
        {"info", hostile_text},
        {"eval", "--data", folder},
        {"eval", "--data", folder, "--labels", empty},
        {"bench", "--shapes", empty},
        {"bench", "--arch", hostile_text},
        {"bench", "--report", hostile_text},
        {"compare", empty, empty, "--data", folder},
        {"inspect", "-m", empty, "--data", folder},
        {"attention", empty, "-o", folder + "/x.png"},
        {"quantize", "--weights", empty, "--calib", folder, "-o", folder + "/m"},
        {"quantize", "--weights", weights_folder(), "--arch", hostile_text, "--calib", folder, "-o", folder + "/m"}}) {
    CAPTURE(arguments);
    const Outcome outcome = run_program(arguments);
    CHECK(outcome.exit_code != 0);
    CHECK(outcome.out.empty());
    CHECK_FALSE(commands_a_terminal(outcome.err));
    CHECK(lines(outcome.err).size() == 1);
  }
}

TEST_CASE("files whose names are not UTF-8 keep names of their own") {
  const std::string folder = temporary_file("bytes");
  fs::create_directories(folder);
  const std::vector<std::string> names{"a\xFF.png", "a\xFE.png", "a\xEF\xBF\xBD.png", "a\\xff.png", "a\\x5cxff.png"};
  for (const std::string &name : names)
    fs::copy_file(sample_photograph(), folder + "/" + name);
  const Outcome outcome = run_program({"classify", "--format", "json", folder});
  std::vector<std::string> found;
  for (const json &line : json_lines(outcome.out))
    found.push_back(line["image"].get<std::string>().substr(folder.size() + 1));
  const std::vector<std::string> expected{"a\\x5cx5cxff.png", "a\\x5cxff.png", "a\xEF\xBF\xBD.png", "a\\xfe.png",
                                          "a\\xff.png"};
  CHECK_THAT(found, Catch::Matchers::UnorderedEquals(expected));

  const std::string model = folder + "/m\xFF";
  fs::copy_file(shipped_model(), model);
  for (const std::vector<std::string> &arguments :
       {std::vector<std::string>{"info", "-m", model, "--format", "json"},
        {"bench", "-m", model, "--runs", "1", "--format", "json"},
        {"compare", model, model, "--data", picture_folder(false), "--format", "json"}}) {
    const Outcome one = run_program(arguments);
    CHECK(one.exit_code == 0);
    CHECK_THAT(json::parse(one.out).dump(), Contains("m\\\\xff\""));
  }
}

TEST_CASE("cells of CSV files") {
  using intvit::cli::csv_line;
  CHECK(csv_line({"a", "", "b c", "\xC3\xA9"}) == "a,,b c,\xC3\xA9\n");
  CHECK(csv_line({"a,b", "say \"x\"", "\r", "1\n2"}) == "\"a,b\",\"say \"\"x\"\"\",\"\r\",\"1\n2\"\n");
  CHECK(csv_line({"\x1b[1m", "\x7f", "\xFF", "\\xff", "\\n", "\xC2\x9B"}) ==
        "\\x1b[1m,\\x7f,\\xff,\\x5cxff,\\n,\\xc2\\x9b\n");
  // Formulas get an apostrophe, numbers and a dash alone do not.
  CHECK(csv_line({"=1+1", "+x", "-x", "@SUM(A1)", "'=x", "''@x"}) == "'=1+1,'+x,'-x,'@SUM(A1),''=x,'''@x\n");
  CHECK(csv_line({"\t=1", "\r=1"}) == "\"'\t=1\",\"'\r=1\"\n");
  CHECK(csv_line({"-", "-12", "-1.5e-7", "'a", "it's", "a=b"}) == "-,-12,-1.5e-7,'a,it's,a=b\n");
  CHECK(intvit::cli::csv_number(-0.000123456789) == "-0.000123457");
}

TEST_CASE("JSON text is read back as it was and commands no terminal") {
  for (const std::string &text : {hostile_text, std::string("\x7f\xC2\x85\xE2\x80\xA8"), std::string("\0\x01\t", 3)}) {
    for (const int indent : {-1, 2}) {
      const std::string written = intvit::cli::json_text({{"key" + text, {text, 1.5}}}, indent);
      CHECK_FALSE(commands_a_terminal(written));
      CHECK(json::parse(written)["key" + text][0] == text);
    }
  }
  CHECK(intvit::cli::json_text("a\xFF") == "\"a\xEF\xBF\xBD\""); // what no caller escaped
}
