#include "config/config_files.hpp"

#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>
#include <system_error>

namespace keepsake {
namespace {

constexpr std::size_t max_files = 100;

bool counts(std::string_view name) {
  return !name.starts_with('.') && (name.ends_with(".yaml") || name.ends_with(".yml"));
}

bool is_folder(const std::string& path) {
  struct stat facts = {};
  return ::stat(path.c_str(), &facts) == 0 && S_ISDIR(facts.st_mode);
}

}  // namespace

std::optional<std::vector<std::string>> list_config_files(const std::string& path,
                                                          FileError& error) {
  if (!is_folder(path)) {
    return std::vector{path};
  }
  DIR* folder = ::opendir(path.c_str());
  if (folder == nullptr) {
    error = {std::generic_category().message(errno), errno == ENOENT};
    return std::nullopt;
  }
  std::vector<std::string> files;
  while (const dirent* entry = ::readdir(folder)) {
    if (counts(entry->d_name)) {
      files.push_back(path + (path.ends_with('/') ? "" : "/") + entry->d_name);
    }
  }
  ::closedir(folder);
  if (files.empty()) {
    error = {"the folder holds no file that ends in .yaml or .yml"};
    return std::nullopt;
  }
  if (files.size() > max_files) {
    error = {"the folder holds more than " + std::to_string(max_files) + " files"};
    return std::nullopt;
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::string file_state(const std::string& path) {
  struct stat facts = {};
  if (::stat(path.c_str(), &facts) != 0) {
    return "none: " + std::to_string(errno);
  }
  std::string state;
  if (S_ISDIR(facts.st_mode)) {
    FileError error;
    for (const std::string& file : list_config_files(path, error).value_or(
             std::vector<std::string>{})) {
      state += file + '\n';
    }
    return state;
  }
  const std::array<long long, 7> numbers{
      static_cast<long long>(facts.st_dev),  static_cast<long long>(facts.st_ino),
      static_cast<long long>(facts.st_size), facts.st_mtim.tv_sec,
      facts.st_mtim.tv_nsec,                 facts.st_ctim.tv_sec,
      facts.st_ctim.tv_nsec};
  for (const long long number : numbers) {
    state += std::to_string(number) + ' ';
  }
  return state;
}

}  // namespace keepsake
