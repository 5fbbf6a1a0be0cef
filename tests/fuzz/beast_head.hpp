#pragma once
// Beast's reading of a message head, for the differential targets: what Keepsake accepts, Beast has
// to accept with the same fields.

#include <boost/beast/http/basic_parser.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fuzz.hpp"
#include "http/chars.hpp"
#include "http/head.hpp"

namespace keepsake::fuzz {

namespace http = boost::beast::http;
using boost::beast::string_view;
using boost::system::error_code;

template <bool isRequest>
class BeastHead final : public http::basic_parser<isRequest> {
 public:
  explicit BeastHead(std::string_view head) {
    this->header_limit(1 << 20);
    this->body_limit(boost::none);
    this->put(boost::asio::buffer(head.data(), head.size()), error);
  }

  std::string method, target;
  int version = 0;
  int status = 0;
  std::vector<std::pair<std::string, std::string>> fields;
  bool done = false;
  error_code error;

 private:
  void on_request_impl(http::verb, string_view method_text, string_view target_text,
                       int version_number, error_code&) override {
    method = std::string{method_text};
    target = std::string{target_text};
    version = version_number;
  }
  void on_response_impl(int code, string_view, int version_number, error_code&) override {
    status = code;
    version = version_number;
  }
  void on_field_impl(http::field, string_view name, string_view value, error_code&) override {
    fields.emplace_back(std::string{name}, std::string{value});
  }
  void on_header_impl(error_code&) override { done = true; }
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(string_view body, error_code&) override { return body.size(); }
  void on_chunk_header_impl(std::uint64_t, string_view, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, string_view body, error_code&) override {
    return body.size();
  }
  void on_finish_impl(error_code&) override {}
};

// Beast refuses these lists when they are malformed; Keepsake looks for its own tokens in them and
// forwards none of them, so nobody else reads them.
inline bool has_hop_list(const Head& head) {
  return head.has(FieldId::Connection) || head.has(FieldId::ProxyConnection) ||
         head.has(FieldId::Upgrade);
}

inline void must_have_fields(const Head& head,
                             const std::vector<std::pair<std::string, std::string>>& fields) {
  must(head.fields.size() == fields.size());
  for (std::size_t i = 0; i < fields.size(); ++i) {
    must(head.fields[i].name == fields[i].first && head.fields[i].value == fields[i].second);
  }
}

// The lines of an accepted head follow each other without a gap, and the look-up by id is right.
inline void check_lines(const Head& head, std::string_view start_line, std::string_view data) {
  const char* at = start_line.data() + start_line.size();
  std::array<std::uint16_t, kFieldIds> first{};
  for (std::size_t i = 0; i < head.fields.size(); ++i) {
    const Field& field = head.fields[i];
    must(field.line.data() == at && field.name.data() == at);
    must(field.line.substr(field.line.size() - 2) == "\r\n" && is_token(field.name));
    must(field.value.empty() || within(field.value, field.line));
    must(trim(field.value) == field.value);
    must(std::none_of(field.value.begin(), field.value.end(), [](char c) {
      return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == '\x7f';
    }));
    std::uint16_t& slot = first[static_cast<std::size_t>(field.id)];
    if (slot == 0 && field.exact) {
      slot = static_cast<std::uint16_t>(i + 1);
    }
    at += field.line.size();
  }
  must(first == head.first);
  must(std::string_view(at, 2) == "\r\n" && at + 2 == data.data() + head.size);
}

// Feeds `data` in growing parts to `parse` (which resumes). The way it is cut must not matter to
// what is accepted.
template <class AnyHead, class Parse>
void check_resumption(std::string_view data, bool accepted, const AnyHead& whole, Parse&& parse) {
  AnyHead head;
  head.reset(8);
  const std::size_t step = data.size() <= 128 ? 1 : data.size() / 16;
  for (std::size_t size = 0;; size = std::min(size + step, data.size())) {
    const HeadStatus status = parse(data.substr(0, size), head);
    if (status == HeadStatus::Ok) {
      must(accepted && head.size == whole.size && head.fields.size() == whole.fields.size());
      must(head.first == whole.first && size >= head.size);
      return;
    }
    if (status != HeadStatus::NeedMore) {
      must(!accepted);
      return;
    }
    if (size == data.size()) {
      must(!accepted);
      return;
    }
  }
}

}  // namespace keepsake::fuzz
