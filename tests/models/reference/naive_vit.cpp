#include "tests/models/reference/naive_vit.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

namespace intvit::test {

using reference::SiteKind;

Table::Table(const MatrixView &matrix)
    : Table(static_cast<std::size_t>(matrix.rows()), static_cast<std::size_t>(matrix.cols())) {
  for (std::size_t row = 0; row < rows; ++row)
    for (std::size_t column = 0; column < columns; ++column)
      at(row, column) = static_cast<double>(matrix(static_cast<Eigen::Index>(row), static_cast<Eigen::Index>(column)));
}

Table naive_linear(const Table &x, const Table &weight, const Table &bias) {
  Table y(x.rows, weight.rows);
  for (std::size_t row = 0; row < y.rows; ++row)
    for (std::size_t column = 0; column < y.columns; ++column) {
      double sum = bias.values[column];
      for (std::size_t k = 0; k < x.columns; ++k)
        sum += x.at(row, k) * weight.at(column, k);
      y.at(row, column) = sum;
    }
  return y;
}

Table naive_normalize(const Table &x, double eps) {
  Table y = x;
  for (std::size_t row = 0; row < x.rows; ++row) {
    const auto count = static_cast<double>(x.columns);
    double mean = 0.0;
    double mean_of_squares = 0.0;
    for (std::size_t column = 0; column < x.columns; ++column) {
      mean += x.at(row, column) / count;
      mean_of_squares += x.at(row, column) * x.at(row, column) / count;
    }
    for (std::size_t column = 0; column < x.columns; ++column)
      y.at(row, column) = (x.at(row, column) - mean) / std::sqrt(mean_of_squares - mean * mean + eps);
  }
  return y;
}

Table naive_affine(const Table &x, const Table &gamma, const Table &beta) {
  Table y = x;
  for (std::size_t row = 0; row < x.rows; ++row)
    for (std::size_t column = 0; column < x.columns; ++column)
      y.at(row, column) = x.at(row, column) * gamma.values[column] + beta.values[column];
  return y;
}

Table naive_gelu(const Table &x) {
  Table y = x;
  for (double &value : y.values)
    value = value * 0.5 * std::erfc(-value / std::sqrt(2.0));
  return y;
}

Table naive_softmax(const Table &x) {
  Table y = x;
  for (std::size_t row = 0; row < x.rows; ++row)
    for (std::size_t column = 0; column < x.columns; ++column) {
      double sum = 0.0; // of e^(x_i - x_column), whose inverse is the probability
      for (std::size_t i = 0; i < x.columns; ++i)
        sum += std::exp(x.at(row, i) - x.at(row, column));
      y.at(row, column) = 1.0 / sum;
    }
  return y;
}

double distance(const Table &a, const Table &b) {
  if (a.rows != b.rows || a.columns != b.columns)
    return std::numeric_limits<double>::infinity();
  double largest = 0.0;
  for (std::size_t i = 0; i < a.values.size(); ++i) {
    const double difference = std::abs(a.values[i] - b.values[i]);
    if (!(difference <= largest)) // a NaN counts as the largest
      largest = std::isnan(difference) ? std::numeric_limits<double>::infinity() : difference;
  }
  return largest;
}

double magnitude(const Table &a) {
  double largest = 1.0;
  for (const double value : a.values)
    largest = std::max(largest, std::abs(value));
  return largest;
}

namespace {

// Columns [first, first + count) of x.
Table columns_of(const Table &x, std::size_t first, std::size_t count) {
  Table y(x.rows, count);
  for (std::size_t row = 0; row < x.rows; ++row)
    for (std::size_t column = 0; column < count; ++column)
      y.at(row, column) = x.at(row, first + column);
  return y;
}

Table sum_of(const Table &a, const Table &b) {
  Table y = a;
  for (std::size_t i = 0; i < y.values.size(); ++i)
    y.values[i] += b.values[i];
  return y;
}

class NaiveVit {
public:
  explicit NaiveVit(VitModel &model) : config_(model.config) {
    for (const NamedTensor &tensor : named_tensors(model.config, model.weights)) {
      const auto rows = static_cast<std::size_t>(tensor.shape[0]);
      Table table(rows, static_cast<std::size_t>(tensor.elements()) / rows);
      for (std::size_t i = 0; i < table.values.size(); ++i)
        table.values[i] = static_cast<double>(tensor.data[i]);
      tensors_[tensor.name] = table;
    }
  }

  Activations run(const Image &pixels) {
    Table stream = embed(pixels);
    for (int layer = 0; layer < config_.depth; ++layer)
      stream = block(layer, stream);

    record(config_.depth, SiteKind::final_input, stream);
    Table token(1, stream.columns);
    std::copy_n(stream.values.begin(), stream.columns, token.values.begin());
    token = record(config_.depth, SiteKind::final_normalized, naive_normalize(token, config_.layer_norm_eps));
    token = record(config_.depth, SiteKind::final_output, affine("norm", token));
    record(config_.depth, SiteKind::logits, linear("head", token));
    return activations_;
  }

private:
  Table linear(const std::string &name, const Table &x) const {
    return naive_linear(x, tensors_.at(name + ".weight"), tensors_.at(name + ".bias"));
  }

  Table affine(const std::string &name, const Table &x) const {
    return naive_affine(x, tensors_.at(name + ".weight"), tensors_.at(name + ".bias"));
  }

  Table record(int layer, SiteKind kind, const Table &x, int head = 0) {
    activations_[{layer, kind, head}] = x;
    return x;
  }

  // The convolution written out: for each output position and channel, over colours and the patch's pixels.
  Table embed(const Image &pixels) const {
    const auto patch = static_cast<std::size_t>(config_.patch);
    const auto width = static_cast<std::size_t>(pixels.width);
    const std::size_t grid_width = width / patch;
    const std::size_t grid_height = static_cast<std::size_t>(pixels.height) / patch;
    const Table &weight = tensors_.at("patch_embed.proj.weight");
    const Table &bias = tensors_.at("patch_embed.proj.bias");
    const Table &position = tensors_.at("position");
    const std::size_t channels = weight.rows;

    Table stream(grid_width * grid_height + 1, channels);
    for (std::size_t c = 0; c < channels; ++c) {
      stream.at(0, c) = tensors_.at("prefix").at(0, c);
      for (std::size_t token = 1; token < stream.rows; ++token) {
        const std::size_t top = (token - 1) / grid_width * patch;
        const std::size_t left = (token - 1) % grid_width * patch;
        double sum = bias.values[c];
        for (std::size_t colour = 0; colour < 3; ++colour)
          for (std::size_t y = 0; y < patch; ++y)
            for (std::size_t x = 0; x < patch; ++x) {
              const double pixel = pixels.rgb[((top + y) * width + left + x) * 3 + colour];
              sum += (pixel / 255.0 - config_.mean[colour]) / config_.std[colour] *
                     weight.at(c, (colour * patch + y) * patch + x);
            }
        stream.at(token, c) = sum + position.at(token - 1, c);
      }
    }
    return stream;
  }

  Table attention(int layer, const Table &query, const Table &key, const Table &value) {
    const auto heads = static_cast<std::size_t>(config_.heads);
    const std::size_t head_dim = query.columns / heads;
    Table output(query.rows, query.columns);
    for (std::size_t head = 0; head < heads; ++head) {
      const std::size_t first = head * head_dim;
      Table scores(query.rows, query.rows);
      for (std::size_t i = 0; i < scores.rows; ++i)
        for (std::size_t j = 0; j < scores.columns; ++j) {
          for (std::size_t c = first; c < first + head_dim; ++c)
            scores.at(i, j) += query.at(i, c) * key.at(j, c);
          scores.at(i, j) /= std::sqrt(static_cast<double>(head_dim));
        }
      record(layer, SiteKind::attention_scores, scores, static_cast<int>(head));
      const Table probabilities = naive_softmax(scores);
      record(layer, SiteKind::attention_probabilities, probabilities, static_cast<int>(head));
      for (std::size_t i = 0; i < scores.rows; ++i)
        for (std::size_t j = 0; j < scores.columns; ++j)
          for (std::size_t c = first; c < first + head_dim; ++c)
            output.at(i, c) += probabilities.at(i, j) * value.at(j, c);
    }
    return output;
  }

  Table block(int layer, const Table &input) {
    const std::string prefix = "blocks." + std::to_string(layer) + ".";
    record(layer, SiteKind::block_input, input);
    Table x = record(layer, SiteKind::norm1_normalized, naive_normalize(input, config_.layer_norm_eps));
    x = record(layer, SiteKind::norm1_output, affine(prefix + "norm1", x));
    x = linear(prefix + "attn.qkv", x);
    const Table query = record(layer, SiteKind::query, columns_of(x, 0, input.columns));
    const Table key = record(layer, SiteKind::key, columns_of(x, input.columns, input.columns));
    const Table value = record(layer, SiteKind::value, columns_of(x, 2 * input.columns, input.columns));
    x = record(layer, SiteKind::attention_output, attention(layer, query, key, value));
    const Table middle = record(layer, SiteKind::block_middle, sum_of(input, linear(prefix + "attn.proj", x)));

    x = record(layer, SiteKind::norm2_normalized, naive_normalize(middle, config_.layer_norm_eps));
    x = record(layer, SiteKind::norm2_output, affine(prefix + "norm2", x));
    x = record(layer, SiteKind::fc1_output, linear(prefix + "mlp.fc1", x));
    x = record(layer, SiteKind::gelu_output, naive_gelu(x));
    return sum_of(middle, linear(prefix + "mlp.fc2", x));
  }

  VitConfig config_;
  std::map<std::string, Table> tensors_;
  Activations activations_;
};

} // namespace

Activations naive_forward(VitModel model, const Image &pixels) {
  return NaiveVit(model).run(pixels);
}

Image random_image(int width, int height, unsigned seed) {
  Image image;
  image.width = width;
  image.height = height;
  image.rgb.resize(image.row_bytes() * static_cast<std::size_t>(height));
  std::mt19937 generator(seed);
  for (std::uint8_t &value : image.rgb)
    value = static_cast<std::uint8_t>(generator() >> 24);
  return image;
}

} // namespace intvit::test
