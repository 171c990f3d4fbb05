// Each way in which a file can be wrong, against the message that a user gets.
#include <catch2/catch.hpp>

#include "engine/container/safetensors.hpp"
#include "engine/container/safetensors_header.hpp"
#include "tests/engine/container/safetensors_bytes.hpp"

namespace intvit {
namespace {

using test::safetensors_bytes;
using test::to_bytes;

void check_bytes(std::vector<std::byte> bytes, const std::string &message, StatusCode code = StatusCode::bad_format) {
  const auto file = SafetensorsFile::parse(std::move(bytes), "m.safetensors");
  CHECK(file.status().code() == code);
  CHECK(file.status().message() == "m.safetensors: " + message);
}

// With 8 bytes of data.
void check(const std::string &header, const std::string &message, StatusCode code = StatusCode::bad_format) {
  CAPTURE(header);
  check_bytes(safetensors_bytes(header, "01234567"), message, code);
}

// A tensor "a" over the 8 bytes of data but for what its fields say.
void check_tensor(const std::string &fields, const std::string &message, StatusCode code = StatusCode::bad_format) {
  check(R"({"a":)" + fields + "}", R"(tensor "a": )" + message, code);
}

TEST_CASE("malformed safetensors: the length before the header") {
  check_bytes({}, "the file is empty");
  check_bytes(to_bytes("1234567"), "not a safetensors file: 7 bytes are too few");
  check_bytes(std::vector<std::byte>(8), "header is not a JSON object");
  std::vector<std::byte> file = safetensors_bytes("{}", "");
  file[0] = std::byte{3};
  check_bytes(
      file, "truncated or not a safetensors file: its header would be longer than the 2 bytes that follow its length");
  file.assign(20, std::byte{0xFF});
  check_bytes(file, "truncated or not a safetensors file: its header would be longer than the 12 bytes "
                    "that follow its length");
  const std::string longest = "{}" + std::string(max_safetensors_header_size - 2, ' ');
  CHECK(SafetensorsFile::parse(safetensors_bytes(longest, ""), "m").ok());
  check_bytes(safetensors_bytes(longest + " ", ""), "header of 67108865 bytes exceeds the limit of 67108864");
}

TEST_CASE("malformed safetensors: up to so many entries") {
  const auto header = [](std::size_t tensors, std::size_t metadata) {
    std::string text = "{";
    for (std::size_t i = 0; i < tensors; ++i)
      text += "\"" + std::to_string(i) + R"(":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},)";
    text += R"("__metadata__":{)";
    for (std::size_t i = 0; i < metadata; ++i)
      text += (i == 0 ? "\"" : ",\"") + std::to_string(i) + R"(":"")";
    return text + "}}";
  };
  constexpr std::size_t half = max_safetensors_entries / 2;
  CHECK(SafetensorsFile::parse(safetensors_bytes(header(half, half - 1), ""), "m").ok()); // __metadata__ is one more
  check_bytes(safetensors_bytes(header(half, half), ""), "header has more than 262144 entries");
  check_bytes(safetensors_bytes(header(max_safetensors_entries + 1, 0), ""), "header has more than 262144 entries");
}

TEST_CASE("malformed safetensors: the header is not JSON text") {
  check("not JSON", "header is not a JSON object");
  check("", "header is not a JSON object");
  check("[]", "header is not a JSON object");
  check("null", "header is not a JSON object");
  check(" {}", "header is not a JSON object"); // the format wants the brace first
  check("\xEF\xBB\xBF{}", "header is not a JSON object");
  check("{", "header is not valid JSON at its byte 2");
  check(R"({"a")", "header is not valid JSON at its byte 5");
  check(R"({"a" 1})", "header is not valid JSON at its byte 6");
  check("{}{}", "header is not valid JSON at its byte 3");
  check("{} x", "header is not valid JSON at its byte 4");
  check("{/**/}", "header is not valid JSON at its byte 2");
  check(R"({"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]},})", "header is not valid JSON at its byte 54");
  check(R"({"a":{"dtype":"U8","shape":[08],"data_offsets":[0,8]}})", "header is not valid JSON at its byte 30");
  check(R"({"a":{"dtype":"U8","shape":[NaN],"data_offsets":[0,8]}})", "header is not valid JSON at its byte 29");
  check(R"({"a":{"dtype":"U8","shape":[1e999],"data_offsets":[0,8]}})", "header is not valid JSON at its byte 33");
  check("{\"a\nb\":1}", "header is not valid JSON at its byte 4");
  check(R"({"\ud800":1})", "header is not valid JSON at its byte 9");
  check("{\"caf\xE9\":1}", "header is not UTF-8 text at its byte 6");
  check("{}\xFF", "header is not UTF-8 text at its byte 3");
  check(std::string("{}\0{}", 5), "header is not valid JSON at its byte 3");
}

TEST_CASE("malformed safetensors: deep nesting ends where the format's levels end") {
  const std::string brackets(1000000, '[');
  std::string braces;
  for (int i = 0; i < 100000; ++i)
    braces += R"({"a":)";
  check(brackets, "header is not a JSON object");
  check(braces, R"(tensor "a": field "a" is unknown)");
  check(R"({"a":)" + brackets, R"(tensor "a": is not an object)");
  check(R"({"__metadata__":)" + brackets, "__metadata__ is not an object of strings");
  check(R"({"__metadata__":)" + braces, "__metadata__ is not an object of strings");
  check(R"({"a":{"dtype":)" + brackets, R"(tensor "a": dtype is not a string)");
  check(R"({"a":{"shape":)" + brackets, R"(tensor "a": shape is not a list of integers from 0 to 2^63 - 1)");
  check(R"({"a":{"shape":[)" + braces, R"(tensor "a": shape is not a list of integers from 0 to 2^63 - 1)");
  check(R"({"a":{"data_offsets":[)" + brackets,
        R"(tensor "a": data_offsets is not a list of two integers from 0 to 2^64 - 1)");
}

TEST_CASE("malformed safetensors: metadata") {
  const std::string message = "__metadata__ is not an object of strings";
  check(R"({"__metadata__":null})", message);
  check(R"({"__metadata__":"text"})", message);
  check(R"({"__metadata__":[]})", message);
  check(R"({"__metadata__":{"a":1}})", message);
  check(R"({"__metadata__":{"a":-1}})", message);
  check(R"({"__metadata__":{"a":1.5}})", message);
  check(R"({"__metadata__":{"a":true}})", message);
  check(R"({"__metadata__":{"a":null}})", message);
  check(R"({"__metadata__":{"a":{}}})", message);
  check(R"({"__metadata__":{"a":"1","b":"2","a":"3"}})", R"(metadata "a" appears twice)");
  check(R"({"__metadata__":{},"__metadata__":{}})", "__metadata__ appears twice");
}

TEST_CASE("malformed safetensors: a tensor's fields") {
  check_tensor("1", "is not an object");
  check_tensor("-1", "is not an object");
  check_tensor("null", "is not an object");
  check_tensor(R"("text")", "is not an object");
  check_tensor("[]", "is not an object");
  check_tensor("{}", "dtype is missing");
  check_tensor(R"({"shape":[8],"data_offsets":[0,8]})", "dtype is missing");
  check_tensor(R"({"dtype":"U8","data_offsets":[0,8]})", "shape is missing");
  check_tensor(R"({"dtype":"U8","shape":[8]})", "data_offsets is missing");
  check_tensor(R"({"dtype":"U8","shape":[8],"data_offsets":[0,8],"more":1})", R"(field "more" is unknown)");
  check_tensor(R"({"dtype":"U8","shape":[8],"dtype":"U8","data_offsets":[0,8]})", "dtype appears twice");
  check_tensor(R"({"dtype":"U8","shape":[8],"shape":[8],"data_offsets":[0,8]})", "shape appears twice");
  check_tensor(R"({"dtype":"U8","shape":[8],"data_offsets":[0,8],"data_offsets":[0,8]})", "data_offsets appears twice");
  const std::string good = R"({"dtype":"U8","shape":[8],"data_offsets":[0,8]})";
  check(R"({"a":)" + good + R"(,"a":)" + good + "}", R"(tensor "a": appears twice)");
  check(R"({"a":)" + good + R"(,"\u0061":)" + good + "}", R"(tensor "a": appears twice)");
}

TEST_CASE("malformed safetensors: dtype") {
  const std::string rest = R"(,"shape":[8],"data_offsets":[0,8]})";
  check_tensor(R"({"dtype":8)" + rest, "dtype is not a string");
  check_tensor(R"({"dtype":null)" + rest, "dtype is not a string");
  check_tensor(R"({"dtype":{})" + rest, "dtype is not a string");
  check_tensor(R"({"dtype":"F8_E4M3")" + rest, R"(dtype "F8_E4M3" is unknown)", StatusCode::unsupported);
  check_tensor(R"({"dtype":"u8")" + rest, R"(dtype "u8" is unknown)", StatusCode::unsupported);
  check_tensor(R"({"dtype":"")" + rest, R"(dtype "" is unknown)", StatusCode::unsupported);
  check_tensor(R"({"dtype":"\u001b[2J")" + rest, R"(dtype "\x1b[2J" is unknown)", StatusCode::unsupported);
}

TEST_CASE("malformed safetensors: shape") {
  const auto check_shape = [](const std::string &shape, const std::string &message,
                              StatusCode code = StatusCode::bad_format) {
    check_tensor(R"({"dtype":"U8","shape":)" + shape + R"(,"data_offsets":[0,8]})", message, code);
  };
  const std::string message = "shape is not a list of integers from 0 to 2^63 - 1";
  for (const std::string shape :
       {"8", "null", "\"8\"", "{}", "[-8]", "[-0]", "[8.0]", "[8e0]", "[\"8\"]", "[null]", "[true]", "[[8]]", "[{}]",
        "[9223372036854775808]", "[18446744073709551616]", "[123456789012345678901234567890]"})
    check_shape(shape, message);
  check_shape("[8,1,1,1,1,1,1,1,1]", "shape has more than 8 dimensions", StatusCode::unsupported);
  check_shape("[9]", "holds 8 bytes, its shape and dtype need 9");
  check_shape("[7]", "holds 8 bytes, its shape and dtype need 7");
  check_shape("[]", "holds 8 bytes, its shape and dtype need 1");
  check_shape("[0]", "holds 8 bytes, its shape and dtype need 0");
  check_shape("[9223372036854775807]", "holds 8 bytes, its shape and dtype need 9223372036854775807");
  const std::string overflow = "shape is too large: its size in bytes overflows 64 bits";
  check_shape("[9223372036854775807,2]", overflow);
  check_shape("[4294967296,4294967296]", overflow);       // 2^64: 0 in 64 bits
  check_shape("[274177,67280421310721,1]", overflow);     // 2^64 + 1: 1 in 64 bits
  check_shape("[2147483648,2147483648,2,2,2]", overflow); // 2^65
  check_shape("[0,9223372036854775807,3]", overflow);
  check_tensor(R"({"dtype":"F64","shape":[2305843009213693953],"data_offsets":[0,8]})", overflow); // 2^64 + 8 bytes
  check_tensor(R"({"dtype":"I16","shape":[8],"data_offsets":[0,8]})", "holds 8 bytes, its shape and dtype need 16");
}

TEST_CASE("malformed safetensors: data_offsets") {
  const auto check_offsets = [](const std::string &offsets, const std::string &message) {
    check_tensor(R"({"dtype":"U8","shape":[8],"data_offsets":)" + offsets + "}", message);
  };
  const std::string message = "data_offsets is not a list of two integers from 0 to 2^64 - 1";
  for (const std::string offsets : {"8", "null", "{}", "\"\"", "[]", "[0]", "[0,8,8]", "[0,8.0]", "[-1,7]", "[0,\"8\"]",
                                    "[0,null]", "[[0,8]]", "[0,18446744073709551616]"})
    check_offsets(offsets, message);
  check_offsets("[8,0]", "data_offsets [8, 0) end before they begin");
  check_offsets("[18446744073709551608,0]", "data_offsets [18446744073709551608, 0) end before they begin");
  check_offsets("[0,9]", "data_offsets [0, 9) lie outside the file's 8 bytes of data");
  check_offsets("[9,17]", "data_offsets [9, 17) lie outside the file's 8 bytes of data");
  check_offsets("[18446744073709551607,18446744073709551615]",
                "data_offsets [18446744073709551607, 18446744073709551615) lie outside the file's 8 bytes of data");
  check_offsets("[0,7]", "holds 7 bytes, its shape and dtype need 8");
}

TEST_CASE("malformed safetensors: tensors must cover the data once") {
  const auto tensor = [](const std::string &name, const std::string &shape, const std::string &offsets) {
    return '"' + name + R"(":{"dtype":"U8","shape":[)" + shape + R"(],"data_offsets":[)" + offsets + "]}";
  };
  const auto check_two = [&](const std::string &first, const std::string &second, const std::string &message) {
    check("{" + first + "," + second + "}", message);
    check("{" + second + "," + first + "}", message); // the order in the header does not matter
  };
  check_two(tensor("a", "5", "0,5"), tensor("b", "4", "4,8"), R"(tensor "b": overlaps tensor "a")");
  check_two(tensor("a", "8", "0,8"), tensor("b", "8", "0,8"), R"(tensor "b": overlaps tensor "a")");
  check_two(tensor("a", "8", "0,8"), tensor("b", "2", "3,5"), R"(tensor "b": overlaps tensor "a")");
  check_two(tensor("a", "8", "0,8"), tensor("b", "0", "3,3"), R"(tensor "b": overlaps tensor "a")");
  check_two(tensor("a", "3", "0,3"), tensor("b", "4", "4,8"),
            R"(tensor "b": the data before it, [3, 4), belongs to no tensor)");
  check_two(tensor("a", "3", "1,4"), tensor("b", "4", "4,8"),
            R"(tensor "a": the data before it, [0, 1), belongs to no tensor)");
  check_two(tensor("a", "3", "0,3"), tensor("b", "4", "3,7"), "1 trailing bytes belong to no tensor");
  check("{}", "8 trailing bytes belong to no tensor");
  check(R"({"__metadata__":{}})", "8 trailing bytes belong to no tensor");
}

} // namespace
} // namespace intvit
