#include "conformance/capture/capture.h"

#include <pcap/pcap.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <fstream>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/regular_file.h"
#include "base/status.h"
#include "conformance/capture/connections.h"
#include "conformance/capture/packet.h"

namespace pushpull::conformance {
namespace {

struct PcapCloser {
  void operator()(pcap_t* pcap) const { pcap_close(pcap); }
};
using Pcap = std::unique_ptr<pcap_t, PcapCloser>;
struct FileCloser {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, FileCloser>;

// Counts what isn't TCP over IP, for remarks.
struct Oddities {
  uint64_t malformed = 0;
  uint64_t first_malformed = 0;  // its frame
  uint64_t truncated = 0;
  uint64_t first_truncated = 0;

  void Count(Reading reading, uint64_t frame) {
    if (reading == Reading::kMalformed && malformed++ == 0) first_malformed = frame;
    if (reading == Reading::kTruncated && truncated++ == 0) first_truncated = frame;
  }
  void Describe(std::vector<std::string>* remarks) const {
    if (malformed > 0) {
      remarks->push_back(absl::StrCat(malformed,
                                      " packets were passed over whose lengths don't "
                                      "fit, the first is frame ",
                                      first_malformed));
    }
    if (truncated > 0) {
      remarks->push_back(absl::StrCat(truncated,
                                      " packets were passed over whose headers are cut "
                                      "short, the first is frame ",
                                      first_truncated, ": capture whole packets (snap length 0)"));
    }
  }
};

absl::StatusOr<Pcap> Open(File file) {
  char error[PCAP_ERRBUF_SIZE] = {};
  Pcap pcap(
      pcap_fopen_offline_with_tstamp_precision(file.get(), PCAP_TSTAMP_PRECISION_NANO, error));
  if (pcap == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("can't be read as a capture (pcap or pcapng): ", error));
  }
  (void)file.release();  // pcap_close closes it
  const int link_type = pcap_datalink(pcap.get());
  if (!IsKnownLinkType(link_type)) {
    const char* name = pcap_datalink_val_to_name(link_type);
    return absl::InvalidArgumentError(
        absl::StrCat("captured on a link of type ", name == nullptr ? "?" : name, " (", link_type,
                     "): only Ethernet, Linux cooked (v1, v2), loopback and raw IP can be read"));
  }
  return pcap;
}

absl::StatusOr<Capture> ReadPackets(pcap_t* pcap, const CaptureOptions& options) {
  Capture capture;
  Connections connections(options);
  FragmentTable fragments;
  Oddities oddities;
  const int link_type = pcap_datalink(pcap);
  for (;;) {
    pcap_pkthdr* header = nullptr;
    const u_char* data = nullptr;
    const int result = pcap_next_ex(pcap, &header, &data);
    if (result == PCAP_ERROR_BREAK) break;
    if (result != 1) {
      capture.remarks.push_back(absl::StrCat("the file can't be read beyond frame ", capture.frames,
                                             ": ", pcap_geterr(pcap)));
      capture.cut_short = true;
      break;
    }
    const uint64_t frame = ++capture.frames;
    // With the nanosecond precision that was asked for, tv_usec counts nanoseconds.
    const absl::Time time =
        absl::FromUnixSeconds(header->ts.tv_sec) + absl::Nanoseconds(header->ts.tv_usec);
    IpPayload ip;
    Reading reading =
        ReadIp(link_type, {data, header->caplen}, std::max(header->len, header->caplen), &ip);
    if (reading == Reading::kOk && ip.fragment) {
      const std::optional<IpPayload> whole = fragments.Add(ip);
      if (!whole.has_value()) continue;
      ip = *whole;
    }
    TcpSegment segment;
    if (reading == Reading::kOk) reading = ReadTcp(ip, &segment);
    if (reading != Reading::kOk) {
      oddities.Count(reading, frame);
      continue;
    }
    PUSHPULL_RETURN_IF_ERROR(connections.Add(segment, frame, time));
  }
  oddities.Describe(&capture.remarks);
  connections.Finish(&capture);
  return capture;
}

// The libraries' exceptions (of which only those for memory are known) end here.
absl::StatusOr<Capture> Read(File file, const CaptureOptions& options) {
  try {
    PUSHPULL_ASSIGN_OR_RETURN(const Pcap pcap, Open(std::move(file)));
    return ReadPackets(pcap.get(), options);
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError("there is not enough memory for this capture: cut it");
  } catch (const std::exception& error) {
    return absl::InternalError(absl::StrCat("reading the capture failed: ", error.what()));
  }
}

}  // namespace

const StreamPiece& CapturedStream::PieceAt(size_t offset) const {
  const auto next =
      std::upper_bound(pieces.begin(), pieces.end(), offset,
                       [](size_t at, const StreamPiece& piece) { return at < piece.begin; });
  return *std::prev(next);
}

std::string CapturedConnection::Name() const {
  return absl::StrCat(initiator.ToString(), " -> ", target.ToString());
}

bool LooksLikeCapture(base::Bytes beginning) {
  if (beginning.size() < 4) return false;
  switch (base::LoadBe32(beginning.data())) {
    case 0xa1b2c3d4:  // pcap, microseconds, in either byte order
    case 0xd4c3b2a1:
    case 0xa1b23c4d:  // nanoseconds
    case 0x4d3cb2a1:
    case 0xa1b2cd34:  // Kuznetzov's
    case 0x34cdb2a1:
    case 0x0a0d0d0a:  // pcapng
      return true;
    default:
      return false;
  }
}

bool IsCaptureFile(const std::string& path) {
  for (const char* suffix : {".pcap", ".pcapng", ".cap"}) {
    if (path.ends_with(suffix)) return true;
  }
  std::ifstream file(path, std::ios::binary);
  uint8_t begin[4] = {};
  return file.read(reinterpret_cast<char*>(begin), sizeof begin) && LooksLikeCapture(begin);
}

absl::StatusOr<Capture> ReadCapture(base::Bytes file, const CaptureOptions& options) {
  if (!LooksLikeCapture(file)) {
    return absl::InvalidArgumentError("is no capture: it begins neither as pcap nor as pcapng");
  }
  // fmemopen only reads with "rb".
  File stream(fmemopen(const_cast<uint8_t*>(file.data()), file.size(), "rb"));
  if (stream == nullptr) {
    return absl::ResourceExhaustedError(absl::StrCat("fmemopen: ", std::strerror(errno)));
  }
  return Read(std::move(stream), options);
}

absl::StatusOr<Capture> ReadCaptureFile(const std::string& path, const CaptureOptions& options) {
  PUSHPULL_RETURN_IF_ERROR(base::CheckRegularFile(path));
  File stream(std::fopen(path.c_str(), "rb"));
  if (stream == nullptr) return base::FileError(path, errno);
  if (std::fgetc(stream.get()) == EOF) {
    return absl::InvalidArgumentError(absl::StrCat(
        path,
        ": is empty; was the capture ended before a packet came, or its writer not flushed?"));
  }
  std::rewind(stream.get());
  absl::StatusOr<Capture> capture = Read(std::move(stream), options);
  if (capture.ok()) return capture;
  return absl::Status(capture.status().code(),
                      absl::StrCat(path, ": ", capture.status().message()));
}

}  // namespace pushpull::conformance
