#include "fuzz/replay/minimise.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "base/delta_debug.h"
#include "base/status.h"
#include "fuzz/replay/shapes.h"

namespace pushpull::replay {
namespace {

// A place in the pieces: the first of a cut ends a feed there, each further one is a wait. Waits at
// 0 and at the end have no cut.
struct Point {
  size_t at;
  bool wait;
};

class Minimiser {
 public:
  Minimiser(const Trace& trace, const Delivery& found,
            const std::function<absl::StatusOr<bool>(const Delivery&)>& differs,
            const MinimiseOptions& options)
      : pieces_{found.source == Source::kPush,
                found.source == Source::kPush ? trace.messages() : trace.bytes.size()},
        differs_(differs),
        plays_left_(std::min(options.max_plays,
                             options.max_bytes / std::max<size_t>(trace.bytes.size(), 256))),
        best_(found),
        points_(PointsOf(found)) {}

  absl::StatusOr<Delivery> Run() {
    PUSHPULL_RETURN_IF_ERROR(SimplifyOptions());
    PUSHPULL_RETURN_IF_ERROR(DropPoints());
    PUSHPULL_RETURN_IF_ERROR(SimplifyOptions());
    PUSHPULL_RETURN_IF_ERROR(TryFewer());
    PUSHPULL_RETURN_IF_ERROR(MoveToTheFront());
    PUSHPULL_RETURN_IF_ERROR(SimplifyOptions());
    return best_;
  }

 private:
  // How many cuts are tried out exhaustively at the most.
  static constexpr size_t kMaxCuts = 3;

  static std::vector<Point> PointsOf(const Delivery& delivery) {
    std::vector<Point> points;
    size_t at = 0;
    size_t last_cut = 0;
    for (const Operation& operation : delivery.operations) {
      if (operation.kind == Operation::Kind::kEnd) break;
      at += operation.count;
      const bool wait = operation.kind == Operation::Kind::kNotYet;
      if (!wait) last_cut = points.size();
      points.push_back({at, wait});
    }
    // Where the last piece ends is no cut.
    if (at > 0) points.erase(points.begin() + static_cast<ptrdiff_t>(last_cut));
    return points;
  }

  Delivery With(const std::vector<Point>& points) const {
    Delivery delivery = best_;
    delivery.operations.clear();
    size_t at = 0;
    for (const Point& point : points) {
      if (point.at > at) pieces_.Add(point.at - at, &delivery);
      at = point.at;
      if (point.wait) delivery.NotYet();
    }
    if (at < pieces_.size) pieces_.Add(pieces_.size - at, &delivery);
    delivery.End();
    return delivery;
  }

  // Takes over what still differs.
  absl::StatusOr<bool> Try(const Delivery& delivery, std::vector<Point> points) {
    if (plays_left_ == 0) return false;
    --plays_left_;
    PUSHPULL_ASSIGN_OR_RETURN(const bool differs, differs_(delivery));
    if (differs) {
      best_ = delivery;
      points_ = std::move(points);
    }
    return differs;
  }
  absl::StatusOr<bool> Try(std::vector<Point> points) {
    const Delivery delivery = With(points);
    return Try(delivery, std::move(points));
  }

  absl::Status SimplifyOptions() {
    const std::function<void(Delivery*)> simpler[] = {
        [](Delivery* d) { d->not_yet_before_each_read = false; },
        [](Delivery* d) { d->end_with_last = false; },
        [](Delivery* d) { d->slots = 0; },
        [](Delivery* d) { d->queue_capacity = Delivery::kDefaultQueue; },
    };
    for (const auto& simplify : simpler) {
      Delivery delivery = best_;
      simplify(&delivery);
      if (delivery == best_) continue;
      PUSHPULL_RETURN_IF_ERROR(Try(delivery, points_).status());
    }
    return absl::OkStatus();
  }

  absl::Status DropPoints() {
    PUSHPULL_RETURN_IF_ERROR(Try(std::vector<Point>()).status());
    const auto without = [this](size_t at, size_t count) {
      std::vector<Point> fewer = points_;
      const auto first = fewer.begin() + static_cast<ptrdiff_t>(at);
      fewer.erase(first, first + static_cast<ptrdiff_t>(count));
      return Try(std::move(fewer));
    };
    return base::LeaveOut(points_.size(), without).status();
  }

  // Each delivery of 1, 2 ... cuts, as long as that is fewer than now and can be paid.
  absl::Status TryFewer() {
    for (size_t cuts = 1; cuts < std::min(points_.size(), kMaxCuts + 1); ++cuts) {
      const uint64_t ways = WaysToCut(pieces_, cuts);
      if (ways > plays_left_ / 2) return absl::OkStatus();
      PUSHPULL_ASSIGN_OR_RETURN(const bool found, TryEach(cuts, ways));
      if (found) return absl::OkStatus();
    }
    return absl::OkStatus();
  }

  absl::StatusOr<bool> TryEach(size_t cuts, uint64_t ways) {
    const std::unique_ptr<Shapes> shapes = EveryCut(pieces_, cuts);
    Delivery delivery = best_;
    for (uint64_t i = 0; i < ways; ++i) {
      delivery.operations.clear();
      shapes->Next(&delivery);
      PUSHPULL_ASSIGN_OR_RETURN(const bool differs, Try(delivery, PointsOf(delivery)));
      if (differs) return true;
    }
    return false;
  }

  // As many points as now, but the first in the trace for which it differs: all together where that
  // can be paid, else each point by itself.
  absl::Status MoveToTheFront() {
    const bool only_cuts =
        std::none_of(points_.begin(), points_.end(), [](const Point& point) { return point.wait; });
    const size_t cuts = points_.size();
    if (only_cuts && cuts >= 1 && cuts <= kMaxCuts) {
      const uint64_t ways = WaysToCut(pieces_, cuts);
      if (ways <= plays_left_) return TryEach(cuts, ways).status();
    }
    for (size_t i = 0; i < points_.size(); ++i) {
      // A wait stays with its cut.
      if (i + 1 < points_.size() && points_[i + 1].at == points_[i].at) continue;
      const size_t from = i == 0 ? 0 : points_[i - 1].at;
      if (from == points_[i].at) continue;
      for (size_t at = from + (points_[i].wait ? 0 : 1); at < points_[i].at; ++at) {
        std::vector<Point> moved = points_;
        moved[i].at = at;
        PUSHPULL_ASSIGN_OR_RETURN(const bool differs, Try(std::move(moved)));
        if (differs) break;
      }
    }
    return absl::OkStatus();
  }

  const Pieces pieces_;
  const std::function<absl::StatusOr<bool>(const Delivery&)>& differs_;
  uint64_t plays_left_;
  Delivery best_;
  std::vector<Point> points_;
};

}  // namespace

absl::StatusOr<Delivery> Minimise(
    const Trace& trace, const Delivery& found,
    const std::function<absl::StatusOr<bool>(const Delivery&)>& differs,
    const MinimiseOptions& options) {
  return Minimiser(trace, found, differs, options).Run();
}

}  // namespace pushpull::replay
