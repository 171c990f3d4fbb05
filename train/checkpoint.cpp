#include "train/checkpoint.hpp"

#include <stdexcept>

#include "train/weights.hpp"

namespace intvit::train {

namespace {

constexpr const char *kKind = "intvit-train checkpoint 1";

// The settings in which two flat recipes differ, one a line.
std::string differences(const nlohmann::json &stored, const nlohmann::json &wanted) {
  nlohmann::json all = stored;
  all.update(wanted);
  std::string text;
  for (const auto &[key, unused] : all.items()) {
    const nlohmann::json a = stored.value(key, nlohmann::json());
    const nlohmann::json b = wanted.value(key, nlohmann::json());
    if (a != b)
      text += "\n  " + key + ": " + a.dump() + " in the checkpoint, " + b.dump() + " now";
  }
  return text;
}

} // namespace

void write_checkpoint(const std::string &path, const Checkpoint &checkpoint, const RunProgress &progress) {
  SafetensorsWriter writer;
  writer.add_metadata("kind", kKind);
  writer.add_metadata("recipe", checkpoint.recipe.dump());
  const nlohmann::json state = {{"step", progress.step},
                                {"seconds", progress.seconds},
                                {"loss_sum", progress.loss_sum},
                                {"correct", progress.correct},
                                {"cooldown_start", progress.cooldown_start},
                                {"total_steps", progress.total_steps},
                                {"log", progress.log}};
  writer.add_metadata("progress", state.dump());
  for (const StateTensor &tensor : checkpoint.tensors)
    add_tensor(writer, "", tensor);
  check(writer.write(path));
}

RunProgress read_checkpoint(const std::string &path, const Checkpoint &checkpoint) {
  const SafetensorsFile file = open_safetensors(path);
  const auto kind = file.metadata().find("kind");
  if (kind == file.metadata().end() || kind->second != kKind)
    throw std::runtime_error(path + ": not a checkpoint of intvit-train (--resume takes checkpoint.safetensors of an "
                                    "earlier run, --init takes weights)");
  RunProgress progress;
  try {
    const auto recipe = nlohmann::json::parse(file.metadata().at("recipe"));
    const std::string different = differences(recipe, checkpoint.recipe);
    if (!different.empty())
      throw std::runtime_error(path + ": the checkpoint is of another run:" + different);
    const auto state = nlohmann::json::parse(file.metadata().at("progress"));
    progress = {state.at("step"),           state.at("seconds"),     state.at("loss_sum"), state.at("correct"),
                state.at("cooldown_start"), state.at("total_steps"), state.at("log")};
  } catch (const nlohmann::json::exception &error) {
    throw std::runtime_error(path + ": corrupt checkpoint: " + error.what());
  } catch (const std::out_of_range &) {
    throw std::runtime_error(path + ": corrupt checkpoint: its recipe or progress is missing");
  }
  for (const StateTensor &tensor : checkpoint.tensors)
    copy_tensor(file, path, "", tensor);
  return progress;
}

} // namespace intvit::train
