#include "conformance/minimize/minimize.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <algorithm>
#include <memory>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "base/delta_debug.h"
#include "base/status.h"

namespace pushpull::conformance {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

// What a scenario says of itself, and nobody plays.
bool IsHead(const FieldDescriptor& field) {
  static const std::set<std::string_view> kHead = {"id",       "title", "why",  "cite",  "level",
                                                   "since",    "role",  "tag",  "alias", "version",
                                                   "epilogue", "kills", "needs"};
  return field.containing_type() == v1::Scenario::descriptor() && kHead.contains(field.name());
}

class Minimizer {
 public:
  Minimizer(const v1::Scenario& scenario,
            const std::function<absl::StatusOr<bool>(const v1::Scenario&)>& fails,
            const MinimizeOptions& options)
      : fails_(fails), options_(options) {
    found_.scenario = scenario;
  }

  absl::StatusOr<Minimized> Run() {
    PUSHPULL_RETURN_IF_ERROR(LeaveOutEpilogue());
    // What is gone may let something else go.
    for (bool smaller = true; smaller && found_.complete;) {
      const size_t before = found_.scenario.ByteSizeLong();
      PUSHPULL_RETURN_IF_ERROR(Shrink(&found_.scenario));
      smaller = found_.scenario.ByteSizeLong() != before;
    }
    return std::move(found_);
  }

 private:
  // Whether what stands in `found_` now still fails. Where it doesn't, the caller takes it back.
  absl::StatusOr<bool> Fails() {
    if (found_.complete &&
        (found_.plays >= options_.max_plays ||
         (options_.progress && !options_.progress(found_.plays, found_.scenario)))) {
      found_.complete = false;
    }
    if (!found_.complete) return false;
    ++found_.plays;
    return fails_(found_.scenario);
  }

  // Changes `message`, a part of the scenario, and keeps it if that still fails. No pointer into it
  // lives on.
  absl::StatusOr<bool> Try(Message* message, const std::function<void(Message*)>& change) {
    const std::unique_ptr<Message> before(message->New());
    before->CopyFrom(*message);
    change(message);
    PUSHPULL_ASSIGN_OR_RETURN(const bool fails, Fails());
    if (!fails) message->CopyFrom(*before);
    return fails;
  }

  absl::Status LeaveOutEpilogue() {
    const v1::Epilogue before = found_.scenario.epilogue();
    if (before == v1::NOTHING) return absl::OkStatus();
    found_.scenario.set_epilogue(v1::NOTHING);
    PUSHPULL_ASSIGN_OR_RETURN(const bool fails, Fails());
    if (!fails) found_.scenario.set_epilogue(before);
    return absl::OkStatus();
  }

  absl::Status Shrink(Message* message) {
    std::vector<const FieldDescriptor*> fields;
    message->GetReflection()->ListFields(*message, &fields);
    std::erase_if(fields, [](const FieldDescriptor* field) { return IsHead(*field); });
    // Steps before what they use: that goes once nobody does.
    std::reverse(fields.begin(), fields.end());
    for (const FieldDescriptor* field : fields) {
      PUSHPULL_RETURN_IF_ERROR(field->is_repeated() ? ShrinkList(message, field)
                                                    : ShrinkField(message, field));
    }
    return absl::OkStatus();
  }

  absl::Status ShrinkList(Message* message, const FieldDescriptor* field) {
    const Reflection* const reflection = message->GetReflection();
    const auto without = [&](size_t first, size_t count) {
      return Try(message, [&](Message* in) {
        // The ones to go are moved to the end, in order.
        const int size = reflection->FieldSize(*in, field);
        for (int i = static_cast<int>(first); i + static_cast<int>(count) < size; ++i) {
          reflection->SwapElements(in, field, i, i + static_cast<int>(count));
        }
        for (size_t i = 0; i < count; ++i) reflection->RemoveLast(in, field);
      });
    };
    const auto size = static_cast<size_t>(reflection->FieldSize(*message, field));
    PUSHPULL_ASSIGN_OR_RETURN(const size_t left, base::LeaveOut(size, without));
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) return absl::OkStatus();
    for (size_t i = 0; i < left; ++i) {
      PUSHPULL_RETURN_IF_ERROR(
          Shrink(reflection->MutableRepeatedMessage(message, field, static_cast<int>(i))));
    }
    return absl::OkStatus();
  }

  absl::Status ShrinkField(Message* message, const FieldDescriptor* field) {
    const Reflection* const reflection = message->GetReflection();
    PUSHPULL_ASSIGN_OR_RETURN(
        const bool gone, Try(message, [&](Message* in) { reflection->ClearField(in, field); }));
    if (gone) return absl::OkStatus();
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_MESSAGE:
        return Shrink(reflection->MutableMessage(message, field));
      case FieldDescriptor::CPPTYPE_STRING:
        return field->type() == FieldDescriptor::TYPE_BYTES ? ShrinkBytes(message, field)
                                                            : absl::OkStatus();
      case FieldDescriptor::CPPTYPE_UINT32:
      case FieldDescriptor::CPPTYPE_UINT64:
        return ShrinkNumber(message, field);
      default:
        return absl::OkStatus();
    }
  }

  // The largest part of it that can be left out, halves first; then what can be zero.
  absl::Status ShrinkBytes(Message* message, const FieldDescriptor* field) {
    const Reflection* const reflection = message->GetReflection();
    const auto set = [&](std::string bytes) {
      return Try(message, [&](Message* in) { reflection->SetString(in, field, std::move(bytes)); });
    };
    const auto without = [&](size_t first, size_t count) {
      std::string bytes = reflection->GetString(*message, field);
      return set(bytes.erase(first, count));
    };
    const std::string before = reflection->GetString(*message, field);
    PUSHPULL_ASSIGN_OR_RETURN(const size_t left, base::LeaveOut(before.size(), without));
    const std::string zeros(left, '\0');
    if (reflection->GetString(*message, field) == zeros) return absl::OkStatus();
    PUSHPULL_ASSIGN_OR_RETURN(const bool zero, set(zeros));
    if (zero) return absl::OkStatus();
    for (size_t i = 0; i < left; ++i) {
      std::string bytes = reflection->GetString(*message, field);
      if (bytes[i] == '\0') continue;
      bytes[i] = '\0';
      PUSHPULL_RETURN_IF_ERROR(set(bytes).status());
    }
    return absl::OkStatus();
  }

  // 0, 1, then halves, as long as it fails.
  absl::Status ShrinkNumber(Message* message, const FieldDescriptor* field) {
    const Reflection* const reflection = message->GetReflection();
    const bool wide = field->cpp_type() == FieldDescriptor::CPPTYPE_UINT64;
    const auto get = [&]() -> uint64_t {
      return wide ? reflection->GetUInt64(*message, field) : reflection->GetUInt32(*message, field);
    };
    const auto set = [&](uint64_t value) {
      return Try(message, [&](Message* in) {
        wide ? reflection->SetUInt64(in, field, value)
             : reflection->SetUInt32(in, field, static_cast<uint32_t>(value));
      });
    };
    for (const uint64_t least : {0, 1}) {
      if (get() <= least) return absl::OkStatus();
      // Without presence 0 is what was tried when it was left out.
      if (least == 0 && !field->has_presence()) continue;
      PUSHPULL_ASSIGN_OR_RETURN(const bool fails, set(least));
      if (fails) return absl::OkStatus();
    }
    for (bool fails = true; fails && get() > 3;) {
      PUSHPULL_ASSIGN_OR_RETURN(fails, set(get() / 2));
    }
    return absl::OkStatus();
  }

  const std::function<absl::StatusOr<bool>(const v1::Scenario&)>& fails_;
  const MinimizeOptions& options_;
  Minimized found_;
};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsHexDigit(char c) { return IsDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

// Each number as "#": 512, 0x1f.
std::string WithoutNumbers(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    if (!IsDigit(text[i])) {
      out += text[i++];
      continue;
    }
    const bool hex = text[i] == '0' && i + 1 < text.size() && text[i + 1] == 'x';
    for (i += hex ? 2 : 1; i < text.size() && (hex ? IsHexDigit(text[i]) : IsDigit(text[i])); ++i) {
    }
    out += '#';
  }
  return out;
}

}  // namespace

absl::StatusOr<Minimized> Minimize(
    const v1::Scenario& scenario,
    const std::function<absl::StatusOr<bool>(const v1::Scenario&)>& fails,
    const MinimizeOptions& options) {
  if (scenario.has_sweep()) {
    return absl::InvalidArgumentError("a sweep is several scenarios: name one of its rows, ID#ROW");
  }
  return Minimizer(scenario, fails, options).Run();
}

std::string CauseOf(const v1::CaseResult& result) {
  constexpr std::string_view kMonitor = "monitor: ";
  std::string_view message = result.failure().message();
  if (message.starts_with(kMonitor)) {
    message = message.substr(0, message.find(':', kMonitor.size()));
  }
  std::string cause = v1::Verdict_Name(result.verdict());
  for (const std::string& row : result.failure().cite()) cause += " " + row;
  return cause + ": " + WithoutNumbers(message);
}

}  // namespace pushpull::conformance
