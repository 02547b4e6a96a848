#include "target/store/lun_spec.h"

#include <sys/stat.h>

#include <charconv>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "base/text.h"
#include "target/store/computed_store.h"
#include "target/store/file_store.h"
#include "target/store/ram_store.h"
#include "target/store/slow_store.h"

namespace pushpull::target {
namespace {

using base::ToAbsl;

constexpr std::string_view kForms =
    "ram:SIZE, file:PATH[,direct][,ro], slow:MILLISECONDS,SPEC, null:SIZE, pattern:SIZE";

// An hour: more is a slip of the pen.
constexpr uint64_t kMaxDelayMs = 3'600'000;

// The end of the byte addresses that the system's interfaces can say.
constexpr uint64_t kMaxSizeBytes = INT64_MAX;

template <typename... Parts>
absl::Status Bad(std::string_view text, const Parts&... parts) {
  return absl::InvalidArgumentError(absl::StrCat(parts..., " in LUN '", ToAbsl(text), "'"));
}

// A whole number without a sign.
std::optional<uint64_t> ParseNumber(std::string_view digits) {
  uint64_t number = 0;
  const char* end = digits.data() + digits.size();
  const auto [last, error] = std::from_chars(digits.data(), end, number);
  if (digits.empty() || error != std::errc() || last != end) return std::nullopt;
  return number;
}

std::optional<int> ShiftOf(char unit) {
  switch (unit) {
    case 'K':
    case 'k':
      return 10;
    case 'M':
    case 'm':
      return 20;
    case 'G':
    case 'g':
      return 30;
    case 'T':
    case 't':
      return 40;
    default:
      return std::nullopt;
  }
}

absl::StatusOr<uint64_t> ParseSize(std::string_view size, std::string_view text,
                                   uint32_t block_size) {
  std::string_view digits = size;
  int shift = 0;
  if (const auto unit = size.empty() ? std::nullopt : ShiftOf(size.back())) {
    shift = *unit;
    digits.remove_suffix(1);
  }
  bool only_digits = !digits.empty();
  for (const char c : digits) only_digits = only_digits && c >= '0' && c <= '9';
  if (!only_digits) {
    return absl::InvalidArgumentError(
        absl::StrCat("bad size '", ToAbsl(size), "' in LUN '", ToAbsl(text),
                     "': use a number with an optional K, M, G or T"));
  }
  const std::optional<uint64_t> number = ParseNumber(digits);
  if (!number.has_value() || *number > kMaxSizeBytes >> shift) {
    return Bad(text, "size '", ToAbsl(size), "' is above 8 EiB");
  }
  const uint64_t bytes = *number << shift;
  if (bytes == 0) return Bad(text, "size 0");
  if (bytes % block_size != 0) {
    return Bad(text, "size '", ToAbsl(size), "' is no multiple of the block size ", block_size);
  }
  return bytes;
}

bool ConsumePrefix(std::string_view* text, std::string_view prefix) {
  if (text->substr(0, prefix.size()) != prefix) return false;
  text->remove_prefix(prefix.size());
  return true;
}

bool ConsumeSuffix(std::string_view* text, std::string_view suffix) {
  if (text->size() < suffix.size()) return false;
  if (text->substr(text->size() - suffix.size()) != suffix) return false;
  text->remove_suffix(suffix.size());
  return true;
}

// PATH[,direct][,ro], the options in any order. Other commas are the path's.
absl::Status ParseFile(std::string_view rest, std::string_view text, LunSpec* spec) {
  spec->kind = LunSpec::Kind::kFile;
  while (true) {
    if (ConsumeSuffix(&rest, ",direct")) {
      spec->direct = true;
    } else if (ConsumeSuffix(&rest, ",ro")) {
      spec->read_only = true;
    } else {
      break;
    }
  }
  if (rest.empty()) return Bad(text, "no path (file:PATH[,direct][,ro])");
  spec->path = std::string(rest);
  return absl::OkStatus();
}

// A comma may be a name's own. Where there is no such file, it was more likely an option's.
absl::Status WithoutOption(const absl::Status& missing, const std::string& path) {
  const size_t slash = path.rfind('/');
  const size_t comma = path.find(',', slash == std::string::npos ? 0 : slash);
  if (!absl::IsNotFound(missing) || comma == std::string::npos) return missing;
  std::string_view options = std::string_view(path).substr(comma);
  // What is an option stands elsewhere than at the end.
  while (ConsumePrefix(&options, ",direct,") || ConsumePrefix(&options, ",ro,")) {
    options = std::string_view(path).substr(path.size() - options.size() - 1);
  }
  const std::string known = "',direct', and ',ro' for reading only";
  struct stat status;
  if (stat(path.substr(0, comma).c_str(), &status) == 0) {
    return absl::InvalidArgumentError(absl::StrCat("file '", path.substr(0, comma),
                                                   "' has no option '", ToAbsl(options),
                                                   "': there are ", known));
  }
  return absl::NotFoundError(absl::StrCat(missing.message(), " ('", ToAbsl(options),
                                          "' is taken for a part of its name: options are ", known,
                                          ")"));
}

// MILLISECONDS, and what stands behind the comma.
absl::StatusOr<std::string_view> ParseDelay(std::string_view rest, std::string_view text,
                                            LunSpec* spec) {
  const size_t comma = rest.find(',');
  if (comma == std::string_view::npos) {
    return Bad(text, "no store to slow down (slow:MILLISECONDS,SPEC)");
  }
  const std::string_view digits = rest.substr(0, comma);
  const std::optional<uint64_t> delay_ms = ParseNumber(digits);
  if (!delay_ms.has_value() || *delay_ms > kMaxDelayMs) {
    return Bad(text, "bad delay '", ToAbsl(digits), "' (milliseconds, at most ", kMaxDelayMs, ")");
  }
  spec->delays.push_back(absl::Milliseconds(static_cast<int64_t>(*delay_ms)));
  return rest.substr(comma + 1);
}

}  // namespace

absl::StatusOr<LunSpec> ParseLunSpec(std::string_view text, uint32_t block_size) {
  LunSpec spec;
  std::string_view rest = text;
  while (ConsumePrefix(&rest, "slow:")) {
    PUSHPULL_ASSIGN_OR_RETURN(rest, ParseDelay(rest, text, &spec));
  }
  if (ConsumePrefix(&rest, "file:")) {
    PUSHPULL_RETURN_IF_ERROR(ParseFile(rest, text, &spec));
    return spec;
  }
  if (ConsumePrefix(&rest, "ram:")) {
    spec.kind = LunSpec::Kind::kRam;
  } else if (ConsumePrefix(&rest, "null:")) {
    spec.kind = LunSpec::Kind::kNull;
  } else if (ConsumePrefix(&rest, "pattern:")) {
    spec.kind = LunSpec::Kind::kPattern;
  } else {
    return absl::InvalidArgumentError(absl::StrCat("unknown kind of store '", ToAbsl(rest),
                                                   "' in LUN '", ToAbsl(text), "': use one of ",
                                                   ToAbsl(kForms)));
  }
  PUSHPULL_ASSIGN_OR_RETURN(spec.size_bytes, ParseSize(rest, text, block_size));
  return spec;
}

absl::StatusOr<std::unique_ptr<Store>> MakeStore(const LunSpec& spec, uint32_t block_size) {
  std::unique_ptr<Store> store;
  switch (spec.kind) {
    case LunSpec::Kind::kRam: {
      PUSHPULL_ASSIGN_OR_RETURN(store, RamStore::Create(spec.size_bytes));
      break;
    }
    case LunSpec::Kind::kFile: {
      FileStoreOptions options;
      options.path = spec.path;
      options.direct = spec.direct;
      options.read_only = spec.read_only;
      options.block_size = block_size;
      absl::StatusOr<std::unique_ptr<FileStore>> file = FileStore::Open(options);
      if (!file.ok()) return WithoutOption(file.status(), spec.path);
      store = *std::move(file);
      break;
    }
    case LunSpec::Kind::kNull:
      store = std::make_unique<NullStore>(spec.size_bytes);
      break;
    case LunSpec::Kind::kPattern:
      store = std::make_unique<PatternStore>(spec.size_bytes);
      break;
  }
  // The innermost delay stands last.
  for (size_t i = spec.delays.size(); i-- > 0;) {
    store = std::make_unique<SlowStore>(spec.delays[i], std::move(store));
  }
  return store;
}

}  // namespace pushpull::target
