#include "target/reservation_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <string_view>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/descriptor.h"
#include "base/text_proto.h"
#include "google/protobuf/text_format.h"
#include "pushpull/v1/reservation_file.pb.h"
#include "target/scsi/reservations.h"

namespace pushpull::target {
namespace {

absl::Status Failed(const std::string& path, const char* what) {
  return absl::FailedPreconditionError(absl::StrCat(
      path, ": can't ", what, ": ", std::strerror(errno), "; look at the folder and at the disk"));
}

bool WriteAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

void Put(const Registration& registration, v1::FileRegistration* out) {
  out->set_initiator_name(registration.nexus.initiator_name);
  out->set_isid(registration.nexus.isid.data(), registration.nexus.isid.size());
  out->set_target_portal_group_tag(registration.nexus.target_portal_group_tag);
  out->set_key(registration.key);
  out->set_all_target_ports(registration.all_target_ports);
}

std::optional<Registration> Take(const v1::FileRegistration& in) {
  Registration registration;
  // As names are compared (RFC 7143 §4.2.7.2).
  registration.nexus.initiator_name = absl::AsciiStrToLower(in.initiator_name());
  if (in.isid().size() != registration.nexus.isid.size()) return std::nullopt;
  std::copy(in.isid().begin(), in.isid().end(), registration.nexus.isid.begin());
  if (in.target_portal_group_tag() > UINT16_MAX) return std::nullopt;
  registration.nexus.target_portal_group_tag = static_cast<uint16_t>(in.target_portal_group_tag());
  registration.key = in.key();
  registration.all_target_ports = in.all_target_ports();
  return registration;
}

// Nothing if it can't be so.
std::optional<ReservationState> StateOf(const v1::ReservationFile& file) {
  ReservationState state;
  state.persist = true;
  if (static_cast<size_t>(file.registration_size()) > Reservations::kMaxRegistrations) {
    return std::nullopt;
  }
  for (const v1::FileRegistration& one : file.registration()) {
    const auto registration = Take(one);
    if (!registration.has_value() || registration->key == 0) return std::nullopt;
    if (state.Find(registration->nexus) != nullptr) return std::nullopt;
    state.registrations.push_back(*registration);
  }
  if (file.type() == 0) return state;
  if (file.type() > UINT8_MAX) return std::nullopt;
  const auto type = ReservationTypeFrom(static_cast<uint8_t>(file.type()));
  if (!type.has_value() || state.registrations.empty()) return std::nullopt;
  state.reservation = Reservation{*type, {}};
  if (IsAllRegistrants(*type)) return state;
  const auto holder = Take(file.holder());
  if (!holder.has_value() || state.Find(holder->nexus) == nullptr) return std::nullopt;
  state.reservation->holder = holder->nexus;
  return state;
}

}  // namespace

FileReservationStore::FileReservationStore(const std::string& folder, Owner owner,
                                           std::shared_ptr<SaveThread> thread, int (*sync)(int))
    : folder_(folder),
      path_(absl::StrCat(folder, "/lun-", owner.lun, ".reservations")),
      owner_(std::move(owner)),
      thread_(std::move(thread)),
      sync_(sync) {}

absl::Status FileReservationStore::Save(const ReservationState& state) {
  v1::ReservationFile file;
  file.set_target_name(owner_.target_name);
  file.set_lun(owner_.lun);
  file.set_serial(owner_.serial);
  for (const Registration& one : state.registrations) Put(one, file.add_registration());
  if (state.reservation.has_value()) {
    file.set_type(static_cast<uint32_t>(state.reservation->type));
    const Registration* holder = state.Find(state.reservation->holder);
    if (holder != nullptr) Put(*holder, file.mutable_holder());
  }
  Text text;
  if (state.persist) google::protobuf::TextFormat::PrintToString(file, &text.emplace());
  const Text before = Read();
  bool took_its_place = false;
  absl::Status status = Replace(text, &took_its_place);
  // What comes of it is no more than the best that can be done.
  if (!status.ok() && took_its_place) Replace(before, &took_its_place).IgnoreError();
  return status;
}

FileReservationStore::Text FileReservationStore::Read() const {
  std::ifstream file(path_, std::ios::binary);
  if (!file) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

absl::Status FileReservationStore::Replace(const Text& text, bool* took_its_place) const {
  *took_its_place = false;
  if (!text.has_value()) {
    if (unlink(path_.c_str()) != 0 && errno != ENOENT) return Failed(path_, "remove it");
    *took_its_place = true;
    return SyncFolder();
  }
  const std::string beside = path_ + ".new";
  {
    const base::Descriptor file(
        open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (file.get() < 0) return Failed(beside, "write it");
    if (!WriteAll(file.get(), *text) || sync_(file.get()) != 0) return Failed(beside, "write it");
  }
  if (rename(beside.c_str(), path_.c_str()) != 0) return Failed(path_, "replace it");
  *took_its_place = true;
  return SyncFolder();
}

absl::Status FileReservationStore::SyncFolder() const {
  const base::Descriptor folder(open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() < 0 || sync_(folder.get()) != 0) return Failed(folder_, "write it");
  return absl::OkStatus();
}

absl::StatusOr<ReservationState> FileReservationStore::Load() const {
  const auto file = base::LoadTextProto<v1::ReservationFile>(path_);
  if (absl::IsNotFound(file.status())) return ReservationState{};
  if (!file.ok()) return file.status();
  if (file->target_name() != owner_.target_name || file->lun() != owner_.lun ||
      file->serial() != owner_.serial) {
    return absl::FailedPreconditionError(absl::StrCat(
        path_, ": it is of LUN ", file->lun(), " of ", file->target_name(), " with serial \"",
        file->serial(), "\"; remove it, or give the target another state_folder"));
  }
  auto state = StateOf(*file);
  if (!state.has_value()) {
    return absl::FailedPreconditionError(absl::StrCat(
        path_, ": what it says can't be; remove it, so that initiators register anew"));
  }
  return *std::move(state);
}

absl::Status KeepReservations(const std::string& folder, const std::string& target_name,
                              std::shared_ptr<SaveThread> thread, LogicalUnitOptions* unit) {
  if (mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return Failed(folder, "make it");
  struct stat info;
  if (stat(folder.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) {
    return absl::InvalidArgumentError(absl::StrCat(folder, ": it is no folder; name another one"));
  }
  if (access(folder.c_str(), W_OK | X_OK) != 0) return Failed(folder, "write it");
  auto store = std::make_shared<FileReservationStore>(
      folder, FileReservationStore::Owner{target_name, unit->number, unit->serial},
      std::move(thread));
  auto state = store->Load();
  if (!state.ok()) return state.status();
  unit->restored = std::make_shared<const ReservationState>(*std::move(state));
  unit->reservations = std::move(store);
  return absl::OkStatus();
}

}  // namespace pushpull::target
