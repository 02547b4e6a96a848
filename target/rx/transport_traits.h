// All that the RFCs make different between iSCSI over TCP and iSER, in one table. The receive
// machine, the session and the sender ask a row of it, and never which transport they run on.

#ifndef TARGET_RX_TRANSPORT_TRAITS_H_
#define TARGET_RX_TRANSPORT_TRAITS_H_

#include <cstdint>
#include <string_view>
#include <variant>

namespace pushpull::target {

struct TransportTraits {
  std::string_view name;

  // ---- framing: what the receive machine asks ----
  // Bytes of transport header before each BHS, left to the transport's own code.
  uint32_t header_bytes;
  // A message holds one PDU and nothing more; else PDUs follow each other in a stream.
  bool message_boundaries;
  // The pad behind a data segment that ends a message may be missing.
  bool pad_optional;
  // HeaderDigest and DataDigest may be other than None.
  bool digests;
  // Data stays in the receive buffer where it arrived, wherever it was asked to be put.
  bool data_stays_in_slot;

  // ---- data transfer: what the session asks ----
  // R2T and solicited Data-Out PDUs exist; else the target reads the initiator's memory.
  bool solicited_data_out;
  // Data-In PDUs exist; else the target writes to the initiator's memory.
  bool data_in_pdus;
  // A SNACK is legal at all.
  bool snack;
  // Own and peer's limit of a data segment are TargetRecvDataSegmentLength and
  // InitiatorRecvDataSegmentLength instead of MaxRecvDataSegmentLength.
  bool iser_data_segment_keys;

  // ---- sending: what the sender asks ----
  // Memory of a sent PDU is free when its transfer was reported complete; else as soon as the
  // transport took the bytes.
  bool free_on_completion;

  // Bytes of the longest AHS chain that a peer that declared nothing may send.
  uint32_t default_max_ahs_bytes;
};

inline constexpr TransportTraits kTcpTraits = {
    .name = "tcp",
    .header_bytes = 0,
    .message_boundaries = false,
    .pad_optional = false,
    .digests = true,
    .data_stays_in_slot = false,
    .solicited_data_out = true,
    .data_in_pdus = true,
    .snack = true,
    .iser_data_segment_keys = false,
    .free_on_completion = false,
    .default_max_ahs_bytes = 255 * 4,
};

inline constexpr TransportTraits kIserTraits = {
    .name = "iser",
    .header_bytes = 28,
    .message_boundaries = true,
    .pad_optional = true,
    .digests = false,
    .data_stays_in_slot = true,
    .solicited_data_out = false,
    .data_in_pdus = false,
    .snack = false,
    .iser_data_segment_keys = true,
    .free_on_completion = true,
    .default_max_ahs_bytes = 256,
};

// The sections behind each row, and how to read it: what documentation is drawn from.
struct TraitRow {
  std::string_view trait;
  std::variant<bool TransportTraits::*, uint32_t TransportTraits::*> member;
  std::string_view section;
};
inline constexpr TraitRow kTraitRows[] = {
    {"header_bytes", &TransportTraits::header_bytes, "RFC 7145 §9.1"},
    {"message_boundaries", &TransportTraits::message_boundaries, "RFC 7145 §7.2"},
    {"pad_optional", &TransportTraits::pad_optional, "RFC 7143 §11.1; no rule in RFC 7145"},
    {"digests", &TransportTraits::digests, "RFC 7143 §13.1; RFC 7145 §6.1"},
    {"data_stays_in_slot", &TransportTraits::data_stays_in_slot, "RFC 7145 §7.2"},
    {"solicited_data_out", &TransportTraits::solicited_data_out,
     "RFC 7143 §11.8; RFC 7145 §7.3.4, §7.3.6"},
    {"data_in_pdus", &TransportTraits::data_in_pdus, "RFC 7143 §11.7; RFC 7145 §7.3.5"},
    {"snack", &TransportTraits::snack, "RFC 7143 §11.16; RFC 7145 §7.3.11"},
    {"iser_data_segment_keys", &TransportTraits::iser_data_segment_keys,
     "RFC 7143 §13.12; RFC 7145 §6.2"},
    {"free_on_completion", &TransportTraits::free_on_completion,
     "no rule: what a socket and a queue pair promise"},
    {"default_max_ahs_bytes", &TransportTraits::default_max_ahs_bytes,
     "RFC 7143 §11.2.1.5; RFC 7145 §6.8"},
};

}  // namespace pushpull::target

#endif  // TARGET_RX_TRANSPORT_TRAITS_H_
