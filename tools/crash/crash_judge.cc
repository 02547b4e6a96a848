// Holds what a power failure left of a LUN against the log that crash_client wrote.
//
//   crash_judge LOG IMAGE
//
// Prints one line. Exit status 0: all is as it was promised, or may be; 1: it isn't.

#include <cstdint>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "tools/crash/ledger.h"

namespace pushpull::tools {
namespace {

int Judge(const char* log_path, const char* image_path) {
  std::ifstream image(image_path, std::ios::binary | std::ios::ate);
  std::ifstream log(log_path);
  if (!image || !log) {
    std::cerr << "crash_judge: " << (image ? log_path : image_path) << " can't be read\n";
    return 2;
  }
  const auto blocks = static_cast<uint64_t>(image.tellg()) / Ledger::kBlockBytes;
  Ledger ledger(blocks);
  size_t events = 0;
  for (std::string line; std::getline(log, line);) {
    if (log.eof()) break;  // cut within a line
    if (!ledger.Apply(line)) {
      std::cout << "not a ledger's words: " << line << "\n";
      return 2;
    }
    ++events;
  }
  image.seekg(0);
  std::vector<char> block(Ledger::kBlockBytes);
  size_t wrong = 0;
  size_t kept = 0;
  for (uint64_t lba = 0; lba < blocks && image.read(block.data(), Ledger::kBlockBytes); ++lba) {
    const base::Bytes bytes(reinterpret_cast<const uint8_t*>(block.data()), block.size());
    const std::string why = ledger.Judge(lba, bytes);
    if (!why.empty() && wrong++ < 5) std::cout << why << "; ";
    if (bytes[0] != 0 || bytes[3] != 0) ++kept;
  }
  std::cout << wrong << " blocks are wrong of " << blocks << "; " << kept << " hold data; "
            << ledger.writes() << " writes, " << events << " events\n";
  return wrong == 0 ? 0 : 1;
}

}  // namespace
}  // namespace pushpull::tools

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: crash_judge LOG IMAGE\n";
    return 2;
  }
  return pushpull::tools::Judge(argv[1], argv[2]);
}
