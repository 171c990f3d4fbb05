// SigLIP's tokenizer: lower case without ASCII's punctuation, then a sentencepiece model (spiece.model).
#include <cstdint>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/container/file_io.hpp"
#include "models/program/paths.hpp"
#include "models/text/tokenizer.hpp"
#include "models/text/unicode.hpp"

#ifdef INTVIT_SENTENCEPIECE
#include <sentencepiece_processor.h>
#endif

namespace intvit {

namespace {

namespace fs = std::filesystem;

#ifdef INTVIT_SENTENCEPIECE

// One space between words and none around them.
std::string canonical_text(std::string_view text) {
  std::u32string result;
  for (const char32_t c : unicode::lower_words(unicode::characters(text))) {
    const bool punctuation =
        (c >= U'!' && c <= U'/') || (c >= U':' && c <= U'@') || (c >= U'[' && c <= U'`') || (c >= U'{' && c <= U'~');
    // Python's \s, which has four separators besides White_Space.
    const bool space = unicode::is_space(c) || (c >= 0x1C && c <= 0x1F);
    if (!punctuation && (!space || (!result.empty() && result.back() != U' ')))
      result += space ? U' ' : c;
  }
  if (!result.empty() && result.back() == U' ')
    result.pop_back();
  return unicode::utf8(result);
}

class SiglipTokenizer : public Tokenizer {
public:
  explicit SiglipTokenizer(const std::string &path) {
    constexpr std::int64_t max_size = std::int64_t{64} << 20;
    const Result<std::vector<std::byte>> bytes = read_file(path, max_size); // as sentencepiece's own reader does not
    if (!bytes.ok())
      throw std::runtime_error(bytes.status().message());
    const std::string_view model(reinterpret_cast<const char *>(bytes->data()), bytes->size());
    if (const auto status = processor_.LoadFromSerializedProto(model); !status.ok())
      throw std::runtime_error(path + ": is no sentencepiece model that can be read");
    end_ = processor_.PieceToId("</s>");
    if (processor_.IsUnknown(end_))
      throw std::runtime_error(path + ": has no piece </s>: it is not SigLIP's");
  }

  Tokens encode(std::string_view text, int limit) const override {
    Tokens tokens;
    const std::string canonical = canonical_text(text);
    if (!canonical.empty() && !processor_.Encode(canonical, &tokens.ids).ok())
      throw std::runtime_error("sentencepiece cannot read a text");
    const auto most = static_cast<std::size_t>(limit);
    if (tokens.ids.size() > most - 1) {
      tokens.ids.resize(most - 1);
      tokens.truncated = true;
    }
    tokens.ids.resize(most, end_); // ends the text and fills what is left
    return tokens;
  }

  int vocabulary() const override { return processor_.GetPieceSize(); }
  int end_token() const override { return end_; }

private:
  sentencepiece::SentencePieceProcessor processor_;
  int end_ = 0;
};

#endif

} // namespace

std::vector<std::string> siglip_tokenizer_files(const std::string &folder) {
  std::string path = path_name(file_path(folder) / "spiece.model");
  if (std::error_code ignored; !fs::exists(file_path(path), ignored))
    throw std::runtime_error(folder +
                             ": holds no spiece.model, SigLIP's tokenizer, which alone can be followed (SigLIP "
                             "2 has another); make the embeddings elsewhere and give them with "
                             "--text-features");
  return {std::move(path)};
}

std::unique_ptr<Tokenizer> load_siglip_tokenizer(const std::string &folder) {
  const std::string path = siglip_tokenizer_files(folder).front();
#ifdef INTVIT_SENTENCEPIECE
  return std::make_unique<SiglipTokenizer>(path);
#else
  throw std::runtime_error(path + ": this program was built without sentencepiece, which reads it (Debian: "
                                  "libsentencepiece-dev); make the embeddings elsewhere and give them with "
                                  "--text-features");
#endif
}

} // namespace intvit
