#pragma once
// What `keepsake top` shows: two scrapes and the time between them as lines of text. Pure text;
// what came from the network can move no cursor.

#include <string>
#include <string_view>
#include <vector>

#include "commands/scrape.hpp"

namespace keepsake {

struct TopView {
  std::string url;
  std::string trouble;  // why the last scrape failed; shown in place of "since when"
  std::size_t width = 80;
  std::size_t height = 24;
};

// At most `height` lines of at most `width` columns, without line ends.
std::vector<std::string> top_screen(const Scrape& before, const Scrape& now, double seconds,
                                    double wall_now, const TopView& view);

}  // namespace keepsake
