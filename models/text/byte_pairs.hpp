// Byte-pair encoding (arXiv 1508.07909) on bytes, as GPT-2 and CLIP have it.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace intvit {

class BytePairs {
public:
  // `merges` in order: of all pairs side by side in a word, the first of them is joined first. Words end in
  // `end_of_word`. A piece that is not in the vocabulary becomes the token `unknown`. Throws std::runtime_error where a
  // merge gives a piece that is not in the vocabulary.
  BytePairs(std::unordered_map<std::string, int> vocabulary,
            const std::vector<std::pair<std::string, std::string>> &merges, std::string end_of_word, int unknown);

  // Appends the tokens of a word, which is any bytes and not empty.
  void encode(std::string_view word, std::vector<int> &tokens) const;

  // The token of a piece, or -1.
  int find(const std::string &piece) const;
  int size() const { return size_; } // one more than the largest token

private:
  int id_of(const std::string &piece);

  std::unordered_map<std::string, int> vocabulary_;
  std::string end_of_word_;
  int unknown_;
  int size_ = 0;
  // Pieces have numbers here that are not their tokens: bytes may be missing from the vocabulary.
  std::vector<int> tokens_;
  std::unordered_map<std::string, int> pieces_;
  struct Merge {
    int rank;
    int piece;
  };
  std::map<std::pair<int, int>, Merge> merges_;
  std::vector<int> bytes_;      // of each byte, the piece inside a word
  std::vector<int> last_bytes_; // at its end
};

} // namespace intvit
