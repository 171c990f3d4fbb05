#include "engine/ops/patches.hpp"

#include <algorithm>

namespace intvit {

std::vector<std::string_view> Patches::features() const {
  if (partial)
    return {"patches.partial"};
  return {};
}

void Patches::describe(Fields &fields) {
  fields.integer("patch", patch, 1, 4096);
  if (fields.has("partial", partial))
    fields.boolean("partial", partial);
}

Binding Patches::bind(NodeBinder &binder, std::span<const ValueInfo> inputs) const {
  const ValueInfo &image = inputs[0];
  const int width = image.columns / 3;
  if (image.type != ElementType::uint8)
    binder.fail("cuts up something that is not the image");
  else if (image.rows < patch || width < patch || (!partial && (image.rows % patch != 0 || width % patch != 0)))
    binder.fail("an image of " + std::to_string(width) + "x" + std::to_string(image.rows) +
                " pixels is not a whole number of patches of " + std::to_string(patch));
  auto bound = std::make_unique<BoundPatches>();
  bound->patch = patch;
  return {std::move(bound), {ElementType::int8, (image.rows / patch) * (width / patch), patch * patch * 3}};
}

void BoundPatches::run(const Step &step) const {
  const int count = step.output_info().rows;
  const kernels::Range share = step.team.share(step.batch() * count);
  for (int image = share.begin / count; image * count < share.end; ++image) {
    const auto index = static_cast<std::size_t>(image);
    const kernels::PatchesArgs args{.rgb = step.images[index],
                                    .width = step.input_info().columns / 3,
                                    .patch = patch,
                                    .output = reinterpret_cast<std::int8_t *>(step.output.image(index))};
    step.kernels.patches(args, {std::max(share.begin - image * count, 0), std::min(share.end - image * count, count)});
  }
}

} // namespace intvit
