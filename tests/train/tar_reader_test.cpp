#include <catch2/catch.hpp>

#include "tests/support/data.hpp"
#include "tests/train/small_data.hpp"
#include "train/tar_reader.hpp"

using namespace intvit::test;
using intvit::train::TarReader;

namespace {

std::vector<NamedFile> read_all(const Bytes &archive) {
  const std::string path = temporary_file("archive.tar");
  write_file(path, archive);
  TarReader reader(path);
  std::vector<NamedFile> files;
  while (auto entry = reader.next())
    files.emplace_back(entry->name, entry->bytes);
  return files;
}

Bytes body(const std::string &text) {
  Bytes block(text.begin(), text.end());
  block.resize((text.size() + 511) / 512 * 512);
  return block;
}

Bytes join(const std::vector<Bytes> &parts) {
  Bytes all;
  for (const Bytes &part : parts)
    all.insert(all.end(), part.begin(), part.end());
  return all;
}

} // namespace

TEST_CASE("an archive gives back the files that were put in, plain or compressed") {
  const std::vector<NamedFile> files = {
      {"empty", {}}, {"a/one", {1}}, {"a/block", Bytes(512, 2)}, {"b/more", Bytes(1300, 3)}};
  CHECK(read_all(tar(files)) == files);
  CHECK(read_all(gzip(tar(files))) == files);
}

TEST_CASE("long names are put together from ustar's prefix, GNU's and pax's extra entries") {
  const std::string long_name = std::string(150, 'n') + "/x.jpg";
  const std::string record = "path=" + long_name + "\n";
  const std::string pax = std::to_string(record.size() + 4) + " " + record;
  REQUIRE(pax.size() == record.size() + 4);
  const Bytes content = body("hello");
  const Bytes end(1024, 0);

  const auto prefixed = read_all(join({tar_header("x.jpg", 5, '0', "folder/sub"), content, end}));
  CHECK(prefixed.at(0).first == "folder/sub/x.jpg");
  const auto gnu = read_all(join({tar_header("@LongLink", long_name.size() + 1, 'L'), body(long_name + '\0'),
                                  tar_header("cut", 5), content, end}));
  CHECK(gnu.at(0).first == long_name);
  const auto with_pax = read_all(join({tar_header("pax", pax.size(), 'x'), body(pax), tar_header("./cut", 5), content,
                                       tar_header("./next", 5), content, end}));
  REQUIRE(with_pax.size() == 2);
  CHECK(with_pax[0].first == long_name);
  CHECK(with_pax[1].first == "next");
  CHECK(with_pax[1].second == Bytes{'h', 'e', 'l', 'l', 'o'});
}

TEST_CASE("folders and links in an archive are passed over") {
  const auto files = read_all(join(
      {tar_header("folder/", 0, '5'), tar_header("link", 0, '2'), tar_header("file", 2), body("ab"), Bytes(1024, 0)}));
  REQUIRE(files.size() == 1);
  CHECK(files[0].first == "file");
}

TEST_CASE("a damaged archive is reported with its name and what is wrong") {
  const Bytes good = tar({{"a/one", Bytes(2000, 1)}});
  const auto failure = [](const Bytes &archive) { return message_of([&] { read_all(archive); }); };
  const std::string name = temporary_file("archive.tar") + ": ";

  CHECK(failure(Bytes(good.begin(), good.begin() + 1024)) == name + "truncated: ends inside an entry");
  CHECK(failure(Bytes(good.begin(), good.begin() + 700)) == name + "truncated: ends inside a block");
  Bytes flipped = good;
  flipped[3] ^= 1;
  CHECK(failure(flipped) == name + "not a tar archive, or corrupt: a header's checksum is wrong");
  CHECK(failure(Bytes(2048, 'x')) == name + "not a tar archive, or corrupt: a header's checksum is wrong");
  CHECK(failure(tar_header("huge", std::size_t{300} << 20)) ==
        name + "holds an entry of 314572800 bytes; 256 MiB is the most");

  // Noise, so that the compressed stream is long enough to be cut in its middle.
  Bytes noise(20000);
  std::uint32_t state = 1;
  for (auto &byte : noise)
    byte = static_cast<std::uint8_t>((state = state * 1664525 + 1013904223) >> 24);
  const Bytes compressed = gzip(tar({{"noise", noise}}));
  CHECK(failure(Bytes(compressed.begin(), compressed.begin() + 9000)) ==
        name + "truncated: the compressed data ends early");
  Bytes corrupt = compressed;
  for (std::size_t i = 8000; i < 8100; ++i)
    corrupt[i] ^= 0x5A;
  CHECK(failure(corrupt) == name + "corrupt compressed data: incorrect data check");
}

TEST_CASE("an archive that cannot be opened is reported with the system's reason") {
  const std::string path = temporary_file("no-such-archive.tar");
  CHECK(message_of([&] { TarReader reader(path); }) == path + ": cannot open: No such file or directory");
}
