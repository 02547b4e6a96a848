// Private data of the RDMA connection manager, of any length: taken without harm, by the first four
// bytes alone, and what was taken is written so that it is taken the same.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/check.h"
#include "target/iser/private_data.h"

namespace pushpull::target {
namespace {

void Check(base::Bytes bytes) {
  const IserPrivateData data = ParseIserPrivateData(bytes);
  if (bytes.size() < kIserPrivateDataBytes) CHECK(!data.present);
  if (!data.present) CHECK(!data.zero_based_addresses && !data.send_with_invalidate);
  const auto again = BuildIserPrivateData(data);
  if (data.present) CHECK(ParseIserPrivateData(again) == data);
  // What the connection manager adds says nothing, but that zeros alone may be all its own.
  if (!data.present) return;
  std::vector<uint8_t> longer(bytes.begin(), bytes.end());
  longer.resize(longer.size() + 52);
  const bool zeros = std::count(bytes.begin(), bytes.end(), 0) == std::ssize(bytes);
  if (!zeros) CHECK(ParseIserPrivateData(longer) == data);
}

}  // namespace
}  // namespace pushpull::target

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  pushpull::target::Check({data, size});
  return 0;
}
