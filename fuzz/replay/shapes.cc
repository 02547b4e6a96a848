#include "fuzz/replay/shapes.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/check.h"

namespace pushpull::replay {
namespace {

class FromNumbers final : public Shapes {
 public:
  FromNumbers(uint64_t count, std::function<void(uint64_t, Delivery*)> make)
      : count_(count), make_(std::move(make)) {}
  uint64_t count() const override { return count_; }
  void Next(Delivery* delivery) override { make_(next_++, delivery); }

 private:
  const uint64_t count_;
  const std::function<void(uint64_t, Delivery*)> make_;
  uint64_t next_ = 0;
};

// Combinations in lexicographic order.
template <size_t kCuts>
class Combinations final : public Shapes {
 public:
  explicit Combinations(const Pieces& pieces) : pieces_(pieces) {
    for (size_t i = 0; i < kCuts; ++i) cuts_[i] = i + 1;
  }
  uint64_t count() const override { return WaysToCut(pieces_, kCuts); }
  void Next(Delivery* delivery) override {
    size_t at = 0;
    for (const size_t cut : cuts_) {
      pieces_.Add(cut - at, delivery);
      at = cut;
    }
    pieces_.Add(pieces_.size - at, delivery);
    delivery->End();
    Advance();
  }

 private:
  void Advance() {
    for (size_t i = kCuts; i-- > 0;) {
      if (++cuts_[i] + (kCuts - 1 - i) < pieces_.size) {
        for (size_t j = i + 1; j < kCuts; ++j) cuts_[j] = cuts_[j - 1] + 1;
        return;
      }
    }
  }

  const Pieces pieces_;
  std::array<size_t, kCuts> cuts_;
};

void AddRow(std::vector<size_t> row, size_t size, std::vector<std::vector<size_t>>* rows) {
  std::erase_if(row, [&](size_t at) { return at == 0 || at >= size; });
  std::sort(row.begin(), row.end());
  row.erase(std::unique(row.begin(), row.end()), row.end());
  if (!row.empty()) rows->push_back(std::move(row));
}

void Unique(std::vector<std::vector<size_t>>* rows) {
  std::sort(rows->begin(), rows->end());
  rows->erase(std::unique(rows->begin(), rows->end()), rows->end());
}

}  // namespace

void CutAt(const Pieces& pieces, std::span<const size_t> cuts, Delivery* delivery) {
  delivery->operations.clear();
  size_t at = 0;
  for (const size_t cut : cuts) {
    if (cut <= at || cut >= pieces.size) continue;
    pieces.Add(cut - at, delivery);
    at = cut;
  }
  if (at < pieces.size) pieces.Add(pieces.size - at, delivery);
  delivery->End();
}

std::unique_ptr<Shapes> MakeShapes(uint64_t count, std::function<void(uint64_t, Delivery*)> make) {
  return std::make_unique<FromNumbers>(count, std::move(make));
}

uint64_t WaysToCut(const Pieces& pieces, size_t cuts) {
  const uint64_t places = pieces.size == 0 ? 0 : pieces.size - 1;
  unsigned __int128 ways = 1;
  for (uint64_t i = 0; i < cuts; ++i) ways = ways * (places > i ? places - i : 0) / (i + 1);
  return ways > UINT64_MAX ? UINT64_MAX : static_cast<uint64_t>(ways);
}

std::unique_ptr<Shapes> EveryCut(const Pieces& pieces, size_t cuts) {
  switch (cuts) {
    case 1:
      return std::make_unique<Combinations<1>>(pieces);
    case 2:
      return std::make_unique<Combinations<2>>(pieces);
    default:
      CHECK_EQ(cuts, 3u);
      return std::make_unique<Combinations<3>>(pieces);
  }
}

std::unique_ptr<Shapes> CutsOfRows(const Pieces& pieces, std::vector<std::vector<size_t>> rows) {
  const uint64_t count = rows.size();
  return MakeShapes(count, [pieces, rows = std::move(rows)](uint64_t index, Delivery* delivery) {
    CutAt(pieces, rows[index], delivery);
  });
}

// ---- borders -----------------------------------------------------------------------------------

std::vector<std::vector<size_t>> SingleBorders(const Trace& trace) {
  std::vector<std::vector<size_t>> rows;
  for (const size_t border : trace.Borders()) {
    for (const size_t at : {border - 1, border, border + 1}) {
      AddRow({at}, trace.bytes.size(), &rows);
    }
  }
  Unique(&rows);
  return rows;
}

std::vector<std::vector<size_t>> PairsOfBorders(const Trace& trace) {
  std::vector<std::vector<size_t>> rows;
  const std::vector<size_t> borders = trace.Borders();
  for (size_t i = 0; i + 1 < borders.size(); ++i) {
    for (const size_t first : {borders[i] - 1, borders[i], borders[i] + 1}) {
      for (const size_t second : {borders[i + 1] - 1, borders[i + 1], borders[i + 1] + 1}) {
        AddRow({first, second}, trace.bytes.size(), &rows);
      }
    }
  }
  std::erase_if(rows, [](const std::vector<size_t>& row) { return row.size() != 2; });
  Unique(&rows);
  return rows;
}

std::vector<std::vector<size_t>> BordersTogether(const Trace& trace) {
  std::vector<std::vector<size_t>> rows;
  const std::vector<size_t> borders = trace.Borders();
  for (const ptrdiff_t by : {0, -1, 1}) {
    std::vector<size_t> row = borders;
    for (size_t& at : row) at += static_cast<size_t>(by);
    AddRow(std::move(row), trace.bytes.size(), &rows);
  }
  return rows;
}

std::vector<std::vector<size_t>> WithinParts(const Trace& trace) {
  std::vector<std::vector<size_t>> rows;
  const size_t size = trace.bytes.size();
  for (const PduBorders& pdu : trace.pdus) {
    std::vector<size_t> header;
    std::vector<size_t> behind;
    if (pdu.header_digest_end > pdu.bhs_end) {
      for (size_t at = pdu.bhs_end - 1; at <= pdu.header_digest_end; ++at) header.push_back(at);
    }
    if (pdu.data_end > pdu.header_digest_end) {
      const size_t middle = pdu.header_digest_end + (pdu.data_end - pdu.header_digest_end) / 2;
      behind = {pdu.header_digest_end, pdu.header_digest_end + 1, middle};
      for (size_t at = pdu.data_end - 1; at <= pdu.end + 1; ++at) behind.push_back(at);
    }
    for (const size_t at : header) AddRow({at}, size, &rows);
    for (const size_t at : behind) AddRow({at}, size, &rows);
    for (const size_t first : header) {
      for (const size_t second : behind) AddRow({first, second}, size, &rows);
    }
  }
  Unique(&rows);
  return rows;
}

}  // namespace pushpull::replay
