#include "conformance/requirements/catalogue.h"

#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/text_format.h>

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/text.h"
#include "conformance/requirements/embedded_requirements.h"

namespace pushpull::conformance {
namespace {

class FirstError : public google::protobuf::io::ErrorCollector {
 public:
  void AddError(int line, int column, const std::string& message) override {
    if (text_.empty()) text_ = absl::StrCat(line + 1, ":", column + 1, ": ", message);
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

absl::Status CheckRow(const v1::Requirement& row) {
  if (row.id().empty() || row.section().empty() || row.level().empty() ||
      row.requirement().empty() || row.side() == v1::SIDE_UNSPECIFIED ||
      row.transports() == v1::REACH_UNSPECIFIED) {
    return absl::InvalidArgumentError(absl::StrCat(
        "row \"", row.id(), "\": id, section, level, requirement, side and transports are needed"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Catalogue> Catalogue::Parse(std::span<const base::EmbeddedFile> files) {
  Catalogue catalogue;
  for (const base::EmbeddedFile& file : files) {
    v1::Catalogue parsed;
    FirstError error;
    google::protobuf::TextFormat::Parser parser;
    parser.RecordErrorsTo(&error);
    if (!parser.ParseFromString(std::string(file.contents), &parsed)) {
      return absl::InvalidArgumentError(absl::StrCat(base::ToAbsl(file.path), ":", error.text()));
    }
    for (v1::Requirement& row : *parsed.mutable_requirement()) {
      if (absl::Status status = CheckRow(row); !status.ok()) {
        return absl::InvalidArgumentError(
            absl::StrCat(base::ToAbsl(file.path), ": ", status.message()));
      }
      std::string id = row.id();
      if (!catalogue.rows_.emplace(id, std::move(row)).second) {
        return absl::InvalidArgumentError(
            absl::StrCat(base::ToAbsl(file.path), ": ", id, " stands twice"));
      }
    }
  }
  return catalogue;
}

const Catalogue& Catalogue::BuiltIn() {
  static const Catalogue* const catalogue = [] {
    absl::StatusOr<Catalogue> parsed = Parse(EmbeddedRequirements());
    CHECK(parsed.ok()) << parsed.status();
    return new Catalogue(*std::move(parsed));
  }();
  return *catalogue;
}

const v1::Requirement* Catalogue::Find(std::string_view id) const {
  const auto found = rows_.find(id);
  return found == rows_.end() ? nullptr : &found->second;
}

}  // namespace pushpull::conformance
