#include "commands/inspect_command.hpp"

#include <fmt/format.h>

#include <iostream>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "commands/cookie_text.hpp"
#include "config/session_format.hpp"
#include "config/units.hpp"
#include "http/host.hpp"
#include "process/config_file.hpp"
#include "process/exit_code.hpp"
#include "routing/snapshot.hpp"
#include "session/codec_factory.hpp"

namespace keepsake {
namespace {

// More than all cookies that a browser sends.
constexpr std::size_t kMaxInput = 64 * 1024;

std::string read_input() {
  std::string text(kMaxInput, '\0');
  std::cin.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(std::cin.gcount()));
  return text;
}

class Inspector {
 public:
  Inspector(const Snapshot& snapshot, const std::string& host, std::int64_t now)
      : config_(snapshot.config.session),
        host_(host),
        now_(now),
        names_(snapshot.cookie_names),
        keys_(snapshot.keys),
        codec_(make_codec(config_, keys_, random_)),
        lifetime_(snapshot.cookie_lifetime) {}

  // Under the name at that place of cookie_names().
  int inspect(std::string_view cookie, std::size_t name) {
    Session session;
    const Opened opened = codec_->open(cookie, host_, name, session);
    if (opened.status != OpenStatus::Ok) {
      return refuse(opened.status, explain_closed(config_, *keys_, cookie, opened.status));
    }
    const OpenStatus status = judge(lifetime_, session, now_);
    print_seal(opened.key_index);
    if (name != 0) {
      line("name", names_[name] + " (a former one: the next response sets " + names_[0] + ")");
    }
    print_times(session, status);
    print_values(session);
    return status == OpenStatus::Ok
               ? kFine
               : refuse(status, explain_over(lifetime_, session, status, now_));
  }

  // The first name under which a value without one opens; the current one if none does.
  std::size_t name_of(std::string_view cookie) {
    Session session;
    for (std::size_t name = 0; name < names_.size(); ++name) {
      if (codec_->open(cookie, host_, name, session).status == OpenStatus::Ok) {
        return name;
      }
    }
    return 0;
  }

 private:
  static int refuse(OpenStatus status, const std::string& reason) {
    std::cout.flush();
    std::cerr << "keepsake: not a valid session: " << to_string(status) << ": " << reason << '\n';
    return kFailed;
  }

  static void line(std::string_view name, const std::string& text) {
    std::cout << fmt::format("{:<11}{}\n", name, text);
  }

  void print_seal(std::size_t key) const {
    line("format", std::string{to_string(config_.format)});
    line("key", keys_->id_hex(key) + " from " + config_.secrets[key].origin +
                    (key > 0 ? " (an older one: the next response seals it anew)" : ""));
  }

  void print_times(const Session& session, OpenStatus status) const {
    std::string id;
    for (const std::uint8_t byte : session.id) {
      id += fmt::format("{:02x}", byte);
    }
    line("id", session.has_id ? id : "none (format flask has no id)");
    if (session.has_id) {
      line("created", stamp(session.created));
    }
    line("touched", stamp(session.touched));
    if (session.lifetime) {
      line("lifetime", *session.lifetime == 0
                           ? "until the browser closes"
                           : format_span(*session.lifetime) + " without use, in the browser too");
    }
    if (session.binding) {
      line("bound", "to a key of the visitor's device");
    }
    const std::int64_t last = last_second(lifetime_, session);
    line("expires", format_date(last) + (last < session.created + lifetime_.absolute_timeout.count()
                                             ? " unless it is used before"
                                             : ""));
    line("remaining", status == OpenStatus::Ok ? format_span(last - now_) : "nothing");
  }

  std::string stamp(std::int64_t at) const {
    return format_date(at) + (at <= now_ ? " (" + format_span(now_ - at) + " ago)"
                                         : " (in " + format_span(at - now_) + ")");
  }

  void print_values(const Session& session) const {
    if (config_.store != SessionStoreKind::Cookie) {
      line("values", "in the store, which also ends the session when it idles");
      return;
    }
    line("values", std::to_string(session.size()));
    for (std::size_t i = 0; i < session.size(); ++i) {
      const auto [key, value] = session.at(i);
      std::cout << "  " << quote_for_terminal(key) << " = " << quote_for_terminal(value) << '\n';
    }
  }

  const SessionConfig& config_;
  const std::string& host_;
  std::int64_t now_;
  Random random_;
  const std::vector<std::string>& names_;
  std::shared_ptr<const KeyRing> keys_;
  std::unique_ptr<Codec> codec_;
  Lifetime lifetime_;
};

}  // namespace

int inspect_command(const InspectOptions& options) {
  const auto path = find_config_file(options.config_file, std::cerr);
  if (!path) {
    return kWrongInput;
  }
  const auto config = load_or_explain(*path, std::cerr);
  if (!config) {
    return kWrongInput;
  }
  const bool bound = config->session.cookie.bind_host;
  if (bound == options.host.empty()) {
    std::cerr << "keepsake: session.cookie.bind_host is "
              << (bound ? "true: say with --host HOST whose cookie this is\n"
                        : "false: no cookie is bound to a host, so --host has no meaning\n");
    return kWrongInput;
  }
  const Snapshot snapshot{*config};
  const std::string text = options.cookie == "-" ? read_input() : options.cookie;
  const std::optional<HostPort> parsed = parse_host(options.host);
  std::string host;
  fold_host(parsed ? parsed->host : std::string_view{options.host}, host);
  Inspector inspector{snapshot, host, unix_seconds(SystemClock{}.wall())};
  std::vector<std::pair<std::string_view, std::size_t>> cookies;
  if (is_bare_value(text)) {
    const std::string_view value = cookie_values(text, {}).front();
    cookies.emplace_back(value, inspector.name_of(value));
  } else {
    for (std::size_t name = 0; name < snapshot.cookie_names.size(); ++name) {
      for (const std::string_view value : cookie_values(text, snapshot.cookie_names[name])) {
        cookies.emplace_back(value, name);
      }
    }
  }
  if (cookies.empty()) {
    std::cerr << "keepsake: there is no cookie called " << config->session.cookie.name
              << " in this text\n";
    return kFailed;
  }
  int worst = kFine;
  for (std::size_t i = 0; i < cookies.size(); ++i) {
    if (cookies.size() > 1) {
      std::cout << (i == 0 ? "" : "\n") << "cookie " << i + 1 << " of " << cookies.size() << '\n';
    }
    worst = std::max(worst, inspector.inspect(cookies[i].first, cookies[i].second));
  }
  return std::cout.flush() ? worst : kFailed;
}

}  // namespace keepsake
