// The requirement catalogue: what the RFCs ask for, a row for each thing that a test can judge.

#ifndef CONFORMANCE_REQUIREMENTS_CATALOGUE_H_
#define CONFORMANCE_REQUIREMENTS_CATALOGUE_H_

#include <map>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "base/embedded_file.h"
#include "pushpull/v1/requirement.pb.h"

namespace pushpull::conformance {

class Catalogue {
 public:
  using Rows = std::map<std::string, v1::Requirement, std::less<>>;

  // Fails on text that doesn't parse, a row without id, section, level or side, and an id that
  // stands twice.
  static absl::StatusOr<Catalogue> Parse(std::span<const base::EmbeddedFile> files);

  // The one that is built in.
  static const Catalogue& BuiltIn();

  // nullptr: there is no such row.
  const v1::Requirement* Find(std::string_view id) const;
  const Rows& rows() const { return rows_; }

 private:
  Rows rows_;
};

}  // namespace pushpull::conformance

#endif  // CONFORMANCE_REQUIREMENTS_CATALOGUE_H_
