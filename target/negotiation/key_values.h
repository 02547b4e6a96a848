// Keys and the typed parameters that hold their values. Numbers stand for all of them: booleans are
// 0 and 1, items of a list their enumerator.

#ifndef TARGET_NEGOTIATION_KEY_VALUES_H_
#define TARGET_NEGOTIATION_KEY_VALUES_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "target/negotiation/keys.h"
#include "target/negotiation/parameters.h"

namespace pushpull::target {

// Only for keys that are negotiated, but AuthMethod and the obsolete ones.
uint64_t GetValue(Key key, const SessionParameters& session,
                  const ConnectionParameters& connection);
void SetValue(Key key, uint64_t value, SessionParameters& session,
              ConnectionParameters& connection);

// What the limits wish for this key, not regarding other keys. For lists: 0.
uint64_t WishFor(Key key, const NegotiationLimits& limits);

// The enumerator of a list's item, where the limits allow it.
std::optional<uint64_t> SupportedItem(Key key, std::string_view item,
                                      const NegotiationLimits& limits);

// The value as it is written: a decimal-constant, "Yes" or "No", or the list's item.
std::string FormatValue(const KeyRow& row, uint64_t value);

}  // namespace pushpull::target

#endif  // TARGET_NEGOTIATION_KEY_VALUES_H_
