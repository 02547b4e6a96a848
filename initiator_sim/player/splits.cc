#include "initiator_sim/player/splits.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/text.h"

namespace pushpull::initiator_sim {
namespace {

using base::ToAbsl;

constexpr size_t kMaxCuts = 4096;

std::optional<uint64_t> ParseNumber(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

absl::Status Bad(std::string_view text, std::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrCat("splits \"", ToAbsl(text), "\": ", ToAbsl(why),
                   "; there are none, bytes, mss:N, fields and random:SEED:N"));
}

// Takes what stands before the next ":" from the front of `rest`.
std::string_view TakeWord(std::string_view* rest) {
  const size_t colon = std::min(rest->find(':'), rest->size());
  const std::string_view word = rest->substr(0, colon);
  rest->remove_prefix(std::min(colon + 1, rest->size()));
  return word;
}

}  // namespace

absl::StatusOr<SplitSchedule> SplitSchedule::Parse(std::string_view text) {
  SplitSchedule schedule;
  std::string_view rest = text;
  const std::string_view name = TakeWord(&rest);
  const bool has_arguments = name.size() < text.size();
  if (name == "none" || name == "bytes" || name == "fields") {
    if (has_arguments) return Bad(text, absl::StrCat(ToAbsl(name), " takes no number"));
    schedule.kind_ = name == "none" ? Kind::kNone : name == "bytes" ? Kind::kBytes : Kind::kFields;
    return schedule;
  }
  if (name == "mss") {
    const std::optional<uint64_t> size = ParseNumber(rest);
    if (!size || *size == 0) return Bad(text, "mss needs a number of bytes above 0 (mss:1448)");
    schedule.kind_ = Kind::kMss;
    schedule.size_ = *size;
    return schedule;
  }
  if (name == "random") {
    const std::optional<uint64_t> seed = ParseNumber(TakeWord(&rest));
    const std::optional<uint64_t> cuts = ParseNumber(rest);
    if (!seed || !cuts || *cuts == 0 || *cuts > kMaxCuts) {
      return Bad(text, absl::StrCat("random needs a seed and a number of cuts from 1 to ", kMaxCuts,
                                    " (random:7:3)"));
    }
    schedule.kind_ = Kind::kRandom;
    schedule.size_ = *cuts;
    schedule.seed_ = *seed;
    schedule.random_ = base::Random(*seed);
    return schedule;
  }
  return Bad(text, absl::StrCat("\"", ToAbsl(name), "\" is no schedule"));
}

std::vector<size_t> SplitSchedule::CutsOf(const PduLayout& layout) {
  std::set<size_t> cuts;
  const auto add = [&](size_t at) {
    if (at > 0 && at < layout.end) cuts.insert(at);
  };
  switch (kind_) {
    case Kind::kNone:
      break;
    case Kind::kBytes:
      for (size_t at = 1; at < layout.end; ++at) add(at);
      break;
    case Kind::kMss:
      for (size_t at = size_; at < layout.end; at += size_) add(at);
      break;
    case Kind::kFields:
      for (const size_t border : {layout.ahs, layout.header_digest, layout.data, layout.pad,
                                  layout.data_digest, layout.end}) {
        add(border - 1);
        add(border);
        add(border + 1);
      }
      add(1);
      break;
    case Kind::kRandom:
      if (layout.end > 1) {
        for (size_t i = 0; i < size_; ++i) add(random_.Between(1, layout.end - 1));
      }
      break;
  }
  return {cuts.begin(), cuts.end()};
}

std::string SplitSchedule::ToString() const {
  switch (kind_) {
    case Kind::kNone:
      return "none";
    case Kind::kBytes:
      return "bytes";
    case Kind::kMss:
      return absl::StrCat("mss:", size_);
    case Kind::kFields:
      return "fields";
    case Kind::kRandom:
      return absl::StrCat("random:", seed_, ":", size_);
  }
  return "none";
}

}  // namespace pushpull::initiator_sim
