// What a login settles: the operational parameters of a session and of a connection, as typed
// values, and the limits that the target brings into the negotiation.

#ifndef TARGET_NEGOTIATION_PARAMETERS_H_
#define TARGET_NEGOTIATION_PARAMETERS_H_

#include <cstdint>
#include <string>

namespace pushpull::target {

inline constexpr uint32_t kDefaultMaxRecvDataSegmentLength = 8192;  // RFC 7143 §13.12
inline constexpr uint32_t kMaxDataSegmentLength = (1u << 24) - 1;

enum class SessionType : uint8_t { kNormal, kDiscovery };                     // §13.21
enum class Digest : uint8_t { kNone, kCrc32c };                               // §13.1
enum class TaskReporting : uint8_t { kRfc3720, kResponseFence, kFastAbort };  // §13.23

// Of one session: settled by the leading login, then fixed (keys with use LO). The initial values
// are the RFC's defaults, in force where nothing was negotiated.
struct SessionParameters {
  SessionType session_type = SessionType::kNormal;
  uint16_t max_connections = 1;         // §13.2
  bool initial_r2t = true;              // §13.10
  bool immediate_data = true;           // §13.11
  uint32_t max_burst_length = 262144;   // §13.13, bytes
  uint32_t first_burst_length = 65536;  // §13.14, bytes; never above max_burst_length
  uint16_t default_time2wait = 2;       // §13.15, seconds
  uint16_t default_time2retain = 20;    // §13.16, seconds
  uint16_t max_outstanding_r2t = 1;     // §13.17, for each task
  bool data_pdu_in_order = true;        // §13.18
  bool data_sequence_in_order = true;   // §13.19
  uint8_t error_recovery_level = 0;     // §13.20
  TaskReporting task_reporting = TaskReporting::kRfc3720;
  uint8_t iscsi_protocol_level = 1;  // RFC 7144 §7.1.1; 2 enables RFC 7144

  bool rdma_extensions = false;  // RFC 7145 §6.3: iSER-assisted mode
  // Declared by the initiator. 0 says no limit.
  uint32_t initiator_max_outstanding_unexpected_pdus = 0;  // RFC 7145 §6.7
  uint32_t initiator_max_ahs_length = 256;                 // RFC 7145 §6.8, bytes
  // Declared by the target, or the RFC's default where it kept silent.
  uint32_t target_max_outstanding_unexpected_pdus = 0;
  uint32_t target_max_ahs_length = 256;
  bool tagged_buffer_for_solicited_data_only = false;  // RFC 7145 §6.9
  bool iser_hello_required = false;                    // RFC 7145 §6.10
  bool iser_hello_negotiated = false;                  // the key was there at all

  friend bool operator==(const SessionParameters&, const SessionParameters&) = default;
};

// Of one connection.
struct ConnectionParameters {
  Digest header_digest = Digest::kNone;
  Digest data_digest = Digest::kNone;
  // The largest data segment, in bytes, that the initiator receives (a bound of what the target
  // sends) and that the target receives. In iSER-assisted mode these are the results of
  // InitiatorRecvDataSegmentLength and TargetRecvDataSegmentLength (RFC 7145 §6.2).
  uint32_t initiator_max_recv_data_segment_length = kDefaultMaxRecvDataSegmentLength;
  uint32_t target_max_recv_data_segment_length = kDefaultMaxRecvDataSegmentLength;

  friend bool operator==(const ConnectionParameters&, const ConnectionParameters&) = default;
};

// What the target grants at the most, or wishes. The initial values are the target's defaults.
struct NegotiationLimits {
  uint32_t max_recv_data_segment_length = 262144;  // declared; iSER: TargetRecvDataSegmentLength
  uint32_t max_burst_length = 1048576;
  uint32_t first_burst_length = 262144;
  uint16_t max_outstanding_r2t = 16;
  bool initial_r2t = false;  // false: as the initiator wishes
  bool immediate_data = true;
  bool header_digest = true;  // CRC32C is supported (None always is)
  bool data_digest = true;
  bool data_pdu_in_order = false;  // as the initiator wishes
  bool data_sequence_in_order = true;
  uint16_t default_time2wait = 2;
  uint16_t default_time2retain = 20;
  uint16_t max_connections = 1;
  uint8_t error_recovery_level = 0;
  // RFC3720 and ResponseFence are always supported.
  bool fast_abort = true;
  uint8_t iscsi_protocol_level = 1;

  // iSER. InitiatorRecvDataSegmentLength bounds what the target sends.
  uint32_t initiator_recv_data_segment_length = kMaxDataSegmentLength;
  uint32_t max_outstanding_unexpected_pdus = 16;
  uint32_t max_ahs_length = 256;
  // RFC 7145 §6.7 wants MaxOutstandingUnexpectedPDUs declared; Linux's initiator fails a login that
  // carries it. false: only towards an initiator that sent a key of that RFC which Linux's doesn't.
  bool always_declare_iser_limits = false;

  // X#NodeArchitecture (§13.26) is sent where this is not empty. At most 255 bytes.
  std::string node_architecture = {};

  // A pair is cut between two PDUs only where it doesn't fit one. true: PDUs are filled to the last
  // byte, wherever that cuts (legal, §6.1; some initiators don't stand it).
  bool cut_inside_pairs = false;
  // Whether MaxRecvDataSegmentLength is declared though it is the default (§13.12).
  bool declares_default_segment = true;
  bool DeclaresSegment() const {
    return declares_default_segment ||
           max_recv_data_segment_length != kDefaultMaxRecvDataSegmentLength;
  }
};

}  // namespace pushpull::target

#endif  // TARGET_NEGOTIATION_PARAMETERS_H_
