#pragma once
// One answer of /metrics, read back: what `keepsake top` looks at. Pure text; what it does not
// understand it leaves out.

#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace keepsake {

struct ScrapeSample {
  std::map<std::string, std::string> labels;
  double value = 0;

  std::string_view label(const std::string& name) const;
};

class Scrape {
 public:
  using Labels = std::initializer_list<std::pair<std::string, std::string>>;

  // Prometheus' text format 0.0.4.
  static Scrape parse(std::string_view text);

  bool empty() const { return samples_.empty(); }
  // All samples of a name; none if there is none.
  const std::vector<ScrapeSample>& samples(const std::string& name) const;
  // Of those that have all these labels.
  double sum(const std::string& name, Labels labels = {}) const;

 private:
  std::map<std::string, std::vector<ScrapeSample>> samples_;
};

// The q-quantile of what a histogram counted between two scrapes, in seconds, as Prometheus'
// histogram_quantile guesses it. Negative: nothing was counted.
double quantile(const Scrape& before, const Scrape& now, const std::string& name, double q,
                Scrape::Labels labels = {});

}  // namespace keepsake
