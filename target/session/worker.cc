#include "target/session/worker.h"

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "base/check.h"
#include "target/session/connection.h"
#include "target/session/session.h"
#include "target/session/tcp_connection.h"

namespace pushpull::target {
namespace {

constexpr std::string_view kStopped = "the target is being stopped";
// What is said last is taken by the peer within this time, or is lost.
constexpr absl::Duration kFarewell = absl::Seconds(1);

}  // namespace

Worker::Worker(Node* node, fabric::Loop* loop, fabric::Network* network, uint64_t seed)
    : node_(node),
      loop_(loop),
      network_(network),
      random_(seed),
      tasks_(&counters_, &node->buffer_budget()),
      drain_timer_(loop) {}

Worker::~Worker() {
  CHECK(connections_.empty() && sessions_.empty() && retiring_ == 0) << "not shut down";
}

// ---- connections ------------------------------------------------------------------------------

void Worker::Accept(std::unique_ptr<fabric::Stream> stream) {
  // Refused, the stream's end closes it.
  if (Admits()) Add(std::make_unique<TcpConnection>(this, std::move(stream)))->Start();
}

bool Worker::Accept(std::unique_ptr<Connection> connection) {
  if (!Admits()) return false;
  Add(std::move(connection))->Start();
  return true;
}

bool Worker::Admits() {
  counters_.Add(Count::kConnectionsAccepted);
  const bool serves = !on_shutdown_ && !node_->stopping();
  if (serves && (node_->BeginLogin() || (EndSomeLogin() && node_->BeginLogin()))) return true;
  counters_.Add(Count::kConnectionsRefused);
  node_->log().Write(base::LogLevel::kWarning, loop_->Now(), "connection_refused", {});
  return false;
}

// Who never sent a byte keeps nobody from logging in: of those the oldest goes, and a whole
// max_logins of others has to come until that is somebody who was about to. Else a login takes
// milliseconds: who has taken so long keeps others from theirs.
bool Worker::EndSomeLogin() {
  constexpr absl::Duration kTimeToLogIn = absl::Seconds(1);
  Connection* oldest = nullptr;
  for (const auto& [connection, owner] : connections_) {
    if (!connection->place_taken().has_value()) continue;
    if (oldest == nullptr || connection->silent() > oldest->silent() ||
        (connection->silent() == oldest->silent() && connection->number() < oldest->number())) {
      oldest = connection;
    }
  }
  if (oldest == nullptr) return false;
  if (!oldest->silent() && loop_->Now() - *oldest->place_taken() < kTimeToLogIn) return false;
  oldest->Close();
  return true;
}

void Worker::Adopt(std::unique_ptr<fabric::Stream> stream, std::unique_ptr<LoginPhase> login) {
  if (*life_ == nullptr) return node_->EndLogin();  // shut down meanwhile
  Add(std::make_unique<TcpConnection>(this, std::move(stream)))->Resume(std::move(login));
}

void Worker::Adopt(std::unique_ptr<Connection> connection) {
  if (*life_ == nullptr) return node_->EndLogin();
  Add(std::move(connection))->Arrive(this);
}

std::unique_ptr<Connection> Worker::Release(Connection* connection) {
  const auto found = connections_.find(connection);
  CHECK(found != connections_.end());
  std::unique_ptr<Connection> released = std::move(found->second);
  connections_.erase(found);
  counters_.Add(Count::kConnections, -1);
  return released;
}

void Worker::EndMove() {
  --moving_;
  CheckShutdown();
  CheckDrained();
}

Connection* Worker::Add(std::unique_ptr<Connection> connection) {
  Connection* const added = connection.get();
  connections_[added] = std::move(connection);
  counters_.Add(Count::kConnections);
  return added;
}

void Worker::Retire(Connection* connection) {
  const auto found = connections_.find(connection);
  CHECK(found != connections_.end());
  ++retiring_;
  loop_->Post([this, retired = std::move(found->second)]() mutable {
    retired.reset();
    counters_.Add(Count::kConnections, -1);
    --retiring_;
    CheckShutdown();
    CheckDrained();
  });
  connections_.erase(found);
}

// ---- sessions ---------------------------------------------------------------------------------

void Worker::BeginClaim(SessionId id, Connection* connection) {
  claims_[id].connection = connection;
}

Connection* Worker::PeekClaim(SessionId id) {
  const auto found = claims_.find(id);
  return found == claims_.end() ? nullptr : found->second.connection;
}

Connection* Worker::TakeClaim(SessionId id) {
  const auto found = claims_.find(id);
  CHECK(found != claims_.end());
  Claim claim = std::move(found->second);
  claims_.erase(found);
  if (claim.connection == nullptr) {
    node_->registry().Release(id);
    for (auto& done : claim.on_end) done();
    CheckShutdown();
    CheckDrained();
  }
  return claim.connection;
}

void Worker::DropClaim(SessionId id) {
  const auto found = claims_.find(id);
  if (found != claims_.end()) found->second.connection = nullptr;
}

Session* Worker::AddSession(std::unique_ptr<Session> session) {
  Session* const added = session.get();
  sessions_[added->id()] = std::move(session);
  return added;
}

Session* Worker::FindSession(SessionId id) {
  const auto found = sessions_.find(id);
  return found == sessions_.end() ? nullptr : found->second.get();
}

void Worker::EndSession(SessionId id, absl::AnyInvocable<void()> done) {
  if (Session* const session = FindSession(id)) return session->End(std::move(done), "reinstated");
  const auto claim = claims_.find(id);
  if (claim == claims_.end()) return done();  // it has ended meanwhile
  if (done) claim->second.on_end.push_back(std::move(done));
  if (Connection* const connection = std::exchange(claim->second.connection, nullptr)) {
    connection->Close();
  }
}

void Worker::RemoveSession(SessionId id) {
  sessions_.erase(id);
  CheckShutdown();
  CheckDrained();
}

void Worker::EndAllSessions(std::string_view why, bool in_order) {
  std::vector<SessionId> ids;
  for (const auto& [id, session] : sessions_) ids.push_back(id);
  for (const SessionId id : ids) {
    Session* const session = FindSession(id);
    if (session == nullptr) continue;
    if (in_order) {
      session->EndInOrder(std::nullopt, why);
    } else {
      session->End({}, why);
    }
  }
}

// ---- administration -----------------------------------------------------------------------------

// For a defect.
bool Worker::AnyCommandIsMissing() const {
  return std::ranges::any_of(sessions_,
                             [](const auto& entry) { return entry.second->misses_commands(); });
}

std::vector<Session*> Worker::Sessions() const {
  std::vector<Session*> sessions;
  for (const auto& [id, session] : sessions_) sessions.push_back(session.get());
  std::ranges::sort(sessions, {}, &Session::id);
  return sessions;
}

std::vector<SessionInfo> Worker::SessionInfos() const {
  std::vector<SessionInfo> infos;
  for (Session* const session : Sessions()) infos.push_back(session->Info());
  return infos;
}

size_t Worker::Announce(const AsyncRequest& request) {
  size_t count = 0;
  Connection* first = nullptr;
  for (Session* const session : Sessions()) {
    Connection* const connection = session->connection();
    if (request.tsih.has_value() && session->tsih() != *request.tsih) continue;
    if (request.connection.has_value() &&
        (connection == nullptr || connection->number() != *request.connection)) {
      continue;
    }
    if (first == nullptr) first = connection;
    const bool on_first = node_->Has(Bug::kLogoutRequestOnOneConnection) && first != nullptr;
    if (session->async_events().Do(request, on_first ? first : connection)) ++count;
  }
  return count;
}

void Worker::Drain(absl::Duration timeout, absl::AnyInvocable<void()> done) {
  CHECK(!on_drained_ && node_->stopping());
  on_drained_ = std::move(done);
  // Before those of the requests: at the end of their time it is the sessions that are dropped.
  drain_timer_.Start(timeout, [this] { DropAll(); });
  AsyncRequest request;
  request.kind = AsyncRequest::Kind::kLogout;
  // Rounded up: nobody is dropped before the time that he was told.
  const int64_t seconds = absl::ToInt64Seconds(absl::Ceil(timeout, absl::Seconds(1)));
  request.within_s = static_cast<uint16_t>(std::clamp<int64_t>(seconds, 0, 0xffff));
  for (Session* const session : Sessions()) {
    Connection* const connection = session->connection();
    if (connection == nullptr) {
      session->End({}, kStopped);
    } else if (timeout > absl::ZeroDuration()) {
      session->async_events().Do(request, connection);
    }
  }
  std::vector<Connection*> open;
  for (const auto& [connection, owner] : connections_) open.push_back(connection);
  for (Connection* const connection : open) {
    if (connections_.contains(connection)) connection->StopLogin();
  }
  CheckDrained();
}

void Worker::DropAll() {
  AsyncRequest request;
  request.kind = AsyncRequest::Kind::kDropSession;
  for (Session* const session : Sessions()) {
    session->async_events().Do(request, session->connection());
  }
  BeginFarewell();
  CheckDrained();
}

// Connections that are ending take what was said last; logins that are under way hear of the stop.
void Worker::BeginFarewell() {
  if (std::exchange(farewell_, true)) return;
  drain_timer_.Start(kFarewell, [this] { EndDrain(); });
}

void Worker::CheckDrained() {
  if (!on_drained_ || !sessions_.empty() || !claims_.empty()) return;
  if (!connections_.empty() || retiring_ > 0 || moving_ > 0) return BeginFarewell();
  EndDrain();
}

void Worker::EndDrain() {
  drain_timer_.Cancel();
  if (on_drained_) loop_->Post(std::exchange(on_drained_, nullptr));
}

// ---- the end ----------------------------------------------------------------------------------

void Worker::Shutdown(absl::AnyInvocable<void()> done) {
  CHECK(!on_shutdown_);
  *life_ = nullptr;
  on_shutdown_ = std::move(done);
  drain_timer_.Cancel();
  EndAllSessions("the target has stopped");
  std::vector<Connection*> open;
  for (const auto& [connection, owner] : connections_) open.push_back(connection);
  for (Connection* const connection : open) {
    if (connections_.contains(connection)) connection->Close();
  }
  CheckShutdown();
}

void Worker::CheckShutdown() {
  if (!on_shutdown_ || !connections_.empty() || !sessions_.empty() || !claims_.empty() ||
      retiring_ > 0 || moving_ > 0) {
    return;
  }
  node_->buffer_budget().Forget(loop_);
  // When what is running has returned.
  loop_->Post(std::exchange(on_shutdown_, nullptr));
}

}  // namespace pushpull::target
