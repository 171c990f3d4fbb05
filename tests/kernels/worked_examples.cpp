// The worked examples of docs/numerics.md. Their numbers are read from the page, computed again from the formulas that
// the page states, and given to kernels/reference: neither the page nor the kernels can change alone.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <map>
#include <numbers>
#include <numeric>
#include <sstream>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "kernels/kernel_table.hpp"
#include "kernels/reciprocal.hpp"
#include "kernels/reference/reference.hpp"
#include "tests/kernels/aligned_bytes.hpp"
#include "tests/kernels/constants.hpp"
#include "tests/kernels/exact.hpp"
#include "tests/support/data.hpp"

using namespace intvit::kernels;
using namespace intvit::test;

namespace {

using Reals = std::vector<double>;
using Integers = std::vector<std::int64_t>;

// The lines "    name = number number ..." below one heading of the page. Other lines explain and are passed over.
class Example {
public:
  explicit Example(const std::string &heading) {
    std::ifstream page(source_file("../docs/numerics.md"));
    REQUIRE(page);
    bool inside = false;
    for (std::string line; std::getline(page, line);) {
      if (line.starts_with("#"))
        inside = line == "### " + heading;
      else if (inside && line.starts_with("    "))
        read(line);
    }
    REQUIRE_FALSE(lines_.empty());
  }

  // Every line of the example must have been asked for: a number that nothing checks would look checked.
  ~Example() {
    for (const auto &[name, line] : lines_) {
      UNSCOPED_INFO("not checked: " << name);
      CHECK(line.used);
    }
  }

  const Reals &reals(const std::string &name) {
    UNSCOPED_INFO("line " << name);
    REQUIRE(lines_.contains(name));
    lines_[name].used = true;
    return lines_[name].values;
  }
  double real(const std::string &name) { return reals(name).at(0); }

  Integers integers(const std::string &name) {
    const Reals &values = reals(name);
    return Integers(values.begin(), values.end()); // below 2^53, so that double holds them
  }
  std::int64_t integer(const std::string &name) { return integers(name).at(0); }

  template <typename Code> std::vector<Code> codes(const std::string &name) {
    const Integers values = integers(name);
    return std::vector<Code>(values.begin(), values.end());
  }

  // The page rounds real numbers to the digits that it shows.
  void check(const std::string &name, const Reals &values) {
    const Reals &shown = reals(name);
    REQUIRE(shown.size() == values.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
      INFO(name << ": " << shown[i] << " shown, " << values[i] << " computed");
      CHECK(std::abs(shown[i] - values[i]) <= 0.5001 * lines_[name].last_place);
    }
  }
  template <typename Code> void check(const std::string &name, const std::vector<Code> &values) {
    INFO(name);
    CHECK(integers(name) == Integers(values.begin(), values.end()));
  }

private:
  struct Line {
    Reals values;
    double last_place = 1;
    bool used = false;
  };

  void read(const std::string &text) {
    const auto equals = text.find(" = ");
    if (equals == std::string::npos)
      return;
    Line line;
    std::istringstream words(text.substr(equals + 3));
    for (std::string word; words >> word;) {
      if (word.find_first_not_of("-.0123456789") != std::string::npos)
        return; // a formula
      line.values.push_back(std::stod(word));
      if (const auto dot = word.find('.'); dot != std::string::npos)
        line.last_place = std::min(line.last_place, std::pow(10.0, -static_cast<double>(word.size() - dot - 1)));
    }
    std::string name = text.substr(4, equals - 4);
    name.erase(name.find_last_not_of(' ') + 1);
    INFO(name << " stands twice");
    REQUIRE(lines_.emplace(name, line).second);
  }

  std::map<std::string, Line> lines_;
};

template <typename A, typename B> double dot(const std::vector<A> &a, const std::vector<B> &b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

double round_up(double value) { // ties upward, the page's only rounding
  return std::floor(value + 0.5);
}

// function(0), function(1) ... function(count - 1).
Reals each(std::size_t count, const auto &function) {
  Reals result;
  for (std::size_t i = 0; i < count; ++i)
    result.push_back(function(i));
  return result;
}

} // namespace

TEST_CASE("docs/numerics.md: the worked example of a linear map") {
  Example example("A linear map");
  const Reals x = example.reals("x");
  const Reals rows[] = {example.reals("W0"), example.reals("W1")};
  const Reals bias = example.reals("b");
  const double input_scale = example.real("input scale");
  const double input_zero = example.real("input zero");
  const double output_scale = example.real("output scale");
  const double output_zero = example.real("output zero");

  const auto input = example.codes<std::int8_t>("input codes");
  std::vector<std::int8_t> weights;
  Reals scales;
  Reals sums;
  Reals accumulators;
  for (int n = 0; n < 2; ++n) {
    scales.push_back(std::abs(*std::ranges::max_element(rows[n], {}, [](double w) { return std::abs(w); })) / 127);
    const auto row = example.codes<std::int8_t>("weights of output " + std::to_string(n));
    for (std::size_t k = 0; k < x.size(); ++k) {
      CHECK(input[k] == round_up(x[k] / input_scale) + input_zero);
      CHECK(row[k] == round_up(rows[n][k] / scales.back()));
    }
    sums.push_back(std::accumulate(row.begin(), row.end(), 0.0));
    accumulators.push_back(dot(row, input));
    weights.insert(weights.end(), row.begin(), row.end());
  }
  example.check("weight scales", scales);
  example.check("sums of weights", sums);
  example.check("accumulators", accumulators);

  const Reals factors = each(bias.size(), [&](std::size_t n) { return scales[n] * input_scale / output_scale; });
  const Reals addends = each(bias.size(), [&](std::size_t n) {
    return bias[n] / output_scale + output_zero - factors[n] * input_zero * sums[n];
  });
  example.check("factors", factors);
  example.check("addends", addends);
  const Constants constants = constants_for(factors, addends);
  CHECK(constants.shift == example.integer("shift"));
  example.check("multipliers", constants.multiplier);
  example.check("offsets", constants.offset);

  const LinearKernel &kernel = reference_kernels().linear;
  const WeightsView view{.format = WeightFormat::int8, .out_features = 2, .in_features = 3, .int8 = weights.data()};
  const PackedFormat &format = kernel.formats[view.format];
  AlignedBytes packed(format.packed_bytes(view));
  format.pack(view, constants.view(), packed.data());
  std::vector<std::int8_t> output(2);
  LinearArgs args;
  args.input = input.data();
  args.input_stride = 3;
  args.packed = packed.data();
  args.in_features = 3;
  args.out_features = 2;
  args.shift = constants.shift;
  args.output = output.data();
  args.output_stride = 2;
  kernel.run(args, {0, 1}, {0, 2});
  example.check("output codes", output);
  example.check("before rounding",
                each(bias.size(), [&](std::size_t n) { return factors[n] * accumulators[n] + addends[n]; }));
  example.check("output values",
                each(bias.size(), [&](std::size_t n) { return output_scale * (output[n] - output_zero); }));
  example.check("float result", each(bias.size(), [&](std::size_t n) { return dot(rows[n], x) + bias[n]; }));
}

TEST_CASE("docs/numerics.md: the worked example of PTF LayerNorm") {
  Example example("A row of PTF LayerNorm");
  const auto codes = example.codes<std::int8_t>("stream codes");
  const auto zero_points = example.codes<std::int8_t>("stream zero points");
  const auto alpha = example.codes<std::uint8_t>("alpha");
  const double base = 0.001;
  const double eps = 1e-6;

  const Reals x = example.reals("x");
  CHECK(x == each(x.size(), [&](std::size_t c) { return (codes[c] - zero_points[c]) * std::ldexp(1, alpha[c]); }));
  const double sum = std::accumulate(x.begin(), x.end(), 0.0);
  const double squares = dot(x, x);
  const double epsilon = round_up(16 * eps / (base * base));
  example.check("S", Reals{sum});
  example.check("Q", Reals{squares});
  example.check("E", Reals{epsilon});
  const std::int64_t variance = example.integer("V");
  CHECK(static_cast<double>(variance) == 4 * squares - sum * sum + epsilon);

  const std::int64_t left = example.integer("left");
  const std::int64_t brought = variance << left;
  CHECK(left % 2 == 0);
  CHECK((brought >= std::int64_t{1} << 60 && brought < std::int64_t{1} << 62));
  const std::int64_t root = example.integer("root");
  CHECK(root == static_cast<std::int64_t>(floor_sqrt(brought)));
  const Reciprocal by = reciprocal_sqrt(static_cast<std::uint64_t>(variance));
  CHECK(by.factor == example.integer("factor"));
  CHECK(by.factor == (std::int64_t{1} << 60) / root);
  CHECK(by.shift == example.integer("reciprocal shift"));
  CHECK(by.shift == 44 - left / 2);
  const Integers differences = example.integers("4 x - S");
  Integers normalized;
  for (std::size_t c = 0; c < 4; ++c) {
    CHECK(static_cast<double>(differences[c]) == 4 * x[c] - sum);
    normalized.push_back(quotient(static_cast<std::int32_t>(differences[c]), by));
  }
  example.check("n", normalized);

  const Reals gamma = example.reals("gamma");
  const Reals beta = example.reals("beta");
  const double scale = example.real("norm scale");
  const double zero = example.real("norm zero");
  const Constants constants = constants_for(each(x.size(), [&](std::size_t c) { return gamma[c] / scale / 65536; }),
                                            each(x.size(), [&](std::size_t c) { return beta[c] / scale + zero; }));
  CHECK(constants.shift == example.integer("norm shift"));
  example.check("norm multipliers", constants.multiplier);
  example.check("norm offsets", constants.offset);

  std::vector<std::int8_t> output(4);
  LayerNormArgs args;
  args.input = {codes.data(), ElementType::int8, 4};
  args.channels = 4;
  args.alpha = alpha.data();
  args.zero_point = zero_points.data();
  args.epsilon = static_cast<std::int64_t>(epsilon);
  args.requantization = constants.view();
  args.output = output.data();
  reference_kernels().layer_norm(args, {0, 1});
  example.check("norm codes", output);
  example.check("norm values", each(x.size(), [&](std::size_t c) { return scale * (output[c] - zero); }));

  const double mean = base * sum / 4;
  const double deviation = std::sqrt(base * base * squares / 4 - mean * mean + eps);
  example.check("float norm",
                each(x.size(), [&](std::size_t c) { return (base * x[c] - mean) / deviation * gamma[c] + beta[c]; }));
}

TEST_CASE("docs/numerics.md: the worked example of log_int_softmax") {
  Example example("A row of log_int_softmax");
  const Reals query = example.reals("query");
  const Reals keys[] = {example.reals("keys 0"), example.reals("keys 1")};
  const Reals values[] = {example.reals("values 0"), example.reals("values 1")};
  const Reals scores = example.reals("scores");
  const double unit = 0.0125;
  CHECK(scores == each(scores.size(), [&](std::size_t j) { return query[0] * keys[0][j] + query[1] * keys[1][j]; }));

  const auto score_multiplier = static_cast<std::int32_t>(example.integer("score multiplier"));
  const auto score_shift = static_cast<int>(example.integer("score shift"));
  CHECK(score_multiplier == std::lround(std::ldexp(unit * 16 / std::numbers::ln2, score_shift)));
  const ExpTable exp = build_exp_table({.units_per_octave = 16, .linear = 62, .constant = 1487, .octaves = 16});
  Integers below;
  Integers distances;
  Integers exps;
  for (const double score : scores) {
    below.push_back(static_cast<std::int64_t>(scores[0] - score));
    const auto multiplier = static_cast<std::uint32_t>(score_multiplier);
    distances.push_back(distance_code(static_cast<std::uint32_t>(below.back()), multiplier, score_shift));
    exps.push_back(exp[static_cast<std::size_t>(distances.back())]);
  }
  example.check("below the largest", below);
  example.check("distances", distances);
  example.check("exp", exps);
  const auto sum = static_cast<std::uint32_t>(example.integer("Z"));
  CHECK(sum == std::accumulate(exps.begin(), exps.end(), std::int64_t{0}));
  Integers ratios;
  Integers log_codes;
  for (const std::int64_t e : exps) {
    ratios.push_back(static_cast<std::int64_t>(round_div(sum, e)));
    log_codes.push_back(log_int_softmax_code(sum, static_cast<std::uint32_t>(e)));
  }
  example.check("ratios", ratios);
  example.check("codes", log_codes);

  std::vector<std::int8_t> qkv; // [4 tokens, 3, head of 2]; tokens but the first have no query
  for (std::size_t j = 0; j < 4; ++j)
    for (const double code :
         {j == 0 ? query[0] : 0, j == 0 ? query[1] : 0, keys[0][j], keys[1][j], values[0][j], values[1][j]})
      qkv.push_back(static_cast<std::int8_t>(code));
  const AttentionKernel &kernel = reference_kernels().attention;
  AlignedBytes scratch(kernel.scratch_bytes(4, 2));
  const Constants constants = constants_for({1.0 / 65536, 1.0 / 65536}, {0, 0});
  std::vector<std::int8_t> output(8);
  AttentionArgs args;
  args.qkv = qkv.data();
  args.tokens = 4;
  args.heads = 1;
  args.head_dim = 2;
  args.score_multiplier = &score_multiplier;
  args.score_shift = score_shift;
  args.exp = &exp;
  args.requantization = constants.view();
  args.output = output.data();
  args.scratch = scratch.data();

  std::vector<std::int32_t> weights(4);
  const std::uint32_t divisor = reference::attention_weights(args, 0, 0, weights.data());
  example.check("weights", weights);
  CHECK(divisor == example.integer("D"));
  example.check("weights / D",
                each(scores.size(), [&](std::size_t j) { return weights[j] / static_cast<double>(divisor); }));
  const Reals sums = {dot(weights, values[0]), dot(weights, values[1])};
  example.check("A", sums);
  example.check("quotients", each(sums.size(), [&](std::size_t d) {
                  return quotient(static_cast<std::int32_t>(sums[d]), reciprocal(divisor));
                }));
  kernel.run(args, 0, {0, 1});
  output.resize(2);
  example.check("attention", output);

  args.softmax = Softmax::int16;
  args.int16_weight_shift = int16_weight_shift(exp, 4);
  reference::attention_weights(args, 0, 0, weights.data());
  example.check("int16 weights", weights);
  kernel.run(args, 0, {0, 1});
  example.check("int16 attention", output);

  Reals softmax = each(scores.size(), [&](std::size_t j) { return std::exp(unit * scores[j]); });
  const double softmax_sum = std::accumulate(softmax.begin(), softmax.end(), 0.0);
  for (double &probability : softmax)
    probability /= softmax_sum;
  example.check("float softmax", softmax);
  example.check("float attention", Reals{dot(softmax, values[0]), dot(softmax, values[1])});
}
