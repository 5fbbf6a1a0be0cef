#include "exchange/answer_options.hpp"

#include <algorithm>
#include <charconv>

#include "exchange/services.hpp"
#include "http/error_page.hpp"

namespace keepsake {

namespace {

// RFC 9110 7.6.2: a number larger than a recipient can hold may be replaced by the largest it can.
constexpr std::uint32_t kMost = 0xffffffff;

std::optional<std::uint32_t> read_number(std::string_view text) {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  if (text.empty() || !std::all_of(text.begin(), text.end(), digit)) {
    return std::nullopt;
  }
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc::result_out_of_range ? kMost : number;
}

// Several lines, or a value that is no number: the proxies on the way would count differently.
Fault read_max_forwards(Exchange& x, std::optional<std::uint32_t>& hops) {
  for (Field& field : x.work.request.fields) {
    if (field.id != FieldId::MaxForwards || !field.exact) {
      continue;
    }
    const std::optional<std::uint32_t> number = read_number(field.value);
    if (hops || !number) {
      x.note = "Max-Forwards is not one number";
      return Fault::BadRequest;
    }
    hops = number;
    field.drop = true;
  }
  return Fault::None;
}

std::string methods_of(const RouteConfig& route) {
  std::string allow;
  for (const std::string& method : route.methods) {
    allow.append(allow.empty() ? "" : ", ").append(method);
  }
  return allow.empty() ? std::string{kAllMethods} : allow;
}

}  // namespace

Fault answer_options(Exchange& x, bool& answered) {
  std::optional<std::uint32_t> hops;
  if (const Fault fault = read_max_forwards(x, hops); fault != Fault::None) {
    return fault;
  }
  answered = x.target.form == TargetForm::Asterisk || hops == 0U;
  if (answered) {
    x.reply.status = 204;
    x.reply.reason = reason_phrase(204);
    x.reply.allow = methods_of(*x.route);
    x.work.body.clear();
  }
  return Fault::None;
}

void append_max_forwards(const Exchange& x, std::string& out) {
  const Field* field = x.work.request.find(FieldId::MaxForwards);
  if (field == nullptr) {
    return;
  }
  const std::uint32_t hops = read_number(field->value).value_or(1);
  out.append("Max-Forwards: ").append(std::to_string(hops - 1)).append("\r\n");
}

}  // namespace keepsake
