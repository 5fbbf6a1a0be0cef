// Runs a fuzz target without libFuzzer: every file of the given folders, each of its beginnings,
// and each of its bytes changed in a few telling ways. So a plain build guards what fuzzing once
// found.

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "fuzz.hpp"

namespace {

namespace fs = std::filesystem;

void run(const std::string& bytes) {
  // An allocation of the exact size lets AddressSanitizer see a read behind the end.
  const std::vector<std::uint8_t> input(bytes.begin(), bytes.end());
  LLVMFuzzerTestOneInput(input.data(), input.size());
}

// Longer seeds are varied at this many places only, evenly spread.
void run_variations(const std::string& seed, std::size_t places) {
  constexpr std::array<char, 9> kTelling{'\0', '\n', '\r', ' ', '%', ';', ',', '"', '\xff'};
  run(seed);
  const std::size_t step = std::max<std::size_t>(1, seed.size() / places);
  for (std::size_t i = 0; i < seed.size(); i += step) {
    run(seed.substr(0, i));
    std::string changed = seed;
    for (const char c : kTelling) {
      changed[i] = c;
      run(changed);
    }
    changed[i] = static_cast<char>(seed[i] ^ 0x20);
    run(changed);
    run(seed.substr(0, i) + seed.substr(i + 1));
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: %s PLACES FOLDER...\n", argv[0]);
    return 2;
  }
  const std::size_t places = std::max<std::size_t>(1, std::stoul(argv[1]));
  run({});
  std::size_t files = 0;
  for (int i = 2; i < argc; ++i) {
    for (const auto& entry : fs::recursive_directory_iterator(argv[i])) {
      if (!entry.is_regular_file()) {
        continue;
      }
      std::ifstream file(entry.path(), std::ios::binary);
      run_variations({std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()},
                     places);
      ++files;
    }
  }
  std::printf("%zu seeds and their variations\n", files);
  return files == 0 ? 1 : 0;
}
