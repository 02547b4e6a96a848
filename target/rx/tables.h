// The machine's tables as documents show them: drawn from the code, put between markers.

#ifndef TARGET_RX_TABLES_H_
#define TARGET_RX_TABLES_H_

#include <string>

namespace pushpull::target {

std::string StatesTable();    // <!-- rx-states -->: kRxStateRows
std::string StatesDiagram();  // <!-- rx-diagram -->: the same, and where Place() decides
std::string TraitsTable();    // <!-- rx-traits -->: kTraitRows

// `document` with what the code says between the markers that it has, "<!-- NAME -->" and
// "<!-- /NAME -->" on lines of their own. What has no markers stays out.
std::string WithTables(std::string document);

}  // namespace pushpull::target

#endif  // TARGET_RX_TABLES_H_
