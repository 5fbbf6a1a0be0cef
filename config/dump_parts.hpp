#pragma once
// The parts of dump.cpp: sections of a configuration as YAML, and how values are written in all of
// them.

#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"
#include "config/yaml_writer.hpp"

namespace keepsake {

void dump_backends(const Config& config, YamlWriter& out);
void dump_routes(const Config& config, YamlWriter& out);
void dump_redis(const RedisConfig& redis, YamlWriter& out);
void dump_server_tls(int depth, const BackendTls& tls, YamlWriter& out);
void dump_error_pages(const Config& config, YamlWriter& out);

std::string dump_text(bool value);
// "{env: NAME}": where a secret is, never what it is.
std::string dump_text(const Secret& secret);
std::string dump_text(const std::vector<Cidr>& networks);
// "[a, b]" of texts that are YAML already.
std::string dump_list(const std::vector<std::string>& items);

template <typename Enum, std::size_t N>
std::string dump_word(Enum value, const std::string_view (&words)[N]) {
  return std::string{words[static_cast<std::size_t>(value)]};
}

}  // namespace keepsake
