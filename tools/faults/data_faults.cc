// Data segments, their lengths, pads, digests, and additional headers.

#include "absl/strings/str_cat.h"
#include "tools/faults/fault.h"
#include "tools/faults/kinds.h"

namespace pushpull::faults {
namespace {

using v1::Pdu;

std::vector<Fault> OfData(PduKind kind) {
  const std::string name = NameOfKind(kind);
  std::vector<Fault> faults;
  const auto add = [&](const char* what, std::function<bool(Passing*, Image*)> change) {
    faults.push_back(Changed(absl::StrCat(name, ":", what), kind, std::move(change)));
  };
  add("data_first_byte", [](Passing*, Image* image) {
    if (image->data.empty()) return false;
    image->data[0] = static_cast<char>(image->data[0] ^ 0x01);
    return true;
  });
  add("data_last_byte", [](Passing*, Image* image) {
    if (image->data.empty()) return false;
    image->data.back() = static_cast<char>(image->data.back() ^ 0x01);
    return true;
  });
  add("data_four_bytes_shorter", [](Passing*, Image* image) {
    if (image->data.size() < 5) return false;
    image->SetData(image->data.substr(0, image->data.size() - 4));
    return true;
  });
  add("data_one_byte_shorter", [](Passing*, Image* image) {
    if (image->data.empty()) return false;
    image->SetData(image->data.substr(0, image->data.size() - 1));
    return true;
  });
  add("data_four_bytes_longer", [](Passing*, Image* image) {
    if (image->data.empty()) return false;
    image->SetData(image->data + std::string(4, '\x5a'));
    return true;
  });
  add("data_gone", [](Passing*, Image* image) {
    if (image->data.empty()) return false;
    image->SetData("");
    return true;
  });
  add("data_where_none_is_due", [](Passing*, Image* image) {
    if (!image->data.empty()) return false;
    image->SetData("abcd");
    return true;
  });
  add("pad_not_zero", [](Passing*, Image* image) {
    if (image->pad.empty()) return false;
    image->pad.back() = '\x01';
    return true;
  });
  return faults;
}

std::vector<Fault> OfLengths(PduKind kind) {
  const std::string name = NameOfKind(kind);
  std::vector<Fault> faults;
  const auto add = [&](const char* what, std::function<bool(Passing*, Image*)> change) {
    faults.push_back(Changed(absl::StrCat(name, ":", what), kind, std::move(change)));
  };
  add("length_four_more_than_there_is", [](Passing*, Image* image) {
    image->SetDataSegmentLength(image->data_segment_length() + 4);
    return true;
  });
  add("length_four_less_than_there_is", [](Passing*, Image* image) {
    if (image->data.size() < 4) return false;
    image->SetDataSegmentLength(image->data_segment_length() - 4);
    return true;
  });
  add("length_counts_a_byte_of_pad", [](Passing*, Image* image) {
    if (image->pad.empty()) return false;
    image->SetDataSegmentLength(image->data_segment_length() + 1);
    return true;
  });
  add("length_of_16_MiB", [](Passing*, Image* image) {
    image->SetDataSegmentLength(0xffffff);
    return true;
  });
  add("ahs_added", [](Passing*, Image* image) {
    image->ahs = std::string("\x00\x01\x03\x00", 4);
    image->bhs[4] = 1;
    return true;
  });
  add("ahs_length_without_ahs", [](Passing*, Image* image) {
    image->bhs[4] = 1;
    return true;
  });
  return faults;
}

std::vector<Fault> OfDigests(PduKind kind) {
  const std::string name = NameOfKind(kind);
  std::vector<Fault> faults;
  const auto add = [&](const char* what, std::function<bool(Passing*, Image*)> change) {
    faults.push_back(Changed(absl::StrCat(name, ":", what), kind, std::move(change)));
  };
  add("header_digest_wrong", [](Passing*, Image* image) {
    image->header_digest_flaw = 1;
    return image->digests.header_digest;
  });
  add("data_digest_wrong", [](Passing*, Image* image) {
    image->data_digest_flaw = 0x80000000;
    return image->digests.data_digest && !image->data.empty();
  });
  add("header_digest_missing", [](Passing*, Image* image) {
    const bool there = image->digests.header_digest;
    image->digests.header_digest = false;
    return there;
  });
  add("data_digest_missing", [](Passing*, Image* image) {
    const bool there = image->digests.data_digest && !image->data.empty();
    image->digests.data_digest = false;
    return there;
  });
  add("header_digest_that_nobody_wanted", [](Passing*, Image* image) {
    const bool there = image->digests.header_digest;
    image->digests.header_digest = true;
    return !there;
  });
  add("digests_as_if_swapped", [](Passing*, Image* image) {
    if (image->digests.header_digest == image->digests.data_digest) return false;
    std::swap(image->digests.header_digest, image->digests.data_digest);
    return true;
  });
  return faults;
}

// ---- sense data ------------------------------------------------------------------------------

std::vector<Fault> OfSense() {
  std::vector<Fault> faults;
  const auto add = [&](const char* what, std::function<void(std::string*)> change) {
    faults.push_back(Changed(absl::StrCat("scsi_response:", what), Pdu::kScsiResponse,
                             [change = std::move(change)](Passing*, Image* image) {
                               // SenseLength, and sense data of fixed format.
                               if (image->data.size() < 2 + 18) return false;
                               std::string data = image->data;
                               change(&data);
                               if (data == image->data) return false;
                               image->SetData(data);
                               return true;
                             }));
  };
  const auto byte = [](size_t at, uint8_t value) {
    return [at, value](std::string* data) { (*data)[at] = static_cast<char>(value); };
  };
  add("sense_length_one_more", [](std::string* data) { ++(*data)[1]; });
  add("sense_length_one_less", [](std::string* data) { --(*data)[1]; });
  add("sense_length_0", [](std::string* data) { (*data)[0] = (*data)[1] = 0; });
  add("sense_without_length", [](std::string* data) { *data = data->substr(2); });
  add("sense_length_little_endian", [](std::string* data) { std::swap((*data)[0], (*data)[1]); });
  add("sense_response_code_0", byte(2, 0));
  add("sense_key_0", byte(2 + 2, 0));
  add("sense_key_other", [](std::string* data) { (*data)[4] = static_cast<char>((*data)[4] ^ 1); });
  add("sense_code_other", [](std::string* data) { (*data)[14] = static_cast<char>(~(*data)[14]); });
  add("sense_qualifier_other",
      [](std::string* data) { (*data)[15] = static_cast<char>(~(*data)[15]); });
  add("sense_additional_length_0", byte(2 + 7, 0));
  add("sense_additional_length_beyond", byte(2 + 7, 200));
  return faults;
}

}  // namespace

std::vector<Fault> DataFaults() {
  std::vector<Fault> faults;
  for (const PduKind kind : kAnswers) {
    for (const auto& part : {OfData(kind), OfLengths(kind), OfDigests(kind)}) {
      faults.insert(faults.end(), part.begin(), part.end());
    }
  }
  for (Fault& fault : OfSense()) faults.push_back(std::move(fault));
  return faults;
}

}  // namespace pushpull::faults
