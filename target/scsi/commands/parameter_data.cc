#include "target/scsi/commands/parameter_data.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace pushpull::target::commands {

void ParameterData::Add16(uint16_t v) {
  AddZeros(2);
  base::StoreBe16(&bytes_[size() - 2], v);
}

void ParameterData::Add32(uint32_t v) {
  AddZeros(4);
  base::StoreBe32(&bytes_[size() - 4], v);
}

void ParameterData::Add64(uint64_t v) {
  AddZeros(8);
  base::StoreBe64(&bytes_[size() - 8], v);
}

void ParameterData::AddText(std::string_view text, size_t bytes) {
  text = text.substr(0, bytes);
  Add(base::AsBytes(text));
  bytes_.resize(bytes_.size() + bytes - text.size(), ' ');
}

Step Reply(Task& task, base::Bytes parameter_data, uint64_t allocation_length) {
  const uint64_t bytes = std::min<uint64_t>(allocation_length, parameter_data.size());
  CHECK_LE(bytes, task.transfer_bytes) << "prepare said less";
  task.transfer_bytes = bytes;
  base::Bytes rest = parameter_data.first(bytes);
  for (const iovec& buffer : task.data) {
    const size_t part = std::min(buffer.iov_len, rest.size());
    if (part == 0) continue;
    std::memcpy(buffer.iov_base, rest.data(), part);
    rest = rest.subspan(part);
  }
  task.result.data_in_bytes = bytes - rest.size();
  return Step::Good();
}

std::vector<uint8_t> ParameterList(const Task& task) {
  std::vector<uint8_t> list;
  list.reserve(task.transfer_bytes);
  for (const iovec& buffer : task.data) {
    const auto* bytes = static_cast<const uint8_t*>(buffer.iov_base);
    const size_t part = std::min<size_t>(buffer.iov_len, task.transfer_bytes - list.size());
    list.insert(list.end(), bytes, bytes + part);
  }
  return list;
}

}  // namespace pushpull::target::commands
