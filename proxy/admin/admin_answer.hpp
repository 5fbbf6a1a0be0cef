#pragma once
// What the admin listener says to one request; made by its pages.

#include <string>
#include <string_view>

namespace keepsake {

struct AdminAnswer {
  unsigned status = 200;
  std::string_view type = "text/plain; charset=utf-8";
  std::string body;
  std::string_view allow;      // with 405
  std::string_view challenge;  // WWW-Authenticate, with 401
};

inline AdminAnswer admin_refusal(unsigned status, std::string text) {
  AdminAnswer answer;
  answer.status = status;
  answer.body = std::move(text) + "\n";
  return answer;
}

}  // namespace keepsake
