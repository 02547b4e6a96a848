#include "initiator_sim/player/data_part.h"

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/numbers.h"
#include "base/text.h"

namespace pushpull::initiator_sim {
namespace {

struct Part {
  uint32_t offset = 0;
  uint32_t length = 0;
  bool number = true;
};

bool ParseCount(std::string_view text, uint32_t* count) {
  const bool digits = text.find_first_not_of("0123456789") == std::string_view::npos;
  return digits && absl::SimpleAtoi(base::ToAbsl(text), count);
}

std::optional<Part> ParsePart(std::string_view text) {
  const size_t dot = text.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const std::string_view kind = text.substr(0, dot);
  const std::string_view rest = text.substr(dot + 1);
  Part part;
  if (kind == "bytes") {
    const size_t second = rest.find('.');
    const bool parsed = second != std::string_view::npos &&
                        ParseCount(rest.substr(0, second), &part.offset) &&
                        ParseCount(rest.substr(second + 1), &part.length);
    part.number = false;
    return parsed ? std::optional(part) : std::nullopt;
  }
  if (kind == "be8") part.length = 1;
  if (kind == "be16") part.length = 2;
  if (kind == "be32") part.length = 4;
  if (kind == "be64") part.length = 8;
  if (part.length == 0 || !ParseCount(rest, &part.offset)) return std::nullopt;
  return part;
}

}  // namespace

bool IsDataPart(std::string_view part) { return ParsePart(part).has_value(); }

std::optional<FieldValue> DataPart(std::string_view data, std::string_view part) {
  const std::optional<Part> parsed = ParsePart(part);
  if (!parsed || uint64_t{parsed->offset} + parsed->length > data.size()) return std::nullopt;
  const std::string_view bytes = data.substr(parsed->offset, parsed->length);
  if (!parsed->number) return std::string(bytes);
  uint64_t number = 0;
  for (const char byte : bytes) number = number << 8 | static_cast<uint8_t>(byte);
  return number;
}

}  // namespace pushpull::initiator_sim
