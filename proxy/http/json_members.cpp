#include "http/json_members.hpp"

#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>
#include <boost/system/error_code.hpp>
#include <limits>

namespace keepsake {

namespace {

// What Boost.JSON's parser calls; false from any of these ends it.
struct JsonMembersReader {
  using Error = boost::system::error_code;
  using Text = boost::json::string_view;
  using Kind = JsonMembers::Kind;
  static constexpr std::size_t max_object_size = std::numeric_limits<std::size_t>::max();
  static constexpr std::size_t max_array_size = max_object_size;
  static constexpr std::size_t max_key_size = max_object_size;
  static constexpr std::size_t max_string_size = max_object_size;

  JsonMembersReader(std::vector<JsonMembers::Member>& to, std::size_t most)
      : members(to), limit(most) {}

  bool on_document_begin(Error&) { return true; }
  bool on_document_end(Error&) { return true; }
  bool on_object_begin(Error& error) {
    if (!objects.empty() && !value(Kind::Other, error)) {
      return false;
    }
    objects.emplace_back();
    return true;
  }
  bool on_object_end(std::size_t, Error&) {
    objects.pop_back();
    return true;
  }
  // Members of objects within an array have no path: their names are still compared.
  bool on_array_begin(Error& error) {
    const bool kept = value(Kind::Other, error);
    ++arrays;
    return kept;
  }
  bool on_array_end(std::size_t, Error&) {
    --arrays;
    return true;
  }
  bool on_key_part(Text part, std::size_t, Error&) { return keep(part); }
  bool on_key(Text part, std::size_t, Error& error) {
    keep(part);
    if (++names_seen > limit) {
      return fail(JsonError::TooManyMembers, error);
    }
    Object& object = objects.back();
    if (std::ranges::find(object.names, text) != object.names.end()) {
      return fail(JsonError::DuplicateName, error);
    }
    object.names.push_back(text);
    object.path = objects.size() > 1 ? objects[objects.size() - 2].path + '.' + text : text;
    text.clear();
    return true;
  }
  bool on_string_part(Text part, std::size_t, Error&) { return keep(part); }
  bool on_string(Text part, std::size_t, Error& error) {
    keep(part);
    return value(Kind::String, error);
  }
  bool on_number_part(Text part, Error&) { return keep(part); }
  bool on_int64(std::int64_t, Text part, Error& error) { return number(part, error); }
  bool on_uint64(std::uint64_t, Text part, Error& error) { return number(part, error); }
  bool on_double(double, Text part, Error& error) { return number(part, error); }
  bool on_bool(bool is, Error& error) {
    text = is ? "true" : "false";
    return value(Kind::Scalar, error);
  }
  bool on_null(Error& error) { return value(Kind::Other, error); }
  bool on_comment_part(Text, Error&) { return true; }
  bool on_comment(Text, Error&) { return true; }

  struct Object {
    std::string path;  // of its current member
    std::vector<std::string> names;
  };
  std::vector<JsonMembers::Member>& members;
  std::size_t limit;
  std::vector<Object> objects;
  std::string text;  // of the name or value that is being read
  std::size_t arrays = 0;
  std::size_t names_seen = 0;
  JsonError fault = JsonError::Malformed;

 private:
  bool fail(JsonError why, Error& error) {
    fault = why;
    error = boost::json::error::syntax;
    return false;
  }
  bool keep(Text part) {
    text.append(part.data(), part.size());
    return true;
  }
  bool number(Text part, Error& error) {
    keep(part);
    return value(Kind::Scalar, error);
  }
  // A value: of a member, unless it is in an array.
  bool value(Kind kind, Error& error) {
    if (objects.empty()) {
      return fail(JsonError::Malformed, error);  // the text is no object
    }
    if (arrays == 0) {
      members.push_back({objects.back().path, kind, kind == Kind::Other ? std::string{} : text});
    }
    text.clear();
    return true;
  }
};

}  // namespace

JsonError JsonMembers::parse(std::string_view json, Limits limits) {
  members_.clear();
  boost::json::parse_options options;
  options.max_depth = limits.depth;
  boost::json::basic_parser<JsonMembersReader> parser{options, members_, limits.members};
  boost::system::error_code error;
  const std::size_t read = parser.write_some(false, json.data(), json.size(), error);
  if (error || read != json.size()) {
    members_.clear();
    return parser.handler().fault;
  }
  return JsonError::None;
}

const JsonMembers::Member* JsonMembers::find(std::string_view path) const {
  const auto at = std::ranges::find(members_, path, &Member::path);
  return at == members_.end() ? nullptr : &*at;
}

JsonMembers::Kind JsonMembers::kind(std::string_view path) const {
  const Member* const member = find(path);
  return member == nullptr ? Kind::Absent : member->kind;
}

std::string_view JsonMembers::text(std::string_view path) const {
  const Member* const member = find(path);
  return member == nullptr || member->kind != Kind::String ? std::string_view{} : member->text;
}

}  // namespace keepsake
