// What a receiver did wrong, in the words by which two findings are one.

#ifndef FUZZ_BLACKBOX_PLUGIN_CAUSE_H_
#define FUZZ_BLACKBOX_PLUGIN_CAUSE_H_

#include <string>

#include "fuzz/replay/delivery.h"
#include "fuzz/replay/trace.h"
#include "pushpull/v1/event.pb.h"

namespace pushpull::fuzz {

struct PluginCause {
  std::string id;  // "crashed_sigsegv_in_poll", "differs_cut_in_the_ahss"; empty: nothing is wrong
  std::string message;  // "crashed: SIGSEGV (Segmentation fault) in poll()"
};

// Of a delivery's log held against that of the reference delivery.
PluginCause CauseOf(const replay::Trace& trace, const replay::Delivery& found,
                    const v1::EventLog& reference_log, const v1::EventLog& found_log);

}  // namespace pushpull::fuzz

#endif  // FUZZ_BLACKBOX_PLUGIN_CAUSE_H_
