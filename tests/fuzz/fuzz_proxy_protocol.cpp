// The PROXY header: bounded, and its answer does not change with the bytes that follow.

#include <string>

#include "fuzz.hpp"
#include "http/proxy_protocol.hpp"

using namespace keepsake;
using fuzz::must;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = fuzz::as_text(data, size);
  ProxyHeader header;
  const ProxyParse result = parse_proxy_header(input, header);
  switch (result) {
    case ProxyParse::NeedMore:
      must(size < 16 + kMaxProxyV2Payload);
      break;
    case ProxyParse::Ok: {
      must(header.size >= 15 && header.size <= size);
      must(header.size <= (input.front() == 'P' ? 107 : 16 + kMaxProxyV2Payload));
      ProxyHeader again;
      must(parse_proxy_header(input.substr(0, header.size), again) == ProxyParse::Ok);
      must(again.size == header.size && again.source == header.source &&
           again.destination_port == header.destination_port);
      for (std::size_t part = 0; part < header.size; ++part) {
        must(parse_proxy_header(input.substr(0, part), again) == ProxyParse::NeedMore);
      }
      break;
    }
    case ProxyParse::Bad: {
      must(header.size == 0 && !header.has_addresses);
      must(parse_proxy_header(std::string{input} + "\r\n", header) == ProxyParse::Bad);
      break;
    }
  }
  return 0;
}
