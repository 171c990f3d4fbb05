// Integer models that merge tokens, made of one that does not: what its operations were calibrated for stays.
#pragma once

#include "engine/format/model_file.hpp"
#include "models/architectures/network.hpp"

namespace intvit {

// `file` is quantize()'s of this network before tokens were merged in it, with QuantizeOptions::any_token_size. Its
// golden results are those of before. Throws std::runtime_error where the numbers do not allow it.
ModelFile merged_model(const ModelFile &file, const Network &merged);

} // namespace intvit
