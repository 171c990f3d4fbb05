// Lists of images with the numbers that a model should give for them.
#include "models/evaluate/score_table.hpp"

#include <catch2/catch.hpp>

#include "tests/models/import/weight_folder.hpp"
#include "tests/support/data.hpp"

namespace intvit {
namespace {

using Catch::Matchers::Contains;
using ScoreRows = std::vector<std::pair<std::string, std::vector<double>>>;

const std::vector<std::string> &score_names() {
  static const std::vector<std::string> all{"age", "weight"};
  return all;
}

ScoreRows scores_of(const std::string &text, const Classes &scores = {2, score_names()}) {
  const std::string folder = test::empty_folder("scores");
  test::write_text_file(folder + "/list.csv", text);
  ScoreRows rows;
  for (const ScoredImage &image : read_score_table(folder, folder + "/list.csv", scores))
    rows.emplace_back(image.path.substr(folder.size() + 1), image.scores);
  return rows;
}

void scores_refused(const std::string &text, const std::string &message, const Classes &scores = {2, score_names()}) {
  CAPTURE(text);
  CHECK_THROWS_WITH(scores_of(text, scores), Contains("/list.csv:" + message));
}

TEST_CASE("score table: in every form") {
  const ScoreRows expected{{"a.jpg", {1.5, -2}}, {"b.jpg", {0, 1e-3}}};
  for (const char *text : {
           "a.jpg,1.5,-2\nb.jpg,0,1e-3\n",
           "a.jpg, +1.5 ,-2.0\nb.jpg,0,0.001\n",
           "file,x,y\na.jpg,1.5,-2\nb.jpg,0,1e-3\n",             // headings that say nothing
           "file,age,weight\na.jpg,1.5,-2\nb.jpg,0,1e-3\n",      // the scores' names
           "file,weight,age\na.jpg,-2,1.5\nb.jpg,1e-3,0\n",      // in another order
           ",file,age,weight\n0,a.jpg,1.5,-2\n1,b.jpg,0,1e-3\n", // pandas
           "\"file\";\"age\";\"weight\"\r\na.jpg;1.5;-2\r\nb.jpg;0;1e-3\r\n",
       })
    CHECK(scores_of(text) == expected);
  CHECK(scores_of("a.jpg,7\n", {1, {}}) == ScoreRows{{"a.jpg", {7}}});
  CHECK(scores_of("one,7\n", {1, {}}) == ScoreRows{{"one", {7}}}); // no header, though it looks like no file
}

TEST_CASE("score table: what is none is refused with its line") {
  scores_refused("", " no image is listed");
  scores_refused("file,age,weight\n", " no image is listed");
  scores_refused("a.jpg,1.5\n", "1: expected a file and 2 numbers, found 1 cell behind the file");
  scores_refused("a.jpg\n", "1: expected a file and 2 numbers, found 0 cells behind the file");
  scores_refused("a.jpg,1,2\nb.jpg,1,2,3\n", "2: expected a file and 2 numbers, found 3 cells behind the file");
  scores_refused("file,age\na.jpg,1\n", "1: expected a file and 2 numbers, found 1 cell behind the file");
  scores_refused("a.jpg,1,x\n", "1: \"x\" is no number; numbers are written as 12.5 or 1e-3");
  scores_refused("a.jpg,1,2\nb.jpg,1,\n", "2: \"\" is no number");
  scores_refused("a.jpg;1,5;2\n", "1: expected a file and 2 numbers, found 1 cell");
  scores_refused("file;age;weight\na.jpg;1,5;2\n", "2: \"1,5\" is no number");
  scores_refused("a.jpg,nan,1\n", "1: \"nan\" is no number");
  scores_refused("a.jpg,1,inf\n", "1: \"inf\" is no number");
  scores_refused("a.jpg,1e999,1\n", "1: \"1e999\" is no number");
  scores_refused("a.jpg,+-1,1\n", "1: \"+-1\" is no number");
  scores_refused("file,age,size\na.jpg,1,2\n", "1: \"size\" is not a score of the model, as other headings are");
  scores_refused("file,age,age\na.jpg,1,2\n", "1: two columns are of one score");
  scores_refused("a.jpg,1,2\nb.jpg,1,2\na.jpg,3,4\n", "3: ");
  CHECK_THROWS_WITH(scores_of("a.jpg,1,2\na.jpg,1,2\n"), Contains("/a.jpg is listed twice"));
}

} // namespace
} // namespace intvit
