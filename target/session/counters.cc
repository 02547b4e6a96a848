#include "target/session/counters.h"

#include "base/check.h"

namespace pushpull::target {
namespace {

constexpr std::string_view kNames[] = {
    "connections",
    "logins",
    "sessions",
    "tasks",
    "buffer_bytes",
    "connections_accepted",
    "connections_refused",
    "connections_without_descriptor",
    "logins_done",
    "logins_failed",
    "sessions_opened",
    "sessions_reinstated",
    "tasks_started",
    "tasks_aborted",
    "tasks_busy",
    "buffer_waits",
    "loans_called_in",
    "pdus_received",
    "pdus_sent",
    "data_bytes_received",
    "data_bytes_sent",
    "bytes_from_slots",
    "bytes_spilled",
    "bytes_staged",
    "bytes_in_place",
    "rejects_sent",
    "protocol_errors",
    "commands_ignored",
    "digest_errors",
};
static_assert(std::size(kNames) == kCounts);

}  // namespace

std::string_view CountName(Count count) {
  CHECK(count < Count::kCount);
  return kNames[static_cast<size_t>(count)];
}

int64_t Counters::Get(Count count) const {
  const auto sum = [](const auto& values) {
    int64_t total = 0;
    for (const Value& value : values) total += value.load(std::memory_order_relaxed);
    return total;
  };
  switch (count) {
    case Count::kLoginsFailed:
      return sum(login_failures_);
    case Count::kPdusReceived:
      return sum(received_);
    case Count::kPdusSent:
      return sum(sent_);
    case Count::kRejectsSent:
      return sum(rejects_);
    case Count::kProtocolErrors:
      return sum(errors_);
    default:
      return values_[static_cast<size_t>(count)].load(std::memory_order_relaxed);
  }
}

}  // namespace pushpull::target
