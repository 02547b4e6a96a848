#include "target/rx/tables.h"

#include <sstream>
#include <string_view>
#include <utility>

#include "target/rx/chunk.h"
#include "target/rx/transport_traits.h"

namespace pushpull::target {
namespace {

std::string Value(const TransportTraits& traits, const TraitRow& row) {
  if (const auto* flag = std::get_if<0>(&row.member)) return traits.*(*flag) ? "yes" : "no";
  return std::to_string(traits.*std::get<1>(row.member));
}

}  // namespace

std::string StatesTable() {
  std::ostringstream out;
  out << "| state | chunk | bytes | when | section |\n|---|---|---|---|---|\n";
  for (const RxStateRow& row : kRxStateRows) {
    out << "| " << row.state << " | " << row.chunk << " | " << row.size << " | " << row.when
        << " | " << row.section << " |\n";
  }
  return out.str();
}

std::string StatesDiagram() {
  std::string top, middle, bottom;
  const auto box = [&](std::string_view name, std::string_view arrow) {
    const std::string line(name.size() + 2, '-');
    const std::string gap(arrow.size(), ' ');
    top.append(gap).append("+").append(line).append("+");
    middle.append(arrow).append("| ").append(name).append(" |");
    bottom.append(gap).append("+").append(line).append("+");
  };
  std::string_view arrow = "-->";
  for (const RxStateRow& row : kRxStateRows) {
    if (row.state == RxState::kFailed) break;
    if (row.state == RxState::kData) arrow = "--Place()-->";
    box(RxStateName(row.state), arrow);
    arrow = "-->";
  }
  std::ostringstream out;
  out << "```\n"
      << top << "\n"
      << middle << "\n"
      << bottom << "\n"
      << "   any state --> " << RxState::kFailed << " (absorbing)\n```\n";
  return out.str();
}

std::string TraitsTable() {
  std::ostringstream out;
  out << "| trait | tcp | iser | section |\n|---|---|---|---|\n";
  for (const TraitRow& row : kTraitRows) {
    out << "| `" << row.trait << "` | " << Value(kTcpTraits, row) << " | "
        << Value(kIserTraits, row) << " | " << row.section << " |\n";
  }
  return out.str();
}

std::string WithTables(std::string document) {
  const std::pair<std::string, std::string> tables[] = {
      {"rx-states", StatesTable()},
      {"rx-diagram", StatesDiagram()},
      {"rx-traits", TraitsTable()},
  };
  for (const auto& [name, table] : tables) {
    const std::string begin = "<!-- " + name + " -->\n";
    const size_t from = document.find(begin);
    const size_t to = document.find("<!-- /" + name + " -->");
    if (from == document.npos || to == document.npos || to < from) continue;
    document.replace(from + begin.size(), to - from - begin.size(), table);
  }
  return document;
}

}  // namespace pushpull::target
