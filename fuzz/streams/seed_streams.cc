// Writes streams of the generator as inputs of cdb_fuzz (which tells their form).
//
//   seed_streams COUNT FOLDER

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "conformance/model/model.h"
#include "fuzz/streams/generator.h"
#include "fuzz/streams/stream.h"

namespace {

namespace model = pushpull::conformance::model;
namespace streams = pushpull::streams;
using streams::Item;

// As cdb_fuzz takes them.
constexpr size_t kItems = 64;
constexpr size_t kLongestCdb = 32;
constexpr size_t kMostGiven = 255;
constexpr size_t kMostData = 65535;

std::optional<uint8_t> PlaceOf(uint64_t lun) {
  const uint64_t places[] = {streams::Luns()[0], streams::Luns()[0],   streams::Luns()[2],
                             streams::Luns()[1], streams::Luns()[0],   uint64_t{5} << 48,
                             streams::Luns()[3], 0xc101'0000'0000'0000};
  const auto* const found = std::find(std::begin(places), std::end(places), lun);
  if (found == std::end(places)) return std::nullopt;
  return static_cast<uint8_t>(found - std::begin(places));
}

// Nothing: an input can't say it.
std::optional<std::string> Written(const model::Command& command) {
  std::vector<uint8_t> given(command.data_out.begin(), command.data_out.end());
  while (given.size() > 1 && given.back() == given[given.size() - 2]) given.pop_back();
  const std::optional<uint8_t> place = PlaceOf(command.lun);
  const bool fits = place.has_value() && command.cdb.size() >= 6 &&
                    command.cdb.size() <= kLongestCdb && given.size() <= kMostGiven &&
                    command.data_out.size() <= kMostData && command.attribute >= 1 &&
                    command.attribute <= 4;
  if (!fits) return std::nullopt;
  std::string text;
  text += static_cast<char>(command.nexus | *place << 2 | (command.attribute - 1) << 5);
  text += static_cast<char>(command.cdb.size());
  text.append(command.cdb.begin(), command.cdb.end());
  text += static_cast<char>(command.data_out.size() >> 8);
  text += static_cast<char>(command.data_out.size() & 0xff);
  text += static_cast<char>(given.size());
  text.append(given.begin(), given.end());
  return text;
}

std::optional<std::string> Written(const Item& item) {
  switch (item.kind) {
    case Item::Kind::kCommand:
      return Written(item.command);
    case Item::Kind::kTogether:
      return std::nullopt;
    default:
      break;
  }
  const std::optional<uint8_t> place = PlaceOf(item.command.lun);
  const int what = item.kind == Item::Kind::kUnitReset ? 0xc0
                   : item.kind == Item::Kind::kSettle  ? 0xa0
                                                       : 0x80;
  if (!place.has_value()) return std::nullopt;
  return std::string(1,
                     static_cast<char>(what | *place << 2 | static_cast<int>(item.command.nexus)));
}

std::string StreamOf(uint64_t seed) {
  model::Model model(streams::Units(), streams::Ports());
  for (size_t nexus = 0; nexus < streams::Ports().size(); ++nexus) model.Open(nexus);
  streams::Generator generator(seed, &model);
  std::string text;
  for (size_t items = 0; items < kItems;) {
    const Item item = generator.Next();
    const std::optional<std::string> written = Written(item);
    if (!written.has_value()) continue;
    streams::Take(item, &model);
    text += *written;
    ++items;
  }
  return text;
}

}  // namespace

int main(int argc, char** argv) {
  const uint64_t count = argc == 3 ? std::strtoull(argv[1], nullptr, 10) : 0;
  if (count == 0) {
    std::fprintf(stderr, "usage: seed_streams COUNT FOLDER\n");
    return 2;
  }
  for (uint64_t seed = 1; seed <= count; ++seed) {
    const std::string name = "stream_" + std::to_string(seed);
    std::ofstream file(std::filesystem::path(argv[2]) / name, std::ios::binary);
    file << StreamOf(seed);
    if (!file.flush()) {
      std::fprintf(stderr, "%s: can't be written\n", argv[2]);
      return 1;
    }
  }
  return 0;
}
