#include "tools/faults/fault.h"

namespace pushpull::faults {

std::vector<Fault> AllFaults() {
  std::vector<Fault> all;
  for (auto part : {FieldFaults(), OrderFaults(), DataFaults(), KeyFaults(), RequestFaults(),
                    LegalVariations()}) {
    for (Fault& fault : part) all.push_back(std::move(fault));
  }
  return all;
}

}  // namespace pushpull::faults
