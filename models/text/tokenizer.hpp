// From a text to the tokens that a text tower reads.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace intvit {

struct Tokens {
  std::vector<int> ids;
  bool truncated = false; // the text had more
};

// Texts are UTF-8. Pure and re-entrant.
class Tokenizer {
public:
  virtual ~Tokenizer() = default;

  // At most `limit` tokens, those at the beginning and at the end that do not stand for text included.
  virtual Tokens encode(std::string_view text, int limit) const = 0;

  // One more than the largest token.
  virtual int vocabulary() const = 0;

  // The token that ends a text.
  virtual int end_token() const = 0;
};

// The tokenizer that lies in a folder of transformers. Throws std::runtime_error that begins with the folder or the
// file at fault: there is none, it is malformed, or it is another model's than those whose text towers can be read.
std::unique_ptr<Tokenizer> load_clip_tokenizer(const std::string &folder);
// SigLIP's, which fills up to the limit. Needs the library sentencepiece; without it, it throws.
std::unique_ptr<Tokenizer> load_siglip_tokenizer(const std::string &folder);

// The files that they read. Throw std::runtime_error where these are not there.
std::vector<std::string> clip_tokenizer_files(const std::string &folder);
std::vector<std::string> siglip_tokenizer_files(const std::string &folder);

} // namespace intvit
