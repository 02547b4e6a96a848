// Lists of key=value pairs (RFC 7143 §6.1): collecting one over several PDUs, taking it apart, and
// sending one in pieces.

#ifndef TARGET_NEGOTIATION_TEXT_H_
#define TARGET_NEGOTIATION_TEXT_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace pushpull::target {

// What a receiver takes in one negotiation, in bytes: as much as the longest authentication items
// ask for (§6.1).
inline constexpr size_t kMaxNegotiationText = 64 * 1024;
inline constexpr size_t kMaxKeyNameLength = 63;       // §6.1 standard-label
inline constexpr size_t kMaxSimpleValueLength = 255;  // §6.1
inline constexpr size_t kMaxIscsiNameLength = 223;    // §4.2.7.1

// What is wrong with the initiator's text or with a negotiation: a value to report, never our own
// failure.
struct NegotiationError {
  std::string reason;        // "MaxBurstLength was offered a second time"
  std::string_view section;  // "RFC 7143 §6.3"
};

struct KeyValue {
  std::string_view key;
  std::string_view value;
  bool key_is_well_formed = true;  // IsKeyName(key)
};

// Takes a whole logical text data segment apart. The views point into `text`. Errors: a pair
// without its NUL, without '=', or with an empty name. Names that break the rules of a
// standard-label are marked, not refused: so a login can name a missing key first.
base::Result<std::vector<KeyValue>, NegotiationError> ParseText(std::string_view text);

// Whether the name is a standard-label of §6.1, with two allowances that keys of the RFCs need:
// its first letter may be small (iSCSIProtocolLevel), its second character '#'
// (X#NodeArchitecture).
bool IsKeyName(std::string_view key);

// The data segments of PDUs with C=1 and of the one that ends them (§6.1). Nothing is stored
// beyond the limit.
class TextCollector {
 public:
  explicit TextCollector(size_t limit = kMaxNegotiationText) : limit_(limit) {}

  // False: more than the limit since the last ResetBudget().
  [[nodiscard]] bool Append(base::Bytes segment);

  std::string_view text() const { return text_; }
  bool empty() const { return text_.empty(); }

  // The segment was processed; what it took of the limit stays taken.
  void Clear() { text_.clear(); }
  // A new negotiation begins.
  void ResetBudget() { Clear(), used_ = 0; }

 private:
  size_t limit_;
  size_t used_ = 0;
  std::string text_;
};

// "key=value" with its NUL, appended.
void AppendPair(std::string& text, std::string_view key, std::string_view value);

// What is to be sent, in pieces that fit one PDU each.
class TextSender {
 public:
  explicit TextSender(bool cut_inside_pairs = false) : cut_inside_pairs_(cut_inside_pairs) {}

  void Add(std::string_view key, std::string_view value) { AppendPair(text_, key, value); }
  void Append(std::string_view pairs) { text_ += pairs; }
  bool empty() const { return sent_ == text_.size(); }
  size_t size() const { return text_.size() - sent_; }
  void Clear() { text_.clear(), sent_ = 0; }

  // What is left, where none of it went out yet; empty where some did.
  std::string_view unsent() const { return sent_ == 0 ? std::string_view(text_) : ""; }
  void ReplaceUnsent(std::string pairs) { text_ = std::move(pairs); }

  // The next piece, at most `limit` bytes. Empty where nothing is left.
  std::string Next(size_t limit);

 private:
  bool cut_inside_pairs_;
  std::string text_;
  size_t sent_ = 0;
};

}  // namespace pushpull::target

#endif  // TARGET_NEGOTIATION_TEXT_H_
