// Any receiver behind the plug-in ABI (docs/PLUGINS.md): the same bytes under deliveries at random
// give the same events as all at once. The receiver is the reference target's receive machine; or,
// with PUSHPULL_FUZZ_PLUGIN=LIB.so, one of yours, in this process. Inputs:
// fuzz/replay/stream_input.h.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "base/check.h"
#include "base/random.h"
#include "fuzz/replay/delivery.h"
#include "fuzz/replay/plugin/module.h"
#include "fuzz/replay/plugin/player.h"
#include "fuzz/replay/plugin/requests.h"
#include "fuzz/replay/random_delivery.h"
#include "fuzz/replay/receiver_plugin.h"
#include "fuzz/replay/stream_input.h"
#include "fuzz/replay/trace.h"

namespace pushpull::replay {
namespace {

constexpr int kDeliveries = 6;

pushpull_receiver Load() {
  const char* const path = std::getenv("PUSHPULL_FUZZ_PLUGIN");
  const auto plugin = path == nullptr
                          ? CheckTable(PUSHPULL_RECEIVER_ENTRY(PUSHPULL_RECEIVER_ABI_VERSION))
                          : LoadPlugin(std::string(path));
  CHECK(plugin.ok()) << plugin.status();
  CHECK((plugin->capabilities & PUSHPULL_CAP_TO_TARGET) != 0) << "it receives what targets send";
  return *plugin;
}

const pushpull_receiver& Plugin() {
  static const pushpull_receiver plugin = Load();
  return plugin;
}

bool Has(uint64_t capability) { return (Plugin().capabilities & capability) != 0; }

std::optional<StreamInput> Read(base::Bytes bytes) {
  auto input =
      ReadStreamInput(bytes, {Has(PUSHPULL_CAP_HEADER_DIGEST), Has(PUSHPULL_CAP_DATA_DIGEST)});
  if (input.has_value() && !Has(PUSHPULL_CAP_LOGIN)) input->trace.parameters.login_pdus = 0;
  return input;
}

// Of what the plug-in makes of all at once; nullopt: it doesn't take that.
std::optional<uint64_t> WholeDigest(const Trace& trace, Source source, PluginPlayer* player) {
  const Played whole = player->Play(Whole(trace, source), {});
  if (whole.result == Played::Result::kUnsupported) return std::nullopt;
  CHECK(whole.result == Played::Result::kPlayed) << whole.text;
  return player->events_digest();
}

void Deliver(const StreamInput& input) {
  const Trace& trace = input.trace;
  const Parameters& parameters = trace.parameters;
  const RequestPlan plan;
  std::atomic<uint32_t> stage = 0, events = 0;
  PluginPlayer::Options options;
  options.stage = &stage;
  options.events = &events;
  options.violation = [](std::string_view text) { CHECK(false) << text; };
  PluginPlayer player(&Plugin(), &trace, &plan, std::move(options));
  // iSER has no digests (RFC 7145 §6.1).
  const bool may_push =
      !parameters.header_digest && !parameters.data_digest && Has(PUSHPULL_CAP_PUSH);
  const std::optional<uint64_t> pulled = WholeDigest(trace, Source::kTcp, &player);
  // A message that ends too early is an error, where a stream would wait for more.
  const std::optional<uint64_t> pushed =
      may_push && trace.has_tail() ? WholeDigest(trace, Source::kPush, &player) : pulled;
  base::Random random(input.seed);
  Delivery delivery;
  for (int i = 0; i < kDeliveries; ++i) {
    const bool push = may_push && i % 2 == 1;
    const std::optional<uint64_t> digest = push ? pushed : pulled;
    if (!digest.has_value()) continue;
    delivery.Clear(push ? Source::kPush : Source::kTcp);
    MakeRandomDelivery(trace, &random, &delivery);
    const Played played = player.Play(delivery, {});
    if (played.result == Played::Result::kUnsupported) continue;
    CHECK(played.result == Played::Result::kPlayed) << played.text << ToString(delivery);
    CHECK_EQ(player.events_digest(), *digest) << ToString(delivery);
  }
}

}  // namespace
}  // namespace pushpull::replay

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto input = pushpull::replay::Read({data, size});
  if (input.has_value()) pushpull::replay::Deliver(*input);
  return 0;
}
