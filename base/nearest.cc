#include "base/nearest.h"

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

#include "absl/strings/ascii.h"

namespace pushpull::base {
namespace {

// What mistakes weigh. People abbreviate ("tgt") and leave letters out more than they add some.
constexpr size_t kMissing = 2;
constexpr size_t kSwapped = 3;
constexpr size_t kOther = 4;  // a letter too many, or another one
constexpr size_t kFirst = 1;  // the first letter is seldom wrong

constexpr size_t kMaxTyped = 100;

// Of two lower-case words: the least weight of mistakes that make `typed` of `name`. Optimal string
// alignment.
size_t Distance(std::string_view typed, std::string_view name) {
  std::array<std::vector<size_t>, 3> rows;  // of i - 2, i - 1 and i letters that were typed
  for (auto& row : rows) row.resize(name.size() + 1);
  for (size_t j = 0; j <= name.size(); ++j) rows[2][j] = j * kMissing;
  for (size_t i = 1; i <= typed.size(); ++i) {
    std::rotate(rows.begin(), rows.begin() + 1, rows.end());
    rows[2][0] = i * kOther;
    for (size_t j = 1; j <= name.size(); ++j) {
      const bool same = typed[i - 1] == name[j - 1];
      size_t best = rows[1][j - 1] + (same ? 0 : kOther);
      best = std::min({best, rows[1][j] + kOther, rows[2][j - 1] + kMissing});
      if (i > 1 && j > 1 && !same && typed[i - 1] == name[j - 2] && typed[i - 2] == name[j - 1]) {
        best = std::min(best, rows[0][j - 2] + kSwapped);
      }
      rows[2][j] = best;
    }
  }
  const bool begins = !typed.empty() && !name.empty() && typed[0] == name[0];
  return rows[2][name.size()] + (begins ? 0 : kFirst);
}

}  // namespace

std::vector<std::string> Nearest(std::string_view typed, const std::vector<std::string>& names,
                                 size_t at_most) {
  // A name that was typed never is as long as a message; the bound keeps the table small.
  std::string word(typed.substr(0, kMaxTyped));
  absl::AsciiStrToLower(&word);
  std::vector<std::tuple<size_t, size_t, std::string_view>> ranked;
  for (const std::string& name : names) {
    const std::string lower = absl::AsciiStrToLower(name);
    // One letter stands in many names.
    const bool holds = word.size() > 1 && lower.find(word) != std::string::npos;
    ranked.emplace_back(holds ? 0 : Distance(word, lower), name.size(), name);
  }
  std::sort(ranked.begin(), ranked.end());
  std::vector<std::string> nearest;
  for (size_t i = 0; i < std::min(at_most, ranked.size()); ++i) {
    nearest.emplace_back(std::get<2>(ranked[i]));
  }
  return nearest;
}

}  // namespace pushpull::base
