// What keeps a fuzz input's play short, and its text form.

#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/text_format.h>

#include <algorithm>

#include "fuzz/mutator/scenario_mutator.h"

namespace pushpull::fuzz {
namespace {

constexpr uint32_t kMostBytes = 600'000;  // of generated data
constexpr uint32_t kMostSends = 40;       // of one step
constexpr uint32_t kMostConnections = 6;  // of one step
constexpr uint32_t kMostMs = 120'000;     // of virtual time in one step
constexpr uint32_t kMostValue = 70'000;   // bytes of one key's value
constexpr int kMostRepeated = 64;         // of patches, keys, cuts ... in one step

void AtMost(uint32_t most, uint32_t value, auto set) {
  if (value > most) set(most);
}

void TamePattern(v1::Data* data) {
  if (!data->has_pattern()) return;
  v1::Pattern* const pattern = data->mutable_pattern();
  AtMost(kMostBytes, pattern->length(), [&](uint32_t most) { pattern->set_length(most); });
  AtMost(kMostBytes / 512, pattern->length_in_blocks(),
         [&](uint32_t most) { pattern->set_length_in_blocks(most); });
}

void TameKeys(google::protobuf::RepeatedPtrField<v1::OfferedKey>* keys) {
  if (keys->size() > kMostRepeated)
    keys->DeleteSubrange(kMostRepeated, keys->size() - kMostRepeated);
  for (v1::OfferedKey& key : *keys) {
    AtMost(kMostValue, key.value_length(), [&](uint32_t most) { key.set_value_length(most); });
  }
}

void TameLogin(v1::LoginDriver* login) {
  TameKeys(login->mutable_key());
  login->clear_address_from();
  login->clear_portal();
  // A byte a request would make thousands of a long value.
  if (login->data_segment_length() != 0 && login->data_segment_length() < 32) {
    login->set_data_segment_length(32);
  }
}

void TameCommand(v1::Command* command) {
  TamePattern(command->mutable_write_data());
  if (command->write_data().form_case() == v1::Data::FORM_NOT_SET) command->clear_write_data();
}

void TameSend(v1::Send* send) {
  AtMost(kMostSends, send->count(), [&](uint32_t most) { send->set_count(most); });
  TameKeys(send->mutable_key());
  if (send->pdu().has_data()) TamePattern(send->mutable_pdu()->mutable_data());
  if (send->has_write_data()) TamePattern(send->mutable_write_data());
  auto* const patches = send->mutable_pdu()->mutable_patch();
  if (patches->size() > kMostRepeated) {
    patches->DeleteSubrange(kMostRepeated, patches->size() - kMostRepeated);
  }
}

void TameDrivers(v1::Step* step) {
  if (step->has_serve_r2ts()) {
    v1::ServeR2ts* const serve = step->mutable_serve_r2ts();
    serve->set_at_most_r2ts(kMostSends);
    if (serve->data_segment_length() != 0 && serve->data_segment_length() < 128) {
      serve->set_data_segment_length(128);
    }
  } else if (step->has_text_until_final()) {
    v1::TextUntilFinal* const text = step->mutable_text_until_final();
    text->set_at_most(kMostSends);
    TamePattern(text->mutable_data());
    TameKeys(text->mutable_offer());
    if (text->data_segment_length() != 0 && text->data_segment_length() < 32) {
      text->set_data_segment_length(32);
    }
  } else if (step->has_elapse()) {
    v1::Elapse* const elapse = step->mutable_elapse();
    if (elapse->milliseconds() > kMostMs) elapse->set_milliseconds(kMostMs);
  } else if (step->has_connections()) {
    v1::Connections* const many = step->mutable_connections();
    many->set_count(std::min(many->count(), kMostConnections));
    if (many->has_login()) TameLogin(many->mutable_login());
    if (many->has_command()) TameCommand(many->mutable_command());
  } else if (step->has_register_()) {
    v1::Register* const buffer = step->mutable_register_();
    AtMost(kMostBytes, buffer->length(), [&](uint32_t most) { buffer->set_length(most); });
    if (buffer->has_contents()) TamePattern(buffer->mutable_contents());
    buffer->set_length_in_blocks(std::min<uint32_t>(buffer->length_in_blocks(), 1024));
  }
}

// False: the step has no place in a fuzz input.
bool TameStep(bool iser, v1::Step* step) {
  step->clear_timeout_ms();
  auto* const cuts = step->mutable_delivery()->mutable_cut();
  if (cuts->size() > kMostRepeated) cuts->Truncate(kMostRepeated);
  step->mutable_delivery()->clear_not_yet();
  if (step->delivery().ByteSizeLong() == 0) step->clear_delivery();
  switch (step->action_case()) {
    case v1::Step::ACTION_NOT_SET:
    case v1::Step::kAccept:
    case v1::Step::kAcceptLogin:
    case v1::Step::kServe:
      return false;
    case v1::Step::kRegister:
    case v1::Step::kWithholdReceives:
    case v1::Step::kExpectRdma:
    case v1::Step::kDisconnect:
    case v1::Step::kHello:
      if (!iser) return false;
      break;
    case v1::Step::kConnect:
      step->mutable_connect()->clear_portal();
      step->mutable_connect()->clear_address_from();
      step->mutable_connect()->clear_port();
      break;
    case v1::Step::kLogin:
      TameLogin(step->mutable_login());
      break;
    case v1::Step::kSend:
      TameSend(step->mutable_send());
      break;
    case v1::Step::kCommand:
      TameCommand(step->mutable_command());
      break;
    default:
      break;
  }
  TameDrivers(step);
  return true;
}

}  // namespace

void Tame(const MutatorOptions& options, v1::Scenario* scenario) {
  scenario->clear_sweep();
  scenario->clear_trace();
  scenario->clear_session_delivery();
  scenario->clear_fabric();
  scenario->clear_ignore();
  scenario->set_role(v1::INITIATOR);
  scenario->set_epilogue(v1::NOTHING);
  auto* const steps = scenario->mutable_step();
  for (int i = 0; i < steps->size();) {
    if (TameStep(options.iser, steps->Mutable(i))) {
      ++i;
    } else {
      steps->DeleteSubrange(i, 1);
    }
  }
  const auto most = static_cast<int>(options.max_steps);
  if (steps->size() > most) steps->DeleteSubrange(most, steps->size() - most);
  // The text is at most four times as long (bytes in octal), and names of fields; by steps, since
  // the longest may be any.
  while (steps->size() > 0 && ToText(*scenario).size() > options.max_bytes) steps->RemoveLast();
}

v1::Scenario SeedOf(const MutatorOptions& options, const v1::Scenario& scenario) {
  v1::Scenario seed;
  *seed.mutable_let() = scenario.let();
  for (const v1::Step& step : scenario.step()) {
    v1::Step* const kept = seed.add_step();
    *kept = step;
    kept->clear_name();
    kept->clear_cite();
    kept->clear_note();
    kept->clear_level();
    if (kept->has_expect()) {
      for (v1::Alternative& alternative : *kept->mutable_expect()->mutable_one_of()) {
        alternative.clear_where();
        alternative.clear_why();
        alternative.clear_go_to();
        alternative.clear_ambiguity();
        alternative.clear_reading();
        alternative.clear_verdict();
        alternative.clear_ends();
        alternative.clear_key();
      }
    }
  }
  Tame(options, &seed);
  return seed;
}

std::string ToText(const v1::Scenario& scenario) {
  std::string text;
  google::protobuf::TextFormat::PrintToString(scenario, &text);
  return text;
}

bool FromText(const MutatorOptions& options, std::string_view text, v1::Scenario* scenario) {
  class Silent final : public google::protobuf::io::ErrorCollector {
   public:
    void AddError(int, int, const std::string&) override {}
  } silent;
  if (text.size() > options.max_bytes) return false;
  google::protobuf::TextFormat::Parser parser;
  parser.RecordErrorsTo(&silent);
  parser.SetRecursionLimit(40);
  google::protobuf::io::ArrayInputStream input(text.data(), static_cast<int>(text.size()));
  return parser.Parse(&input, scenario);
}

}  // namespace pushpull::fuzz
