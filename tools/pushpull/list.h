// The texts of `pushpull list`, as "text", "json" or "md".

#ifndef TOOLS_PUSHPULL_LIST_H_
#define TOOLS_PUSHPULL_LIST_H_

#include <string>
#include <string_view>
#include <vector>

#include "conformance/requirements/catalogue.h"
#include "conformance/runner/suite.h"

namespace pushpull::tools {

std::string ListCases(const std::vector<conformance::Case>& cases, std::string_view format);

// Each row for targets with the cases that cite it; what none cites is a gap.
std::string ListRequirements(const std::vector<conformance::Case>& cases,
                             const conformance::Catalogue& catalogue, std::string_view format);

}  // namespace pushpull::tools

#endif  // TOOLS_PUSHPULL_LIST_H_
