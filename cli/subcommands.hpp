// The one list of subcommands: main() and the fuzz target of command lines take them from here.
#pragma once

#include <array>

#include "cli/command.hpp"

namespace intvit::cli {

// Each in a file of its name.
int attention(const Arguments &arguments);
int bench(const Arguments &arguments);
int classes(const Arguments &arguments);
int classify(const Arguments &arguments);
int compare(const Arguments &arguments);
int eval(const Arguments &arguments);
int features(const Arguments &arguments);
int info(const Arguments &arguments);
int inspect(const Arguments &arguments);
int quantize(const Arguments &arguments);
int verify(const Arguments &arguments);

struct Subcommand {
  const char *name;
  const char *purpose;                // a line of the program's help
  int (*run)(const Arguments &words); // gives the exit code; may throw UsageError or std::exception
};

inline constexpr std::array subcommands{
    Subcommand{"classify", "what is on these images", classify},
    Subcommand{"attention", "where on an image a model looks, as a picture", attention},
    Subcommand{"features", "the features of images, as NumPy, JSON or CSV", features},
    Subcommand{"quantize", "make an integer model of float weights", quantize},
    Subcommand{"classes", "give other words to a model that classifies by words", classes},
    Subcommand{"eval", "accuracy of a model on labelled images", eval},
    Subcommand{"compare", "two models on the same images, layer by layer", compare},
    Subcommand{"inspect", "how the values inside a model are spread", inspect},
    Subcommand{"info", "what a model file holds", info},
    Subcommand{"verify", "check a model file and that this machine gives its golden logits", verify},
#ifdef INTVIT_BENCH
    Subcommand{"bench", "how fast a model runs, beside what this processor could do at most", bench},
#endif
};

} // namespace intvit::cli
