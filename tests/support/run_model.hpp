// Loads model files and runs them, for tests in which that succeeds: what fails is std::runtime_error with the engine's
// message, which fails the test.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/runtime/session.hpp"
#include "kernels/dispatch.hpp"

namespace intvit::test {

ModelFile parse_model(std::vector<std::byte> file);
std::shared_ptr<const Model> load_model(const ModelFile &file,
                                        const kernels::KernelTable &kernels = kernels::default_kernels());
Session start_session(const std::shared_ptr<const Model> &model, const SessionOptions &options = {.threads = 1});

// One run over these images, all of the model's size: the logits of all of them.
std::vector<std::int32_t> run_logits(Session &session, std::span<const Image> images);

// Of one image, by a session of one thread.
std::vector<std::int32_t> logits_of(const ModelFile &file, const Image &image,
                                    const kernels::KernelTable &kernels = kernels::default_kernels());

// The image that a file's golden logits belong to.
Image golden_image(const ModelFile &file);

} // namespace intvit::test
