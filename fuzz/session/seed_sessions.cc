// Writes the cases of the built-in suites as inputs of session_fuzz or iser_session_fuzz: what is
// done in them, without what is judged.
//
//   seed_sessions tcp|iser FOLDER

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <string_view>

#include "conformance/runner/preconditions.h"
#include "conformance/runner/suite.h"
#include "fuzz/mutator/scenario_mutator.h"

namespace {

namespace conformance = pushpull::conformance;
namespace fuzz = pushpull::fuzz;

int Usage() {
  std::fprintf(stderr, "usage: seed_sessions tcp|iser FOLDER\n");
  return 2;
}

std::string FileOf(std::string id) {
  for (char& c : id) {
    if (c == '/' || c == '#' || c == '.') c = '_';
  }
  return id + ".textproto";
}

// Long strings in pieces, as text format may have them: lines of at most 100 columns.
std::string Folded(const std::string& text) {
  constexpr size_t kPiece = 64;
  std::string folded;
  size_t column = 0;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (quoted && column >= kPiece && text[i] != '"') {
      folded += "\"\n\"";
      column = 0;
    }
    // An escape is a backslash and a character, or three octal digits.
    const bool escape = quoted && text[i] == '\\' && i + 1 < text.size();
    const bool octal = escape && text[i + 1] >= '0' && text[i + 1] <= '7';
    const size_t length = octal ? 4 : escape ? 2 : 1;
    if (text[i] == '"') quoted = !quoted;
    folded += text.substr(i, length);
    column = text[i] == '\n' ? 0 : column + length;
    i += length - 1;
  }
  return folded;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return Usage();
  const std::string_view kind = argv[1];
  if (kind != "tcp" && kind != "iser") return Usage();
  const fuzz::MutatorOptions options{.iser = kind == "iser"};
  const auto files = conformance::BuiltInSuites();
  const auto cases = files.ok() ? conformance::Expand(*files) : files.status();
  if (!cases.ok()) {
    std::fprintf(stderr, "%s\n", std::string(cases.status().message()).c_str());
    return 1;
  }
  std::set<std::string> written;  // sweeps' rows are often the same once nothing is judged
  for (const conformance::Case& c : *cases) {
    if (!conformance::IsOfTransport(c.scenario(), options.iser)) continue;
    const std::string text = Folded(fuzz::ToText(fuzz::SeedOf(options, c.scenario())));
    if (!written.insert(text).second) continue;
    std::ofstream file(std::filesystem::path(argv[2]) / FileOf(c.id()), std::ios::binary);
    file << text;
    if (!file.flush()) {
      std::fprintf(stderr, "%s: can't be written\n", argv[2]);
      return 1;
    }
  }
  std::fprintf(stdout, "%zu seeds\n", written.size());
  return 0;
}
