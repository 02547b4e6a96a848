// What initiators did to a disk and were told of it, and what may therefore be on it after a power
// failure. It knows what is promised (SBC-3 §4.15), and nothing of how a target keeps that.

#ifndef TOOLS_CRASH_LEDGER_H_
#define TOOLS_CRASH_LEDGER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"

namespace pushpull::tools {

class Ledger {
 public:
  static constexpr size_t kBlockBytes = 512;
  using WriteId = uint32_t;
  using Instant = uint64_t;

  explicit Ledger(uint64_t blocks);

  // Is told of each event in words, before anything follows from it.
  void set_log(std::function<void(const std::string&)> log) { log_ = std::move(log); }
  // Does what a log says. False: it is none of its words.
  bool Apply(std::string_view words);

  // The next instant: no two events have the same.
  Instant Now();

  // A command is about to be sent that writes these blocks: with Content(id), or zeros.
  WriteId Begin(uint64_t lba, uint32_t blocks, bool zeros);
  // It was answered with GOOD; `durable`: that promised that it is on the medium.
  void Acknowledge(WriteId write, bool durable);
  // A flush that was sent at `sent` was answered with GOOD: it covers what was answered before.
  void Flushed(Instant sent);
  // A READ, sent at `sent`, came with GOOD and this block. Says what is wrong with it, or nothing.
  // `durable`: what it read is on the medium (FUA). While a block is written it may be read in
  // parts.
  std::string Read(uint64_t lba, base::Bytes block, Instant sent, bool durable);

  // What is wrong with a block that a power failure at this moment left; empty: nothing.
  std::string Judge(uint64_t lba, base::Bytes block) const;

  // What a write puts into each of its blocks.
  static std::vector<uint8_t> Content(WriteId write);

  size_t writes() const { return writes_.size() - 1; }

 private:
  void Log(const std::string& words) const {
    if (log_) log_(words);
  }

  struct Write {
    uint64_t lba;
    uint32_t blocks;
    bool zeros;
    Instant sent;
    std::optional<Instant> answered;
    bool durable = false;
  };

  bool IsDurable(const Write& write) const {
    return write.durable || (write.answered.has_value() && *write.answered < flushed_);
  }
  // The writes that a block's content can be of; empty: nobody wrote that there.
  std::vector<WriteId> WritersOf(uint64_t lba, base::Bytes block) const;

  std::function<void(const std::string&)> log_;
  Instant now_ = 0;
  Instant flushed_ = 0;                         // when the last flush that was answered was sent
  std::vector<Write> writes_;                   // by id; 0 is what was there at first
  std::vector<std::vector<WriteId>> by_block_;  // without 0
};

}  // namespace pushpull::tools

#endif  // TOOLS_CRASH_LEDGER_H_
