#include "target/negotiation/text.h"

#include <algorithm>

namespace pushpull::target {
namespace {

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool IsLabelCharacter(char c) {
  return IsLetter(c) || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '+' || c == '@' ||
         c == '_';
}

}  // namespace

bool IsKeyName(std::string_view key) {
  if (key.empty() || key.size() > kMaxKeyNameLength || !IsLetter(key[0])) return false;
  for (size_t i = 1; i < key.size(); ++i) {
    if (!IsLabelCharacter(key[i]) && !(i == 1 && key[i] == '#')) return false;
  }
  return true;
}

base::Result<std::vector<KeyValue>, NegotiationError> ParseText(std::string_view text) {
  constexpr std::string_view kSection = "RFC 7143 §6.1";
  std::vector<KeyValue> pairs;
  while (!text.empty()) {
    const size_t end = text.find('\0');
    if (end == text.npos) return NegotiationError{"the last pair has no NUL", kSection};
    const std::string_view pair = text.substr(0, end);
    text.remove_prefix(end + 1);
    const size_t equals = pair.find('=');
    if (equals == pair.npos) return NegotiationError{"a pair has no '='", kSection};
    if (equals == 0) return NegotiationError{"a pair has no key", kSection};
    const std::string_view key = pair.substr(0, equals);
    pairs.push_back({key, pair.substr(equals + 1), IsKeyName(key)});
  }
  return pairs;
}

bool TextCollector::Append(base::Bytes segment) {
  if (segment.size() > limit_ - used_) return false;
  used_ += segment.size();
  text_ += base::AsText(segment);
  return true;
}

void AppendPair(std::string& text, std::string_view key, std::string_view value) {
  text += key;
  text += '=';
  text += value;
  text += '\0';
}

std::string TextSender::Next(size_t limit) {
  const size_t left = text_.size() - sent_;
  size_t take = std::min(left, limit);
  if (take < left && !cut_inside_pairs_) {
    const size_t last_end = std::string_view(text_).substr(sent_, take).rfind('\0');
    if (last_end != std::string_view::npos) take = last_end + 1;
  }
  std::string piece = text_.substr(sent_, take);
  sent_ += take;
  if (empty()) Clear();
  return piece;
}

}  // namespace pushpull::target
