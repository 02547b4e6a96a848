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

// Each suite (area) with how many cases it has, rows of sweeps counted.
std::string ListSuites(const std::vector<conformance::Case>& cases, std::string_view format);

// Each row for targets with the cases that cite it; what none cites is a gap. `only_cited`: the
// cases are some of those that there are, and what none of them cites says nothing.
std::string ListRequirements(const std::vector<conformance::Case>& cases, bool only_cited,
                             const conformance::Catalogue& catalogue, std::string_view format);

}  // namespace pushpull::tools

#endif  // TOOLS_PUSHPULL_LIST_H_
