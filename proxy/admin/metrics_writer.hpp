#pragma once
// Writes metrics in Prometheus' text format 0.0.4 or in OpenMetrics 1.0: the same names, values and
// labels, in what each of them wants around. Called by metrics_text. Pure text.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/histogram.hpp"

namespace keepsake {

enum class MetricsFormat : std::uint8_t { Prometheus, OpenMetrics };

// What a scraper with this Accept header wants: OpenMetrics only if it names it and likes nothing
// better.
MetricsFormat choose_metrics_format(std::string_view accept);
std::string_view content_type(MetricsFormat format);

// name="value", with the value escaped; several are joined by a comma.
std::string metric_label(std::string_view name, std::string_view value);

class MetricsWriter {
 public:
  explicit MetricsWriter(MetricsFormat format) : format_(format) {}

  // Begins a metric; its samples follow. A name that ends in _total is a counter's, any other a
  // gauge's.
  void begin(std::string_view name, std::string_view help);
  void begin_histogram(std::string_view name, std::string_view help);

  // `labels` as metric_label makes them; may be empty.
  void sample(std::string_view labels, std::uint64_t value);
  void sample(std::string_view labels, double value);
  void histogram(std::string_view labels, const HistogramFigures& figures);

  // A metric of one sample without labels.
  template <class Number>
  void single(std::string_view name, std::string_view help, Number value) {
    begin(name, help);
    sample("", value);
  }

  // The whole text; the writer is empty afterwards.
  std::string take();

 private:
  void head(std::string_view family, std::string_view type, std::string_view help);
  void line(std::string_view suffix, std::string_view labels, std::string_view value);

  MetricsFormat format_;
  std::string name_;
  std::string out_;
};

}  // namespace keepsake
