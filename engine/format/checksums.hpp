// The checksums of a model file: CRC-32C of every tensor and of the metadata, kept in the metadata itself.
#pragma once

#include "engine/container/safetensors.hpp"
#include "engine/status.hpp"

namespace intvit {

// Adds the entries for what `writer` holds now; call it last.
void add_checksums(SafetensorsWriter &writer);

// Errors: bad_format, naming the tensor or saying that the metadata does not match.
Status verify_checksums(const SafetensorsFile &file);

} // namespace intvit
