// Writes the machine's tables into documents.
//
//   bazel run //target/rx:write_tables -- $PWD/docs/DESIGN.md $PWD/target/rx/README.md

#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>

#include "target/rx/tables.h"

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    std::ifstream in(argv[i]);
    std::stringstream text;
    text << in.rdbuf();
    if (!in) {
      std::fprintf(stderr, "%s: can't be read\n", argv[i]);
      return 1;
    }
    std::ofstream out(argv[i]);
    out << pushpull::target::WithTables(text.str());
    if (!out.flush()) {
      std::fprintf(stderr, "%s: can't be written\n", argv[i]);
      return 1;
    }
  }
  return 0;
}
