#include "fuzz/replay/schedule.h"

#include <algorithm>
#include <charconv>
#include <numeric>
#include <optional>
#include <span>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/random.h"
#include "base/status.h"
#include "base/text.h"
#include "fuzz/replay/random_delivery.h"

namespace pushpull::replay {
namespace {

using Kind = Schedule::Kind;

struct Name {
  std::string_view name;
  Kind kind;
  int numbers;  // after it, each behind a ":"
};
constexpr Name kNames[] = {
    {"none", Kind::kNone, 0},     {"bytes", Kind::kBytes, 0},   {"mss", Kind::kMss, 1},
    {"fields", Kind::kFields, 0}, {"ahs", Kind::kAhs, 0},       {"all1", Kind::kAll1, 0},
    {"all2", Kind::kAll2, 0},     {"all3", Kind::kAll3, 0},     {"notyet", Kind::kNotYet, 0},
    {"queue", Kind::kQueue, 1},   {"random", Kind::kRandom, 2}, {"coalesce", Kind::kCoalesce, 1},
    {"all", Kind::kAll, 0},
};

constexpr uint64_t kMaxQueue = 1024;
constexpr uint64_t kMaxNumber = uint64_t{1} << 32;

// What `all` brings, in this order; random's number follows from the budget.
constexpr Schedule::Item kAllItems[] = {
    {Kind::kNone},        {Kind::kBytes},       {Kind::kMss, 536},    {Kind::kMss, 1448},
    {Kind::kMss, 8948},   {Kind::kNotYet},      {Kind::kQueue, 4},    {Kind::kCoalesce, 1},
    {Kind::kCoalesce, 2}, {Kind::kCoalesce, 3}, {Kind::kCoalesce, 5}, {Kind::kFields},
    {Kind::kAhs},         {Kind::kAll1},        {Kind::kAll2},        {Kind::kAll3},
};
constexpr uint64_t kAllSeed = 1;
constexpr uint64_t kAllRandom = 20'000;  // deliveries at the most
constexpr uint64_t kDeliveryCost = 256;  // in bytes

absl::Status Bad(std::string_view item, std::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat(
      "schedule \"", base::ToAbsl(item), "\": ", base::ToAbsl(why),
      "; there are none, bytes, mss:N, fields, ahs, all1, all2, all3, notyet, queue:N, "
      "random:SEED:N, coalesce:K and all, joined by commas"));
}

std::optional<uint64_t> ParseNumber(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::vector<std::string_view> Split(std::string_view text, char separator) {
  std::vector<std::string_view> words;
  while (true) {
    const size_t at = text.find(separator);
    words.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return words;
    text.remove_prefix(at + 1);
  }
}

absl::StatusOr<Schedule::Item> ParseItem(std::string_view text) {
  const std::vector<std::string_view> words = Split(text, ':');
  const auto* name = std::find_if(std::begin(kNames), std::end(kNames),
                                  [&](const Name& known) { return known.name == words[0]; });
  if (name == std::end(kNames)) return Bad(text, "there is no such schedule");
  if (words.size() != static_cast<size_t>(name->numbers) + 1) {
    return Bad(text, absl::StrCat(base::ToAbsl(name->name), " takes ", name->numbers,
                                  name->numbers == 1 ? " number" : " numbers"));
  }
  Schedule::Item item{name->kind};
  for (size_t i = 1; i < words.size(); ++i) {
    const std::optional<uint64_t> number = ParseNumber(words[i]);
    if (!number) {
      return Bad(text, absl::StrCat("\"", base::ToAbsl(words[i]), "\" is no number"));
    }
    (item.kind == Kind::kRandom && i == 1 ? item.seed : item.number) = *number;
  }
  if (name->numbers > 0 && (item.number == 0 || item.number > kMaxNumber)) {
    return Bad(text, "the number goes from 1 to 2^32");
  }
  if (item.kind == Kind::kQueue && item.number > kMaxQueue) {
    return Bad(text, absl::StrCat("a queue has room for 1 to ", kMaxQueue));
  }
  return item;
}

}  // namespace

absl::StatusOr<Schedule> Schedule::Parse(std::string_view text) {
  Schedule schedule;
  for (const std::string_view item : Split(text, ',')) {
    PUSHPULL_ASSIGN_OR_RETURN(const Item parsed, ParseItem(item));
    schedule.items_.push_back(parsed);
  }
  return schedule;
}

std::string Schedule::ToString(const Item& item) {
  const auto* name = std::find_if(std::begin(kNames), std::end(kNames),
                                  [&](const Name& known) { return known.kind == item.kind; });
  std::string text(name->name);
  if (item.kind == Kind::kRandom) absl::StrAppend(&text, ":", item.seed);
  if (name->numbers > 0) absl::StrAppend(&text, ":", item.number);
  return text;
}

Deliveries::Deliveries(const Schedule& schedule, const Trace& trace,
                       const std::vector<Source>& sources, const Budget& budget)
    : trace_(trace),
      budget_(budget),
      bytes_{false, trace.bytes.size()},
      messages_{true, trace.messages()} {
  for (const Source source : sources) {
    (source == Source::kPush ? pushes_ : streams_).push_back(source);
  }
  for (const Schedule::Item& item : schedule.items()) {
    within_all_ = item.kind == Kind::kAll;
    within_all_ ? AddAll() : Add(item);
  }
}

std::vector<size_t> Deliveries::Family::Each() const {
  std::vector<size_t> each(pieces.size);
  std::iota(each.begin(), each.end(), 0);
  return each;
}

std::vector<Deliveries::Family> Deliveries::Families() const {
  const Family messages{messages_, &pushes_, {}};
  return {{bytes_, &streams_, trace_.Borders()}, {messages_, &pushes_, messages.Each()}};
}

bool Deliveries::Next(Delivery* delivery) {
  while (part_ < parts_.size()) {
    Part& part = parts_[part_];
    if (source_ > 0 && source_ < part.sources.size()) {
      delivery->source = part.sources[source_++];  // the same once more
      return true;
    }
    if (shape_ == part.shapes->count() || part.sources.empty()) {
      ++part_;
      shape_ = source_ = 0;
      continue;
    }
    delivery->Clear(part.sources[0]);
    part.shapes->Next(delivery);
    if (part.vary) {
      delivery->queue_capacity = static_cast<uint16_t>(1 + shape_ % 4);
      delivery->end_with_last = shape_ / 4 % 2 == 1;
    }
    ++shape_;
    source_ = 1;
    return true;
  }
  return false;
}

// ---- items -------------------------------------------------------------------------------------

void Deliveries::AddPart(const Schedule::Item& item, std::string_view what, uint64_t count,
                         const std::vector<Source>& sources,
                         const std::function<std::unique_ptr<Shapes>()>& make, bool vary) {
  if (count == 0 || sources.empty()) return;
  const auto deliveries = static_cast<unsigned __int128>(count) * sources.size();
  if (within_all_) {
    if (deliveries * (trace_.bytes.size() + kDeliveryCost) > budget_.all_bytes) return;
  } else if (deliveries > budget_.max_deliveries) {
    const auto shown = static_cast<uint64_t>(std::min<unsigned __int128>(deliveries, UINT64_MAX));
    left_out_.push_back(
        absl::StrCat(Schedule::ToString(item), base::ToAbsl(what), " (", shown, " deliveries)"));
    return;
  }
  parts_.push_back({make(), sources, vary});
  count_ += static_cast<uint64_t>(deliveries);
}

void Deliveries::AddAll() {
  for (const Schedule::Item& item : kAllItems) Add(item);
  const uint64_t sources = std::max<uint64_t>(streams_.size() + pushes_.size(), 1);
  const uint64_t fits = budget_.all_bytes / (trace_.bytes.size() + kDeliveryCost) / sources;
  Add({Kind::kRandom, std::clamp<uint64_t>(fits, 1, kAllRandom), kAllSeed});
}

void Deliveries::Add(const Schedule::Item& item) {
  switch (item.kind) {
    case Kind::kNone:
      for (const Family& family : Families()) {
        AddPart(
            item, "", 1, *family.sources, [&] { return CutsOfRows(family.pieces, {{}}); },
            /*vary=*/false);
      }
      return;
    case Kind::kBytes:
      for (const Family& family : Families()) {
        AddPart(
            item, "", 1, *family.sources,
            [&] { return CutsOfRows(family.pieces, {family.Each()}); }, /*vary=*/false);
      }
      return;
    case Kind::kMss: {
      std::vector<size_t> cuts;
      for (size_t at = item.number; at < bytes_.size; at += item.number) cuts.push_back(at);
      if (!cuts.empty()) AddRows(item, "", {cuts});
      return;
    }
    case Kind::kFields:
      AddRows(item, " (alone)", SingleBorders(trace_));
      AddRows(item, " (pairs)", PairsOfBorders(trace_));
      AddRows(item, " (together)", BordersTogether(trace_));
      return;
    case Kind::kAhs:
      AddRows(item, "", WithinParts(trace_));
      return;
    case Kind::kAll1:
      return AddCuts(item, 1);
    case Kind::kAll2:
      return AddCuts(item, 2);
    case Kind::kAll3:
      return AddCuts(item, 3);
    case Kind::kNotYet:
      return AddNotYet(item);
    case Kind::kQueue:
      if (budget_.queues) return AddQueue(item);
      if (!within_all_)
        left_out_.push_back(Schedule::ToString(item) + " (the receiver's queue is its own)");
      return;
    case Kind::kRandom:
      return AddRandom(item);
    case Kind::kCoalesce:
      return AddCoalesce(item);
    case Kind::kAll:
      return;
  }
}

void Deliveries::AddRows(const Schedule::Item& item, std::string_view what,
                         std::vector<std::vector<size_t>> rows) {
  const uint64_t count = rows.size();
  AddPart(item, what, count, streams_, [&] { return CutsOfRows(bytes_, std::move(rows)); });
}

void Deliveries::AddCuts(const Schedule::Item& item, size_t cuts) {
  AddPart(item, "", WaysToCut(bytes_, cuts), streams_, [&] { return EveryCut(bytes_, cuts); });
  AddPart(item, " of pushes", WaysToCut(messages_, cuts), pushes_,
          [&] { return EveryCut(messages_, cuts); });
}

// Numbers 0 to 3: before each read, the whole; at each border, without and with that; at 0 and at
// the end. Then each place alone.
void Deliveries::AddNotYet(const Schedule::Item& item) {
  for (const Family& family : Families()) {
    const auto make = [pieces = family.pieces, places = family.places](uint64_t index,
                                                                       Delivery* delivery) {
      delivery->not_yet_before_each_read = !pieces.push && (index == 0 || index == 2);
      const auto wait_at = [&](std::span<const size_t> cuts) {
        size_t at = 0;
        for (const size_t cut : cuts) {
          if (cut > at) pieces.Add(cut - at, delivery);
          at = cut;
          delivery->NotYet();
        }
        if (at < pieces.size) pieces.Add(pieces.size - at, delivery);
      };
      if (index == 0) {
        wait_at({});
      } else if (index <= 2) {
        wait_at(places);
      } else if (index == 3) {
        delivery->NotYet();
        wait_at({});
        delivery->NotYet();
      } else {
        wait_at({&places[index - 4], 1});
      }
      delivery->End();
    };
    const uint64_t count = 4 + family.places.size();
    AddPart(item, "", count, *family.sources, [&] { return MakeShapes(count, make); });
  }
}

// For each capacity: with a slot more than the queue has room for, and with as many; the whole, cut
// at each border (or message), and a byte at a time.
void Deliveries::AddQueue(const Schedule::Item& item) {
  constexpr uint64_t kShapes = 3;
  for (const Family& family : Families()) {
    const auto make = [family, every = family.Each()](uint64_t index, Delivery* delivery) {
      const uint64_t shape = index % kShapes;
      CutAt(family.pieces,
            shape == 0   ? std::vector<size_t>()
            : shape == 1 ? family.places
                         : every,
            delivery);
      const uint64_t capacity = index / kShapes / 2 + 1;
      delivery->queue_capacity = static_cast<uint16_t>(capacity);
      delivery->slots = static_cast<uint16_t>(capacity + (index / kShapes % 2 == 0 ? 1 : 0));
    };
    const uint64_t count = kShapes * 2 * item.number;
    AddPart(
        item, "", count, *family.sources, [&] { return MakeShapes(count, make); },
        /*vary=*/false);
  }
}

void Deliveries::AddRandom(const Schedule::Item& item) {
  for (const auto* sources : {&streams_, &pushes_}) {
    // Each source has a sequence of its own.
    for (const Source source : *sources) {
      const auto make = [this, source, random = base::Random(item.seed)](
                            uint64_t /*index*/, Delivery* delivery) mutable {
        delivery->source = source;
        MakeRandomDelivery(trace_, &random, delivery);
      };
      AddPart(
          item, "", item.number, {source}, [&] { return MakeShapes(item.number, make); },
          /*vary=*/false);
    }
  }
}

void Deliveries::AddCoalesce(const Schedule::Item& item) {
  const uint64_t together = item.number;
  const uint64_t phases = std::min<uint64_t>(together, trace_.messages());
  for (const Family& family : Families()) {
    const auto make = [this, pieces = family.pieces, together](uint64_t phase, Delivery* delivery) {
      std::vector<size_t> cuts;
      for (uint64_t at = phase == 0 ? together : phase; at < trace_.messages(); at += together) {
        cuts.push_back(pieces.push ? at : trace_.pdus[at - 1].end);
      }
      CutAt(pieces, cuts, delivery);
    };
    AddPart(item, "", phases, *family.sources, [&] { return MakeShapes(phases, make); });
  }
}

}  // namespace pushpull::replay
