#pragma once
// A configuration in a few sentences: what `keepsake run` shows at start and `keepsake check` when
// all is well. Pure text; never names a secret's content.

#include <string>
#include <vector>

#include "config/config.hpp"

namespace keepsake {

class Server;

// "http://127.0.0.1:8080", one per listener. With the `server` that listens: the ports that the
// kernel gave, and the addresses behind a name.
std::vector<std::string> describe_listeners(const Config& config, const Server* server = nullptr);
// "app: http://127.0.0.1:8081", one per backend.
std::vector<std::string> describe_backends(const Config& config);
// "sealed cookie session, gone after 24h without a visit or 31d in all; key 01234567 from ..."
std::string describe_sessions(const Config& config);

// Whether only processes of this machine reach it.
bool is_loopback(const SocketAddress& address);

// One sentence for each setting that works and may still not be what was meant, with its key in
// front.
std::vector<std::string> risks(const Config& config);

}  // namespace keepsake
