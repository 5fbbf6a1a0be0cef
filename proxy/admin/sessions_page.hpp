#pragma once
// /sessions of the admin listener: who holds admin.token may list the sessions of a store by their
// hashed ids and end one, or list and end those with one value of session.index. Values and raw ids
// are never shown. Asked on the control thread; a worker asks the store, and nobody waits longer
// than a few seconds for it.

#include <boost/asio/awaitable.hpp>
#include <string_view>

#include "admin/admin_answer.hpp"
#include "io/asio.hpp"
#include "server/server.hpp"

namespace keepsake {

struct SessionsQuestion {
  std::string_view method;
  std::string_view path;   // /sessions or /sessions/HASH
  std::string_view query;  // limit=, after=, and the key of session.index
  std::string_view authorization;
};

// Whether a path belongs here.
bool is_sessions_path(std::string_view path);

// What the question's views point at, io and server stay until the answer is there.
asio::awaitable<AdminAnswer> sessions_page(asio::io_context& io, const Server& server,
                                           const SessionsQuestion& question);

}  // namespace keepsake
