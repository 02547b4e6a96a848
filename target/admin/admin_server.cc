#include "target/admin/admin_server.h"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "target/admin/reports.h"
#include "target/session/async_events.h"

namespace pushpull::target {
namespace {

constexpr std::string_view kHelp =
    "GET /counters\n"
    "GET /metrics\n"
    "GET /sessions\n"
    "POST /logout?tsih=N&connection=N&within_s=N\n"
    "POST /negotiate?tsih=N&connection=N&within_s=N\n"
    "POST /drop-connection?tsih=N&connection=N\n"
    "POST /drop-session?tsih=N&connection=N\n"
    "POST /stop?timeout_s=N\n";

constexpr int64_t kMaxSeconds = 65535;

struct Command {
  std::string_view path;
  AsyncRequest::Kind kind;
  bool has_time;
};
constexpr Command kCommands[] = {
    {"/logout", AsyncRequest::Kind::kLogout, true},
    {"/negotiate", AsyncRequest::Kind::kNegotiation, true},
    {"/drop-connection", AsyncRequest::Kind::kDropConnection, false},
    {"/drop-session", AsyncRequest::Kind::kDropSession, false},
};

// A whole number from 0 to `most`.
std::optional<uint64_t> NumberOf(const std::string& text, uint64_t most) {
  uint64_t number = 0;
  const bool digits = text.find_first_not_of("0123456789") == std::string::npos;
  if (!digits || !absl::SimpleAtoi(text, &number) || number > most) return std::nullopt;
  return number;
}

struct Checked {
  AsyncRequest request;
  std::optional<HttpAnswer> refusal = std::nullopt;
};

Checked RequestOf(const Command& command, const HttpRequest& http) {
  Checked checked;
  checked.request.kind = command.kind;
  for (const auto& [name, value] : http.parameters) {
    const bool tsih = name == "tsih";
    const bool connection = name == "connection";
    const bool time = name == "within_s" && command.has_time;
    if (!tsih && !connection && !time) {
      const std::string why =
          absl::StrCat(std::string(command.path), " has no parameter \"", name,
                       "\"; it has tsih, connection", command.has_time ? " and within_s" : "");
      return {{}, HttpError(400, why)};
    }
    const std::optional<uint64_t> number = NumberOf(value, connection ? UINT64_MAX : kMaxSeconds);
    if (!number.has_value()) {
      const std::string why = absl::StrCat(name, " is \"", value, "\", but must be a number",
                                           connection ? "" : " from 0 to 65535");
      return {{}, HttpError(400, why)};
    }
    if (tsih) checked.request.tsih = static_cast<uint16_t>(*number);
    if (connection) checked.request.connection = *number;
    if (time) checked.request.within_s = static_cast<uint16_t>(*number);
  }
  return checked;
}

}  // namespace

// One request and its answer.
class AdminServer::Connection {
 public:
  Connection(AdminServer* server, std::unique_ptr<fabric::Stream> stream)
      : server_(server),
        stream_(std::move(stream)),
        began_(server->loop_->Now()),
        timer_(server->loop_) {}
  ~Connection() { *life_ = nullptr; }

  // Closed once it is told so: for one beyond what there may be.
  static void TellBusy(fabric::Stream& stream) {
    std::string text = EncodeHttp(
        HttpError(503, "too many are connected to the admin socket: ask again in a few seconds"),
        true);
    const iovec buffer{text.data(), text.size()};
    stream.TryWrite({&buffer, 1});  // there is room for so little, or nobody to read it
  }

  // How long it has been there without having asked; nothing once it has.
  std::optional<absl::Duration> idle_for() const {
    if (asked_) return std::nullopt;
    return server_->loop_->Now() - began_;
  }

  void Start() {
    timer_.Start(server_->options_.time_limit, [this] { End(); });
    stream_->SetHandlers([this] { Read(); }, [this] { Write(); });
  }

 private:
  void Read() {
    std::array<char, 4096> bytes;
    const iovec buffer{bytes.data(), bytes.size()};
    while (!ended_) {
      const fabric::IoResult result = stream_->TryRead({&buffer, 1});
      if (result.kind == fabric::IoResult::Kind::kWouldBlock) return;
      if (result.kind != fabric::IoResult::Kind::kBytes) {
        // Who ends only his own direction still wants the answer.
        if (result.kind == fabric::IoResult::Kind::kEnd && asked_) {
          input_ended_ = true;
          return CheckEnd();
        }
        return End();
      }
      if (asked_) continue;  // nothing behind a request is looked at
      input_.append(bytes.data(), result.bytes);
      Parse();
    }
  }

  void Parse() {
    HttpParsed parsed = ParseHttp(input_);
    if (parsed.refusal.has_value()) {
      asked_ = true;
      return Respond(*parsed.refusal);
    }
    if (!parsed.request.has_value()) return;
    asked_ = true;
    with_body_ = parsed.request->method != "HEAD";
    timer_.Start(server_->options_.time_limit, [this] { End(); });
    server_->Handle(*parsed.request, [life = life_](HttpAnswer answer) {
      if (*life != nullptr) (*life)->Respond(answer);
    });
  }

  void Respond(const HttpAnswer& answer) {
    input_.clear();
    output_ = EncodeHttp(answer, with_body_);
    answered_ = true;
    Write();
  }

  void Write() {
    while (!ended_ && sent_ < output_.size()) {
      const iovec buffer{output_.data() + sent_, output_.size() - sent_};
      const fabric::IoResult result = stream_->TryWrite({&buffer, 1});
      if (result.kind == fabric::IoResult::Kind::kWouldBlock) return;
      if (result.kind != fabric::IoResult::Kind::kBytes) return End();
      sent_ += result.bytes;
    }
    if (ended_ || !answered_ || std::exchange(output_ended_, true)) return;
    stream_->ShutdownWrite();
    CheckEnd();
  }

  void CheckEnd() {
    if (input_ended_ && output_ended_) End();
  }

  // Not from within a handler's loop over its stream.
  void End() {
    if (std::exchange(ended_, true)) return;
    timer_.Cancel();
    stream_->Close();
    server_->loop_->Post([life = life_] {
      if (*life != nullptr) (*life)->server_->Remove(*life);
    });
  }

  AdminServer* const server_;
  std::unique_ptr<fabric::Stream> stream_;
  const absl::Time began_;
  fabric::Timer timer_;
  std::string input_;
  std::string output_;
  size_t sent_ = 0;
  bool asked_ = false;
  bool with_body_ = true;
  bool answered_ = false;
  bool input_ended_ = false;
  bool output_ended_ = false;
  bool ended_ = false;
  // Null inside once this is destroyed.
  const std::shared_ptr<Connection*> life_ = std::make_shared<Connection*>(this);
};

AdminServer::AdminServer(Target* target, fabric::Loop* loop, AdminOptions options)
    : target_(target), loop_(loop), options_(std::move(options)) {}

AdminServer::~AdminServer() { *life_ = nullptr; }

void AdminServer::Accept(std::unique_ptr<fabric::Stream> stream) {
  if (connections_.size() >= options_.max_connections && !RemoveIdle()) {
    return Connection::TellBusy(*stream);
  }
  auto connection = std::make_unique<Connection>(this, std::move(stream));
  Connection* const added = connection.get();
  connections_[added] = std::move(connection);
  added->Start();
}

// Who holds a connection and asks nothing keeps no others from asking: of those the one that has
// been there for longest goes.
bool AdminServer::RemoveIdle() {
  constexpr absl::Duration kTimeToAsk = absl::Seconds(1);
  Connection* idle = nullptr;
  absl::Duration longest = kTimeToAsk;
  for (const auto& [connection, owner] : connections_) {
    const std::optional<absl::Duration> time = connection->idle_for();
    if (!time.has_value() || *time < longest) continue;
    idle = connection;
    longest = *time;
  }
  if (idle != nullptr) Remove(idle);
  return idle != nullptr;
}

void AdminServer::Remove(Connection* connection) { connections_.erase(connection); }

void AdminServer::Handle(const HttpRequest& request, Answer answer) {
  if (request.method == "POST") {
    base::LogFields fields;
    fields.Add("command", request.path);
    for (const auto& [name, value] : request.parameters)
      fields.Add("parameter", name + "=" + value);
    options_.log.Write(base::LogLevel::kInfo, loop_->Now(), "admin", fields);
  }
  using Report = std::string (*)(const Target&, const std::vector<SessionInfo>&);
  const bool reads = request.method == "GET" || request.method == "HEAD";
  const auto report = [&](Report make, std::string_view type) {
    if (!reads) return answer(HttpError(405, request.path + " is asked for by GET"));
    target_->Describe([loop = loop_, life = life_, make, type,
                       answer = std::move(answer)](std::vector<SessionInfo> sessions) mutable {
      loop->Post([life = std::move(life), make, type, answer = std::move(answer),
                  sessions = std::move(sessions)]() mutable {
        // This server may have ended since.
        if (*life != nullptr) answer({.body = make(*(*life)->target_, sessions), .type = type});
      });
    });
  };
  if (request.path == "/counters") return report(CountersJson, "application/json");
  if (request.path == "/metrics") return report(CountersText, "text/plain; version=0.0.4");
  if (request.path == "/sessions") {
    return report([](const Target&,
                     const std::vector<SessionInfo>& sessions) { return SessionsJson(sessions); },
                  "application/json");
  }
  if (request.path == "/" && reads) {
    return answer({.body = std::string(kHelp), .type = "text/plain"});
  }
  const bool stop = request.path == "/stop";
  for (const Command& command : kCommands) {
    if (request.path != command.path) continue;
    if (request.method != "POST") break;
    Checked checked = RequestOf(command, request);
    if (checked.refusal.has_value()) return answer(*std::move(checked.refusal));
    return Announce(checked.request, std::move(answer));
  }
  if (stop && request.method == "POST") return Stop(request, std::move(answer));
  for (const Command& command : kCommands) {
    if (stop || request.path == command.path) {
      return answer(HttpError(405, request.path + " changes something: it is asked for by POST"));
    }
  }
  answer(HttpError(404, "there is no " + request.path + "; GET / says what there is"));
}

void AdminServer::Announce(const AsyncRequest& request, Answer answer) {
  const bool all = !request.tsih.has_value() && !request.connection.has_value();
  target_->Announce(request, [loop = loop_, all, answer = std::move(answer)](size_t count) mutable {
    loop->Post([all, count, answer = std::move(answer)]() mutable {
      if (count == 0 && !all) {
        return answer(HttpError(404,
                                "there is no such session, or it is about to end, or has nobody to "
                                "tell it to; GET /sessions says which there are"));
      }
      answer({.body = absl::StrCat("{\"sessions\": ", count, "}\n")});
    });
  });
}

void AdminServer::Stop(const HttpRequest& request, Answer answer) {
  std::optional<absl::Duration> timeout;
  for (const auto& [name, value] : request.parameters) {
    const std::optional<uint64_t> number = NumberOf(value, kMaxSeconds);
    if (name != "timeout_s" || !number.has_value()) {
      return answer(HttpError(400, "/stop has one parameter, timeout_s: a number from 0 to 65535"));
    }
    timeout = absl::Seconds(*number);
  }
  if (!options_.stop || !options_.stop(timeout)) {
    return answer(HttpError(409, "the target is being stopped already"));
  }
  answer({.body = "{\"stopping\": true}\n"});
}

}  // namespace pushpull::target
