#include "commands/scrape.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

namespace keepsake {
namespace {

constexpr std::size_t kMostSamples = 200'000;

// Reads {name="value",...} from the front of `rest`; false if it is none.
bool read_labels(std::string_view& rest, std::map<std::string, std::string>& labels) {
  rest.remove_prefix(1);
  while (!rest.empty() && rest.front() != '}') {
    const std::size_t equals = rest.find("=\"");
    if (equals == std::string_view::npos) {
      return false;
    }
    std::string& value = labels[std::string{rest.substr(0, equals)}];
    rest.remove_prefix(equals + 2);
    while (!rest.empty() && rest.front() != '"') {
      if (rest.front() == '\\' && rest.size() > 1) {
        rest.remove_prefix(1);
        value += rest.front() == 'n' ? '\n' : rest.front();
      } else {
        value += rest.front();
      }
      rest.remove_prefix(1);
    }
    rest.remove_prefix(std::min<std::size_t>(1, rest.size()));
    if (rest.starts_with(',')) {
      rest.remove_prefix(1);
    }
  }
  if (rest.empty()) {
    return false;
  }
  rest.remove_prefix(1);
  return true;
}

bool read_number(std::string_view text, double& value) {
  if (text == "+Inf") {
    value = std::numeric_limits<double>::infinity();
    return true;
  }
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  return read.ec == std::errc{} && read.ptr == text.data() + text.size() && std::isfinite(value);
}

bool has(const ScrapeSample& sample, Scrape::Labels labels) {
  return std::all_of(labels.begin(), labels.end(), [&](const auto& wanted) {
    return sample.label(wanted.first) == wanted.second;
  });
}

// Upper bound of each bucket -> how many were counted up to it.
std::map<double, double> buckets(const Scrape& scrape, const std::string& name,
                                 Scrape::Labels labels) {
  std::map<double, double> found;
  for (const ScrapeSample& sample : scrape.samples(name + "_bucket")) {
    double bound = 0;
    if (has(sample, labels) && read_number(sample.label("le"), bound)) {
      found[bound] += sample.value;
    }
  }
  return found;
}

}  // namespace

std::string_view ScrapeSample::label(const std::string& name) const {
  const auto found = labels.find(name);
  return found == labels.end() ? std::string_view{} : std::string_view{found->second};
}

Scrape Scrape::parse(std::string_view text) {
  Scrape scrape;
  std::size_t count = 0;
  while (!text.empty() && count < kMostSamples) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line.front() == '#') {
      continue;
    }
    const std::size_t name_end = std::min(line.find_first_of("{ "), line.size());
    const std::string name{line.substr(0, name_end)};
    line.remove_prefix(name_end);
    ScrapeSample sample;
    if (line.starts_with('{') && !read_labels(line, sample.labels)) {
      continue;
    }
    if (line.size() > 1 && line.front() == ' ' && read_number(line.substr(1), sample.value)) {
      scrape.samples_[name].push_back(std::move(sample));
      ++count;
    }
  }
  return scrape;
}

const std::vector<ScrapeSample>& Scrape::samples(const std::string& name) const {
  static const std::vector<ScrapeSample> none;
  const auto found = samples_.find(name);
  return found == samples_.end() ? none : found->second;
}

double Scrape::sum(const std::string& name, Labels labels) const {
  double sum = 0;
  for (const ScrapeSample& sample : samples(name)) {
    sum += has(sample, labels) ? sample.value : 0;
  }
  return sum;
}

double quantile(const Scrape& before, const Scrape& now, const std::string& name, double q,
                Scrape::Labels labels) {
  const std::map<double, double> then = buckets(before, name, labels);
  std::map<double, double> counted = buckets(now, name, labels);
  for (auto& [bound, count] : counted) {
    const auto old = then.find(bound);
    count -= old == then.end() ? 0 : std::min(old->second, count);
  }
  if (counted.empty() || counted.rbegin()->second <= 0) {
    return -1;
  }
  const double rank = q * counted.rbegin()->second;
  double below = 0;
  double lower = 0;
  for (const auto& [bound, count] : counted) {
    if (count >= rank) {
      const bool open = std::isinf(bound);  // nobody knows how far it goes
      return open || count == below ? lower
                                    : lower + (bound - lower) * (rank - below) / (count - below);
    }
    below = count;
    lower = bound;
  }
  return lower;
}

}  // namespace keepsake
