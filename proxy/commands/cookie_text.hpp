#pragma once
// The texts around `keepsake inspect`: taking a cookie's value out of what people paste, saying why
// a value is none, and showing a visitor's text in a terminal. Pure text.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"
#include "session/codec.hpp"
#include "session/key_ring.hpp"
#include "session/lifetime.hpp"

namespace keepsake {

// Whether `text` is the value of a cookie alone, without a name.
bool is_bare_value(std::string_view text);

// The values of the cookies called `name` in `text`: a bare value, NAME=VALUE, or a Cookie or
// Set-Cookie line. Empty if there is no such cookie in it.
std::vector<std::string_view> cookie_values(std::string_view text, std::string_view name);

// Why `cookie` did not open: one sentence that says what to look at.
std::string explain_closed(const SessionConfig& config, const KeyRing& keys,
                           std::string_view cookie, OpenStatus status);
// Why an opened session is over: one sentence with the figures.
std::string explain_over(const Lifetime& lifetime, const Session& session, OpenStatus status,
                         std::int64_t now);

// "2 d 3 h", "59 s": the two largest units of a duration.
std::string format_span(std::int64_t seconds);

// `text` in double quotes; what a terminal might obey as \xHH.
std::string quote_for_terminal(std::string_view text);

}  // namespace keepsake
