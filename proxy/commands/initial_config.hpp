#pragma once
// The text of a first configuration: what `keepsake init` writes. Pure text; init_command asks the
// questions and checks the result.

#include <string>

namespace keepsake {

struct InitAnswers {
  std::string backend;        // URL of the service
  std::string listen;         // where clients connect
  std::string field;          // form field to remember
  bool sign_in = false;       // the service checks passwords, /account/* needs its word
  std::string certificate;    // with `key`: https
  std::string key;
  std::string redis;          // URL; empty: sessions in cookies
};

// `field` is a plain name: letters, digits, - and _.
std::string initial_configuration(const InitAnswers& answers);

}  // namespace keepsake
