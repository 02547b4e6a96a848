#include "target/session/worker.h"

#include <utility>

#include "base/check.h"
#include "target/session/connection.h"
#include "target/session/session.h"
#include "target/session/tcp_connection.h"

namespace pushpull::target {

Worker::Worker(Node* node, fabric::Loop* loop, fabric::Network* network, uint64_t seed)
    : node_(node), loop_(loop), network_(network), random_(seed), tasks_(&counters_) {}

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
  if (!on_shutdown_ && node_->BeginLogin()) return true;
  counters_.Add(Count::kConnectionsRefused);
  return false;
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
  if (Session* const session = FindSession(id)) return session->End(std::move(done));
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
}

void Worker::EndAllSessions() {
  std::vector<SessionId> ids;
  for (const auto& [id, session] : sessions_) ids.push_back(id);
  for (const SessionId id : ids) {
    if (Session* const session = FindSession(id)) session->End({});
  }
}

// ---- the end ----------------------------------------------------------------------------------

void Worker::Shutdown(absl::AnyInvocable<void()> done) {
  CHECK(!on_shutdown_);
  *life_ = nullptr;
  on_shutdown_ = std::move(done);
  EndAllSessions();
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
  // When what is running has returned.
  loop_->Post(std::exchange(on_shutdown_, nullptr));
}

}  // namespace pushpull::target
