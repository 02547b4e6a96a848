// An initiator on a blocking socket, as plain as can be: one command at a time, one connection.

#ifndef TARGET_PORTAL_TESTING_BLOCKING_CLIENT_H_
#define TARGET_PORTAL_TESTING_BLOCKING_CLIENT_H_

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "target/pdu/bhs.h"
#include "target/pdu/request.h"
#include "target/pdu/response.h"

namespace pushpull::target::testing {

// Functions answer false, or nothing, where the connection has ended.
class BlockingClient {
 public:
  // Connects to 127.0.0.1. `isid` is the last byte of its ISID.
  BlockingClient(uint16_t port, uint8_t isid);
  BlockingClient(const BlockingClient&) = delete;
  BlockingClient& operator=(const BlockingClient&) = delete;
  ~BlockingClient() { Close(); }

  bool Login();
  // A command with operation code 28h, 2Ah or 00h; its status.
  std::optional<int> Run(uint8_t code, uint32_t lba, uint16_t blocks, uint64_t lun,
                         std::vector<uint8_t>* data);
  bool Logout();
  void Close();

 private:
  using Pdu = std::pair<Bhs, std::vector<uint8_t>>;

  bool Send(Bhs bhs, std::vector<uint8_t> data);
  bool Take(uint8_t* to, size_t size);
  std::optional<Pdu> Receive();
  bool Answer(const R2t& r2t, const std::vector<uint8_t>& data);

  int fd_ = -1;
  const Isid isid_;
  uint32_t cmd_sn_ = 1;
  uint32_t exp_stat_sn_ = 0;
  uint32_t tag_ = 0;
};

}  // namespace pushpull::target::testing

#endif  // TARGET_PORTAL_TESTING_BLOCKING_CLIENT_H_
