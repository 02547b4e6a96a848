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
    "logins_done",
    "logins_failed",
    "sessions_opened",
    "sessions_reinstated",
    "tasks_started",
    "tasks_aborted",
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

}  // namespace pushpull::target
