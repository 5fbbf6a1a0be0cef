#pragma once
// What nghttp2 calls, and how it is set up: the half of BackendSession that faces the library. The
// callbacks only record.

#include <nghttp2/nghttp2.h>

namespace keepsake {

const nghttp2_session_callbacks* backend_callbacks();

const nghttp2_option* backend_options();

// Where nghttp2 finds the bodies of requests.
nghttp2_data_provider request_body();

}  // namespace keepsake
