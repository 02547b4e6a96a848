// Connections and sessions of a play.

#include <utility>

#include "absl/strings/str_cat.h"
#include "initiator_sim/player/play.h"

namespace pushpull::initiator_sim {

absl::StatusOr<fabric::Address> Play::Portal(uint32_t number) const {
  if (number >= options_.portals.size()) {
    return absl::InvalidArgumentError(absl::StrCat("portal ", number, " is asked for, the run has ",
                                                   options_.portals.size(),
                                                   "; say so in needs { portals }"));
  }
  return options_.portals[number];
}

Link* Play::FindLink(const std::string& name) {
  const auto it = links_.find(name);
  return it == links_.end() ? nullptr : it->second.get();
}

Session* Play::FindSession(const std::string& name) {
  const auto it = sessions_.find(name);
  return it == sessions_.end() ? nullptr : it->second.get();
}

Session* Play::SessionOf(const std::string& name) {
  std::unique_ptr<Session>& session = sessions_[name];
  if (session == nullptr) {
    session = std::make_unique<Session>();
    session->name = name;
    session->isid = options_.isid;
    // The qualifier tells sessions of one initiator apart (RFC 7143 §11.12.5).
    const uint32_t qualifier =
        (uint32_t{session->isid[4]} << 8 | session->isid[5]) + next_session_++;
    session->isid[4] = static_cast<uint8_t>(qualifier >> 8);
    session->isid[5] = static_cast<uint8_t>(qualifier);
  }
  return session.get();
}

absl::StatusOr<Link*> Play::Open(const std::string& name, const std::string& session,
                                 const fabric::Address& address, const v1::Connect* connect) {
  std::unique_ptr<Link>& slot = links_[name];
  if (slot != nullptr) {
    if (slot->open() || slot->connecting) {
      return absl::InvalidArgumentError(
          absl::StrCat("connection ", name, " is open already; close it, or use another name"));
    }
    // What came on the old one stays to be judged.
    old_links_.push_back(std::move(slot));
  }
  slot = std::make_unique<Link>();
  Link* link = slot.get();
  link->name = name;
  link->session_name = session.empty() ? name : session;
  link->session = SessionOf(link->session_name);
  link->connecting = true;
  if (options_.rdma != nullptr) {
    OpenRdma(link, address, connect);
    return link;
  }
  options_.network->Connect(
      options_.loop, address,
      Guarded<absl::StatusOr<std::unique_ptr<fabric::Stream>>>(
          [this, link](absl::StatusOr<std::unique_ptr<fabric::Stream>> stream) {
            link->connecting = false;
            if (!stream.ok()) {
              link->connect_error = stream.status();
              return;
            }
            AttachStream(link, *std::move(stream));
          }));
  return link;
}

Link* Play::Adopt(const std::string& name, std::unique_ptr<fabric::Stream> stream) {
  std::unique_ptr<Link>& slot = links_[name];
  if (slot != nullptr) old_links_.push_back(std::move(slot));
  slot = std::make_unique<Link>();
  slot->name = name;
  slot->session_name = name;
  slot->session = SessionOf(name);
  AttachStream(slot.get(), std::move(stream));
  return slot.get();
}

void Play::AttachStream(Link* link, std::unique_ptr<fabric::Stream> stream) {
  TapConnection info = {.id = next_connection_id_++,
                        .name = link->name,
                        .session = link->session_name,
                        .local = stream->local(),
                        .peer = stream->peer()};
  // The channel calls from its own handlers only, and dies with the link.
  ChannelHandlers handlers;
  handlers.pdu = [this, link](Frame frame) {
    over_ ? OnLatePdu(link, frame.decoded.pdu) : OnPdu(link, std::move(frame));
    Wake();
  };
  handlers.ended = [this, link](std::string reason) {
    OnEnded(link, std::move(reason));
    Wake();
  };
  handlers.drained = [this] { Wake(); };
  link->channel = std::make_unique<StreamChannel>(
      std::move(stream), options_.loop, std::move(info), options_.tap,
      target_role() ? Direction::kToTarget : Direction::kToInitiator, std::move(handlers));
}

void Play::OnEnded(Link* link, std::string reason) {
  link->ended_by_peer = true;
  link->end_reason = std::move(reason);
}

void Play::CloseLink(Link* link, v1::CloseHow how) {
  if (link->channel == nullptr) return;
  if (how == v1::FIN_WRITE_ONLY) {
    link->channel->ShutdownWriteWhenDrained();
    return;
  }
  link->closed_by_us = true;
  if (how == v1::RST) {
    link->channel->Abort();
  } else {
    link->channel->Flush();
    link->channel->Close();
  }
}

std::vector<Link*> Play::OpenLinks() {
  std::vector<Link*> open;
  for (const auto& [name, link] : links_) {
    if (link->open() && !link->closed_by_us) open.push_back(link.get());
  }
  return open;
}

std::vector<const Link*> Play::AllLinks() const {
  std::vector<const Link*> all;
  for (const std::unique_ptr<Link>& link : old_links_) all.push_back(link.get());
  for (const auto& [name, link] : links_) all.push_back(link.get());
  return all;
}

void Play::NoteLogout(Session* session) {
  for (Link* link : OpenLinks()) {
    if (link->session == session) link->state.phase = LoginPhase::kLoggedOut;
  }
}

bool Play::CallHook(const v1::Trigger& trigger, HookDone done) {
  if (options_.hook == nullptr) return false;
  options_.hook(trigger, std::move(done));
  return true;
}

absl::Status Play::ListenAll() {
  if (options_.network == nullptr) {
    return absl::InvalidArgumentError("a scripted target is played over TCP alone");
  }
  if (options_.listen.empty()) {
    return absl::InvalidArgumentError("a scripted target needs an address to listen on");
  }
  for (const fabric::Address& address : options_.listen) {
    const size_t portal = listening_.size();
    auto listener =
        options_.network->Listen(options_.loop, address,
                                 Guarded<std::unique_ptr<fabric::Stream>>(
                                     [this, portal](std::unique_ptr<fabric::Stream> stream) {
                                       listening_[portal].accepted.push_back(std::move(stream));
                                     }));
    if (!listener.ok()) return listener.status();
    listening_.push_back({.listener = *std::move(listener), .accepted = {}});
  }
  return absl::OkStatus();
}

std::unique_ptr<fabric::Stream> Play::TakeAccepted(uint32_t portal) {
  if (portal >= listening_.size() || listening_[portal].accepted.empty()) return nullptr;
  std::unique_ptr<fabric::Stream> stream = std::move(listening_[portal].accepted.front());
  listening_[portal].accepted.pop_front();
  return stream;
}

}  // namespace pushpull::initiator_sim
