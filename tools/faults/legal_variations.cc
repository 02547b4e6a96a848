// What a right target may do otherwise. No verdict may change.

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "initiator_sim/pdu/data.h"
#include "initiator_sim/session/keys.h"
#include "tools/faults/fault.h"
#include "tools/faults/keys_of.h"
#include "tools/faults/kinds.h"

namespace pushpull::faults {
namespace {

using v1::Pdu;

Fault Legal(Fault fault, std::string why) {
  fault.legal = std::move(why);
  return fault;
}

// ---- numbers -----------------------------------------------------------------------------------

Fault StatSnBeginsAt(uint32_t begin) {
  Fault fault;
  fault.name = absl::StrFormat("legal:stat_sn_begins_at_0x%x", begin);
  fault.renumbers = true;
  fault.plant = [begin](Passing* passing, const Image& pdu) -> std::optional<Outcome> {
    if (pdu.kind() != Pdu::kLoginResponse || passing->planted > 0) return std::nullopt;
    Outcome outcome = Only(pdu);
    outcome.now[0].SetWord(kStatSn, begin);
    outcome.stat_sn_shift = static_cast<int32_t>(begin - pdu.Word(kStatSn));
    return outcome;
  };
  return Legal(fault, "the target chooses its first StatSN (§4.2.2.2)");
}

Fault Time2(const char* field, uint32_t value) {
  return Legal(Changed(absl::StrCat("legal:logout_", field, "=", value), Pdu::kLogoutResponse,
                       [field, value](Passing*, Image* image) {
                         if (image->bhs[2] != 0) return false;
                         image->Set(FieldNamed(Pdu::kLogoutResponse, field), value);
                         return true;
                       }),
               "ignored at ErrorRecoveryLevel 0 (§11.15.3, §11.15.4)");
}

// ---- Data-In -----------------------------------------------------------------------------------

constexpr size_t kDataSn = 36;
constexpr size_t kBufferOffset = 40;

Fault StatusApart() {
  Fault fault;
  fault.name = "legal:status_apart_from_data";
  fault.plant = [](Passing*, const Image& pdu) -> std::optional<Outcome> {
    if (pdu.kind() != Pdu::kDataIn || !SetsStatus(pdu)) return std::nullopt;
    Image data = pdu;
    data.bhs[1] = 0x80;
    data.bhs[3] = 0;
    data.SetWord(kStatSn, 0);
    data.SetWord(44, 0);
    Image response = pdu;
    response.bhs.fill(0);
    response.bhs[0] = 0x21;
    response.bhs[1] = static_cast<uint8_t>(0x80 | (pdu.bhs[1] & 0x06));
    response.bhs[3] = pdu.bhs[3];
    for (const size_t byte : {kItt, kStatSn, kExpCmdSn, kMaxCmdSn, size_t{44}}) {
      response.SetWord(byte, pdu.Word(byte));
    }
    response.SetWord(36, pdu.Word(kDataSn) + 1);  // ExpDataSN
    response.SetData("");
    Outcome outcome;
    outcome.now = {data, response};
    return outcome;
  };
  return Legal(fault, "status may come in a SCSI Response of its own (§11.7.3)");
}

// Cuts each Data-In of more than `size` bytes; what counts its PDUs is counted on.
Fault CutInto(size_t size, bool ends_sequences) {
  Fault fault;
  fault.name = absl::StrCat("legal:data_in_of_", size, ends_sequences ? "_each_a_sequence" : "");
  fault.plant = [size, ends_sequences](Passing* passing,
                                       const Image& pdu) -> std::optional<Outcome> {
    const uint32_t tag = pdu.Word(kItt);
    if (pdu.kind() == Pdu::kScsiResponse && passing->notes.contains(tag)) {
      Image response = pdu;
      response.SetWord(36, pdu.Word(36) + passing->notes[tag]);
      passing->notes.erase(tag);
      return Only(response);
    }
    if (pdu.kind() != Pdu::kDataIn) return std::nullopt;
    uint32_t& added = passing->notes[tag];
    Outcome outcome;
    for (size_t at = 0; at == 0 || at < pdu.data.size(); at += size) {
      Image part = pdu;
      part.SetData(pdu.data.substr(at, size));
      const bool last = at + size >= pdu.data.size();
      if (!last) {
        part.bhs[1] = ends_sequences ? 0x80 : 0;
        part.bhs[3] = 0;
        part.SetWord(kStatSn, 0);
        part.SetWord(44, 0);
      }
      part.SetWord(kDataSn, pdu.Word(kDataSn) + added);
      part.SetWord(kBufferOffset, pdu.Word(kBufferOffset) + static_cast<uint32_t>(at));
      if (!last) ++added;
      outcome.now.push_back(std::move(part));
    }
    if (SetsStatus(pdu)) passing->notes.erase(tag);
    return outcome;
  };
  return Legal(fault, "the target chooses the lengths of Data-In and of sequences (§11.7)");
}

Fault UnusedDataInField(const char* what, std::function<void(Image*)> change) {
  return Legal(Changed(absl::StrCat("legal:data_in_without_status_", what), Pdu::kDataIn,
                       [change = std::move(change)](Passing*, Image* image) {
                         if (SetsStatus(*image)) return false;
                         change(image);
                         return true;
                       }),
               "not meaningful without S (§11.7.3, A30)");
}

// ---- what may come at any time -----------------------------------------------------------------

Fault Extra(const char* name, const Pdu& message, std::string why) {
  Fault fault;
  fault.name = absl::StrCat("legal:", name);
  fault.renumbers = true;
  fault.plant = [message](Passing* passing, const Image& pdu) -> std::optional<Outcome> {
    // Discovery sessions shouldn't have them (§7.4.3).
    if (!passing->full_feature || passing->discovery || passing->logged_out ||
        pdu.kind() == Pdu::kRaw || pdu.kind() == Pdu::kLoginResponse || passing->planted > 5) {
      return std::nullopt;
    }
    Image extra = ImageOf(message, pdu.digests);
    const bool counts = CountsStatSn(extra);
    extra.SetWord(kStatSn, passing->next_stat_sn - (CountsStatSn(pdu) ? 1 : 0));
    extra.SetWord(kExpCmdSn, passing->exp_cmd_sn);
    extra.SetWord(kMaxCmdSn, passing->max_cmd_sn);
    Image next = pdu;
    if (counts && (CountsStatSn(pdu) || pdu.kind() != Pdu::kDataIn)) {
      next.SetWord(kStatSn, pdu.Word(kStatSn) + 1);
    }
    Outcome outcome;
    outcome.now = {extra, next};
    outcome.stat_sn_shift = counts ? 1 : 0;
    return outcome;
  };
  return Legal(fault, std::move(why));
}

std::vector<Fault> Extras() {
  Pdu nop;
  nop.mutable_nop_in()->set_initiator_task_tag(initiator_sim::kReservedTag);
  Pdu event;
  event.mutable_async_message()->set_async_event(v1::VENDOR_SPECIFIC_EVENT);
  return {
      Extra("nop_in_that_wants_no_answer", nop, "it may be sent at any time (§11.19)"),
      Extra("async_message_of_a_vendors_event", event, "vendor-specific events (§11.9.1)"),
  };
}

// ---- keys
// ----------------------------------------------------------------------------------------

Fault ReversedKeys() {
  return Legal(ChangedKeys("legal:keys_in_reverse_order",
                           [](const Passing&, v1::KeyList* keys) {
                             // Of a target's record the order counts.
                             if (initiator_sim::FindKey(*keys, "TargetName") != nullptr ||
                                 keys->key_size() < 2) {
                               return false;
                             }
                             std::reverse(keys->mutable_key()->begin(), keys->mutable_key()->end());
                             return true;
                           }),
               "keys may come in any order (§6.2)");
}

Fault HexNumbers() {
  return Legal(ChangedKeys("legal:numbers_in_hexadecimal",
                           [](const Passing&, v1::KeyList* keys) {
                             bool changed = false;
                             for (v1::KeyValue& pair : *keys->mutable_key()) {
                               const auto* info = initiator_sim::FindKeyInfo(pair.name());
                               const auto value = initiator_sim::ParseNumericalValue(pair.value());
                               if (info == nullptr || !info->numeric || !value) continue;
                               if (info->name == "TargetPortalGroupTag") continue;
                               pair.set_value(absl::StrFormat("0x%x", *value));
                               changed = true;
                             }
                             return changed;
                           }),
               "numerical values are decimal or hexadecimal (§6.1)");
}

Fault OtherNumber(const char* name, const char* value, std::string why) {
  return Legal(ChangedKeys(absl::StrCat("legal:key.", name, "=", value),
                           [name, value](const Passing&, v1::KeyList* keys) {
                             for (v1::KeyValue& pair : *keys->mutable_key()) {
                               if (pair.name() != name || pair.value() == value ||
                                   !initiator_sim::ParseNumericalValue(pair.value())) {
                                 continue;
                               }
                               pair.set_value(value);
                               return true;
                             }
                             return false;
                           }),
               std::move(why));
}

}  // namespace

std::vector<Fault> LegalVariations() {
  std::vector<Fault> all = {
      StatSnBeginsAt(0),
      StatSnBeginsAt(0xfffffffe),
      StatSnBeginsAt(0x7fffffff),
      Time2("time2wait", 7),
      Time2("time2retain", 30),
      StatusApart(),
      CutInto(512, false),
      CutInto(512, true),
      UnusedDataInField("stat_sn", [](Image* image) { image->SetWord(kStatSn, 77); }),
      UnusedDataInField("residual_count", [](Image* image) { image->SetWord(44, 77); }),
      ReversedKeys(),
      HexNumbers(),
      OtherNumber("MaxRecvDataSegmentLength", "4096", "the target's own to declare (§13.12)"),
      OtherNumber("MaxRecvDataSegmentLength", "1024", "the target's own to declare (§13.12)"),
      OtherNumber("DefaultTime2Retain", "0", "the responder may lower it (§13.16)"),
  };
  for (Fault& fault : Extras()) all.push_back(std::move(fault));
  return all;
}

}  // namespace pushpull::faults
