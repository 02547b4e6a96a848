// What is said of a PDU: names in logs, and what an expectation makes of it.

#ifndef FUZZ_CODECS_TEXTS_H_
#define FUZZ_CODECS_TEXTS_H_

#include <string>

#include "pushpull/v1/pdu.pb.h"
#include "target/pdu/bhs.h"

namespace pushpull::codecs {

// Whether both sides call a PDU and its login status the same. Empty: they do. `bhs` is the
// target's to read, `pdu` what the initiator's codec made of it.
std::string CompareNames(const target::Bhs& bhs, const v1::Pdu& pdu);

// Whether a PDU that came fits what is expected where that is the PDU itself, in each form of its
// data, and doesn't where one field or byte is another. Empty: all is well. `pdu` is as Decode
// makes it.
std::string CheckMatching(const v1::Pdu& pdu);

}  // namespace pushpull::codecs

#endif  // FUZZ_CODECS_TEXTS_H_
