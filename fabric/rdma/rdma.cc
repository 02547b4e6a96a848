#include "fabric/rdma/rdma.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "fabric/rdma/work.h"

namespace pushpull::fabric {

std::string_view ToString(RdmaStatus status) {
  switch (status) {
    case RdmaStatus::kSuccess:
      return "success";
    case RdmaStatus::kLocalLength:
      return "local length error";
    case RdmaStatus::kLocalOperation:
      return "local operation error";
    case RdmaStatus::kLocalProtection:
      return "local protection error";
    case RdmaStatus::kWindowBind:
      return "memory window bind error";
    case RdmaStatus::kBadResponse:
      return "bad response";
    case RdmaStatus::kLocalAccess:
      return "local access error";
    case RdmaStatus::kRemoteInvalidRequest:
      return "remote invalid request";
    case RdmaStatus::kRemoteAccess:
      return "remote access error";
    case RdmaStatus::kRemoteOperation:
      return "remote operation error";
    case RdmaStatus::kRetryExceeded:
      return "transport retries exceeded";
    case RdmaStatus::kRnrRetryExceeded:
      return "receiver-not-ready retries exceeded";
    case RdmaStatus::kFlushed:
      return "flushed";
    case RdmaStatus::kOther:
      return "other error";
  }
  return "unknown";
}

std::string_view ToString(RdmaOp op) {
  switch (op) {
    case RdmaOp::kReceive:
      return "Receive";
    case RdmaOp::kSend:
      return "Send";
    case RdmaOp::kSendWithInvalidate:
      return "Send with invalidate";
    case RdmaOp::kRead:
      return "RDMA Read";
    case RdmaOp::kWrite:
      return "RDMA Write";
    case RdmaOp::kBindWindow:
      return "bind window";
    case RdmaOp::kInvalidate:
      return "local invalidate";
  }
  return "unknown";
}

RdmaSegment RdmaMemory::Segment(size_t offset, size_t length) const {
  CHECK(offset <= bytes_.size() && length <= bytes_.size() - offset && length <= UINT32_MAX)
      << length << " bytes from " << offset << " of " << bytes_.size();
  return {bytes_.data() + offset, static_cast<uint32_t>(length), local_key_};
}

std::string RdmaRefusal::Message() const {
  switch (kind) {
    case Kind::kRejected:
      return absl::StrCat("the peer rejected the connection (reason ", reason,
                          "); its log says why");
    case Kind::kNoListener:
      return "nobody listens for RDMA connections there; check that the peer is started, and its "
             "port";
    case Kind::kUnreachable:
      return absl::StrCat("the peer can't be reached (reason ", reason,
                          "); check the address, the route and the peer's RDMA device");
    case Kind::kTimedOut:
      return "no answer in time; check the address and the peer's RDMA device";
    case Kind::kFailed:
      return absl::StrCat("this machine couldn't connect (error ", reason,
                          "); check the private data's length and the kernel's log");
  }
  return "unknown";
}

}  // namespace pushpull::fabric
