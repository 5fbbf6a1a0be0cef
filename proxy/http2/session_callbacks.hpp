#pragma once
// What nghttp2 calls, and how it is set up: the half of Http2Session that faces the library. The
// callbacks only record.

#include <nghttp2/nghttp2.h>

namespace keepsake {

const nghttp2_session_callbacks* session_callbacks();

const nghttp2_option* session_options();

// Where nghttp2 finds the bodies of responses.
nghttp2_data_provider response_body();

}  // namespace keepsake
