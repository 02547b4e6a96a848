// Persistent reservations that outlive the target (APTPL, SPC-4 §5.12.5): a file for each logical
// unit, "lun-NUMBER.reservations", in text, and there only while it is needed.

#ifndef TARGET_RESERVATION_FILE_H_
#define TARGET_RESERVATION_FILE_H_

#include <unistd.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "target/save_thread.h"
#include "target/scsi/device_server.h"
#include "target/scsi/reservation_state.h"

namespace pushpull::target {

class FileReservationStore final : public ReservationStore {
 public:
  struct Owner {
    std::string target_name;
    uint16_t lun = 0;
    std::string serial;
  };

  // `folder` is there. What is saved waits for the disk on `thread`; null: where Save is called.
  // `sync` is fsync, but for tests.
  FileReservationStore(const std::string& folder, Owner owner,
                       std::shared_ptr<SaveThread> thread = nullptr, int (*sync)(int) = fsync);

  // The file is always the one before or the new one, whole: what is new is written beside it, put
  // on stable storage, and then takes its name. Where it took its name, but that may not be on
  // stable storage, the one before is put back, so that a refused state doesn't come back with the
  // next start; after a power failure it may all the same.
  absl::Status Save(const ReservationState& state) override;
  bool has_thread() const override { return thread_ != nullptr; }
  void RunOnThread(absl::AnyInvocable<void()> job) override { thread_->Run(std::move(job)); }

  // What was saved; nothing of it if there is no file. Fails where the file can't be read, isn't
  // whole, or is another unit's: the message says what to do.
  absl::StatusOr<ReservationState> Load() const;

  const std::string& path() const { return path_; }

 private:
  // The file's text; nothing: no file.
  using Text = std::optional<std::string>;

  Text Read() const;
  // `took_its_place`: it is what is there now, on stable storage or not.
  absl::Status Replace(const Text& text, bool* took_its_place) const;
  absl::Status SyncFolder() const;

  const std::string folder_;
  const std::string path_;
  const Owner owner_;
  const std::shared_ptr<SaveThread> thread_;
  int (*const sync_)(int);
};

// Gives the unit a file in `folder`, which is made if it isn't there, and what the file says.
absl::Status KeepReservations(const std::string& folder, const std::string& target_name,
                              std::shared_ptr<SaveThread> thread, LogicalUnitOptions* unit);

}  // namespace pushpull::target

#endif  // TARGET_RESERVATION_FILE_H_
