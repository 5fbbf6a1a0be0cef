#include "admin/metrics_writer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>

#include "http/chars.hpp"

namespace keepsake {
namespace {

// q of one element of Accept, in thousandths; 0 also if it is none.
unsigned quality(std::string_view element) {
  std::size_t at = element.find(';');
  while (at != std::string_view::npos) {
    const std::size_t end = element.find(';', at + 1);
    const std::string_view parameter =
        trim(element.substr(at + 1, end == std::string_view::npos ? end : end - at - 1));
    if (parameter.size() > 2 && (parameter[0] == 'q' || parameter[0] == 'Q') &&
        parameter[1] == '=') {
      double q = 0;
      const char* const last = parameter.data() + parameter.size();
      const auto read = std::from_chars(parameter.data() + 2, last, q, std::chars_format::fixed);
      return read.ec == std::errc{} && q >= 0 && q <= 1 ? static_cast<unsigned>(q * 1000) : 0;
    }
    at = end;
  }
  return 1000;
}

std::string bound_text(std::int64_t micros) {
  const std::string text = fmt::format("{}", static_cast<double>(micros) / 1e6);
  // OpenMetrics wants the bounds as floating point numbers.
  return text.find('.') == std::string::npos ? text + ".0" : text;
}

}  // namespace

MetricsFormat choose_metrics_format(std::string_view accept) {
  unsigned open = 0;
  unsigned plain = 0;
  for_each_list_element(accept, [&](std::string_view element) {
    const std::string_view type = trim(element.substr(0, element.find(';')));
    if (equals_lower(type, "application/openmetrics-text")) {
      open = std::max(open, quality(element));
    } else if (equals_lower(type, "text/plain")) {
      plain = std::max(plain, quality(element));
    }
  });
  return open != 0 && open >= plain ? MetricsFormat::OpenMetrics : MetricsFormat::Prometheus;
}

std::string_view content_type(MetricsFormat format) {
  return format == MetricsFormat::OpenMetrics
             ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
             : "text/plain; version=0.0.4; charset=utf-8";
}

std::string metric_label(std::string_view name, std::string_view value) {
  std::string label{name};
  label += "=\"";
  for (const char c : value) {
    if (c == '\n') {
      label += "\\n";
      continue;
    }
    if (c == '"' || c == '\\') {
      label += '\\';
    }
    label += c;
  }
  return label += '"';
}

void MetricsWriter::head(std::string_view family, std::string_view type, std::string_view help) {
  fmt::format_to(std::back_inserter(out_), "# HELP {} {}\n# TYPE {} {}\n", family, help, family,
                 type);
}

void MetricsWriter::begin(std::string_view name, std::string_view help) {
  constexpr std::string_view kTotal = "_total";
  name_ = name;
  const bool counter = name.ends_with(kTotal);
  // In OpenMetrics the counter is called without its suffix, its sample with it.
  const bool shorten = counter && format_ == MetricsFormat::OpenMetrics;
  head(shorten ? name.substr(0, name.size() - kTotal.size()) : name, counter ? "counter" : "gauge",
       help);
}

void MetricsWriter::begin_histogram(std::string_view name, std::string_view help) {
  name_ = name;
  head(name, "histogram", help);
}

void MetricsWriter::line(std::string_view suffix, std::string_view labels, std::string_view value) {
  out_.append(name_).append(suffix);
  if (!labels.empty()) {
    out_.append("{").append(labels).append("}");
  }
  out_.append(" ").append(value).append("\n");
}

void MetricsWriter::sample(std::string_view labels, std::uint64_t value) {
  line("", labels, fmt::format("{}", value));
}

void MetricsWriter::sample(std::string_view labels, double value) {
  line("", labels, fmt::format("{}", value));
}

void MetricsWriter::histogram(std::string_view labels, const HistogramFigures& figures) {
  const std::string before = labels.empty() ? std::string{} : std::string{labels} + ",";
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    sum += figures.buckets[i];
    const std::string bound = i < kBucketMicros.size() ? bound_text(kBucketMicros[i]) : "+Inf";
    line("_bucket", before + metric_label("le", bound), fmt::format("{}", sum));
  }
  line("_sum", labels, fmt::format("{}", static_cast<double>(figures.nanoseconds) / 1e9));
  line("_count", labels, fmt::format("{}", sum));
}

std::string MetricsWriter::take() {
  if (format_ == MetricsFormat::OpenMetrics) {
    out_ += "# EOF\n";
  }
  return std::move(out_);
}

}  // namespace keepsake
