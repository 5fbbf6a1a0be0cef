#pragma once
// Session values in header fields: whatever the session holds, what comes out is one line of
// visible ASCII (raw: of field content) without line breaks. Called by forward_request.

#include <string>
#include <string_view>

namespace keepsake {

// 0x21-0x7E except '%' and '+', and a space between two non-spaces, as they are; else uppercase
// %XX.
void append_percent(std::string_view utf8, std::string& out);

// A Display String of RFC 9651 3.3.8, quotes and leading '%' included.
void append_display_string(std::string_view utf8, std::string& out);

// RFC 4648 4, padded.
void append_base64(std::string_view bytes, std::string& out);

// The bytes themselves. False, and nothing appended, when they hold a C0 control or DEL. Spaces at
// the edges go out but no receiver keeps them (RFC 9110 5.5).
bool append_raw(std::string_view utf8, std::string& out);

// A JSON string (RFC 8259 7) in ASCII, quotes included; bytes that are not UTF-8 become U+FFFD.
void append_json_string(std::string_view utf8, std::string& out);

}  // namespace keepsake
