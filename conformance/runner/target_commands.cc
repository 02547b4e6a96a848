#include "conformance/runner/target_commands.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/shell_quote.h"
#include "conformance/runner/shell.h"

namespace pushpull::conformance {
namespace {

ShellCommand MakeCommand(const TargetCommands& commands, const std::string& command,
                         const std::string& what, const std::string& case_id,
                         const ResultFolder* folder) {
  ShellCommand shell;
  shell.command = command;
  shell.environment = {{"PUSHPULL_TARGET", commands.target}, {"PUSHPULL_CASE", case_id}};
  shell.limit = commands.limit;
  shell.cancelled = commands.cancelled;
  if (folder != nullptr) {
    // The file is made here, so that its folder is there.
    const std::string path = folder->CasePath(case_id, absl::StrCat(what, ".txt"));
    if (folder->Write(path, "").ok()) shell.output_path = absl::StrCat(folder->path(), "/", path);
  }
  return shell;
}

// Names of environment variables are letters, digits and underscores.
std::string VariableName(const std::string& name) {
  std::string out = "PUSHPULL_ARG_";
  for (const char c : name) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    out += plain ? c : '_';
  }
  return out;
}

}  // namespace

absl::Status RunCommand(const TargetCommands& commands, const std::string& command,
                        const std::string& what, const std::string& case_id,
                        const ResultFolder* folder) {
  if (command.empty()) return absl::OkStatus();
  return RunShell(MakeCommand(commands, command, what, case_id, folder));
}

absl::Status ShapeLink(const TargetCommands& commands, const v1::Fabric& fabric,
                       const std::string& case_id, const ResultFolder* folder) {
  const std::string command = absl::StrCat(
      base::ShellQuoted(commands.link), " shape ", fabric.loss_permille(), " ", fabric.delay_us(),
      " ", fabric.reorder_permille(), " ", fabric.duplicate_permille(), " ", fabric.mtu());
  return RunCommand(commands, command, "link", case_id, folder);
}

absl::Status ResetLink(const TargetCommands& commands, const std::string& case_id,
                       const ResultFolder* folder) {
  return RunCommand(commands, absl::StrCat(base::ShellQuoted(commands.link), " reset"),
                    "link_reset", case_id, folder);
}

CommandHooks::CommandHooks(const TargetCommands& commands, std::string case_id,
                           const ResultFolder* folder, fabric::Loop* loop, bool wait)
    : commands_(commands),
      case_id_(std::move(case_id)),
      folder_(folder),
      loop_(loop),
      wait_(wait) {}

CommandHooks::~CommandHooks() {
  cancelled_ = true;
  for (std::thread& thread : threads_) thread.join();
}

initiator_sim::Hook CommandHooks::hook() {
  if (commands_.hooks.empty()) return {};
  return [this](const v1::Trigger& trigger, initiator_sim::HookDone done) {
    Call(trigger, std::move(done));
  };
}

void CommandHooks::Call(const v1::Trigger& trigger, initiator_sim::HookDone done) {
  const auto it = commands_.hooks.find(trigger.hook());
  if (it == commands_.hooks.end()) {
    done(absl::NotFoundError("the profile has no command for it"));
    return;
  }
  ShellCommand shell =
      MakeCommand(commands_, it->second, absl::StrCat("hook_", trigger.hook()), case_id_, folder_);
  shell.cancelled = &cancelled_;
  shell.environment.emplace_back("PUSHPULL_HOOK", trigger.hook());
  for (const v1::Variable& argument : trigger.argument()) {
    const std::string value = argument.has_text()  ? argument.text()
                              : argument.has_raw() ? argument.raw()
                                                   : absl::StrCat(argument.number());
    shell.environment.emplace_back(VariableName(argument.name()), value);
  }
  if (wait_) {
    done(RunShell(shell));
    return;
  }
  threads_.emplace_back([this, shell = std::move(shell), done = std::move(done)]() mutable {
    absl::Status status = RunShell(shell);
    loop_->Post([done = std::move(done), status = std::move(status)]() mutable {
      done(std::move(status));
    });
  });
}

}  // namespace pushpull::conformance
