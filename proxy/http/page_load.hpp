#pragma once
// Whether a client loads a page or wants data for a script. Pure functions of a request's head.

#include <string_view>

#include "http/head.hpp"

namespace keepsake {

// GET or HEAD that a browser makes to show a page: Sec-Fetch-Mode says navigate, or, where the
// client sends no Sec-Fetch-* at all, Accept names text/html.
bool is_page_load(const RequestHead& head);
// The same of a request that was made by another method.
bool is_page_load(const RequestHead& head, Method method);

// Of those, one for a page of its own and not for a frame within another (Sec-Fetch-Dest).
bool is_top_page(const RequestHead& head);
bool is_top_page(const RequestHead& head, Method method);

// Whether an Accept line names the media type itself, with another weight than 0. `type` is lower
// case.
bool names_media_type(const RequestHead& head, std::string_view type);

}  // namespace keepsake
