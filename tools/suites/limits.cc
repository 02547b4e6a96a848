#include "tools/suites/limits.h"

#include <array>
#include <iterator>
#include <span>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/random.h"
#include "base/text_proto.h"

namespace pushpull::tools {
namespace {

// What messages of cases that go unplayed begin with.
constexpr const char* kWindow = "needs window at least";
constexpr const char* kUnsolicitedData = "needs InitialR2T No";
constexpr const char* kImmediateData = "needs ImmediateData Yes";
constexpr const char* kSegment = "needs MaxRecvDataSegmentLength at least";
constexpr const char* kHeaderDigest = "needs HeaderDigest CRC32C";
constexpr const char* kDataDigest = "needs DataDigest CRC32C";
constexpr const char* kWritable = "it needs a writable LUN";
constexpr const char* kBlocks = "it needs a LUN of";
constexpr const char* kFewBlocks = "needs block_count at most";
constexpr const char* kManyBlocks = "needs block_count at least";
constexpr const char* kBlockLength = "it needs blocks of";
constexpr const char* kSecondLun = "it needs 2 LUNs";
constexpr const char* kSequence = "needs task.w.desired_data_transfer_length at least";
constexpr const char* kLbaStatus = "the LUN has no GET LBA STATUS";
constexpr const char* kAtomicWrites = "the LUN has no WRITE ATOMIC";
// What the target would have otherwise than by default or as offered, it negotiates.
constexpr const char* kExchanges = "the target wants";
constexpr const char* kOwnKeys = "the target has keys of its own to negotiate first";

struct Choice {
  const char* name;
  const char* config;                       // TargetConfig in text form
  std::array<const char*, 6> reasons = {};  // up to the first null
};

constexpr Choice kQueueDepths[] = {
    {"queue_1", "limits { queue_depth: 1 }", {kWindow}},
    {"queue_2", "limits { queue_depth: 2 }", {kWindow}},
    {"queue_3", "limits { queue_depth: 3 }"},
    {"queue_4", "limits { queue_depth: 4 }"},
    {"queue_7", "limits { queue_depth: 7 }"},
    {"queue_64", "limits { queue_depth: 64 }"},
};

// What may come before an R2T. Without either, FirstBurstLength is Irrelevant (RFC 7143 §13.14).
constexpr Choice kUnsolicited[] = {
    {"r2t_first", "limits { initial_r2t: true immediate_data: true }", {kUnsolicitedData}},
    {"only_r2t",
     "limits { initial_r2t: true immediate_data: false }",
     {kUnsolicitedData, kImmediateData, kExchanges, kOwnKeys}},
    {"no_immediate",
     "limits { initial_r2t: false immediate_data: false }",
     {kImmediateData, kExchanges, kOwnKeys}},
};

constexpr Choice kSegments[] = {
    {"segment_512", "limits { max_recv_data_segment_length: 512 }", {kSegment}},
    {"segment_513", "limits { max_recv_data_segment_length: 513 }", {kSegment}},
    {"segment_4096", "limits { max_recv_data_segment_length: 4096 }", {kSegment}},
    {"segment_longest", "limits { max_recv_data_segment_length: 16777215 }"},
};

constexpr Choice kBursts[] = {
    {"bursts_512",
     "limits { max_burst_length: 512 first_burst_length: 512 }",
     {kSequence, kExchanges, kOwnKeys}},
    {"bursts_513",
     "limits { max_burst_length: 513 first_burst_length: 513 }",
     {kSequence, kExchanges, kOwnKeys}},
    {"bursts_1000_700",
     "limits { max_burst_length: 1000 first_burst_length: 700 }",
     {kSequence, kExchanges, kOwnKeys}},
    {"bursts_65536",
     "limits { max_burst_length: 65536 first_burst_length: 65536 }",
     {kExchanges, kOwnKeys}},
    {"first_burst_512",
     "limits { max_burst_length: 1048576 first_burst_length: 512 }",
     {kExchanges, kOwnKeys}},
    {"bursts_longest", "limits { max_burst_length: 16777215 first_burst_length: 16777215 }"},
};

constexpr Choice kR2ts[] = {
    {"r2ts_1", "limits { max_outstanding_r2t: 1 }"},
    {"r2ts_2", "limits { max_outstanding_r2t: 2 }"},
    {"r2ts_8", "limits { max_outstanding_r2t: 8 }"},
    {"r2ts_65535", "limits { max_outstanding_r2t: 65535 }"},
};

constexpr Choice kDigests[] = {
    {"no_header_digest", "limits { header_digest: false data_digest: true }", {kHeaderDigest}},
    {"no_data_digest", "limits { header_digest: true data_digest: false }", {kDataDigest}},
    {"no_digests",
     "limits { header_digest: false data_digest: false }",
     {kHeaderDigest, kDataDigest}},
};

constexpr Choice kTimes[] = {
    {"times_0", "limits { default_time2wait: 0 default_time2retain: 0 }", {kExchanges, kOwnKeys}},
    {"times_longest",
     "limits { default_time2wait: 3600 default_time2retain: 3600 }",
     {kExchanges, kOwnKeys}},
    {"retained", "limits { default_time2wait: 0 default_time2retain: 60 }"},
    {"waited", "limits { default_time2wait: 60 default_time2retain: 0 }", {kExchanges, kOwnKeys}},
};

constexpr Choice kDisks[] = {
    {"write_protected", "lun { spec: 'pattern:64M' }", {kWritable, kLbaStatus, kSecondLun}},
    {"one_block", "lun { spec: 'ram:512' }", {kBlocks, kManyBlocks, kSecondLun}},
    {"eight_blocks", "lun { spec: 'ram:4K' }", {kBlocks, kManyBlocks, kSecondLun}},
    {"fewest_blocks", "lun { spec: 'ram:32K' }", {kBlocks, kManyBlocks, kSecondLun}},
    {"long_blocks", "lun { spec: 'ram:64M' block_size: 4096 }", {kBlockLength, kSecondLun}},
    {"beyond_32_bits", "lun { spec: 'ram:8T' }", {kFewBlocks, kSecondLun}},
    {"long_blocks_beyond_32_bits",
     "lun { spec: 'ram:64T' block_size: 4096 }",
     {kFewBlocks, kBlockLength, kSecondLun}},
    {"lun_0_alone", "lun { spec: 'ram:64M' }", {kSecondLun}},
    {"lun_7_alone", "lun { number: 7 spec: 'ram:64M' }", {kSecondLun}},
    {"luns_in_disorder",
     "lun { number: 16383 spec: 'ram:16M' } lun { number: 256 spec: 'ram:16M' block_size: 4096 } "
     "lun { number: 3 spec: 'pattern:16M' }",
     {kWritable, kLbaStatus}},
    {"slow",
     "lun { spec: 'slow:15,ram:64M' } lun { number: 1 spec: 'slow:40,ram:16M' }",
     {kAtomicWrites}},
};

constexpr std::span<const Choice> kAxes[] = {kQueueDepths, kUnsolicited, kSegments, kBursts,
                                             kR2ts,        kDigests,     kTimes,    kDisks};

// An axis is drawn from in so many of 100 combinations.
constexpr uint32_t kDrawPercent = 60;

void Add(const Choice& choice, LegalConfig* to) {
  v1::TargetConfig config;
  const absl::Status status = base::ParseTextProto(choice.config, choice.name, &config);
  CHECK(status.ok()) << status;
  absl::StrAppend(&to->name, to->name.empty() ? "" : "_and_", choice.name);
  to->config.MergeFrom(config);
  for (const char* reason : choice.reasons) {
    if (reason == nullptr) break;
    to->reasons.emplace_back(reason);
  }
}

}  // namespace

std::vector<LegalConfig> SingleChoices() {
  std::vector<LegalConfig> configs;
  for (const std::span<const Choice> axis : kAxes) {
    for (const Choice& choice : axis) Add(choice, &configs.emplace_back());
  }
  return configs;
}

LegalConfig RandomChoices(uint64_t seed) {
  base::Random random(seed);
  LegalConfig config;
  for (const std::span<const Choice> axis : kAxes) {
    if (random.Chance(kDrawPercent)) Add(axis[random.Below(axis.size())], &config);
  }
  return config;
}

}  // namespace pushpull::tools
