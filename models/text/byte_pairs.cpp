#include "models/text/byte_pairs.hpp"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <queue>
#include <stdexcept>
#include <tuple>

#include "engine/container/utf8.hpp"
#include "models/text/unicode.hpp"

namespace intvit {

namespace {

// GPT-2 writes bytes as characters that can be seen: those of Latin-1 that can are themselves, the others follow from
// U+0100 on.
std::string visible(int byte) {
  const auto is_visible = [](int b) { return (b >= 0x21 && b <= 0x7E) || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE; };
  int hidden = 0;
  for (int b = 0; b < byte; ++b)
    hidden += is_visible(b) ? 0 : 1;
  std::string text;
  unicode::append_utf8(static_cast<char32_t>(is_visible(byte) ? byte : 0x100 + hidden), text);
  return text;
}

} // namespace

BytePairs::BytePairs(std::unordered_map<std::string, int> vocabulary,
                     const std::vector<std::pair<std::string, std::string>> &merges, std::string end_of_word,
                     int unknown)
    : vocabulary_(std::move(vocabulary)), end_of_word_(std::move(end_of_word)), unknown_(unknown) {
  for (const auto &[piece, token] : vocabulary_)
    size_ = std::max(size_, token + 1);
  for (int byte = 0; byte < 256; ++byte) {
    bytes_.push_back(id_of(visible(byte)));
    last_bytes_.push_back(id_of(visible(byte) + end_of_word_));
  }
  int rank = 0;
  for (const auto &[first, second] : merges) {
    if (!vocabulary_.contains(first + second))
      throw std::runtime_error("the vocabulary lacks " + quoted_for_message(first + second) + ", which merge " +
                               std::to_string(rank + 1) + " gives");
    merges_.emplace(std::pair(id_of(first), id_of(second)), Merge{rank, id_of(first + second)});
    ++rank;
  }
}

int BytePairs::id_of(const std::string &piece) {
  const auto [found, is_new] = pieces_.emplace(piece, static_cast<int>(pieces_.size()));
  if (is_new)
    tokens_.push_back(find(piece));
  return found->second;
}

int BytePairs::find(const std::string &piece) const {
  const auto found = vocabulary_.find(piece);
  return found == vocabulary_.end() ? -1 : found->second;
}

// The pairs of a word wait in a queue, by rank and then by place. One that has been joined with another meanwhile is
// recognized by its pieces, which have changed.
void BytePairs::encode(std::string_view word, std::vector<int> &tokens) const {
  struct Symbol {
    int piece;
    int before;
    int after;
  };
  const int count = static_cast<int>(word.size());
  std::vector<Symbol> symbols;
  for (int i = 0; i < count; ++i) {
    const auto byte = static_cast<std::uint8_t>(word[static_cast<std::size_t>(i)]);
    const bool last = i + 1 == count;
    symbols.push_back({(last ? last_bytes_ : bytes_)[byte], i - 1, last ? -1 : i + 1});
  }
  const auto at = [&](int place) -> Symbol & { return symbols[static_cast<std::size_t>(place)]; };
  using Waiting = std::tuple<int, int, int, int>; // rank, place, first piece, second piece
  std::priority_queue<Waiting, std::vector<Waiting>, std::greater<>> queue;
  const auto consider = [&](int place) {
    if (place < 0 || at(place).after < 0)
      return;
    const std::pair pair(at(place).piece, at(at(place).after).piece);
    if (const auto found = merges_.find(pair); found != merges_.end())
      queue.emplace(found->second.rank, place, pair.first, pair.second);
  };
  for (int i = 0; i + 1 < count; ++i)
    consider(i);
  while (!queue.empty()) {
    const auto [rank, place, first, second] = queue.top();
    queue.pop();
    Symbol &left = at(place);
    if (left.piece != first || left.after < 0 || at(left.after).piece != second)
      continue;
    Symbol &right = at(left.after);
    left.piece = merges_.at({first, second}).piece;
    right.piece = -1; // is no more
    left.after = right.after;
    if (left.after >= 0)
      at(left.after).before = place;
    consider(place);
    consider(left.before);
  }
  for (int place = 0; place >= 0; place = at(place).after) {
    const int token = tokens_[static_cast<std::size_t>(at(place).piece)];
    tokens.push_back(token >= 0 ? token : unknown_);
  }
}

} // namespace intvit
