#include "session/json_members.hpp"

#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>
#include <limits>

namespace keepsake {

// What Boost.JSON's parser calls; false from any of these ends it.
struct JsonMembersReader {
  using Error = boost::json::error_code;
  using Text = boost::json::string_view;
  static constexpr std::size_t max_object_size = std::numeric_limits<std::size_t>::max();
  static constexpr std::size_t max_array_size = max_object_size;
  static constexpr std::size_t max_key_size = max_object_size;
  static constexpr std::size_t max_string_size = max_object_size;

  explicit JsonMembersReader(JsonMembers& to) : members(to.members_) {}

  bool on_document_begin(Error&) { return true; }
  bool on_document_end(Error&) { return true; }
  bool on_object_begin(Error& error) { return enter(error); }
  bool on_object_end(std::size_t, Error&) { return leave(); }
  // Members of objects within an array have no path: their names are still compared.
  bool on_array_begin(Error& error) {
    note(JsonMembers::Kind::Other);
    ++arrays;
    return depth != 0 || fail(error);
  }
  bool on_array_end(std::size_t, Error&) {
    --arrays;
    return true;
  }
  bool on_key_part(Text part, std::size_t, Error&) {
    name.append(part.data(), part.size());
    return true;
  }
  bool on_key(Text part, std::size_t, Error& error) {
    name.append(part.data(), part.size());
    std::vector<std::string>& names = objects.back().names;
    if (std::ranges::find(names, name) != names.end()) {
      return fail(error);
    }
    names.push_back(name);
    objects.back().path = objects.size() > 1 ? objects[objects.size() - 2].path + '.' + name : name;
    name.clear();
    return true;
  }
  bool on_string_part(Text part, std::size_t, Error&) {
    text.append(part.data(), part.size());
    return true;
  }
  bool on_string(Text part, std::size_t, Error& error) {
    text.append(part.data(), part.size());
    return value(JsonMembers::Kind::String, error);
  }
  bool on_number_part(Text, Error&) { return true; }
  bool on_int64(std::int64_t, Text, Error& error) { return value(JsonMembers::Kind::Other, error); }
  bool on_uint64(std::uint64_t, Text, Error& error) {
    return value(JsonMembers::Kind::Other, error);
  }
  bool on_double(double, Text, Error& error) { return value(JsonMembers::Kind::Other, error); }
  bool on_bool(bool, Error& error) { return value(JsonMembers::Kind::Other, error); }
  bool on_null(Error& error) { return value(JsonMembers::Kind::Other, error); }
  bool on_comment_part(Text, Error&) { return true; }
  bool on_comment(Text, Error&) { return true; }

  struct Object {
    std::string path;  // of its current member
    std::vector<std::string> names;
  };
  std::vector<JsonMembers::Member>& members;
  std::vector<Object> objects;
  std::string name;
  std::string text;
  std::size_t depth = 0;
  std::size_t arrays = 0;

 private:
  static bool fail(Error& error) {
    error = boost::json::error::syntax;
    return false;
  }
  bool enter(Error&) {
    if (depth++ != 0) {
      note(JsonMembers::Kind::Other);
    }
    objects.emplace_back();
    return true;
  }
  bool leave() {
    --depth;
    objects.pop_back();
    return true;
  }
  bool value(JsonMembers::Kind kind, Error& error) {
    const bool inside = depth != 0;
    note(kind);
    text.clear();
    return inside || fail(error);
  }
  bool note(JsonMembers::Kind kind) {
    if (arrays == 0 && !objects.empty()) {
      members.push_back(
          {objects.back().path, kind, kind == JsonMembers::Kind::String ? text : std::string{}});
    }
    return true;
  }
};

bool JsonMembers::parse(std::string_view json, std::size_t depth) {
  members_.clear();
  boost::json::parse_options options;
  options.max_depth = depth;
  boost::json::basic_parser<JsonMembersReader> parser{options, *this};
  boost::json::error_code error;
  const std::size_t read = parser.write_some(false, json.data(), json.size(), error);
  return !error && read == json.size();
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
  return member == nullptr ? std::string_view{} : std::string_view{member->text};
}

}  // namespace keepsake
