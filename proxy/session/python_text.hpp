#pragma once
// Strings as Python's json module spells them. Python's strings may hold lone surrogates; in memory
// they stand as three bytes each, as if they were characters, so that they can be written back.
// Called by flask_json and flask_codec.

#include <string>
#include <string_view>

namespace keepsake {

// Appends what the JSON string `literal`, quotes included, stands for. False if a lone surrogate is
// in it: then it is no text that UTF-8 can carry.
bool decode_json_string(std::string_view literal, std::string& out);

// Appends `text`, UTF-8 or with surrogates as above, the way Python's json.dumps does with
// ensure_ascii, quotes included.
void encode_json_string(std::string_view text, std::string& out);

}  // namespace keepsake
