// Prints what the float reference makes of texts, for comparisons with other implementations:
//   float_texts [--tokens] FOLDER
// The texts are lines of JSON on standard input, strings. A line of JSON for each: its tokens and, unless they alone
// are asked for, its features; before them a line with the scale of scores.
#include <exception>
#include <iostream>
#include <string>

#include <nlohmann/json.hpp>

#include "models/import/text_tower.hpp"
#include "models/reference/text_features.hpp"

int main(int argc, char **argv) {
  try {
    const bool tokens_alone = argc > 2 && std::string(argv[1]) == "--tokens";
    const std::string folder = argc > 1 ? argv[argc - 1] : "";
    const intvit::TextModel model = intvit::load_text_model(folder);
    std::cout << nlohmann::json({{"scale", model.scale.scale}, {"bias", model.scale.bias}}).dump() << "\n";
    for (std::string line; std::getline(std::cin, line);) {
      const auto text = nlohmann::json::parse(line).get<std::string>();
      const intvit::Tokens tokens = model.tokenizer->encode(text, model.tower.config.positions);
      nlohmann::json result = {{"tokens", tokens.ids}, {"truncated", tokens.truncated}};
      if (!tokens_alone) {
        const intvit::RowVector features = intvit::reference::text_features(model.tower, tokens.ids);
        result["features"] = std::vector<float>(features.data(), features.data() + features.size());
      }
      std::cout << result.dump() << "\n";
    }
    return 0;
  } catch (const std::exception &error) {
    std::cerr << "float_texts: " << error.what() << "\n";
    return 1;
  }
}
