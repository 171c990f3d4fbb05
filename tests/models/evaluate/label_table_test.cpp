// Lists of images with several labels each, in every form, and what is none.
#include "models/evaluate/label_table.hpp"

#include <catch2/catch.hpp>

#include "tests/models/import/weight_folder.hpp"
#include "tests/support/data.hpp"

namespace intvit {
namespace {

using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;
using LabelRows = std::vector<std::pair<std::string, std::vector<int>>>;

const std::vector<std::string> &label_names() {
  static const std::vector<std::string> all{"ant", "bee", "cat", "d;e|f", "elk"};
  return all;
}

LabelRows labels_of(const std::string &text, const Classes &labels = {5, label_names()}) {
  const std::string folder = test::empty_folder("labels");
  test::write_text_file(folder + "/list.csv", text);
  LabelRows rows;
  for (const MultiLabelImage &image : read_label_table(folder, folder + "/list.csv", labels))
    rows.emplace_back(image.path.substr(folder.size() + 1), image.labels);
  return rows;
}

void labels_refused(const std::string &text, const std::string &message, const Classes &labels = {5, label_names()}) {
  CAPTURE(text);
  CHECK_THROWS_WITH(labels_of(text, labels), Contains("/list.csv:" + message));
}

TEST_CASE("label table: lists in every form") {
  const LabelRows expected{{"a.jpg", {0, 2}}, {"b.jpg", {}}, {"c.jpg", {1}}};
  for (const char *text : {
           "a.jpg,ant\nb.jpg,\nc.jpg,bee\na.jpg,cat\n",                     // several rows
           "a.jpg,ant;cat\nb.jpg,\nc.jpg,bee\n",                            // several in a cell
           "a.jpg,cat|ant\nb.jpg,\nc.jpg,bee\n",                            // in any order
           "file,label\na.jpg, ant | cat \nb.jpg, \nc.jpg,bee;\n",          // a header, blanks, an end without a label
           "file,labels\na.jpg,ant;ant;cat\nb.jpg,\nc.jpg,bee\n",           // twice is once
           "file;labels\na.jpg;ant|cat\nb.jpg;\nc.jpg;bee\n",               // columns between semicolons
           ",file,label\n0,a.jpg,ant;cat\n1,b.jpg,\n2,c.jpg,bee\n",         // pandas
           "\"a.jpg\",\"ant\"\n\"a.jpg\",\"cat\"\nb.jpg,\"\"\nc.jpg,bee\n", // cells in quotes
           "a.jpg,0;2\nb.jpg,\nc.jpg,1\n",                                  // indices
       })
    CHECK(labels_of(text) == expected);
  CHECK(labels_of("a.jpg,d;e|f\nb.jpg,elk\n") ==
        LabelRows{{"a.jpg", {3}}, {"b.jpg", {4}}}); // a name with the separators
  CHECK(labels_of("a.jpg,0;2\n", {3, {}}) == LabelRows{{"a.jpg", {0, 2}}});
}

TEST_CASE("label table: one-hot tables") {
  const LabelRows expected{{"a.jpg", {0, 2}}, {"b.jpg", {}}, {"c.jpg", {1}}};
  for (const char *text : {
           "file,ant,bee,cat,d;e|f,elk\na.jpg,1,0,1,0,0\nb.jpg,0,0,0,0,0\nc.jpg,0,1,0,0,0\n",
           "image,elk,cat,bee,ant,d;e|f\na.jpg,0,1,0,1,0\nb.jpg,0,0,0,0,0\nc.jpg,0,0,1,0,0\n", // columns in any order
           ",file,ant,bee,cat,d;e|f,elk\n0,a.jpg,1.0,0.0,1.0,0,0\n1,b.jpg,0,0,0,0,0\n2,c.jpg,0,1,0,0,0\n", // pandas
       })
    CHECK(labels_of(text) == expected);
  CHECK(labels_of("file,0,1\na.jpg,0,1\n", {2, {}}) == LabelRows{{"a.jpg", {1}}}); // a model without names
  const std::vector<std::string> one{"cat"};
  CHECK(labels_of("file,cat\na.jpg,1\nb.jpg,0\n", {1, one}) == LabelRows{{"a.jpg", {0}}, {"b.jpg", {}}});
}

TEST_CASE("label table: what is none is refused with its line") {
  labels_refused("", " no image is listed");
  labels_refused("file,label\n", " no image is listed");
  labels_refused("a.jpg\n", "1: expected \"file,label\"; several labels of a file stand in one cell");
  labels_refused("a.jpg,ant,cat\n", "1: expected \"file,label\"; several labels of a file stand in one cell");
  labels_refused("a.jpg,ant\nb.jpg,zebra\n", "2: \"zebra\" is not a class index, nor a label of the model");
  labels_refused("a.jpg,ant;zebra\n", "1: \"zebra\" is not a class index, nor a label of the model");
  labels_refused("a.jpg,ant\nb.jpg,1\n",
                 "2: \"1\" is not a label of the model, but line 1 has one: give names in all lines");
  labels_refused("a.jpg,5\n", "1: class 5 is not from 0 to 4");
  labels_refused("a.jpg,-1\n", "1: class -1 is not from 0 to 4");
  labels_refused("a.jpg,ant\n", "1: \"ant\" is not a class index", {5, {}});
  const std::string header = "file,ant,bee,cat,d;e|f,elk\n";
  labels_refused(header, " no image is listed");
  labels_refused(header + "a.jpg,1,0,2,0,0\n", "2: \"2\" in the column \"cat\" is neither 0 nor 1");
  labels_refused(header + "a.jpg,1,0,,0,0\n", "2: \"\" in the column \"cat\" is neither 0 nor 1");
  labels_refused(header + "a.jpg,1,0,yes,0,0\n", "2: \"yes\" in the column \"cat\" is neither 0 nor 1");
  labels_refused(header + "a.jpg,1,0,nan,0,0\n", "2: \"nan\" in the column \"cat\" is neither 0 nor 1");
  labels_refused(header + "a.jpg,1,0,0,0\n", "2: has 5 cells, the header 6");
  labels_refused(header + "a.jpg,1,0,0,0,0,0\n", "2: has 7 cells, the header 6");
  labels_refused(header + "a.jpg,1,0,0,0,0\na.jpg,1,0,0,0,0\n", "3: ");
  labels_refused("file,ant,bee,zebra\na.jpg,1,0,0\n", "1: \"zebra\" is not a class index, nor a label of the model");
  labels_refused("file,ant,bee,cat,elk\na.jpg,1,0,0,0\n", "1: there is no column for label 3, \"d;e|f\"");
  labels_refused("file,0\na.jpg,1\n", "1: there is no column for label 1", {2, {}});
  labels_refused("file,ant,ant,bee,cat,elk\na.jpg,1,0,0,0,0\n", "1: two columns are of one label");
  const std::vector<std::string> twice{"ant", "ant"};
  labels_refused("a.jpg,ant\n", "1: \"ant\" is the label of several classes; number the classes instead", {2, twice});
}

} // namespace
} // namespace intvit
