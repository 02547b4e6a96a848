// The initiator's rules: what each of its PDUs is held against before the monitor takes it in.
// Internal to the monitor.

#ifndef CONFORMANCE_MONITOR_REQUEST_H_
#define CONFORMANCE_MONITOR_REQUEST_H_

#include <string>

#include "conformance/monitor/context.h"

namespace pushpull::conformance::monitor {

// Of any PDU of the initiator, in any phase. PDUs that were sent wrong on purpose are not judged.
void CheckRequest(const Context& c);
// What the rules remember of a PDU of the target, after it was judged.
void NoteResponse(const Context& c);
// A login ended well: what was declared in it holds from now on.
void NoteLogin(const Context& c);

// ---- request_format.cc ----
void CheckRequestFormat(const Context& c);

// ---- request_numbering.cc ----
void CheckRequestNumbers(const Context& c);

// ---- request_tasks.cc ----
void CheckRequestTask(const Context& c);

// ---- request_data.cc ----
void CheckCommand(const Context& c);
void CheckDataOut(const Context& c);

// ---- request_login.cc ----
void CheckLoginRequest(const Context& c);

// ---- request_text.cc ----
void CheckTextRequest(const Context& c);
// `text`: a logical text data segment of the initiator. `of`: what was said before it.
void CheckInitiatorKeys(const Context& c, const std::string& text, const KeyExchange& of,
                        bool in_login);

}  // namespace pushpull::conformance::monitor

#endif  // CONFORMANCE_MONITOR_REQUEST_H_
