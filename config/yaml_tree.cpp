#include "config/yaml_tree.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <map>
#include <sstream>

#include "config/yaml_text.hpp"

namespace keepsake {
namespace {

// Stands behind the text as a comment. yaml-cpp 0.7 takes the end of the file for the closing
// quote; then, and only then, this line turns up inside a scalar.
constexpr std::string_view end_marker = "#\x01keepsake end of file\x01";

struct Refused {
  Position position;
  std::string message;
};

Position to_position(const YAML::Mark& mark, int file) {
  return {mark.line + 1, mark.column + 1, file};
}

// Builds the tree from the parser's events. Throws Refused: yaml-cpp has no other way to be
// stopped.
class TreeBuilder final : public YAML::EventHandler {
 public:
  explicit TreeBuilder(int file) : file_(file) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (documents_++ > 0) {
      throw Refused{to_position(mark), "a second document starts here; a file holds one"};
    }
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    YamlNode node;
    node.position = to_position(mark);
    add(std::move(node), anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) {
      throw Refused{to_position(mark), "this alias refers to a value that contains it"};
    }
    count(found->second.nodes, to_position(mark));
    append(YamlNode{found->second.node}, 0);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    YamlNode node;
    node.kind = YamlNode::Kind::Scalar;
    node.position = to_position(mark);
    node.quoted = tag == "!" || tag == "tag:yaml.org,2002:str";
    if (!node.quoted) {
      refuse_tag(tag, node.position);
    }
    if (value.find(end_marker) != std::string::npos) {
      throw Refused{node.position, "the quote that opens here is never closed"};
    }
    node.text = value;
    count(node.text.size() / 64, node.position);  // an alias to a long text costs what it copies
    append(std::move(node), anchor, 1 + value.size() / 64);
    count(1, to_position(mark));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value style) override {
    open(YamlNode::Kind::Sequence, mark, tag, anchor, style);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value style) override {
    open(YamlNode::Kind::Map, mark, tag, anchor, style);
  }
  void OnMapEnd() override { close(); }

  YamlNode take_root() { return std::move(root_); }

 private:
  struct Open {
    YamlNode node;
    YAML::anchor_t anchor = 0;
    std::size_t nodes_before = 0;
    std::optional<YamlNode> key;  // of a map, while its value is awaited
  };
  struct Anchored {
    YamlNode node;
    std::size_t nodes = 0;
  };

  Position to_position(const YAML::Mark& mark) const {
    return keepsake::to_position(mark, file_);
  }

  static void refuse_tag(const std::string& tag, Position position) {
    if (!tag.empty() && tag != "?" && tag != "!") {
      throw Refused{position, "tags (" + path_step(tag) + ") have no meaning here"};
    }
  }

  void count(std::size_t nodes, Position position) {
    nodes_ += nodes;
    if (nodes_ > max_config_nodes) {
      throw Refused{position, "the file holds more than " + std::to_string(max_config_nodes) +
                                  " values, aliases filled in"};
    }
  }

  void add(YamlNode node, YAML::anchor_t anchor) {
    count(1, node.position);
    append(std::move(node), anchor);
  }

  // `node` is complete: into the innermost open collection with it, or it is the root.
  void append(YamlNode node, YAML::anchor_t anchor, std::size_t nodes = 1) {
    if (anchor != 0) {
      anchors_[anchor] = Anchored{node, nodes};
    }
    if (stack_.empty()) {
      root_ = std::move(node);
      return;
    }
    Open& top = stack_.back();
    if (top.node.kind == YamlNode::Kind::Sequence) {
      top.node.items.push_back(std::move(node));
    } else if (!top.key) {
      top.key = std::move(node);
    } else {
      if (node.kind == YamlNode::Kind::Null) {
        node.position = top.key->position;  // yaml-cpp gives the place of whatever comes next
      }
      top.node.keys.push_back(std::move(*top.key));
      top.node.items.push_back(std::move(node));
      top.key.reset();
    }
  }

  void open(YamlNode::Kind kind, const YAML::Mark& mark, const std::string& tag,
            YAML::anchor_t anchor, YAML::EmitterStyle::value style) {
    const Position position = to_position(mark);
    refuse_tag(tag, position);
    if (stack_.size() >= static_cast<std::size_t>(max_config_depth)) {
      throw Refused{position, "lists and maps are nested more than " +
                                  std::to_string(max_config_depth) + " deep"};
    }
    const std::size_t before = nodes_;
    count(1, position);
    Open entry;
    entry.node.kind = kind;
    entry.node.position = position;
    entry.node.flow = style == YAML::EmitterStyle::Flow;
    entry.anchor = anchor;
    entry.nodes_before = before;
    stack_.push_back(std::move(entry));
  }

  void close() {
    Open done = std::move(stack_.back());
    stack_.pop_back();
    append(std::move(done.node), done.anchor, nodes_ - done.nodes_before);
  }

  int file_;
  int documents_ = 0;
  std::size_t nodes_ = 0;
  YamlNode root_;
  std::vector<Open> stack_;
  std::map<YAML::anchor_t, Anchored> anchors_;
};

// yaml-cpp's words for the commonest mistakes, in words for people; its own where there are none.
std::string explain(const std::string& message) {
  static const std::map<std::string_view, std::string_view> words{
      {"end of map flow not found", "a { is never closed, or a comma is missing in it"},
      {"end of sequence flow not found", "a [ is never closed, or a comma is missing in it"},
      {"end of map not found", "expected a key here, indented like the keys above it"},
      {"end of sequence not found", "expected a - here, indented like those above it"},
      {"illegal map value",
       "a : stands where none can; is the line indented as it should be, or does a "
       "value need quotes?"},
      {"alias not found after *", "a value that begins with * needs quotes"},
      {"the referenced anchor is not defined",
       "no &anchor of this name stands above; a value that "
       "begins with * needs quotes"}};
  // yaml-cpp 0.8 adds the name of an anchor behind a colon.
  const auto found = words.find(std::string_view{message}.substr(0, message.find(':')));
  return found == words.end() ? message : std::string{found->second};
}

// What the end marker adds is not the user's to look at.
Position within(Position position, std::string_view text) {
  const auto lines = static_cast<int>(std::count(text.begin(), text.end(), '\n')) +
                     (text.empty() || text.ends_with('\n') ? 0 : 1);
  if (position.line <= lines) {
    return position;
  }
  return {lines, static_cast<int>(line_of(text, lines).size()) + 1, position.file};
}

}  // namespace

std::optional<YamlNode> parse_yaml(std::string_view text, Report& report, int file) {
  if (text.size() > max_config_bytes) {
    report.problem({0, 0, file}, "", "the file is larger than 1MiB");
    return std::nullopt;
  }
  if (const auto bad = find_bad_byte(text)) {
    report.problem({bad->line, bad->column, file}, "", "this byte is not text; the file must be UTF-8");
    return std::nullopt;
  }
  if (const auto tab = find_tab_indent(text)) {
    report.problem({tab->line, tab->column, file}, "", "a tab indents this line; YAML takes spaces only");
    return std::nullopt;
  }
  std::istringstream stream{std::string{text} + '\n' + std::string{end_marker} + '\n'};
  TreeBuilder builder{file};
  try {
    YAML::Parser parser{stream};
    while (parser.HandleNextDocument(builder)) {
    }
    return builder.take_root();
  } catch (const Refused& refused) {
    report.problem(refused.position, "", refused.message + flow_hint(text, refused.position.line));
  } catch (const YAML::Exception& error) {
    const Position position = within(to_position(error.mark, file), text);
    std::string message =
        "this is not YAML: " + explain(error.msg) + flow_hint(text, position.line);
    if (line_of(text, position.line).find('\t') != std::string_view::npos) {
      message += "; there is a tab in this line, YAML takes spaces only";
    }
    report.problem(position, "", std::move(message));
  }
  return std::nullopt;
}

}  // namespace keepsake
