#include "target/portal/testing/blocking_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>

#include "base/bytes.h"
#include "target/session/node.h"

namespace pushpull::target::testing {

BlockingClient::BlockingClient(uint16_t port, uint8_t isid) : isid_{0x80, 0, 0, 0, 0, isid} {
  fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) Close();
}

bool BlockingClient::Login() {
  LoginRequest request;
  request.transit = true;
  request.current_stage = Stage::kLoginOperationalNegotiation;
  request.next_stage = Stage::kFullFeaturePhase;
  request.isid = isid_;
  request.initiator_task_tag = 1;
  request.cmd_sn = cmd_sn_;
  const std::string keys = std::string("InitiatorName=iqn.2026-11.org.pushpull:c\0", 41) +
                           std::string("TargetName=") + NodeOptions().name + '\0';
  if (!Send(request.Encode(), {keys.begin(), keys.end()})) return false;
  const auto answer = Receive();
  return answer.has_value() && LoginResponse::Decode(BhsView(answer->first)).status_class == 0;
}

std::optional<int> BlockingClient::Run(uint8_t code, uint32_t lba, uint16_t blocks, uint64_t lun,
                                       std::vector<uint8_t>* data) {
  ScsiCommand command;
  command.lun = lun << 48;
  command.read = code == 0x28;
  command.write = code == 0x2a;
  command.initiator_task_tag = ++tag_;
  command.expected_data_transfer_length = uint32_t{blocks} * 512;
  command.cmd_sn = cmd_sn_++;
  command.exp_stat_sn = exp_stat_sn_;
  command.cdb[0] = code;
  base::StoreBe32(command.cdb.data() + 2, lba);
  base::StoreBe16(command.cdb.data() + 7, blocks);
  if (!Send(command.Encode(), {})) return std::nullopt;
  if (command.read) data->clear();
  while (auto pdu = Receive()) {
    const BhsView bhs(pdu->first);
    if (bhs.opcode() == Opcode::kR2t) {
      if (!Answer(R2t::Decode(bhs), *data)) return std::nullopt;
    } else if (bhs.opcode() == Opcode::kDataIn) {
      data->insert(data->end(), pdu->second.begin(), pdu->second.end());
      const DataIn in = DataIn::Decode(bhs);
      if (in.status_present) return in.status;
    } else if (bhs.opcode() == Opcode::kScsiResponse) {
      return ScsiResponse::Decode(bhs).status;
    }
  }
  return std::nullopt;
}

bool BlockingClient::Logout() {
  LogoutRequest logout;
  logout.immediate = true;
  logout.initiator_task_tag = ++tag_;
  logout.cmd_sn = cmd_sn_;
  return Send(logout.Encode(), {}) && Receive().has_value() && !Receive().has_value();
}

void BlockingClient::Close() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

bool BlockingClient::Send(Bhs bhs, std::vector<uint8_t> data) {
  SetDataSegmentLength(bhs, static_cast<uint32_t>(data.size()));
  data.resize((data.size() + 3) / 4 * 4);
  std::vector<uint8_t> bytes(bhs.begin(), bhs.end());
  bytes.insert(bytes.end(), data.begin(), data.end());
  for (size_t sent = 0; sent < bytes.size();) {
    const ssize_t n = send(fd_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (n <= 0) return false;
    sent += static_cast<size_t>(n);
  }
  return true;
}
bool BlockingClient::Take(uint8_t* to, size_t size) {
  return size == 0 || recv(fd_, to, size, MSG_WAITALL) == static_cast<ssize_t>(size);
}
std::optional<BlockingClient::Pdu> BlockingClient::Receive() {
  Pdu pdu;
  if (!Take(pdu.first.data(), kBhsBytes)) return std::nullopt;
  const BhsView bhs(pdu.first);
  pdu.second.resize(bhs.data_segment_length() + bhs.pad_bytes());
  if (!Take(pdu.second.data(), pdu.second.size())) return std::nullopt;
  pdu.second.resize(bhs.data_segment_length());
  exp_stat_sn_ = base::LoadBe32(pdu.first.data() + 24);
  return pdu;
}
bool BlockingClient::Answer(const R2t& r2t, const std::vector<uint8_t>& data) {
  DataOut out;
  out.lun = r2t.lun;
  out.initiator_task_tag = r2t.initiator_task_tag;
  out.target_transfer_tag = r2t.target_transfer_tag;
  out.buffer_offset = r2t.buffer_offset;
  const auto begin = data.begin() + r2t.buffer_offset;
  return Send(out.Encode(), {begin, begin + r2t.desired_data_transfer_length});
}

}  // namespace pushpull::target::testing
