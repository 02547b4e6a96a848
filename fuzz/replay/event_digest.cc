#include "fuzz/replay/event_digest.h"

#include <algorithm>
#include <string>

#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"

namespace pushpull::replay {

void EventDigest::Add(base::Bytes bytes) {
  const uint8_t* at = bytes.data();
  size_t left = bytes.size();
  while (held_ != 0 && left > 0) {
    word_ |= uint64_t{*at++} << 8 * held_;
    --left;
    if (++held_ == 8) {
      Mix(word_);
      word_ = 0;
      held_ = 0;
    }
  }
  for (; left >= 8; at += 8, left -= 8) {
    uint64_t word;
    std::memcpy(&word, at, 8);  // little-endian hosts only, as all of this project's
    Mix(word);
  }
  for (; left > 0; --left) word_ |= uint64_t{*at++} << 8 * held_++;
}

uint64_t EventDigest::value() const {
  EventDigest last = *this;
  last.Flush();
  return Fold(last.sum_ ^ 0xa0761d6478bd642f, last.place_ | 1) ^ last.sum_;
}

uint64_t DigestOf(const v1::EventLog& log) {
  std::string text;
  {
    google::protobuf::io::StringOutputStream stream(&text);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    log.SerializeToCodedStream(&coded);
  }
  EventDigest digest;
  digest.Add(base::AsBytes(text));
  return digest.value();
}

}  // namespace pushpull::replay
