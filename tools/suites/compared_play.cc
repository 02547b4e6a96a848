#include "tools/suites/compared_play.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/bytes.h"
#include "conformance/runner/inspect.h"
#include "conformance/runner/play.h"
#include "gtest/gtest.h"
#include "initiator_sim/pdu/data.h"
#include "initiator_sim/player/tap.h"
#include "tools/endpoints/embedded_sim.h"
#include "tools/endpoints/watched_store.h"

namespace pushpull::tools {
namespace {

// How each task ended, whatever its data came in.
class Outcomes final : public initiator_sim::Tap {
 public:
  void OnPdu(const initiator_sim::TapPdu& tapped) override {
    if (tapped.direction != initiator_sim::Direction::kToInitiator) return;
    const v1::Pdu& pdu = tapped.decoded->pdu;
    if (pdu.has_data_in()) return OnDataIn(tapped.connection->name, pdu);
    if (pdu.has_scsi_response()) {
      const v1::ScsiResponse& r = pdu.scsi_response();
      last_ = Key(tapped.connection->name, r.initiator_task_tag());
      outcomes_[last_] =
          absl::StrCat("status ", r.status(),
                       Residual(r.residual_overflow(), r.residual_underflow(), r.residual_count()),
                       " sense ", initiator_sim::DataBytes(pdu.data()).value_or(""));
    } else if (pdu.has_task_management_response()) {
      const v1::TaskManagementResponse& r = pdu.task_management_response();
      outcomes_[Key(tapped.connection->name, r.initiator_task_tag())] =
          absl::StrCat("task management ", r.response());
    } else if (pdu.has_reject()) {
      ++rejects_;
    }
  }
  void OnReadData(const initiator_sim::TapConnection&, absl::Time, base::Bytes data) override {
    data_[last_] = base::AsText(data);
  }

  std::map<std::string, std::string> Take() {
    for (const auto& [task, data] : data_) outcomes_[task] += absl::StrCat(" data ", data);
    outcomes_["rejects"] = absl::StrCat(rejects_);
    return outcomes_;
  }

 private:
  static std::string Key(const std::string& connection, uint32_t tag) {
    return absl::StrCat(connection, " task ", tag);
  }
  static std::string Residual(bool overflow, bool underflow, uint32_t count) {
    if (!overflow && !underflow) return "";
    return absl::StrCat(overflow ? " overflow " : " underflow ", count);
  }
  void OnDataIn(const std::string& connection, const v1::Pdu& pdu) {
    const v1::DataIn& in = pdu.data_in();
    const std::string task = Key(connection, in.initiator_task_tag());
    const std::string bytes = initiator_sim::DataBytes(pdu.data()).value_or("");
    std::string& data = data_[task];
    data.resize(std::max<size_t>(data.size(), in.buffer_offset() + bytes.size()));
    data.replace(in.buffer_offset(), bytes.size(), bytes);
    if (!in.status_present()) return;
    // Over iSER the status comes by itself, without sense.
    outcomes_[task] = absl::StrCat(
        "status ", in.status(),
        Residual(in.residual_overflow(), in.residual_underflow(), in.residual_count()), " sense ");
  }

  std::string last_;  // task that was answered
  std::map<std::string, std::string> outcomes_;
  std::map<std::string, std::string> data_;
  size_t rejects_ = 0;
};

}  // namespace

std::unique_ptr<conformance::EndpointFactory> MakeTcpFactory(WrapStore wrap) {
  EmbeddedSimOptions options;
  options.wrap_store = std::move(wrap);
  return MakeEmbeddedSimFactory(std::move(options));
}

// On a target whose stores tell of their contents.
Played PlayToCompare(const conformance::Case& c,
                     std::unique_ptr<conformance::EndpointFactory> (*make)(WrapStore)) {
  std::map<uint16_t, std::shared_ptr<WatchedStore>> stores;
  const conformance::PlaySettings settings;
  const std::unique_ptr<conformance::EndpointFactory> plain = make({});
  const auto facts =
      conformance::InspectTarget(plain.get(), settings, plain->target_name(), std::nullopt);
  EXPECT_TRUE(facts.ok()) << facts.status();
  const std::unique_ptr<conformance::EndpointFactory> factory =
      make([&stores](uint16_t lun, std::shared_ptr<target::Store> store) {
        auto watched = std::make_shared<WatchedStore>(std::move(store));
        stores[lun] = watched;
        return watched;
      });
  auto endpoint = factory->Make(1);
  EXPECT_TRUE(endpoint.ok()) << endpoint.status();
  if (!facts.ok() || !endpoint.ok()) return {};
  Outcomes outcomes;
  const initiator_sim::PlayResult result =
      conformance::Play(endpoint->get(), settings, *facts, c.script, 1, {&outcomes});
  Played played;
  played.verdict = absl::StrCat(v1::Verdict_Name(result.verdict), " ", result.failure.message());
  played.outcomes = outcomes.Take();
  endpoint->reset();  // with all that may still write
  for (const auto& [lun, store] : stores) {
    for (auto& [lba, data] : store->Written()) {
      played.blocks[absl::StrCat("LUN ", lun, " block ", lba)] = std::move(data);
    }
  }
  return played;
}

}  // namespace pushpull::tools
