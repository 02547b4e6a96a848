#include "tools/suites/limits.h"

#include <iterator>
#include <span>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/random.h"
#include "base/text_proto.h"

namespace pushpull::tools {
namespace {

struct Choice {
  const char* name;
  const char* config;  // TargetConfig in text form
  size_t unplayed = 0;
};

constexpr Choice kQueueDepths[] = {
    {"queue_1", "limits { queue_depth: 1 }", 7}, {"queue_2", "limits { queue_depth: 2 }"},
    {"queue_3", "limits { queue_depth: 3 }"},    {"queue_4", "limits { queue_depth: 4 }"},
    {"queue_7", "limits { queue_depth: 7 }"},    {"queue_64", "limits { queue_depth: 64 }"},
};

// What may come before an R2T. Without either, FirstBurstLength is Irrelevant (RFC 7143 §13.14).
constexpr Choice kUnsolicited[] = {
    {"r2t_first", "limits { initial_r2t: true immediate_data: true }", 1},
    {"only_r2t", "limits { initial_r2t: true immediate_data: false }", 5},
    {"no_immediate", "limits { initial_r2t: false immediate_data: false }", 4},
};

constexpr Choice kSegments[] = {
    {"segment_512", "limits { max_recv_data_segment_length: 512 }", 4},
    {"segment_513", "limits { max_recv_data_segment_length: 513 }", 3},
    {"segment_4096", "limits { max_recv_data_segment_length: 4096 }", 1},
    {"segment_longest", "limits { max_recv_data_segment_length: 16777215 }"},
};

constexpr Choice kBursts[] = {
    {"bursts_512", "limits { max_burst_length: 512 first_burst_length: 512 }", 2},
    {"bursts_513", "limits { max_burst_length: 513 first_burst_length: 513 }", 2},
    {"bursts_1000_700", "limits { max_burst_length: 1000 first_burst_length: 700 }", 2},
    {"bursts_65536", "limits { max_burst_length: 65536 first_burst_length: 65536 }", 2},
    {"first_burst_512", "limits { max_burst_length: 1048576 first_burst_length: 512 }", 2},
    {"bursts_longest", "limits { max_burst_length: 16777215 first_burst_length: 16777215 }"},
};

constexpr Choice kR2ts[] = {
    {"r2ts_1", "limits { max_outstanding_r2t: 1 }"},
    {"r2ts_2", "limits { max_outstanding_r2t: 2 }"},
    {"r2ts_8", "limits { max_outstanding_r2t: 8 }"},
    {"r2ts_65535", "limits { max_outstanding_r2t: 65535 }"},
};

constexpr Choice kDigests[] = {
    {"no_header_digest", "limits { header_digest: false data_digest: true }", 3},
    {"no_data_digest", "limits { header_digest: true data_digest: false }", 4},
    {"no_digests", "limits { header_digest: false data_digest: false }", 6},
};

constexpr Choice kTimes[] = {
    {"times_0", "limits { default_time2wait: 0 default_time2retain: 0 }", 2},
    {"times_longest", "limits { default_time2wait: 3600 default_time2retain: 3600 }", 2},
    {"retained", "limits { default_time2wait: 0 default_time2retain: 60 }"},
    {"waited", "limits { default_time2wait: 60 default_time2retain: 0 }", 2},
};

constexpr Choice kDisks[] = {
    {"write_protected", "lun { spec: 'pattern:64M' }", 40},
    {"one_block", "lun { spec: 'ram:512' }", 46},
    {"eight_blocks", "lun { spec: 'ram:4K' }", 24},
    {"fewest_blocks", "lun { spec: 'ram:32K' }", 2},
    {"long_blocks", "lun { spec: 'ram:64M' block_size: 4096 }", 2},
    {"beyond_32_bits", "lun { spec: 'ram:8T' }", 2},
    {"long_blocks_beyond_32_bits", "lun { spec: 'ram:64T' block_size: 4096 }", 2},
    {"lun_0_alone", "lun { spec: 'ram:64M' }", 2},
    {"lun_7_alone", "lun { number: 7 spec: 'ram:64M' }", 2},
    {"luns_in_disorder",
     "lun { number: 16383 spec: 'ram:16M' } lun { number: 256 spec: 'ram:16M' block_size: 4096 } "
     "lun { number: 3 spec: 'pattern:16M' }",
     40},
    {"slow", "lun { spec: 'slow:15,ram:64M' } lun { number: 1 spec: 'slow:40,ram:16M' }"},
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
  to->unplayed += choice.unplayed;
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
