#include "tests/engine/graph/bind_messages.hpp"

#include <catch2/catch.hpp>

namespace intvit::test {

ModelParts tiny_parts() {
  static const ModelParts parts(tiny_model({.residual = ResidualFormat::ptf8}));
  return parts;
}

ModelParts tiny_parts_int16() {
  static const ModelParts parts(tiny_model({.residual = ResidualFormat::int16}));
  return parts;
}

std::string bind_message(const ModelParts &parts) {
  const Result<ModelFile> file = ModelFile::parse(parts.file(), "m");
  INFO(file.status().message());
  REQUIRE(file.ok());
  const Result<Program> program = file->bind();
  if (program.ok())
    return "";
  CHECK(program.status().code() == StatusCode::bad_format);
  const std::string &message = program.status().message();
  REQUIRE(message.rfind("m: ", 0) == 0);
  return message.substr(3);
}

} // namespace intvit::test
