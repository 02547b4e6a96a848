// What iSER says in the connection manager's request and reply on InfiniBand and RoCE: one byte of
// flags and three reserved ones (InfiniBand Architecture Specification, annex A12).

#ifndef TARGET_ISER_PRIVATE_DATA_H_
#define TARGET_ISER_PRIVATE_DATA_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace pushpull::target {

inline constexpr size_t kIserPrivateDataBytes = 4;

struct IserPrivateData {
  // The peer said what follows. Else nothing may be assumed of it, and both are false.
  bool present = false;
  bool zero_based_addresses = false;  // ZBVA: a Base Offset may be relative to its buffer
  bool send_with_invalidate = false;  // the peer stands a Send that ends one of its keys

  friend bool operator==(const IserPrivateData&, const IserPrivateData&) = default;
};

// Of any length: what is behind the four bytes is not looked at. Fewer bytes say nothing. As the
// connection manager fills up with zeros what it carries, more than four bytes which are all zero
// say nothing either, though the same four alone would promise both.
IserPrivateData ParseIserPrivateData(base::Bytes bytes);

// Of what is not `present` the flags are sent as they are: no.
std::array<uint8_t, kIserPrivateDataBytes> BuildIserPrivateData(const IserPrivateData& data);

}  // namespace pushpull::target

#endif  // TARGET_ISER_PRIVATE_DATA_H_
