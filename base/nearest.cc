#include "base/nearest.h"

#include <algorithm>
#include <utility>

namespace pushpull::base {
namespace {

// Levenshtein distance.
size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replace = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replace});
    }
  }
  return row[b.size()];
}

}  // namespace

std::vector<std::string> Nearest(std::string_view typed, const std::vector<std::string>& names,
                                 size_t at_most) {
  // A name that was typed never is as long as a message; the bound keeps the table small.
  typed = typed.substr(0, 100);
  std::vector<std::pair<size_t, std::string_view>> ranked;
  for (const std::string& name : names) {
    const bool holds = !typed.empty() && name.find(typed) != std::string::npos;
    ranked.emplace_back(holds ? 0 : EditDistance(typed, name), name);
  }
  std::sort(ranked.begin(), ranked.end());
  std::vector<std::string> nearest;
  for (size_t i = 0; i < std::min(at_most, ranked.size()); ++i) {
    nearest.emplace_back(ranked[i].second);
  }
  return nearest;
}

}  // namespace pushpull::base
